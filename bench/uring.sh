#!/bin/bash
# SPDX-License-Identifier: MIT
# map=on and readahead= of the uring back end against native calls on the disk's file
# system: reads of a cached file, and sqlite3; reads in turn with O_DIRECT. For the default
# path see default.sh.

. "${0%/*}/lib.sh"
N=${ROUNDS:-41}
D=$TMP/data
MAP="$D=uring:?map=on"

begin "uring map=on and readahead= against native calls, times as fast; medians of alternating rounds"
has_room "$TMP" 2048 || exit 0
mkdir "$D"

fill_cached "$D/f" 64
fill "$D/direct" 128

for block in 512 4096; do
	measure "$N/6" "exec $BIN/loop pread $D/f $block" \
		"$(with "$MAP") $BIN/loop pread $D/f $block" || exit 1
	[ $block = 512 ] && row "map=on: pread of 512 B, cached" "$RATIO" ge 4 x
	[ $block = 4096 ] && row "map=on: pread of 4 KiB, cached" "$RATIO" ge 1.5 x
	note "    native $A_NS, map=on $B_NS ns; ratio between $LOWER and $UPPER, $N rounds"
	ceiling "$N/6" $block "$D/f" "$MAP" "$D/f"
done

# ---- O_DIRECT, 4 KiB in turn: by pread, and by read
N=${ROUNDS:-11}
for engine in psync sync; do
	fio="fio --name=r --filename=$D/direct --ioengine=$engine --rw=read --bs=4k --size=128m --direct=1"
	measure "$N" "exec $ROOT/bench/fio.sh $fio" \
		"exec $ROOT/bench/fio.sh env LD_PRELOAD='$LIB' SHIM_MAP='$D=uring:?readahead=1m' SHIM_CONFIG= SHIM_STATS='$SHM/stats' $fio" || exit 1
	row "readahead=1m: 4 KiB in turn, O_DIRECT, $engine" "$RATIO" ge 10 x
	note "    native $A_NS, readahead=1m $B_NS ns; ratio between $LOWER and $UPPER, $N rounds"
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
end
