#!/bin/bash
# SPDX-License-Identifier: MIT
# read-bandwidth= and write-bandwidth=: all programs and connections together
# move no more bytes in a second, by HTTP or TLS, in an agent or a command; what
# waits for that times out nowhere. There are lower bounds of time only.
. "${0%/*}/lib.sh"
requires curl

at s3:fault
map=$TARGET
tls="s3://$KEYS?endpoint=$ENDPOINT_TLS&ca=$CA"
fault make "$KEYS/"{a,b}" 1500000 1" "$KEYS/little 20000 2"
s3_client get "$KEYS/a" >"$NATIVE/a"
s3_client get "$KEYS/little" >"$NATIVE/little"
head -c 1500000 /dev/urandom >"$NATIVE/w"

# begin TARGET: a new agent
begin() {
	end_agents
	rm -rf "$TMP"/agents/*
	fault forget
	TARGET=$1
}
# least MS WHAT COMMAND...: it takes so long, and succeeds
least() {
	local ms=$1 what=$2 began=${EPOCHREALTIME/./} took
	shift 2
	"$@" || { echo "$what: fails"; fault log; bad=1; }
	took=$(((${EPOCHREALTIME/./} - began) / 1000))
	[ $took -ge "$ms" ] || { echo "$what: took $took ms, and not $ms"; bad=1; }
}
reported() { # reported REGEX: the line of the report
	SHIM_MAP='' "$SHIM" report --s3 >"$TMP/report"
	grep -Eq "^bandwidth: reads were held back for $1\$" "$TMP/report" || { echo "no $1"; cat "$TMP/report"; bad=1; }
}
asked() { [ "$(fault log | grep -c "^$1 ")" = "$2" ] || { echo "not $2 $1"; fault log; bad=1; }; }
copies() { # what there is at once: the same file, read and written twice
	shim sh -c 'cat "$0/a" >"$1/a1" & cat "$0/b" >"$1/b1"; wait' "$PREFIX" "$TMP" && cmp "$NATIVE/a" "$TMP/a1" && cmp "$NATIVE/a" "$TMP/b1"
}
writes() {
	shim sh -c 'cp "$1/w" "$0/w1" & cp "$1/w" "$0/w2"; wait' "$PREFIX" "$NATIVE" &&
		s3_client get "$KEYS/w1" | cmp - "$NATIVE/w" && s3_client get "$KEYS/w2" | cmp - "$NATIVE/w"
}
little() {
	shim timeout 100 cat "$PREFIX/little" | cmp - "$NATIVE/little"
}

for way in "$map" "$tls"; do
	# 3000000 bytes, less what an eighth of a second saved and the last piece
	begin "$way&read-bandwidth=1m"
	least 2700 'two programs read' copies
	reported '[1-9][0-9.]*m?s, writes for 0ns'
	begin "$way&write-bandwidth=1m&exclusive=close"
	least 2700 'two programs write' writes
	reported '.*, writes for [1-9][0-9.]*m?s'
done

# two rules of one endpoint have that much together
begin "$map&read-bandwidth=1m"
both_rules() {
	SHIM_MAP="$PREFIX=$TARGET;$PREFIX.two=$TARGET&ttl=2s" SHIM_CONFIG= SHIM_STATS=$STATS LD_PRELOAD=$LIB \
	    sh -c 'cat "$0/a" >"$1/a1" & cat "$0.two/b" >"$1/b1"; wait' "$PREFIX" "$TMP" && cmp "$NATIVE/a" "$TMP/a1" && cmp "$NATIVE/a" "$TMP/b1"
}
least 2700 'two rules' both_rules

# a pause that is longer than the timeout is no stall, and nothing is asked for again
begin "$map&read-bandwidth=4k&timeout=3"
least 3900 'a pause' little
asked GetObject 1
begin "$map&write-bandwidth=4k&exclusive=close&timeout=3"
least 3900 'a pause in writing' shim cp "$NATIVE/little" "$PREFIX/written"
asked PutObject 1
s3_client get "$KEYS/written" | cmp - "$NATIVE/little" || bad=1

# without a bound there is none
begin "$map"
shim cat "$PREFIX/a" | cmp - "$NATIVE/a" || bad=1
SHIM_MAP='' "$SHIM" report --s3 | grep -q ^bandwidth && { echo "held back by nobody"; bad=1; }

# readers that go while they wait, and who comes then
begin "$map&read-bandwidth=200k"
for n in 1 2 3; do shim timeout -s KILL .3 cat "$PREFIX/a" >/dev/null 2>&1; done
shim timeout 100 cat "$PREFIX/little" | cmp - "$NATIVE/little" || { echo 'not after readers that went'; bad=1; }
[ "$(agents | wc -l)" = 1 ] || { echo 'no agent'; bad=1; }

# a command; and what is no size
least 1200 'shim s3 cp' env SHIM_MAP="$PREFIX=$map&read-bandwidth=1m" SHIM_CONFIG= "$SHIM" s3 cp -q "$PREFIX/a" "$TMP/x"
cmp "$NATIVE/a" "$TMP/x" || bad=1
said=$("$SHIM" run -m "$PREFIX=$map&write-bandwidth=fast" -- true 2>&1)
[ "$said" = 'shim: -m: "fast" is not a size for write-bandwidth (bytes, or with k, m, g or t)' ] || { echo "fast: $said"; bad=1; }
exit $bad
