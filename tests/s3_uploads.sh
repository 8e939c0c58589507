#!/bin/bash
# SPDX-License-Identifier: MIT
# Uploads by parts, as the server sees them: while the program still writes and
# several at once; a writer that is far ahead waits; parts of one length where the
# service wants that; objects of 5 TiB; a Complete whose answer never comes.
. "${0%/*}/lib.sh"
requires curl python3

at s3:fault
BASE=$TARGET
fault set anonymous=on
wrong() { echo "$*"; bad=1; }
head -c 40000000 /dev/urandom >"$TMP/data"
# stored NAME FILE: is what is in the bucket
stored() { s3_client get "$KEYS/$1" 2>/dev/null | cmp -s - "$2" || wrong "$1 in the bucket is not ${2##*/}"; }
count() { fault log | grep -c "^$1 "; }
uploads() { curl -s --noproxy '*' "$ENDPOINT/$BUCKET?uploads" | grep -o '<UploadId>' | wc -l; }

# ---- while it is written: it is open until three parts are there
fault rules "UploadPart * slow=200"
shim python3 -c 'import os, sys, time, urllib.request
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
data = open(sys.argv[2], "rb").read()
for at in range(0, len(data), 1000000): os.write(fd, data[at:at + 1000000])
until = time.monotonic() + 60
log = lambda: urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[3]).read().decode()
while log().count("UploadPart ") < 3:
    if time.monotonic() > until: sys.exit("no parts while it is open")
    time.sleep(0.05)
if "CompleteMultipartUpload" in log(): sys.exit("published before it is closed")
os.close(fd)' "$PREFIX/f" "$TMP/data" "$FAULT/log" || bad=1
stored f "$TMP/data"
[ "$(fault log | grep '^UploadPart ' | awk '{ print $8 }' | sort -u | wc -l)" -gt 1 ] || { wrong 'one part after the other:'; fault log; }
[ "$(count UploadPart)" = 5 ] || { wrong 'parts were sent twice'; fault log; }
fault forget

# ---- who writes faster than the bucket takes it waits: 340 MB, of which 256 MiB and parts on their way may be ahead
end_agents
TARGET="$BASE&write-bandwidth=20m"
shim python3 -c 'import os, sys, time
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
began = time.monotonic()
for _ in range(340): os.write(fd, bytes(1000000))
took = time.monotonic() - began
os.unlink(sys.argv[1])
os.close(fd)
sys.exit(took < 2 and "340 MB were taken in %g s" % took)' "$PREFIX/ahead" || bad=1
end_agents

# ---- parts of one length
TARGET="$BASE&part=8m"
fault set equal=on
cp "$TMP/data" "$NATIVE/e"
shim cp "$TMP/data" "$PREFIX/e" || wrong 'equal parts: a new file'
stored e "$NATIVE/e"
for change in 'printf new | dd of=e bs=1 seek=20000000 conv=notrunc status=none' 'printf tail >>e' 'truncate -s 39000001 e' \
    'truncate -s 45000000 e' 'printf head | dd of=e bs=1 conv=notrunc status=none' 'mv e e2; mv e2 e'; do
	(cd "$NATIVE" && eval "$change") && shim bash -c "cd '$PREFIX' && $change" || wrong "equal parts: $change"
	stored e "$NATIVE/e"
done
[ "$(count UploadPartCopy)" -gt 5 ] || wrong 'equal parts: nothing was copied'
# without it the service refuses, and the program is told
TARGET=$BASE
fault make "$KEYS/u 40000000 1"
shim dd if=<(printf new) of="$PREFIX/u" bs=1 seek=12345678 conv=notrunc status=none 2>"$TMP/err" && wrong 'unequal parts are no error'
fault make "$KEYS/old 40000000 1"
s3_client get "$KEYS/u" | cmp - <(s3_client get "$KEYS/old") || wrong 'unequal parts: it is changed'
SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 recover --drop >"$TMP/out" || bad=1
fault set equal=off

