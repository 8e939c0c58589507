#!/bin/bash
# SPDX-License-Identifier: MIT
# POSIX asynchronous I/O on the uring back end: fio's posixaio engine at depth 32
# under a rule, against the same natively and against fio's io_uring engine, on the
# disk's file system; requests a second.

. "${0%/*}/lib.sh"
command -v fio >/dev/null || { say "skipped: no fio"; exit 0; }
N=${ROUNDS:-7}
D=$TMP/data

begin "posixaio at depth 32, 4 KiB, times as fast; medians of $N alternating rounds"
has_room "$TMP" 2048 || exit 0
mkdir "$D"
fill "$D/f" 1024

# iops RW DIRECT ENGINE [WORDS...]: prints requests a second of one run, cold.
iops() {
	local rw=$1 direct=$2 engine=$3
	shift 3
	dd of="$D/f" oflag=nocache conv=notrunc,fdatasync count=0 status=none
	"$@" fio --name=r --filename="$D/f" --ioengine="$engine" --iodepth=32 --rw="$rw" --bs=4k --size=1g \
	    --io_size=48m --direct="$direct" --invalidate=1 --randseed=$((RANDOM)) --minimal |
		cut -d';' -f$([ "${rw#rand}" = read ] && echo 8 || echo 49)
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
over() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# compare WHAT RW DIRECT TARGET-NATIVE TARGET-URING
compare() {
	local what=$1 rw=$2 direct=$3 i a b c
	: >"$TMP/native" >"$TMP/ours" >"$TMP/uring" >"$TMP/r1" >"$TMP/r2"
	for ((i = 0; i < N; i++)); do
		a=$(iops "$rw" "$direct" posixaio env)
		b=$(iops "$rw" "$direct" posixaio env LD_PRELOAD="$LIB" SHIM_MAP="$D=uring:" SHIM_CONFIG= SHIM_STATS="$SHM/stats")
		c=$(iops "$rw" "$direct" io_uring env)
		echo "$a" >>"$TMP/native"; echo "$b" >>"$TMP/ours"; echo "$c" >>"$TMP/uring"
		over "$b" "$a" >>"$TMP/r1"; echo >>"$TMP/r1"
		over "$b" "$c" >>"$TMP/r2"; echo >>"$TMP/r2"
	done
	row "$what: of native posixaio" "$(grep . "$TMP/r1" | median)" ge "$4" x
	row "$what: of fio's io_uring" "$(grep . "$TMP/r2" | median)" ge "$5" x
	note "    native $(median <"$TMP/native"), under the rule $(median <"$TMP/ours"), io_uring $(median <"$TMP/uring") requests a second"
}

compare "randread, O_DIRECT" randread 1 4 0.95
compare "randread, buffered and cold" randread 0 4 0.95
compare "randwrite, O_DIRECT" randwrite 1 4 0.95
end
