#!/bin/bash
# SPDX-License-Identifier: MIT
# hedge=: a read whose first byte does not come is answered by a second request,
# long before the first would be given up; within a budget, and never unasked.
. "${0%/*}/lib.sh"
requires curl

at s3:fault
map=$TARGET
bad=0
# each late one in a directory of its own: what follows in one is fetched ahead
for n in {1..60}; do echo "$KEYS/$([ $n -gt 40 ] && echo $n/o || echo n/$n) 5000 $n"; done >"$TMP/objects"
fault make "$(cat "$TMP/objects")"
s3_client get "$KEYS/n/1" >"$NATIVE/1"
for n in 41 42 43; do s3_client get "$KEYS/$n/o" >"$NATIVE/$n"; done

# begin OPTIONS: a new agent that has seen 40 answers
begin() {
	end_agents
	rm -rf "$TMP"/agents/*
	fault forget
	TARGET="$map&timeout=100&$1"
	shim sh -c 'cd "$0/n" && cat 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40' "$PREFIX" >"$TMP/all" ||
		bad=1
	cmp "$NATIVE/1" <(head -c 5000 "$TMP/all") || bad=1
}
hedges() { # how many there were, and how many of them came first
	SHIM_MAP='' "$SHIM" report --s3 | sed -n 's/^hedges: \([0-9]*\) .*, \([0-9]*\) of them.*/\1 \2/p' | grep . || echo 0 0
}
# stalled N: read within a fraction of the time that the first request has
stalled() {
	fault rules "GetObject $KEYS/$1/o $2 times=1"
	shim timeout 50 cat "$PREFIX/$1/o" 2>&1 | cmp - "$NATIVE/$1" || { echo "$2: $1 is not read"; fault log; bad=1; }
	[ "$(fault log | grep -c "^GetObject $KEYS/$1/o ")" -ge 1 ] || bad=1
}
begin hedge=100
stalled 41 stall
read -r n won < <(hedges)
[ "$n" -ge 1 ] && [ "$won" -ge 1 ] && [ "$won" -le "$n" ] || { echo "a stall: $n hedges, $won won"; bad=1; }
stalled 42 head-stall
# the second one fails: the first is waited for
fault rules "GetObject $KEYS/43/o slow=400 times=1" "GetObject $KEYS/43/o error=500,InternalError times=1"
shim timeout 50 cat "$PREFIX/43/o" | cmp - "$NATIVE/43" || { echo "a hedge that fails:"; fault log; bad=1; }
# both do: as ever
fault forget
fault rules "GetObject $KEYS/44/o slow=300 times=2" "GetObject $KEYS/45/o error=404,NoSuchKey"
shim timeout 50 cat "$PREFIX/44/o" | cmp - <(s3_client get "$KEYS/44/o") || { echo "both late"; bad=1; }
shim timeout 50 cat "$PREFIX/45/o" >/dev/null 2>"$TMP/said" && { echo "an object that is gone is read"; bad=1; }
[ -s "$TMP/said" ] || { echo "an object that is gone takes too long"; bad=1; }
# readers that go while both are on their way
fault rules "GetObject $KEYS/4[67]/o stall"
for n in 46 47; do shim timeout -s KILL 1 cat "$PREFIX/$n/o" >/dev/null 2>&1; done
fault forget
shim cat "$PREFIX/46/o" | cmp - <(s3_client get "$KEYS/46/o") || { echo "not after that"; bad=1; }
[ "$(agents | wc -l)" = 1 ] || { echo "no agent"; bad=1; }

# five in a hundred, however many are late
begin hedge=5
fault rules "GetObject $KEYS/[45]* slow=400"
shim sh -c 'cd "$0" && cat 4[1-9]/o 5?/o 60/o' "$PREFIX" >/dev/null || bad=1
read -r n won < <(hedges)
[ "$n" -ge 1 ] && [ "$n" -le 3 ] || { echo "a budget of 5 %: $n hedges of 60 reads"; bad=1; }
[ "$(fault log | grep -c ^GetObject)" -le 63 ] || { fault log; bad=1; }

# not where the server wants fewer requests, nor unless it was asked for
begin hedge=100
before=$(hedges)
fault rules "GetObject $KEYS/41/o error=503,SlowDown times=1" "GetObject $KEYS/4[12]/o slow=200 times=2"
shim sh -c 'cd "$0" && cat 41/o 42/o' "$PREFIX" >/dev/null || bad=1
[ "$(hedges)" = "$before" ] || { echo "hedges after SlowDown: $before, then $(hedges)"; bad=1; }
begin ttl=1
fault rules "GetObject $KEYS/4* slow=100"
shim cat "$PREFIX/41/o" "$PREFIX/42/o" >/dev/null || bad=1
[ "$(hedges)" = "0 0" ] || { echo "hedges that nobody asked for: $(hedges)"; bad=1; }
exit $bad
