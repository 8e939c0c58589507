#!/bin/bash
# SPDX-License-Identifier: MIT
# Two rules in one process: a descriptor's number that goes from a file of one
# to a file of the other while threads read from it means one of the two.
. "${0%/*}/lib.sh"

bad=0

# pair RULE RULE
pair() {
	local first a status
	at "$1"
	first="$PREFIX=$TARGET" a=$PREFIX
	at "$2"
	env SHIM_MAP="$first;$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$STATS" LD_PRELOAD="$LIB" \
		timeout 60 "$BIN/two_rules" "$a/a" "$PREFIX/b" >"$TMP/out" 2>&1 </dev/null
	status=$?
	[ $status = 0 ] || { echo "$1 and $2: status $status"; tail -5 "$TMP/out"; bad=1; }
}

"$BIN/two_rules" "$TMP/a" "$TMP/b" >"$TMP/out" 2>&1 || { echo "natively: status $?"; cat "$TMP/out"; exit 1; }
pair mem: 'uring:?map=on'
pair 'uring:?map=on' mem:
pair mem: mem:
pair mem: posix:
pair 'uring:?engine=ring' mem:
exit $bad
