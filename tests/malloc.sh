#!/bin/bash
# SPDX-License-Identifier: MIT
# malloc.sh RULE: beside a malloc that reads its configuration while it holds
# its lock (as jemalloc does), preloaded before us or after. Fails if we
# allocate from within such a call: the program would hang or end there.
# each rule
. "${0%/*}/lib.sh"

malloc=$BIN/preload/locked_malloc.so
bad=0

# runs NAME MAP PRELOAD: programs of every sort
runs() {
	local what="$1, LD_PRELOAD=$3" status
	env SHIM_MAP="$2" SHIM_CONFIG= SHIM_STATS="$STATS" LD_PRELOAD="$3" timeout 60 bash -c '
		"$1/guest" io "$2" && "$1/guest" descriptors "$2" >/dev/null &&
		head -c 100000 /dev/zero | tr "\0" x >"$2/a" && cp "$2/a" "$2/b" && cmp "$2/a" "$2/b" &&
		cat <"$2/b" | wc -c && rm "$2/a" "$2/b" "$2/guest" && exec /bin/true' \
		bash "$BIN" "$4" >"$TMP/out" 2>&1 </dev/null
	status=$?
	[ $status = 0 ] || { echo "$what: status $status"; head -5 "$TMP/out"; bad=1; }
	[ "$(cat "$TMP/out")" = 100000 ] || { echo "$what: it says $(head -1 "$TMP/out")"; bad=1; }
}

runs "without us" "" "$malloc" "$NATIVE"
[ $bad = 0 ] || fail "the malloc itself does not work"
for preload in "$LIB:$malloc" "$malloc:$LIB"; do
	runs "no rule" "" "$preload" "$NATIVE"
	runs "$RULE" "$PREFIX=$TARGET" "$preload" "$PREFIX"
	runs "$RULE, another directory" "$PREFIX=$TARGET" "$preload" "$NATIVE"
done
# a program from the disk, its files elsewhere, no statistics
for preload in "$LIB:$malloc" "$malloc:$LIB"; do
	env SHIM_MAP= SHIM_CONFIG= SHIM_STATS=off LD_PRELOAD="$preload" timeout 60 /bin/true ||
		{ echo "no rule, no statistics, LD_PRELOAD=$preload: status $?"; bad=1; }
done
exit $bad