# ---- 5 TiB: a few bytes in the middle, in 10,000 parts at most
huge=$((5 << 40))
fault make "$KEYS/huge $huge 1" "$KEYS/same $huge 1"
piece() { curl -sS --noproxy '*' -r "$2-$(($2 + $3 - 1))" "$ENDPOINT/$KEYS/$1"; }
fault forget
middle=$((huge / 3 + 4711))
shim dd if="$TMP/data" of="$PREFIX/huge" bs=4096 count=1 oflag=seek_bytes seek=$middle conv=notrunc status=none || wrong '5 TiB: not changed'
parts=$(($(count UploadPart) + $(count UploadPartCopy)))
[ $parts -gt 1000 ] && [ $parts -le 10000 ] || wrong "5 TiB: $parts parts"
cmp <(piece huge $middle 4096) <(head -c 4096 "$TMP/data") || wrong '5 TiB: not the new bytes'
for from in 0 $((middle - 100000)) $((middle + 4096)) $((huge - 100000)); do
	cmp <(piece huge $from 100000) <(piece same $from 100000) || wrong "5 TiB: other bytes at $from"
done
[ "$(fault log | awk '{ n += $5 + $9 } END { print (n < 33554432) }')" = 1 ] || wrong '5 TiB: many bytes were moved'
# and what is written anew in as many parts as that has room for it: no byte is sent of what nobody wrote
shim python3 -c 'import errno, os, sys
fd = os.open(sys.argv[1], os.O_WRONLY)
try: os.pwrite(fd, b"x", 5 << 40)
except OSError as e: sys.exit(e.errno != errno.EFBIG and str(e))
sys.exit("more than 5 TiB")' "$PREFIX/huge" || bad=1
s3_client rm "$KEYS/huge"
s3_client rm "$KEYS/same"

# ---- a Complete without an answer: looked up, not repeated; and one that was not carried out
# lost FAULT MOST STATUS: so many of them, at most (libcurl repeats what a kept connection had no answer to at all)
lost() {
	fault forget
	s3_client rm "$KEYS/c" >/dev/null 2>&1
	fault rules "CompleteMultipartUpload * $1 times=1"
	shim cp "$TMP/data" "$PREFIX/c" 2>"$TMP/err"
	[ $? = "$3" ] || wrong "Complete, $1: status not $3: $(cat "$TMP/err")"
	[ "$(count CompleteMultipartUpload)" -le "$2" ] || { wrong "Complete, $1: more than $2 of them:"; fault log; }
	[ "$3" != 0 ] || { stored c "$TMP/data"; [ "$(count HeadObject)" -ge 2 ] || wrong "Complete, $1: not looked up"; }
	fault forget
	[ "$3" = 0 ] || { shim cp "$TMP/data" "$PREFIX/c" && stored c "$TMP/data"; } || wrong "Complete, $1: not the next time"
	[ "$(uploads)" = 0 ] || wrong "Complete, $1: an upload is left"
	SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 recover --drop >"$TMP/out" 2>&1
}
TARGET="$BASE&timeout=6s&ttl=0s"
lost late-stall 1 0
for f in late-reset late-close; do lost $f 2 0; done
for f in stall html=200 bare=200; do lost $f 1 1; done
# those of a copy by parts: a rename of more than 5 GiB
for f in late-stall late-reset; do
	fault make "$KEYS/big 6000000000 1"
	fault forget
	fault rules "CompleteMultipartUpload * $f times=1"
	shim mv "$PREFIX/big" "$PREFIX/big2" 2>"$TMP/err" || wrong "a copy's Complete, $f: $(cat "$TMP/err")"
	[ "$(count CompleteMultipartUpload)" = 1 ] || [ $f = late-reset ] || { wrong "a copy's Complete, $f: repeated"; fault log | tail; }
	[ "$(s3_client ls "$KEYS/big" | cut -f1,2)" = $'part/big2\t6000000000' ] || { wrong "a copy's Complete, $f:"; s3_client ls "$KEYS/"; }
	s3_client rm "$KEYS/big2"
done
exit $bad
