# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# What the benchmarks share; each begins with: . "${0%/*}/lib.sh". Gives $TMP,
# a directory on disk, and $SHM, one on tmpfs, both gone when it ends; and the
# functions below. What a benchmark prints is also left in results/NAME.txt.
#
#   ROUNDS=7 TMPDIR=/var/tmp SHIM_LIB=... SHIM_TOOL=...

set -u
set -o pipefail
export LC_ALL=C

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BIN=${BENCH_BIN:-$ROOT/build/bench}
LIB=${SHIM_LIB:-$ROOT/build/libshim.so}
SHIM=${SHIM_TOOL:-$ROOT/build/shim}
RESULTS=${BENCH_RESULTS:-$ROOT/bench/results}
NAME=$(basename "$0" .sh)

fail() { echo "$NAME: $*" >&2; exit 1; }
say() { echo "$NAME: $*" >&2; }

[ -e "$LIB" ] || fail "$LIB is missing: run make"
make -s -C "$ROOT" -f bench/Makefile B="$BIN" || exit 1
unset LD_PRELOAD SHIM_MAP SHIM_CONFIG SHIM_STATS SHIM_TREE

TMP=$(mktemp -d "${TMPDIR:-/var/tmp}/shim-bench.XXXXXX") || exit 1
SHM=$(mktemp -d /dev/shm/shim-bench.XXXXXX) || exit 1
STORE=bench-$$
_finish() {
	local status=$? job
	trap - EXIT
	for job in $(jobs -p); do
		kill "$job" 2>/dev/null
	done
	rm -rf "$TMP" "$SHM" "/dev/shm/shim-mem-$(id -u)/$STORE"
	exit $status
}
trap _finish EXIT
trap 'exit 143' TERM INT HUP

# has KIND MIB: whether there is room there, and memory for what is in it.
has_room() {
	local free
	free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$2" ] || { say "skipped: $1 has $free MiB free, $2 are needed"; return 1; }
	case $1 in
	/dev/shm*)
		free=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
		[ "$free" -ge "$2" ] || { say "skipped: $free MiB of memory, $2 are needed"; return 1; }
		;;
	esac
}

# with RULES [STATS]: the words that put a command under the shim, for `sh -c`.
with() {
	echo "exec env LD_PRELOAD='$LIB' SHIM_MAP='$1' SHIM_CONFIG= SHIM_STATS='${2:-$SHM/stats}'"
}

# shim RULES COMMAND...: runs it so now.
shim() {
	local rules=$1
	shift
	env LD_PRELOAD="$LIB" SHIM_MAP="$rules" SHIM_CONFIG= SHIM_STATS="$SHM/stats" "$@"
}

# fill FILE MIB: bytes that are not zeros.
fill() {
	dd if=/dev/urandom of="$1" bs=1M count="$2" conv=fsync status=none
}

# measure ROUNDS A B: sets A_NS B_NS RATIO LOWER UPPER MORE; see alternate.c.
measure() {
	local line
	line=$("$BIN/alternate" "$@") || return 1
	read -r A_NS B_NS RATIO LOWER UPPER MORE <<<"$line"
}

# fill_cached FILE MIB: likewise, in memory because it was read: pages lie in
# larger pieces then than after having been written one by one.
fill_cached() {
	fill "$1" "$2"
	cache "$1"
}
cache() {
	dd of="$1" oflag=nocache conv=notrunc,fdatasync count=0 status=none
	cat "$1" >/dev/null
}

# ceiling ROUNDS BLOCK FILE RULE OURS: notes what the clock costs, and about how
# much faster than a native pread of FILE a timed one can be on this machine.
ceiling() {
	local native="exec $BIN/loop pread $3 $2"

	measure "$1" "$native" "exec $BIN/loop copy $3 $2" || exit 1
	note "    the ceiling: a bare copy between two clock readings is ${RATIO}x, $B_NS ns"
	measure "$1" "$native" "$(with "$4" off) $BIN/loop pread $5 $2" || exit 1
	note "    without the clock (SHIM_STATS=off): ${RATIO}x, $B_NS ns"
}

# The rows of a table: what, measured, target, met or not. `row WHAT MEASURED
# OP TARGET UNIT`: OP is ge or le; measured and target are numbers.
row() {
	local met
	met=$(awk -v v="$2" -v op="$3" -v t="$4" \
		'BEGIN { print (op == "ge" ? v >= t : v <= t) ? "met" : "NOT MET" }')
	printf '%-48s %10s %10s  %s\n' "$1" "$2$5" "$([ "$3" = ge ] && echo '>=' || echo '<=') $4$5" "$met" |
		tee -a "$out"
}

# A line of the result without a target.
note() { printf '%s\n' "$*" | tee -a "$out"; }

mkdir -p "$RESULTS"
out=$TMP/result
# begin TITLE: the head of the result.
begin() {
	{
		echo "$1"
		echo
		sed -n 's/^model name[^:]*: /cpu:    /p' /proc/cpuinfo | head -1
		echo "cores:  $(nproc)"
		echo "memory: $(awk '/^MemTotal:/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
		echo "kernel: $(uname -r), $(uname -m)"
		echo "disk:   $(stat -f -c %T "$TMP")"
		echo "date:   $(date -u '+%Y-%m-%d %H:%M UTC'), load $(cut -d' ' -f1 /proc/loadavg)"
		echo
	} >"$out"
	cat "$out"
	printf '%-48s %10s %10s\n' what measured target | tee -a "$out"
}
# end: only a whole result replaces the last one.
end() { cp "$out" "$RESULTS/$NAME.txt.new" && mv "$RESULTS/$NAME.txt.new" "$RESULTS/$NAME.txt"; }
