#!/bin/bash
# SPDX-License-Identifier: MIT
# Asynchronous I/O on the uring back end: fio's posixaio and libaio engines at depth
# 32 under a rule, against the same natively and against fio's io_uring engine, on
# the disk's file system; requests a second.

. "${0%/*}/lib.sh"
command -v fio >/dev/null || { say "skipped: no fio"; exit 0; }
N=${ROUNDS:-7}
D=$TMP/data

begin "posixaio and libaio at depth 32, 4 KiB, times as fast; medians of $N alternating rounds"
has_room "$TMP" 2048 || exit 0
mkdir "$D"
fill "$D/f" 1024
fill "$D/hot" 256

# iops RW HOW ENGINE [WORDS...]: prints requests a second of one run. HOW is
# direct, cold, cached, or clean: cached, and written so little that nobody waits for the disk.
iops() {
	local rw=$1 how=$2 engine=$3 file=$D/f size=1g io=256m left
	shift 3
	if [ "$how" = cached ] || [ "$how" = clean ]; then
		file=$D/hot size=256m io=2g
		[ "$how" = cached ] || io=256m
		sync "$file"
		cat "$file" >/dev/null
	else
		left=$("$BIN/positioned" evict "$D") || exit 1
		[ "$left" = 0 ] || say "$left pages of $D are in memory"
	fi
	"$@" fio --name=r --filename="$file" --ioengine="$engine" --iodepth=32 --rw="$rw" --bs=4k --size=$size --io_size=$io \
	    --direct=$([ "$how" = direct ] && echo 1 || echo 0) --invalidate=0 --randseed=$((RANDOM)) --minimal |
		cut -d';' -f$([ "${rw#rand}" = read ] && echo 8 || echo 49)
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# compare WHAT ENGINE RW HOW BASELINE=TARGET...: baselines are engines run natively; target 0: none.
compare() {
	local what=$1 engine=$2 rw=$3 how=$4 i b
	shift 4
	for b in ours "${@%=*}"; do : >"$TMP/$b"; done
	for ((i = 0; i < N; i++)); do
		iops "$rw" "$how" "$engine" env LD_PRELOAD="$LIB" SHIM_MAP="$D=uring:" SHIM_CONFIG= SHIM_STATS="$SHM/stats" >>"$TMP/ours"
		for b in "${@%=*}"; do
			iops "$rw" "$how" "$b" env >>"$TMP/$b"
		done
	done
	for b in "$@"; do
		paste "$TMP/ours" "$TMP/${b%=*}" | awk '{ printf "%.2f\n", $1 / $2 }' | median >"$TMP/ratio"
		row "$engine $what: of native ${b%=*}" "$(cat "$TMP/ratio")" ge "${b#*=}" x
	done
	note "    under the rule $(median <"$TMP/ours")$(for b in "${@%=*}"; do echo ", $b $(median <"$TMP/$b")"; done | tr -d '\n') requests a second"
}

compare "randread, O_DIRECT" posixaio randread direct posixaio=4 io_uring=0.95
compare "randread, cold" posixaio randread cold posixaio=4 io_uring=0.95
compare "randread, cached" posixaio randread cached libaio=1
compare "randwrite, O_DIRECT" posixaio randwrite direct posixaio=4 io_uring=0.95
compare "randwrite, buffered" posixaio randwrite clean posixaio=1
compare "randread, O_DIRECT" libaio randread direct libaio=0.97
compare "randread, cold" libaio randread cold libaio=3.5 io_uring=0.9
compare "randread, cached" libaio randread cached libaio=1
compare "randwrite, buffered" libaio randwrite clean libaio=0.97
end
