#!/bin/bash
# SPDX-License-Identifier: MIT
# libaio.sh RULE: random schedules of libaio's calls against a model, and stress-ng's
# own verification of POSIX AIO and libaio.
# each rule
. "${0%/*}/lib.sh"

bad=0
for first in 0 1000 ${SEED:-}; do
	shim timeout 120 "$BIN/libaio_stress" -n "${SCHEDULES:-${LONG:+9}60}" -s $first "$PREFIX/f" >"$TMP/out" 2>&1 ||
		{ echo "libaio_stress -s $first: status $?"; tail -5 "$TMP/out"; bad=1; }
done
if command -v stress-ng >/dev/null; then
	for stressor in aio aiol; do
		shim timeout 100 stress-ng --$stressor 2 --$stressor-requests 16 --temp-path "$PREFIX" --verify \
		    --timeout "${LONG:+2}3" --metrics-brief >"$TMP/out" 2>&1 </dev/null ||
			{ echo "stress-ng --$stressor: status $?"; tail -12 "$TMP/out"; bad=1; }
		grep -qiE 'fail|corrupt|mismatch' "$TMP/out" && { grep -iE 'fail|corrupt|mismatch' "$TMP/out" | head -5; bad=1; }
	done
else
	echo "no stress-ng: not run"
fi
exit $bad
