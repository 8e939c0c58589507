#!/bin/bash
# SPDX-License-Identifier: MIT
# That uring's default path loses nothing, by fio's psync: against native
# calls, in slices of some milliseconds (slices.c), and in the same rounds
# native calls against themselves: how far the noise of the machine alone moves
# the same bounds.

. "${0%/*}/lib.sh"
BLOCKS=${ROUNDS:-21}
D=$TMP/data

begin "uring's default path against native calls, times as fast; bounds over $BLOCKS pairs of processes"
has_room "$TMP" 256 || exit 0
mkdir "$D"
fill_cached "$D/fio" 128

# default WHAT TARGET cpu|wall BYTES MS FIO-OPTION...: in slices of MS. The shorter
# they are the better is a round's ratio, but some tens of operations must fit.
default() {
	local what=$1 target=$2 kind=$3 bytes=$4 ms=$5 job line
	shift 5
	job="fio --name=job --thread --filename=$D/fio --ioengine=psync --bs=$bytes --size=128m --time_based --runtime=1h $*"
	line=$("$BIN/slices" "$BLOCKS/$((360 / ms))" "$kind" "$bytes" "$ms" "exec $job" "$(with "$D=uring:") $job") || exit 1
	read -r A_NS B_NS RATIO LOWER UPPER C_RATIO C_LOWER C_UPPER <<<"$line"
	row "fio psync $what, lower bound" "$LOWER" ge "$target" x
	note "    median $RATIO, upper bound $UPPER; native $A_NS, uring $B_NS ns of ${kind/cpu/processor} time"
	note "    native against native: lower bound $C_LOWER, median $C_RATIO, upper bound $C_UPPER"
}
default "4k cached read" 0.92 cpu 4096 5 --rw=randread --invalidate=0
default "4k cached write" 0.92 cpu 4096 5 --rw=randwrite --invalidate=0
default "4k O_DIRECT read" 0.97 wall 4096 5 --rw=randread --direct=1
default "4k O_DIRECT write" 0.97 wall 4096 5 --rw=randwrite --direct=1
default "128k cached read" 0.97 cpu 131072 5 --rw=randread --invalidate=0
default "128k cached write" 0.97 cpu 131072 5 --rw=randwrite --invalidate=0
default "1m cached read" 0.97 cpu 1048576 10 --rw=randread --invalidate=0
default "1m cached write" 0.97 cpu 1048576 10 --rw=randwrite --invalidate=0
end
