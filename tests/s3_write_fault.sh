#!/bin/bash
# SPDX-License-Identifier: MIT
# Every fault on every step of writing: a program that is told of no error has
# written the object; one that is told of one has left the old one; and when
# the fault is over it succeeds. Nothing half is left in the bucket.
. "${0%/*}/lib.sh"

at s3:fault?timeout=20s
fault set anonymous=on stall_ms=200
head -c 100000 /dev/urandom >"$TMP/small"
head -c 20000000 /dev/urandom >"$TMP/large"
head -c 20000000 /dev/urandom >"$TMP/old"
changed() { { head -c 10000000 "$TMP/old"; printf new; tail -c +10000004 "$TMP/old"; } >"$TMP/new"; }

# write KIND: a new small or large object, or a change in the middle of it
write() {
	case $1 in
	change) shim dd if=<(printf new) of="$PREFIX/o" bs=1 seek=10000000 conv=notrunc status=none ;;
	rename) shim mv "$PREFIX/o" "$PREFIX/p" ;;
	*) shim cp "$TMP/$1" "$PREFIX/o" ;;
	esac 2>"$TMP/err"
}
# another client than ours: curl, as nobody
theirs() { curl -sf --noproxy '*' "$@"; }
sum() { theirs "$ENDPOINT/$KEYS/$1" | md5sum; }
# step KIND OPERATION: all faults there
step() {
	local kind=$1 op=$2 f old new status seen
	for f in late-reset error=403,AccessDenied error=404,NoSuchUpload error=200,InternalError \
	    ${LONG:+reset close stall garbage early=503,SlowDown error=500,InternalError late-error=500,InternalError head-reset \
	    head-close head-stall late-close late-stall body-reset=5 body-close=5 body-stall=5 close-after slow=300 \
	    error=409,ConditionalRequestConflict error=412,PreconditionFailed error=400,BadDigest error=400,ExpiredToken \
	    error=403,RequestTimeTooSkewed error=403,QuotaExceeded error=429,TooManyRequests error=501,NotImplemented \
	    error=507,InsufficientStorage bare=500 bare=200 bare=204 html=200 html=403 html=502 length=5 length-none chunked \
	    redirect=307,http://elsewhere.invalid:1 region=eu-west-1 etag= header=64 headers=2000 gzip xml-cut xml-bomb}; do
		fault forget
		theirs -T "$TMP/old" "$ENDPOINT/$KEYS/o" || fail "put"
		theirs -X DELETE "$ENDPOINT/$KEYS/p"
		case $kind in change) changed ;; rename) cp "$TMP/old" "$TMP/new" ;; *) cp "$TMP/$kind" "$TMP/new" ;; esac
		old=$(md5sum <"$TMP/old") new=$(md5sum <"$TMP/new")
		shim ls "$PREFIX" >/dev/null
		fault rules "$op $BUCKET/part/* $f times=${TIMES:-1}"
		write "$kind"
		status=$?
		fault forget
		[ $kind = rename ] && { [ "$(sum o)" = "$new" ] || [ "$(sum p)" = "$new" ] || { echo "$op $f: neither name"; bad=1; }; }
		seen=$(sum $([ $kind = rename ] && [ $status = 0 ] && echo p || echo o))
		if [ $status = 0 ] && [ "$seen" != "$new" ]; then
			echo "$kind: $op $f: no error, and it is not written"; bad=1
		elif [ $status != 0 ] && [ $kind != rename ] && [ "$seen" != "$old" ] && [ "$seen" != "$new" ]; then
			echo "$kind: $op $f: neither old nor new"; bad=1
		fi
		[ $status = 0 ] || [ $kind = rename ] || { write "$kind"; [ "$(sum o)" = "$new" ]; } || { echo "$kind: $op $f: not the next time: $(cat "$TMP/err")"; bad=1; }
	done
}
step small PutObject
step large CreateMultipartUpload
step large UploadPart
step large CompleteMultipartUpload
step change HeadObject
step change UploadPartCopy
step change CompleteMultipartUpload
step rename CopyObject
step rename DeleteObject
# who writes the same key at the same time ends
fault rules "PutObject $BUCKET/part/* error=409,ConditionalRequestConflict times=3"
shim cp "$TMP/small" "$PREFIX/busy" || { echo 'three conflicts were not waited for'; bad=1; }
fault forget
# of an upload whose id was lost with the answer nobody but gc can know
uploads() { curl -s "$ENDPOINT/$BUCKET?uploads" | grep -o '<UploadId>' | wc -l; }
# CreateMultipartUpload has one such fault, with LONG many
most=1
[ "${LONG:-}" ] && most=20
[ "$(uploads)" -le $most ] || { echo "$(uploads) uploads are left"; bad=1; }
SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 gc --hours 0 "$PREFIX" >/dev/null
[ "$(uploads)" = 0 ] || { echo 'gc leaves one'; bad=1; }
exit $bad
