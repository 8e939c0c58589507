#!/bin/bash
# SPDX-License-Identifier: MIT
# A server that stored other bytes than it was sent, and says so only by the
# checksum or ETag it tells: the program is told EIO, what it wrote is kept, and
# the next try makes it good. With checksums of the whole, of parts, and none. A
# part is sent once more before: its bytes may have changed as it was sent.
. "${0%/*}/lib.sh"

at s3:fault
fault set anonymous=on
head -c 100000 /dev/urandom >"$TMP/small"
head -c 20000000 /dev/urandom >"$TMP/large"
export T="$TMP" P="$PREFIX"

stored() { s3_client get "$KEYS/$1" 2>/dev/null | cmp -s - "$TMP/$2"; }
# fsync twice: the first one is told of an error, the second one not
twice() {
	shim python3 -c '
import os, sys
fd = os.open(os.environ["P"] + "/" + sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
data, at, errors = open(os.environ["T"] + "/" + sys.argv[2], "rb").read(), 0, 0
while at < len(data):
	try:
		at += os.write(fd, data[at:at + 1000000])
	except OSError as e:
		if e.errno != 5: raise
		errors += 1
try:
	os.fsync(fd)
except OSError as e:
	if e.errno != 5: raise
	errors += 1
os.fsync(fd)
os.close(fd)
sys.exit(errors != int(sys.argv[3]))' "$@"
}
# row SUMS CALL FAULT DATA ERRORS: of a new object and of one that is replaced
row() {
	local name old
	for name in new there; do
		fault forget
		s3_client rm "$KEYS/new" >/dev/null 2>&1
		fault rules "$2 */$name $3 times=1"
		twice "$name" "$4" "$5" || { echo "$*: $name: not told as it should be"; bad=1; }
		stored "$name" "$4" || { echo "$*: $name: not made good"; bad=1; }
		fault log | grep -q " $3 " || { echo "$*: the fault was not met"; bad=1; }
	done
}
for sums in off composite full full:CRC64NVME; do
	end_agents
	at s3:fault
	P=$PREFIX
	kind=CRC32C
	case $sums in *:*) kind=${sums#*:} sums=${sums%:*} ;; esac
	fault set anonymous=on checksums=$sums sum=$kind
	s3_client put "$KEYS/there" "$TMP/small"
	shim cp "$TMP/small" "$TMP/large" "$PREFIX" || bad=1
	stored small small && stored large large || { echo "$sums: not what was written"; bad=1; }
	# the kind that this server has is found out, and kept
	shim sh -c 'for n in 1 2 3; do cp "$1/small" "$0/$n"; done' "$PREFIX" "$TMP" || bad=1
	fault forget
	shim cp "$TMP/small" "$TMP/large" "$PREFIX" || bad=1
	# Ceph 20 looks at no checksum without being told which one it is
	[ $sums = off ] || [ "$(fault headers | grep -E '^(PutObject|UploadPart) ' | grep -vc " x-amz-sdk-checksum-algorithm=$kind\>")" = 0 ] ||
		{ echo "$sums $kind: without its name"; fault headers; bad=1; }
	sent=$(fault headers | sed -n 's/^\(PutObject\|UploadPart\|Complete[^ ]*\) .* x-amz-checksum-\(crc[^=]*\)=.*/\1 \2/p' | sort -u | tr '\n' ' ')
	case $sums in
	off) want= ;;
	composite) want="PutObject ${kind,,} UploadPart ${kind,,} " ;;
	full) want="CompleteMultipartUpload ${kind,,} PutObject ${kind,,} UploadPart ${kind,,} " ;;
	esac
	[ "$sent" = "$want" ] || { echo "$sums $kind: $sent, and not $want"; fault headers; bad=1; }
	row $sums PutObject flip-stored small 1
	row $sums UploadPart flip-stored large 0
	fault forget
	fault rules "UploadPart */twice flip-stored"
	shim cp "$TMP/large" "$PREFIX/twice" 2>/dev/null && { echo "$sums: not told of a part"; bad=1; }
	# BadDigest is no loss yet: the parts are sent again
	row $sums CompleteMultipartUpload drop-part large $([ $sums = full ] && echo 0 || echo 1)
	[ $sums != full ] || row $sums CompleteMultipartUpload flip-part large 1
done

# cp: told at the close, and the spool has it
fault forget
fault rules "CompleteMultipartUpload */kept flip-part"
shim cp "$TMP/large" "$PREFIX/kept" 2>/dev/null && { echo 'cp is not told'; bad=1; }
fault forget
id=$(SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 recover | awk '/kept/ { print $1 }')
[ "$id" ] || { echo 'it is not kept'; bad=1; }
# the program goes on writing to a part that is on its way
changing() {
	local large=25000000
	end_agents
	rm -rf "$TMP"/agents/*
	at "s3:fault?write-bandwidth=12m"
	fault set anonymous=on checksums=$1 sum=CRC32C
	fault forget
	P=$PREFIX shim python3 -c '
import os, sys, time
size = int(sys.argv[1])
fd = os.open(os.environ["P"] + "/changing", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
data = bytearray(os.urandom(size))
assert os.write(fd, data) == size
for i in range(30):
	at = 8 * 2 ** 20 * (1 + i % 2) - 5000
	data[at:at + 3000] = os.urandom(3000)
	assert os.pwrite(fd, data[at:at + 3000], at) == 3000
	time.sleep(0.05)
os.fsync(fd)
open(os.environ["T"] + "/changed", "wb").write(data)
os.close(fd)' $large || { echo "$1: a part that changes as it is sent is an error"; fault log; bad=1; }
	stored changing changed || { echo "$1: not the bytes of a part that changed as it was sent"; bad=1; }
}
changing full
changing off
exit $bad
