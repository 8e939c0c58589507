#!/bin/bash
# SPDX-License-Identifier: MIT
# A shared memory file system that is full: a mem rule answers ENOSPC and
# loses nothing, and statistics without room are silent. Never a SIGBUS.
. "${0%/*}/lib.sh"
requires unshare mount
unshare -m true 2>/dev/null || skip "needs the right to mount"

if [ "${1:-}" != inside ]; then
	unshare -m "$0" inside
	exit $?
fi

bad=0
at mem:
for size in 16m 1m 64k; do
	mount -t tmpfs -o size=$size,mode=1777 tmpfs /dev/shm || skip "cannot mount a tmpfs"
	STATS=/dev/shm/stats
	if [ $size = 16m ]; then
		shim "$BIN/guest" full "$PREFIX" >"$TMP/out" 2>&1 </dev/null
		[ $? = 0 ] || { echo "full: status $?"; bad=1; }
		cat >"$TMP/want" <<'END'
full: ENOSPC after some MiB
hole read 65536
hole written -1 ENOSPC
overwritten 65536 0
again 65536
END
		same_text "$TMP/want" "$TMP/out" "a full store" || bad=1
		# size= is a limit of the same kind
		umount /dev/shm && mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm
		TARGET="mem:limited?size=8m"
		shim "$BIN/guest" full "$PREFIX" >"$TMP/out" 2>&1 </dev/null
		sed 's/ *$//' "$TMP/out" >"$TMP/out2"
		same_text "$TMP/want" "$TMP/out2" "a store with size=8m" || bad=1
		umount /dev/shm
		continue
	fi
	# statistics, files elsewhere
	for rule in posix: "uring:?map=on" uring:?engine=ring; do
		at "$rule"
		head -c 100m /dev/zero >/dev/shm/filler 2>/dev/null
		for i in 1 2 3; do
			shim "$BIN/guest" io "$PREFIX" >"$TMP/out" 2>&1 </dev/null || { echo "no room for statistics ($size), $rule: status $?"; bad=1; }
			[ -s "$TMP/out" ] && { echo "no room for statistics: it says $(cat "$TMP/out")"; bad=1; }
			# and with a little
			rm -f /dev/shm/filler
			head -c $((${size%[mk]} * 1000 - 30000 * i)) /dev/zero >/dev/shm/filler 2>/dev/null
		done
		shim timeout 60 "$BIN/fsx" -n 1000 -t 4 -1 "$PREFIX/f" >"$TMP/out" 2>&1 </dev/null || { echo "fsx without room for statistics ($size): $(tail -3 "$TMP/out")"; bad=1; }
		rm -f /dev/shm/filler
	done
	umount /dev/shm
done
exit $bad
