#!/bin/bash
# SPDX-License-Identifier: MIT
# guest.sh RULE: a guest in someone's process: no descriptor, thread, signal
# or output of its own, content with little room, and safe from programs that
# close everything.
# each rule
. "${0%/*}/lib.sh"

bad=0
for topic in descriptors state space; do
	"$BIN/guest" $topic "$NATIVE" >"$TMP/native.out" 2>&1 </dev/null
	echo "status $?" >>"$TMP/native.out"
	shim "$BIN/guest" $topic "$PREFIX" >"$TMP/shim.out" 2>&1 </dev/null
	echo "status $?" >>"$TMP/shim.out"
	same_text "$TMP/native.out" "$TMP/shim.out" "$topic" || bad=1
done

# nothing is said, whatever happens
for stats in off "$STATS" "$TMP/none/stats" /proc/none; do
	env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$stats" LD_PRELOAD="$LIB" "$BIN/guest" io "$PREFIX" >"$TMP/out" 2>&1 </dev/null ||
		{ echo "statistics in $stats: status $?"; bad=1; }
	[ ! -s "$TMP/out" ] || { echo "statistics in $stats: it says $(head -1 "$TMP/out")"; bad=1; }
done
# a directory of statistics that another user made first is not used
if [ "$(id -u)" = 0 ]; then
	mkdir "$TMP/foreign" && chown 65534 "$TMP/foreign" && chmod 777 "$TMP/foreign"
	env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$TMP/foreign" LD_PRELOAD="$LIB" "$BIN/guest" io "$PREFIX" >/dev/null 2>&1
	[ -z "$(ls -A "$TMP/foreign")" ] || { echo "another user's directory was used for statistics"; bad=1; }
	ln -s "$STATS" "$TMP/linked"
fi
# standard descriptors that are closed from the start
for closed in '0<&-' '1>&-' '2>&-' '0<&- 1>&- 2>&-'; do
	shim bash -c "\"$BIN/guest\" io '$PREFIX' $closed" >"$TMP/out" 2>&1 || { echo "with $closed: status $?"; bad=1; }
	[ ! -s "$TMP/out" ] || { echo "with $closed: it says $(head -1 "$TMP/out")"; bad=1; }
done
exit $bad
