#!/bin/bash
# SPDX-License-Identifier: MIT
# Checksums of objects that are read as a whole: of all bytes, and of parts,
# whose sizes are asked for. What is not what was stored is EIO and is told;
# what cannot be known is read.
. "${0%/*}/lib.sh"
requires curl python3

at s3:fault
bad=0
head -c 3000000 /dev/urandom >"$NATIVE/x"
# sums KIND SIZE...: SUM of all, SUM of the parts' sums, and for x-amz-meta-parts: SIZE SUM ...
sums() {
	python3 - "$NATIVE/${FILE:-x}" "$@" <<'PY'
import sys, zlib, hashlib, base64
def reduced(c):
    for bit in range(8):
        c = c >> 1 ^ (0x9a6c9329ac4bc9b5 if c & 1 else 0)
    return c
table = [reduced(b) for b in range(256)]
def crc64nvme(b):
    c = 2 ** 64 - 1
    for x in b:
        c = table[(c ^ x) & 255] ^ c >> 8
    return (c ^ 2 ** 64 - 1).to_bytes(8, 'big')
def sum_of(kind, b):
    if kind == 'crc64nvme':
        return crc64nvme(b)
    return hashlib.sha256(b).digest() if kind == 'sha256' else zlib.crc32(b).to_bytes(4, 'big')
def text(b):
    return base64.b64encode(b).decode()
data = open(sys.argv[1], 'rb').read()
kind, parts, at = sys.argv[2], [], 0
for size in map(int, sys.argv[3:]):
    parts.append((size, sum_of(kind, data[at:at + size])))
    at += size
print(text(sum_of(kind, data)), text(sum_of(kind, b''.join(s for _, s in parts))),
      ' '.join('%d %s' % (n, text(s)) for n, s in parts))
PY
}
has_sums() { SHIM_MAP='' "$SHIM" report --s3 >"$TMP/report"; grep -q '^checksums:' "$TMP/report"; }
# looks NAME VERIFIED WRONG WANT HEADER...: the object with these headers, read by a new agent
looks() {
	local name=$1 verified=$2 wrong=$3 want=$4 said x=${FILE:-x}
	shift 4
	end_agents
	rm -rf "$TMP"/agents/*
	s3_client put "$KEYS/$x" "$NATIVE/$x" "$@"
	[ -z "${FLIP:-}" ] || fault rules "GetObject $KEYS/$x flip=$FLIP times=1"
	[ -z "${RULE_NOW:-}" ] || fault rules "$RULE_NOW"
	shim cat "$PREFIX/$x" >"$TMP/got" 2>"$TMP/said"
	said=ok
	[ -s "$TMP/said" ] && said=$(sed 's/.*: //' "$TMP/said")
	[ "$said" = "$want" ] || { echo "$name: $said, not $want"; bad=1; }
	[ "$want" != ok ] || cmp "$TMP/got" "$NATIVE/$x" || { echo "$name: other bytes"; bad=1; }
	# it may be looked at when the reader is gone
	[ "$verified" = 0 ] || await has_sums
	SHIM_MAP='' "$SHIM" report --s3 >"$TMP/report"
	grep -q "^checksums: $verified objects verified, $wrong wrong" "$TMP/report" || [ "$verified" = 0 ] ||
		{ echo "$name: not $verified verified, $wrong wrong"; cat "$TMP/report"; bad=1; }
	[ "$verified" != 0 ] || ! grep '^checksums' "$TMP/report" || { echo "$name: verified"; bad=1; }
	fault forget
}
EIO='Input/output error'
damaged() { # damaged HEADER...: a byte of the first part; the list of parts comes when all bytes are there
	end_agents
	rm -rf "$TMP"/agents/*
	s3_client put "$KEYS/y" "$NATIVE/y" "$@"
	fault rules "GetObject $KEYS/y flip=0 times=1" "GetObjectAttributes $KEYS/y slow=300"
	shim cat "$PREFIX/y" 2>&1 >/dev/null | sed 's/.*: //' >"$TMP/said"
	SHIM_MAP='' "$SHIM" report --s3 >"$TMP/report"
	fault forget
	grep -qx "$EIO" "$TMP/said" || { echo "damaged: $(cat "$TMP/said")"; bad=1; }
}
head -c 12000000 /dev/urandom >"$NATIVE/y"
head -c 100000 /dev/urandom >"$NATIVE/z"         # comes with its checksum
for kind in sha256:SHA256 crc32:CRC32; do
	h=x-amz-checksum-${kind%:*} tag=Checksum${kind#*:}
	read -r all parts list < <(sums "${kind%:*}" 1000000 5000 1000000 900000 95000)
	looks "$kind" 1 0 ok "$h:$all"
	FILE=z looks "$kind, wrong" 1 1 "$EIO" "$h:$parts"
	FILE=z FLIP=99999 looks "$kind, a byte" 1 1 "$EIO" "$h:$(FILE=z sums "${kind%:*}" 100000 | cut -d' ' -f1)"
	looks "$kind of parts" 1 0 ok "$h:$parts-5" "x-amz-checksum-type:COMPOSITE" "x-amz-meta-parts:$tag $list"
	looks "$kind of parts, as Ceph has it" 1 0 ok "$h:$parts" "x-amz-checksum-type:COMPOSITE" "x-amz-meta-parts:$tag $list"
	# what is no list of its parts proves nothing
	looks "$kind of others" 0 0 ok "$h:$all-5" "x-amz-meta-parts:$tag $list"
	looks "$kind of fewer" 0 0 ok "$h:$parts-5" "x-amz-meta-parts:$tag ${list% * *}"
	looks "$kind, no list" 0 0 ok "$h:$parts-5"
	RULE_NOW="GetObjectAttributes * error=403,AccessDenied" looks "$kind, forbidden" 0 0 ok "$h:$parts-5" "x-amz-meta-parts:$tag $list"
	RULE_NOW="GetObjectAttributes * xml-cut" looks "$kind, half a list" 0 0 ok "$h:$parts-5" "x-amz-meta-parts:$tag $list"
done
# one of all, whatever the object was made of
h=x-amz-checksum-crc64nvme
read -r all parts list < <(sums crc64nvme)
looks crc64nvme 1 0 ok "$h:$all" x-amz-checksum-type:FULL_OBJECT
looks 'crc64nvme, without a type' 1 0 ok "$h:$all"
FILE=z looks 'crc64nvme, wrong' 1 1 "$EIO" "$h:$all" x-amz-checksum-type:FULL_OBJECT
FILE=z FLIP=99999 looks 'crc64nvme, a byte' 1 1 "$EIO" "$h:$(FILE=z sums crc64nvme | cut -d' ' -f1)"
# who reads all is told at the end at the latest, however late the checksum comes; and waits no longer than it may take
read -r all parts list < <(sums sha256)
h=x-amz-checksum-sha256
FLIP=0 RULE_NOW="HeadObject $KEYS/x slow=700" looks 'a late checksum' 1 1 "$EIO" "$h:$all"
RULE_NOW="HeadObject $KEYS/x slow=700" looks 'a late checksum that is right' 1 0 ok "$h:$all"
RULE_NOW="HeadObject $KEYS/x error=403,AccessDenied" looks 'no checksum for us' 0 0 ok "$h:$all"
RULE_NOW="HeadObject $KEYS/x stall" looks 'a checksum that never comes' 0 0 ok "$h:$all"
read -r all parts list < <(FILE=y sums sha256 1000000 5000000 6000000)
damaged "x-amz-checksum-sha256:$parts-3" "x-amz-meta-parts:ChecksumSHA256 $list"
grep -q "the bytes of part 1 of it do not have its x-amz-checksum-sha256" "$TMP/report" || { cat "$TMP/report"; bad=1; }
exit $bad
