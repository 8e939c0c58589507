#!/bin/bash
# SPDX-License-Identifier: MIT
# The disk cache: what an agent read the next one does not ask the server for,
# unless the object was replaced or the file on disk is not what it was.
. "${0%/*}/lib.sh"
requires curl

at s3:fault
map=$TARGET
disk=$TMP/disk/cache
bad=0
fault make "$KEYS/"{large,other}" 20000000 1" "$KEYS/small 5000 2" "$KEYS/tiny 1 3"
for f in large small tiny; do s3_client get "$KEYS/$f" >"$NATIVE/$f"; done
TARGET="$map&timeout=20&disk=$disk"

# What is on disk is written behind the reader's back, one after the other: until what is read last is there.
marks=0
settled() {
	local mark=mark-$((++marks))
	echo "$mark is the last" | s3_client put "$KEYS/$mark" -
	shim cat "$PREFIX/$mark" >"$TMP/mark"
	await on_disk "$mark is the last" || bad=1
}
# ... or what came before it could not be written, and so nothing is for a while
on_disk() { grep -rqsaF "$1" "$disk" || grep -qs 'nothing is kept there' "$TMP"/agents/*/log; }
# reads NAME MOST FILE...: by a new agent, right, and with so many bytes from the server at most
reads() {
	local name=$1 most=$2 f
	shift 2
	end_agents
	rm -f "$TMP"/agents/*/log
	fault forget
	for f; do shim cat "$PREFIX/$f" 2>&1 | cmp - "$NATIVE/$f" || { echo "$name: $f is wrong"; bad=1; }; done
	settled
	fault log | grep -v /mark- >"$TMP/log"
	awk -v most="$most" -v name="$name" '{ sum += $5 } END { if (sum > most) { print name ": " sum " bytes came, not " most; exit 1 } }' "$TMP/log" ||
		{ head -20 "$TMP/log"; bad=1; }
}
reads "first" 20100000 large small tiny
[ "$(stat -c '%a %u' "$disk")" = "700 $(id -u)" ] || { stat "$disk"; bad=1; }
[ "$(du -s --apparent-size -B1 "$disk" | cut -f1)" -gt 20000000 ] || { ls -l "$disk"; bad=1; }
reads "again" 0 large small tiny
[ "$(grep -c '^GetObject.* 304 0 ' "$TMP/log")" = 3 ] && [ "$(grep -c ^GetObject "$TMP/log")" = 3 ] || { echo "again:"; cat "$TMP/log"; bad=1; }
SHIM_MAP='' "$SHIM" report --s3 >"$TMP/report"
grep -q '^disk: .* pieces of .* were there; read .*, written .*, 0 files damaged$' "$TMP/report" || { cat "$TMP/report"; bad=1; }
# in places, with another agent that knows the object by its listing
end_agents
fault forget
shim sh -c 'ls -l "$0" >/dev/null; dd if="$0/large" bs=4096 skip=1234 count=3 status=none' "$PREFIX" | cmp - <(dd if="$NATIVE/large" bs=4096 skip=1234 count=3 status=none) || bad=1
fault log | grep ^GetObject && { echo "it was asked for"; bad=1; }

# replaced: by the next open, while the agent is there and when it is not
fault make "$KEYS/small 5000 12" "$KEYS/large 20000000 11"
for f in large small; do s3_client get "$KEYS/$f" >"$NATIVE/$f"; done
reads "replaced" 20100000 large small
reads "replaced, again" 0 large small tiny

# damaged in some way: nobody notices, but the server
damage() {
	local f
	for f in "$disk"/*-*; do
		case $1 in
		flip) printf '\377\377' | dd of="$f" bs=1 seek=$((RANDOM % $(stat -c %s "$f"))) conv=notrunc status=none ;;
		cut) truncate -s $((RANDOM % $(stat -c %s "$f"))) "$f" ;;
		empty) : >"$f" ;;
		zeroes) truncate -s 0 "$f"; truncate -s 1052672 "$f" ;;
		other) cp "$f" "$TMP/one"; [ -e "$TMP/before" ] && cp "$TMP/before" "$f"; mv "$TMP/one" "$TMP/before" ;;
		directory) rm "$f"; mkdir "$f" ;;
		link) mv "$f" "$TMP/there"; ln -s "$TMP/there" "$f" ;;
		esac
	done
}
for how in flip cut empty zeroes other link directory; do
	damage $how
	reads "$how" 20100000 large small tiny
done
rm -rf "${disk:?}"/*-*
for how in .last lock; do
	for f in "$disk"/*$how; do echo nonsense >"$f"; done
	reads "$how" 20200000 large small tiny
	reads "$how, again" 0 large small tiny
done

# two agents at once, and one that is killed while it writes
rm -rf "${disk:?}"/*
end_agents
for n in 1 2 3; do
	cache=$((n * 16))m
	TARGET="$TARGET&cache=$cache" shim sh -c 'for i in 1 2 3; do cat "$0/large" "$0/small" | cksum; done' "$PREFIX" >"$TMP/sum.$n" &
done
sleep 0.2
kill -KILL "$(agents | head -1)" 2>/dev/null
wait
cat "$NATIVE/large" "$NATIVE/small" | cksum >"$TMP/want"
[ "$(sort -u "$TMP"/sum.[123])" = "$(cat "$TMP/want")" ] && [ "$(cat "$TMP"/sum.[123] | wc -l)" = 9 ] ||
	{ cat "$TMP"/sum.[123] "$TMP/want"; bad=1; }

# bounded
TARGET="$map&disk=$disk&disk-size=8m" reads "bounded" 41000000 large small
[ "$(du -s -B1 "$disk" | cut -f1)" -le $((8 << 20)) ] || { du -s -B1 "$disk"; bad=1; }

# a full disk, where we may mount a small one
rm -rf "$TMP/disk" "$TMP"/agents/*/log
mkdir "$TMP/disk"
if unshare -m true 2>/dev/null; then
	end_agents
	unshare -m sh -c 'mount -t tmpfs -o size=4m,mode=700 none "$0" && exec env SHIM_MAP="$1=$2" SHIM_CONFIG= SHIM_STATS=off LD_PRELOAD="$3" cat "$1/large" "$1/small" "$1/large"' \
	    "$TMP/disk" "$PREFIX" "$TARGET&cache=16m" "$LIB" | cmp - <(cat "$NATIVE/large" "$NATIVE/small" "$NATIVE/large") || { echo "not read on a full disk"; bad=1; }
	[ "$(cat "$TMP"/agents/*/log | grep -c "disk=$disk: No space left")" = 1 ] || { cat "$TMP"/agents/*/log; bad=1; }
fi

# a directory that is no good: a line in the log, no error
for no in link open file; do
	rm -rf "$TMP/disk" "$TMP"/agents/*/log
	mkdir -m 700 "$TMP/disk" "$TMP/disk/a"
	case $no in
	link) ln -s a "$disk" ;;
	open) mkdir -m 755 "$disk" ;;
	file) : >"$disk" ;;
	esac
	end_agents
	shim sh -c 'cat "$0/small"; cat "$0/tiny"' "$PREFIX" | cmp - <(cat "$NATIVE/small" "$NATIVE/tiny") || { echo "$no: not read"; bad=1; }
	[ "$(cat "$TMP"/agents/*/log | grep -c "disk=$disk is not used: ")" = 1 ] || { echo "$no:"; cat "$TMP"/agents/*/log; bad=1; }
	[ "$(find "$TMP/disk/" -type f -size +0 | wc -l)" = 0 ] || { find "$TMP/disk"; bad=1; }
done
exit $bad
