#!/bin/bash
# SPDX-License-Identifier: MIT
# Random 4 KiB reads of many files, 8, 32 and 128 of them at once, as uring-positioned-io
# measured them: threads with pread or mmap, with and without MADV_RANDOM, libaio,
# POSIX AIO and io_uring natively, and the same programs on a uring rule. Reads a
# second, and percentiles in microseconds; medians by the first. Buffered reads begin with nothing in memory,
# which mincore proves; FILES of MIB each (64 of 96), so that little is read twice.

. "${0%/*}/lib.sh"
N=${ROUNDS:-3}
SECONDS_EACH=${SECONDS_EACH:-2}
FILES=${FILES:-64} MIB=${MIB:-96}
D=$TMP/data

begin "Random 4 KiB reads of $FILES files of $MIB MiB: reads a second, and p50, p99, p99.9 in us; medians of $N rounds"
has_room "$TMP" $((FILES * MIB)) || exit 0
sed -i "\$d" "${out:?}"
mkdir "$D"
for ((f = 0; f < FILES; f++)); do
	fill "$D/$f" "$MIB"
done

# one BUFFERED|direct HOW THREADS DEPTH RULE: prints a run's numbers. RULE may be empty.
one() {
	local how=$1 way=$2 threads=$3 depth=$4 rule=$5 left run=env
	left=$("$BIN/positioned" evict "$D") || exit 1
	[ "$left" = 0 ] || say "$left pages could not be evicted"
	[ -z "$rule" ] || run="shim $D=$rule"
	$run "$BIN/positioned" "$way" "$D" "$threads" "$depth" "$SECONDS_EACH" $([ "$how" = direct ] && echo direct)
}

# The variants of one block, in turns.
table() {
	local how=$1 at_once=$2 i v variants=() best_ours best_other
	for v in pread mmap advised libaio:1 libaio:4 posixaio:1 io_uring:1 io_uring:4 \
		pread+ mmap+ advised+ libaio:1+ libaio:4+ posixaio:1+ posixaio:4+ io_uring:1+ io_uring:4+; do
		[ "$how" = direct ] && case $v in mmap* | advised*) continue ;; esac
		variants+=("$v")
		: >"$TMP/$v"
	done
	for ((i = 0; i < N; i++)); do
		for v in "${variants[@]}"; do
			local way=${v%+} threads=$at_once depth=1 rule=
			case $way in *:*) threads=${way#*:} depth=$((at_once / threads)) way=${way%:*} ;; esac
			[ "$v" = "${v%+}" ] || rule=uring:
			one "$how" "$way" "$threads" "$depth" "$rule" >>"$TMP/$v" || exit 1
		done
	done
	note ""
	note "$how, $at_once at once"
	for v in "${variants[@]}"; do
		local name=${v%+}
		case $name in *:*) name="${name%:*}, ${name#*:} x $((at_once / ${name#*:}))" ;; *) name="$name, $at_once threads" ;; esac
		name=${name/advised/mmap, MADV_RANDOM}
		[ "$v" = "${v%+}" ] || name="$name, under the shim"
		# shellcheck disable=SC2046
		note "$(printf '    %-44s %9s %7s %7s %7s' "$name" $(sort -n "$TMP/$v" | sed -n "$(((N + 1) / 2))p"))"
	done
	# a mapping is the kernel's under the shim, too, and counts for none of us
	best_ours=$(for v in "${variants[@]}"; do case $v in mmap+ | advised+) ;; *+) sort -n "$TMP/$v" | sed -n "$(((N + 1) / 2))p" ;; esac; done | sort -n | tail -1)
	best_other=$(for v in pread mmap advised; do [ ! -e "$TMP/$v" ] || sort -n "$TMP/$v" | sed -n "$(((N + 1) / 2))p"; done | sort -n | tail -1)
	row "    the shim's best, of the best of pread and mmap" "$(awk -v a="${best_ours%% *}" -v b="${best_other%% *}" 'BEGIN { printf "%.2f", a / b }')" ge 1 x
	rm -f "$TMP"/pread* "$TMP"/mmap "$TMP"/advised
}

for at_once in 8 32 128; do
	table buffered $at_once
	table direct $at_once
done
note ""
for at_once in 1 8 32 128; do
	note "    an empty trip through a ring, $at_once at a time: $("$BIN/positioned" nop $at_once) ns"
done
end
