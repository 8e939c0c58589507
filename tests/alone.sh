#!/bin/bash
# SPDX-License-Identifier: MIT
# map=on where processes cannot tell each other of truncations: nothing is read
# from a mapping, all is right, and the statistics say why.
. "${0%/*}/lib.sh"
requires unshare mount
unshare -m true 2>/dev/null || skip "needs the right to mount"

if [ "${1:-}" != inside ]; then
	unshare -m "$0" inside
	exit $?
fi

bad=0
at "uring:?map=on"
# alone WHY: fsx in two processes under the rule; WHY must be in the report
alone() {
	STATS=$(mktemp -d "$TMP/stats.XXXXXX")
	shim timeout 100 "$BIN/fsx" -p 2 -n 5000 "$PREFIX/f" >"$TMP/out" 2>&1 || { echo "$1: status $?"; cat "$TMP/out"; bad=1; }
	"$SHIM" report "$STATS" >"$TMP/report" 2>&1
	grep -q "uring: map=on, readahead=: .*: $1: plain calls" "$TMP/report" || { echo "no \"$1\" in the report:"; cat "$TMP/report"; bad=1; }
}

mount -t tmpfs -o mode=1777 tmpfs /dev/shm || skip "cannot mount a tmpfs"
mkdir -m 755 "/dev/shm/shim-uring-$(id -u)"
alone "Operation not permitted"
umount /dev/shm
mount -t tmpfs -o size=64k,mode=1777 tmpfs /dev/shm
alone "No space left on device"
umount /dev/shm
mount -t tmpfs -o ro tmpfs /dev/shm
alone "Read-only file system"
umount /dev/shm
exit $bad
