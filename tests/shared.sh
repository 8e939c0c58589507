#!/bin/bash
# SPDX-License-Identifier: MIT
# shared.sh RULE: several processes and threads write one file, by a position
# they share or by appending, and some are killed or forked in the middle:
# nothing is lost, torn or stuck.
# each rule
. "${0%/*}/lib.sh"

bad=0
for way in position append fork killed; do
	"$BIN/shared" $way "$NATIVE/f" >"$TMP/native.out" 2>&1
	echo "status $?" >>"$TMP/native.out"
	shim "$BIN/shared" $way "$PREFIX/f" >"$TMP/shim.out" 2>&1
	echo "status $?" >>"$TMP/shim.out"
	same_text "$TMP/native.out" "$TMP/shim.out" $way || bad=1
done
exit $bad
