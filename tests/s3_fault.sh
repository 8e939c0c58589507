#!/bin/bash
# SPDX-License-Identifier: MIT
# The fault server errs as commanded, as often as commanded, and nowhere else:
# seen by curl, without a signature.
. "${0%/*}/lib.sh"
requires curl

s3 fault
fault set anonymous=on stall_ms=300
printf '%s' 0123456789 | s3_client put "$BUCKET/ten" - x-amz-meta-a:1
bad=0

# see FAULT WANT [curl's arguments]: the fault is met once, by a request of the object or of $WHAT, and what comes has WANT
see() {
	local fault=$1 want=$2 what=${WHAT:-ten}
	shift 2
	fault forget
	fault rules "* * $fault times=1"
	curl -si --raw -m 60 -w '\n[%{errormsg}] [%{http_code}] [%{size_download}]' "$@" "$ENDPOINT/$BUCKET/$what" >"$TMP/said"
	grep -aqe "$want" "$TMP/said" || { echo "$fault: no $want in"; head -c 2000 "$TMP/said"; bad=1; }
	curl -sf -m 60 "$ENDPOINT/$BUCKET/$what" >"$TMP/after" ||
		[ "$fault" = vanish ] || { echo "$fault: the next request fails too"; bad=1; }
}

see reset 'Connection reset'
see close 'Empty reply'
see stall 'Empty reply'
see garbage 'HTTP/0.9'
see early=503,SlowDown 'HTTP/1.1 503'
see error=503,SlowDown '<Code>SlowDown</Code>'
see bare=500 'Content-Length: 0'
see html=502 'DOCTYPE html'
see redirect=307,http://elsewhere "Location: http://elsewhere/$BUCKET/ten"
see region=eu-west-1 'x-amz-bucket-region: eu-west-1'
see late-reset 'Connection reset'
see late-error=500,InternalError '<Code>InternalError'
see head-reset 'Connection reset'
see head-close '\[000\]\|\[200\] \[0\]'
see head-stall '\[000\]\|\[200\] \[0\]'
see body-reset=3 'Connection reset'
see body-close=3 'with 7 bytes remaining'
see body-stall=3 'with 7 bytes remaining'
see status=206 'HTTP/1.1 206'
see slow=200 0123456789
see drip=2,20 0123456789
see range-none 'HTTP/1.1 206' -r 2-3
grep -q 'Content-Range' "$TMP/said" && { echo 'range-none has one'; bad=1; }
see range-text=bytes '^Content-Range: bytes' -r 2-3
see range-shift=1 'Content-Range: bytes 3-4/10' -r 2-3
see range-size=5 'Content-Range: bytes 2-3/15' -r 2-3
see range-ignored 0123456789 -r 2-3
see range-short=1 'Content-Range: bytes 2-2/10' -r 2-3
see length=5 'with 5 bytes remaining'
see length=-5 '\[5\]$'
see length-none 0123456789
grep -q 'Content-Length' "$TMP/said" && { echo 'length-none has one'; bad=1; }
see chunked '^a'
see 'etag="x"' 'ETag: "x"'
see flip=0 '^.123456789'
see header=64 'x-amz-meta-large: 0000'
see headers=300 'x-amz-meta-299'
see gzip 'Content-Encoding: gzip'
see close-after 0123456789
for xml in bomb:'ENTITY e39' external:SYSTEM dtd:SYSTEM deep:'<a><a>' endless:'<IsTruncated>true' loop:Token no-token:true empty:true; do
	WHAT='?list-type=2' see "xml-${xml%%:*}" "${xml#*:}"
done
WHAT='?list-type=2' see xml-cut 'Contents\|Name'
grep -q '</ListBucketResult' "$TMP/said" && { echo 'xml-cut is whole'; bad=1; }
tag=$(s3_client head "$BUCKET/ten" | grep etag)
see replace '\[10\]$'
[ "$(s3_client head "$BUCKET/ten" | grep etag)" = "$tag" ] && { echo 'replace: the same etag'; bad=1; }
see vanish NoSuchKey

# counted: after two that pass, three times
printf x | s3_client put "$BUCKET/one" -
fault forget
fault rules 'GetObject */one error=500,InternalError after=2 times=3'
for _ in 1 2 3 4 5 6 7; do curl -s -o /dev/null -w '%{http_code} ' "$ENDPOINT/$BUCKET/one"; done >"$TMP/codes"
[ "$(cat "$TMP/codes")" = '200 200 500 500 500 200 200 ' ] || { cat "$TMP/codes"; bad=1; }
[ "$(fault log | grep -c "^GetObject $BUCKET/one - 500 .* error InternalError")" = 3 ] || { fault log; bad=1; }
exit $bad
