#!/bin/bash
# SPDX-License-Identifier: MIT
# The uring back end against native calls on the disk's file system: map=on
# with a cached file and with sqlite3, and that the default path loses nothing.

. "${0%/*}/lib.sh"
N=${ROUNDS:-21}
D=$TMP/data
MAP="$D=uring:?map=on"

begin "uring against native calls, times as fast; medians of alternating rounds"
has_room "$TMP" 2048 || exit 0
mkdir "$D"

# cache FILE: into memory by reading it, whatever was there before; pages lie in
# larger pieces then than after having been written one by one
cache() {
	dd of="$1" oflag=nocache conv=notrunc,fdatasync count=0 status=none
	cat "$1" >/dev/null
}
fill "$D/f" 64
cache "$D/f"

for block in 512 4096; do
	measure "$N/3" "exec $BIN/loop pread $D/f $block" \
		"$(with "$MAP") $BIN/loop pread $D/f $block" || exit 1
	[ $block = 512 ] && row "map=on: pread of 512 B, cached" "$RATIO" ge 4 x
	[ $block = 4096 ] && row "map=on: pread of 4 KiB, cached" "$RATIO" ge 1.5 x
	note "    native $A_NS, map=on $B_NS ns; ratio between $LOWER and $UPPER, $N rounds"
done

# ---- sqlite3: whole runs of the program, its start included
N=${ROUNDS:-31}
# scan WHAT QUERY; sets the numbers of measure
scan() {
	local under="env LD_PRELOAD='$LIB' SHIM_MAP='$MAP' SHIM_CONFIG= SHIM_STATS='$SHM/stats'"
	local query="PRAGMA cache_size=200; $2"

	[ "$(sqlite3 "$D/db" "$query")" = "$(eval "$under sqlite3 '$D/db' '$query'")" ] ||
		fail "sqlite3 read something else under the shim"
	measure "$N" "exec $ROOT/bench/seconds.sh sqlite3 $D/db '$query'" \
		"exec $ROOT/bench/seconds.sh $under sqlite3 $D/db '$query'" || exit 1
	row "map=on: sqlite3, $1" "$RATIO" ge 1.2 x
	note "    native $(awk "BEGIN { printf \"%.0f\", $A_NS / 1e6 }"), map=on $(awk "BEGIN { printf \"%.0f\", $B_NS / 1e6 }") ms; ratio between $LOWER and $UPPER, $N rounds"
}
if command -v sqlite3 >/dev/null; then
	sqlite3 "$D/db" 'CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 180000)
		INSERT INTO t SELECT i, hex(randomblob(450)) FROM n;' || exit 1
	cache "$D/db"
	count="SELECT count(*) FROM t;"
	scan "$(($(stat -c %s "$D/db") / 1000000)) MB, cache_size=200, one scan" "$count"
	scan "five scans in one run" "$count$count$count$count$count"
else
	say "no sqlite3: its scans are left out"
fi

# ---- the default path, by fio: the bound below which the true ratio hardly is
N=${ROUNDS:-41}
# default WHAT TARGET [-c] FIO-OPTION...; -c as for fio.sh
default() {
	local what=$1 target=$2 job cpu=
	shift 2
	[ "$1" = -c ] && { cpu=-c; shift; }
	job="fio --name=job --filename=$D/fio --ioengine=psync --size=128m --time_based --runtime=${RUNTIME:-500ms} $*"
	measure "$N" "exec $ROOT/bench/fio.sh $cpu $job" \
		"exec $ROOT/bench/fio.sh $cpu env LD_PRELOAD='$LIB' SHIM_MAP='$D=uring:' SHIM_CONFIG= SHIM_STATS='$SHM/stats' $job" || exit 1
	row "default: fio psync $what, lower bound" "$LOWER" ge "$target" x
	note "    median $RATIO, upper bound $UPPER, $N rounds${cpu:+, processor time}"
}
# The same with the program against itself: how far the bound lies from 1 by
# the noise of the machine alone.
control() {
	local what=$1 job
	shift
	job="fio --name=job --filename=$D/fio --ioengine=psync --size=128m --time_based --runtime=${RUNTIME:-500ms} $*"
	measure "$N" "exec $ROOT/bench/fio.sh $job" "exec $ROOT/bench/fio.sh $job" || exit 1
	note "native against native, $what: lower bound $LOWER, median $RATIO, upper bound $UPPER"
}
fill "$D/fio" 128
cache "$D/fio"
control "4k O_DIRECT write" --bs=4k --rw=randwrite --direct=1
default "4k cached read" 0.92 -c --bs=4k --rw=randread --invalidate=0
default "4k cached write" 0.92 -c --bs=4k --rw=randwrite --invalidate=0
default "4k O_DIRECT read" 0.97 --bs=4k --rw=randread --direct=1
default "4k O_DIRECT write" 0.97 --bs=4k --rw=randwrite --direct=1
default "128k cached read" 0.97 -c --bs=128k --rw=randread --invalidate=0
default "128k cached write" 0.97 -c --bs=128k --rw=randwrite --invalidate=0
default "1m cached read" 0.97 -c --bs=1m --rw=randread --invalidate=0
default "1m cached write" 0.97 -c --bs=1m --rw=randwrite --invalidate=0
end
