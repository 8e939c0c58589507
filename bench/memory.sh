#!/bin/bash
# SPDX-License-Identifier: MIT
# The memory that the library takes: of a process at rest, and of each further
# thread that reads and writes. Resident pages, also those shared with others,
# by /proc/self/smaps_rollup; the same program without the library subtracted.

. "${0%/*}/lib.sh"
THREADS=64

begin "Resident memory more than without the library"
mkdir "$TMP/d"

# Medians of seven runs, field by field: "a b c".
sample() {
	for _ in 1 2 3 4 5 6 7; do
		"$@" || exit 1
	done | awk '{ for (i = 1; i <= NF; i++) v[i, NR] = $i; nf = NF }
		END { for (i = 1; i <= nf; i++) {
			for (j = 1; j <= NR; j++) for (k = j + 1; k <= NR; k++)
				if (v[i, k] < v[i, j]) { t = v[i, k]; v[i, k] = v[i, j]; v[i, j] = t }
			printf "%s%s", v[i, (NR + 1) / 2], i < nf ? " " : "\n" } }'
}

# threads RULE FILE NATIVE-FILE NAME
threads() {
	local native shim
	native=$(sample "$BIN/threads" "$3" $THREADS) || exit 1
	shim=$(sample shim "$1" "$BIN/threads" "$2" $THREADS) || exit 1
	read -r n0 n1 n2 <<<"$native"
	read -r s0 s1 s2 <<<"$shim"
	row "at rest, $4" "$((s0 - n0))" le 2048 " KiB"
	row "each further thread, $4" \
		"$(awk "BEGIN { printf \"%.1f\", ($s2 - $s1 - ($n2 - $n1)) / $THREADS }")" le 64 " KiB"
	note "    native at rest $n0, one thread $n1, $((THREADS + 1)) threads $n2; shim $s0, $s1, $s2 KiB"
}
row "at rest, no rules" "$(($(sample shim "" "$BIN/threads") - $(sample "$BIN/threads")))" le 2048 " KiB"
for options in posix: uring: "uring:?engine=ring" "uring:?map=on"; do
	threads "$TMP/d=$options" "$TMP/d/f" "$TMP/d/f" "$options"
done
threads "$TMP/mem=mem:$STORE" "$TMP/mem/f" "$SHM/f" mem:
end
