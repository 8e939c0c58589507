#!/bin/bash
# SPDX-License-Identifier: MIT
# Reading from S3: the right bytes by every kind of call, and no more requests
# and bytes than were promised, counted at the server.
. "${0%/*}/lib.sh"
requires curl

at s3:fault
TARGET="$TARGET&timeout=20"
mkdir "$NATIVE/d" "$NATIVE/many"
: >"$NATIVE/empty"
printf x >"$NATIVE/one"
for n in 4095 4096 4097 65536 1000000 20000000; do head -c $n /dev/urandom >"$NATIVE/d/$n"; done
for n in {1..1000}; do echo "$n" >"$NATIVE/many/$n"; done
s3_client tree "$KEYS" "$NATIVE" || fail "cannot fill the bucket"
bad=0

# Everything by every step.
steps=(list: list:d list:many stat:d)
for f in empty one d/4095 d/4096 d/4097 d/65536 d/1000000 d/20000000 many/77; do steps+=("stat:$f" "read:$f" "pread:$f"); done
for f in one d/4095 d/4096 d/4097 d/1000000 d/20000000; do steps+=("map:$f"); done
shim "$BIN/s3_reader" "$PREFIX" "$NATIVE" "${steps[@]}" >"$TMP/said"
grep -v ' ok$' "$TMP/said" && bad=1
[ "$(wc -l <"$TMP/said")" = ${#steps[@]} ] || { echo "it ended after: $(tail -1 "$TMP/said")"; bad=1; }

# counted NAME REQUESTS BYTES COMMAND...: with nothing in any cache, at most so much; what it prints is what it prints natively
counted() {
	local name=$1 most=$2 bytes=$3
	shift 3
	(cd "$NATIVE" && "$@") >"$TMP/native" 2>&1 </dev/null
	end_agents
	fault forget
	# a directory that is on no disk: as sh's, since cd is the door
	shim sh -c 'cd "$0" && exec "$@"' "$PREFIX" "$@" >"$TMP/shim" 2>&1 </dev/null
	fault log >"$TMP/log"
	same_text "$TMP/native" "$TMP/shim" "$name" || bad=1
	awk -v most="$most" -v bytes="$bytes" -v name="$name" '{ n++; sum += $5 } END {
		if (n > most || sum > bytes) { print name ": " n " requests of " most ", " sum " bytes of " bytes; exit 1 } }' "$TMP/log" ||
		{ head -20 "$TMP/log"; bad=1; }
}
# the command's own directory is looked up too, but costs a listing at most
counted "cat of a small object" 2 10000 cat many/5
counted "cat of an empty object" 3 10000 cat empty
counted "ls of 1000" 4 400000 ls many
counted "stat" 2 400000 stat -c '%s %F' many/5
counted "cat of 20" 22 20000 sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do cat many/$i; done'
counted "what is not there" 4 400000 cat none
counted "4 KiB in the middle" 4 200000 sh -c 'dd if=d/20000000 bs=4096 skip=2441 count=1 status=none | sha256sum'
counted "the first bytes" 3 1200000 sh -c 'head -c 10 d/20000000 | sha256sum'
counted "20 MB in turn" 60 20400000 sha256sum d/20000000
counted "20 MB by large reads" 60 20400000 sh -c 'dd if=d/20000000 bs=5M status=none | sha256sum'
counted "its end" 4 1200000 sh -c 'tail -c 100 d/20000000 | sha256sum'

# Without a directory that is looked up, exactly.
exactly() {
	local name=$1 want=$2
	shift 2
	end_agents
	fault forget
	shim "$@" >"$TMP/shim" 2>&1
	fault log >"$TMP/log"
	[ "$(cut -d' ' -f1 "$TMP/log" | sort | uniq -c | xargs)" = "$want" ] || { echo "$name: not $want but"; head -20 "$TMP/log"; bad=1; }
}
exactly "cat of one object" "1 GetObject" cat "$PREFIX/many/5"
[ "$(cat "$TMP/shim")" = 5 ] || { cat "$TMP/shim"; bad=1; }
exactly "cat of an empty object" "1 GetObject 1 HeadObject" cat "$PREFIX/empty"
exactly "stat of one object" "1 ListObjectsV2" stat "$PREFIX/many/5"
exactly "ls -l of 1000 objects" "1 ListObjectsV2" ls -l "$PREFIX/many"
[ "$(wc -l <"$TMP/shim")" = 1001 ] || { tail -3 "$TMP/shim"; bad=1; }
exit $bad
