#!/bin/bash
# SPDX-License-Identifier: MIT
# What a small change of a large object moves, in bytes of bodies counted at the
# server in both directions: what was not changed is copied there.
. "${0%/*}/lib.sh"
requires curl python3

at s3:fault
fault set anonymous=on
gib=$((1 << 30))
middle=$((gib / 2 + 12345))
head -c 4096 /dev/urandom >"$TMP/new"
fault make "$KEYS/o $gib 1" "$KEYS/old $gib 1"

# piece NAME FROM LENGTH: of an object, past our client
piece() { curl -sS --noproxy '*' -r "$2-$(($2 + $3 - 1))" "$ENDPOINT/$KEYS/$1"; }
# as_ever FROM LENGTH [NAME]: that range is still the old one
as_ever() { cmp <(piece "${3:-o}" "$1" "$2") <(piece old "$1" "$2") || { echo "$what: bytes from $1"; bad=1; }; }
# moves MOST COMMAND...: of no more bytes
moves() {
	local most=$1 sum
	shift
	fault forget
	shim "$@" || { echo "$what: fails"; bad=1; }
	sum=$(fault log | awk '{ n += $5 + $9 } END { print n + 0 }')
	[ "$sum" -le "$most" ] && [ "$sum" -gt 0 ] || { echo "$what: $sum bytes were moved"; fault log; bad=1; }
}
size_is() { s3_client ls "$KEYS/$1" >"$TMP/listed"; grep -q "^part/$1	$2	" "$TMP/listed" || { echo "$what:"; cat "$TMP/listed"; bad=1; }; }

what='4 KiB in the middle'
moves $((32 << 20)) dd if="$TMP/new" of="$PREFIX/o" bs=4k oflag=seek_bytes seek=$middle conv=notrunc status=none
size_is o $gib
cmp <(piece o $middle 4096) "$TMP/new" || bad=1
as_ever $((middle - 20000000)) 20000000
as_ever $((middle + 4096)) 20000000
as_ever 0 100000
as_ever $((gib - 100000)) 100000

what='and the same again, of what was put together'
moves $((32 << 20)) dd if="$TMP/new" of="$PREFIX/o" bs=4k oflag=seek_bytes seek=$((middle + 100000)) conv=notrunc status=none
cmp <(piece o $middle 4096; piece o $((middle + 100000)) 4096) <(cat "$TMP/new" "$TMP/new") || bad=1
as_ever $((middle + 4096)) $((100000 - 4096))
as_ever $((gib - 100000)) 100000

what='appended'
moves $((32 << 20)) sh -c 'cat "$0" >>"$1"' "$TMP/new" "$PREFIX/o"
size_is o $((gib + 4096))
cmp <(piece o $gib 4096) "$TMP/new" || bad=1
as_ever 0 100000

what='cut in half'
moves $((32 << 20)) truncate -s $((gib / 2)) "$PREFIX/o"
size_is o $((gib / 2))
as_ever $((gib / 2 - 20000000)) 20000000

what='another name'
fault make "$KEYS/o $gib 1"
moves $((1 << 20)) mv "$PREFIX/o" "$PREFIX/p"
size_is p $gib
as_ever 0 1000000 p

what='other attributes'
TARGET="$TARGET&meta=object"
moves $((1 << 20)) chmod 640 "$PREFIX/p"
as_ever 500000000 1000000 p
exit $bad
