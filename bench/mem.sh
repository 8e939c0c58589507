#!/bin/bash
# SPDX-License-Identifier: MIT
# The mem back end against the tmpfs it lies on: the same loop, and fio.

. "${0%/*}/lib.sh"
N=${ROUNDS:-41}
RULE="$TMP/mem=mem:$STORE"

begin "mem against native tmpfs, times as fast; 64 MiB, random offsets, medians of $N alternating rounds"
has_room /dev/shm 1024 || exit 0
fill "$SHM/f" 64
shim "$RULE" dd if="$SHM/f" of="$TMP/mem/f" bs=1M status=none || exit 1

for block in 512 4096 1048576; do
	case $block in
	512) name="512 B" target=5 ;;
	4096) name="4 KiB" target=1.8 ;;
	*) name="1 MiB" target=1.2 ;;
	esac
	for call in pread pwrite; do
		measure "$N/6" "exec $BIN/loop $call $SHM/f $block" \
			"$(with "$RULE") $BIN/loop $call $TMP/mem/f $block" || exit 1
		row "$call of $name" "$RATIO" ge $target x
		note "    tmpfs $A_NS, mem $B_NS ns; ratio between $LOWER and $UPPER"
		[ $call = pread ] && ceiling "$N/6" $block "$SHM/f" "$RULE" "$TMP/mem/f"
	done
done

# the store's file and the native one are laid out alike, by fio itself
N=${ROUNDS:-15}
job="fio --name=job --ioengine=psync --bs=4k --rw=randrw --size=256m --time_based --runtime=${RUNTIME:-1s}"
measure "$N" "exec $ROOT/bench/fio.sh $job --filename=$SHM/fio" \
	"exec $ROOT/bench/fio.sh env LD_PRELOAD='$LIB' SHIM_MAP='$RULE' SHIM_CONFIG= SHIM_STATS='$SHM/stats' $job --filename=$TMP/mem/fio" || exit 1
row "fio psync randrw of 4 KiB, IOPS" "$RATIO" ge 1.5 x
note "    tmpfs $(awk "BEGIN { printf \"%.0f\", 1e9 / $A_NS }"), mem $(awk "BEGIN { printf \"%.0f\", 1e9 / $B_NS }") IOPS; ratio between $LOWER and $UPPER, $N rounds"
end
