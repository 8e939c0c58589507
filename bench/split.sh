#!/bin/bash
# SPDX-License-Identifier: MIT
# Whether large cold reads gain from being split over a ring: one pread against
# 4 or 8 parts at once. Where they do not, the uring back end does not either.

. "${0%/*}/lib.sh"
N=${ROUNDS:-9}

begin "Cold reads split over a ring, against one pread; medians of $N alternating rounds"
fill "$TMP/f" 256
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
for order in seq rnd; do
	for size in 1048576 4194304; do
		for parts in 4 8; do
			: >"$TMP/one"; : >"$TMP/split"
			for _ in $(seq "$N"); do
				"$BIN/split" "$TMP/f" $size 1 $order >>"$TMP/one" || exit 1
				"$BIN/split" "$TMP/f" $size $parts $order >>"$TMP/split" || exit 1
			done
			one=$(median <"$TMP/one") split=$(median <"$TMP/split")
			note "$order $((size >> 20)) MiB in $parts parts: $split MiB/s, one pread $one: $(awk -v a="$split" -v b="$one" 'BEGIN { printf "%.2f", a / b }')x"
		done
	done
done
end
