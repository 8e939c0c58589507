#!/bin/bash
# SPDX-License-Identifier: MIT
# kill.sh RULE: after SIGKILL in the middle of a run the report has every
# call that ended, and none that did not.
# each rule
. "${0%/*}/lib.sh"
requires python3 mkfifo
[ -x "$SHIM" ] || fail "$SHIM is missing"

bad=0
# works PID: it is the program, and has written
works() { [ "$(cat /proc/$1/comm 2>/dev/null)" = killed ] && grep -qs '^wchar: [1-9]' /proc/$1/io; }
shim dd if=/dev/zero of="$PREFIX/f" bs=4096 count=4 status=none || fail "cannot make the file"
mkfifo "$TMP/pipe"
for threads in 1 4; do
	for round in 1 2 3; do
		rm -rf "${STATS:?}"/*
		wc -c <"$TMP/pipe" >"$TMP/count" &
		counter=$!
		# not through shim(): the process killed must be the program
		env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$STATS" LD_PRELOAD="$LIB" \
		    "$BIN/killed" "$PREFIX/f" $threads >"$TMP/pipe" 2>"$TMP/err" &
		pid=$!
		# a busy machine may take its time to get there: until something is written
		await works $pid || bad=1
		sleep 0.$((RANDOM % 3 + 1))
		kill -9 $pid || { echo "it had ended: $(cat "$TMP/err")"; bad=1; }
		wait $pid 2>/dev/null
		wait $counter
		logged=$(cat "$TMP/count")
		"$SHIM" report --json "$STATS" >"$TMP/json" 2>"$TMP/err" || { echo "report: $(cat "$TMP/err")"; bad=1; continue; }
		counted=$(python3 -c '
import json, sys
r = json.load(open(sys.argv[1]))
print(sum(c["count"] for c in r["calls"] + r["coarse"] if c["call"] == "pread"))' "$TMP/json")
		# each thread may be between its pread and its byte
		if [ "$counted" -lt "$logged" ] || [ "$counted" -gt $((logged + threads)) ]; then
			echo "$threads threads: $logged calls logged, $counted reported"
			bad=1
		fi
		[ "$logged" -gt 0 ] || { echo "nothing happened"; bad=1; }
	done
done
exit $bad
