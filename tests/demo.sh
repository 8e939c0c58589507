#!/bin/bash
# SPDX-License-Identifier: MIT
# make demo: an unmodified fio over each back end, with the latencies that the
# shim saw. Takes half a minute, 256 MiB of disk and 256 MiB of memory.

set -u
set -o pipefail
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
PATH=$PWD/build:$PATH
unset LD_PRELOAD SHIM_MAP SHIM_CONFIG SHIM_TREE

for c in shim fio; do
	command -v $c >/dev/null || { echo "demo: no $c: run make demo" >&2; exit 1; }
done
disk=$(mktemp -d "${TMPDIR:-/var/tmp}/shim-demo.XXXXXX") || exit 1
shm=$(mktemp -d /dev/shm/shim-demo.XXXXXX) || exit 1
store=demo-$$
export SHIM_STATS=$shm/stats
trap 'rm -rf "$disk" "$shm"; shim mem rm -f "$store" >/dev/null 2>&1' EXIT
trap 'exit 130' INT TERM
say() { printf '%s\n' "$@"; }
broken() { cat "$1"; echo "demo: that went wrong"; exit 1; }

# Of a report: the rows of the rule, and its histograms.
of_rule() {
	awk -v rule="$1" '
		/^call / { print "    " $0; table = 1; next }
		table && !NF { table = 0 }
		table { if (index($0, rule)) print "    " $0; next }
		/^[a-z_0-9]+ +\// { hist = index($0, rule) > 0; if (hist) print "" }
		/^[a-z]/ && !/^[a-z_0-9]+ +\// { hist = 0 }
		!NF { hist = 0 }
		hist { print "    " $0 }' "$2"
}

# From fio's JSON: "reads writes iops".
fio_numbers() {
	awk '/^ *"(read|write|trim)" : *\{/ { side = $1 }
		side == "\"trim\"" { next }
		/"total_ios" :/ { n[side] = $3 + 0 }
		/"iops" :/ { iops += $3 }
		END { printf "%d %d %.0f\n", n["\"read\""], n["\"write\""], iops }' "$1"
}

# One column of a call in a report: percentile CALL RULE COLUMN.
column() { awk -v c="$1" -v r="$2" -v k="$3" '$1 == c && index($0, r) { print $k; exit }' "$4"; }

options="--name=demo --ioengine=psync --bs=4k --rw=randrw --size=128m --time_based --runtime=2 --invalidate=0"
rows=()

# native WHAT FILE: the same fio without the shim, for comparison.
native() {
	dd if=/dev/urandom of="$2" bs=1M count=128 conv=notrunc,fsync status=none || exit 1
	# shellcheck disable=SC2086
	fio $options --filename="$2" --output-format=json >"$shm/fio" 2>&1 || broken "$shm/fio"
	read -r _ _ iops <<<"$(fio_numbers "$shm/fio")"
	rows+=("$(printf '%-24s %9s' "$1" "$iops")")
}

# act TITLE PREFIX TARGET: fio under one rule.
act() {
	local rule="$2=$3" file=$2/file reads writes iops r w seen
	say "" "---- $1" ""
	say "    \$ shim run -m '$rule' --report -- fio --filename=$file \\" \
	    "          ${options#--name=demo }" ""
	shim run -m "$rule" -- dd if=/dev/urandom of="$file" bs=1M count=128 conv=notrunc,fsync status=none || exit 1
	# shellcheck disable=SC2086
	shim run -m "$rule" --report -- fio $options --filename="$file" --output-format=json \
		>"$shm/fio" 2>"$shm/report" || { cat "$shm/fio"; broken "$shm/report"; }
	seen=$rule
	of_rule "$seen" "$shm/report"
	read -r reads writes iops <<<"$(fio_numbers "$shm/fio")"
	r=$(column pread "$seen" 2 "$shm/report") w=$(column pwrite "$seen" 2 "$shm/report")
	say "" "    fio says it made $reads reads and $writes writes; the shim counted $r and $w."
	rows+=("$(printf '%-24s %9s %9s %9s %9s %9s' "$3" "$iops" \
		"$(column pread "$seen" 5 "$shm/report")" "$(column pread "$seen" 7 "$shm/report")" \
		"$(column pwrite "$seen" 5 "$shm/report")" "$(column pwrite "$seen" 7 "$shm/report")")")
}

say "fio, unmodified, reads and writes 4 KiB at random in a file of 128 MiB: on disk" \
    "under four rules (the file is cached) and in memory. Each time the shim prints" \
    "what it saw of the rule's files: calls, bytes, errors, latencies, and how the" \
    "latencies are spread." \
    "" \
    "    $(fio --version), $(uname -sr), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"

# once for nothing: the first writes to new blocks of a disk are slower
native warm "$disk/file"
rows=()
native "disk, without shim" "$disk/file"
act "posix: the C library's own calls, timed" "$disk" posix:
act "uring: by default also plain calls, since one at a time gains nothing from a ring" "$disk" uring:
act "uring, engine=ring: every call through io_uring, to see what that costs" "$disk" "uring:?engine=ring"
act "uring, map=on: cached reads are copies from a mapping, without a system call" "$disk" "uring:?map=on"
rm -f "$disk/file"
native "tmpfs, without shim" "$shm/native"
rm -f "$shm/native"
act "mem: files in shared memory; /tmp/mfs is on no disk" /tmp/mfs "mem:$store"

say "" "---- mem again: written, read back and compared by checksum, 32 requests deep" ""
seed="-direct=1 -iodepth=32 -rw=randrw -ioengine=libaio -bs=4k -size=256M -numjobs=1 -runtime=30 -group_reporting -fallocate=none -name=RandRW -verify=md5 --do_verify=1 --verify_fatal=1"
say "    \$ shim run -m /tmp/mfs=mem: -- fio -filename=/tmp/mfs/testfile \\" "          $(fold -s -w 70 <<<"$seed" | sed '2,$s/^/          /; $!s/ *$/ \\/')" ""
shim mem rm -f "$store" >/dev/null 2>&1
# shellcheck disable=SC2086
(cd "$disk" && shim run -m "/tmp/mfs=mem:$store" -- fio $seed -filename=/tmp/mfs/testfile) >"$shm/fio" 2>&1 ||
	broken "$shm/fio"
grep -E 'err=|READ:|WRITE:' "$shm/fio" | sed 's/^ */    /; s/(groupid=[^)]*): //; s/: pid=.*//'

say "" "---- side by side: operations a second by fio's count, latencies by the shim's" ""
printf '    %-24s %9s %19s %19s\n' "" "" "pread" "pwrite"
printf '    %-24s %9s %9s %9s %9s %9s\n' "" IOPS p50 p99 p50 p99
printf '    %s\n' "${rows[@]}" | sed "s/mem:$store */$(printf %-25s mem:)/"
say "" "(One run of two seconds each; other programs and the disk are in the numbers.)"
say "" "What it was: README.md. More numbers, with care: make bench."
