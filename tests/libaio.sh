#!/bin/bash
# SPDX-License-Identifier: MIT
# libaio.sh RULE: random schedules of libaio's calls against a model, stress-ng's own
# verification of POSIX AIO and libaio, and QEMU's image tools, which fetch events by
# themselves.
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

# qcow2 through libaio (-n) without the page cache (-t none), verified and checked by QEMU itself
if command -v qemu-io >/dev/null; then
	image=$PREFIX/image
	shim timeout 60 bash -c '
		qemu-img create -q -f qcow2 "$1" 64m &&
		qemu-io -n -t none -f qcow2 -c "write -P 0xa5 0 4m" -c "aio_write -P 0x11 1m 64k" -c "aio_write -P 0x22 30m 1m" \
		    -c aio_flush -c "read -P 0xa5 0 1m" -c "read -P 0x11 1m 64k" -c "aio_read -P 0x22 30m 1m" -c aio_flush "$1" &&
		qemu-img bench -c 2000 -d 32 -f qcow2 -i native -t none -s 4096 -w "$1" &&
		qemu-img check "$1"' - "$image" >"$TMP/out" 2>&1 </dev/null
	status=$?
	{ [ $status = 0 ] && ! grep -q 'verification failed' "$TMP/out" && grep -q 'No errors' "$TMP/out"; } ||
		{ echo "qemu: status $status"; tail -12 "$TMP/out"; bad=1; }
else
	echo "no qemu-io: not run"
fi
exit $bad
