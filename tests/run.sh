#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the tests: all, or those named (doors, doors/dup, fsx, "fio on mem").
# One line each, JOBS at once (two more than processors, as many do little but
# wait); the last line says how many passed. See README.

set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1

ONLY_RULES=${RULES:-}
RULES=${RULES:-"posix: uring: uring:?engine=ring uring:?map=on mem: object:"}
export RULES
LIMIT=${LIMIT:-${LONG:+1800}}
make -s -j"$(nproc)" -f tests/Makefile || exit 1

work=$(mktemp -d "${TMPDIR:-/tmp}/shim-run.XXXXXX") || exit 1
export ORACLE=$work/oracle
mkdir "$ORACLE"
# servers of S3: started by the first test that asks, shared by all
export S3_SERVERS=$work/servers S3_OWNER=$$
trap 'tests/s3/server stop "$S3_SERVERS"; rm -rf "$work"' EXIT
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM

JOBS=${JOBS:-$(($(nproc) + 2))}
: >"$work/tally"
names=("$@")
# what .ci/matrix makes docs/support.md of
RESULTS=build/results
[ $# -eq 0 ] && rm -f "$RESULTS"

wanted() {
	local want
	[ ${#names[@]} -eq 0 ] && return 0
	for want in "${names[@]}"; do
		case $1 in
		"$want" | "$want/"* | "$want on "* | "$want under "*) return 0 ;;
		esac
	done
	return 1
}

# run_one N NAME COMMAND...
run_one() {
	local n=$1 name=$2 out=$work/out.$1 start=${EPOCHREALTIME/./} took status
	shift 2
	TIMEFORMAT='%1U + %1S of a processor'
	{ time timeout -k 5 "${LIMIT:-600}" "$@" >"$out" 2>&1 </dev/null; } 2>"$out.cpu"
	status=$?
	took=$(((${EPOCHREALTIME/./} - start) / 100000))
	took="$((took / 10)).$((took % 10)) s, $(<"$out.cpu")"
	exec 9>"$work/lock"
	flock 9
	case $status in
	0)
		echo "ok $n $name ($took)"
		echo "ok $name" | tee -a "$RESULTS" >>"$work/tally"
		;;
	77)
		echo "skip $n $name: $(tail -1 "$out" | sed 's/^skipped: //')"
		echo "skip $name" >>"$work/tally"
		;;
	*)
		[ $status -ge 124 ] && [ $status -ne 139 ] && echo "ended by a signal or after ${LIMIT:-600} s: status $status" >>"$out"
		echo "FAIL $n $name ($took)"
		echo "FAIL $name" | tee -a "$RESULTS" >>"$work/tally"
		tail -"${TAIL:-40}" "$out" | sed 's/^/    /'
		;;
	esac
	rm -f "$out"
}

# try NAME COMMAND...: to be run; those that take longest before the others
early=() queue=()
try() {
	local line
	wanted "$1" || return 0
	printf -v line '%q ' "$@"
	case $1 in
	"cpython on object" | "fio on mem" | s3_beside | s3_check | demo | "doors/errno_paths on object" | "unit/s3_disk under TSan")
		early+=("$line")
		;;
	*) queue+=("$line") ;;
	esac
}

# Starts one, N its number.
start() {
	while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
		wait -n
	done
	eval "run_one $1 $2 &"
}

coprime() {
	local a=$1 b=$2
	while [ "$b" -gt 0 ]; do
		set -- "$b" $((a % b))
		a=$1 b=$2
	done
	[ "$a" -eq 1 ]
}

# All, in strides: what waits under one rule waits under the others, and neighbours would all wait at once.
start_all() {
	local n=0 total=${#queue[@]} step line i
	for line in "${early[@]}"; do
		start $((++n)) "$line"
	done
	step=$((total * 38 / 100 + 1))
	while ! coprime "$total" "$step"; do
		step=$((step + 1))
	done
	for ((i = 0; i < total; i++)); do
		start $((++n)) "${queue[i * step % total]}"
	done
}

count() { grep -c "^$1 " "$work/tally"; }

rule_name() {
	local r=${1/:\?/,}
	echo "${r%:}"
}

# A source line "not: RULE..." names rules a test is not for.
excluded() {
	local not
	for not in $(sed -n 's/^[ *#]*not: //p' "$1"); do
		[ "$not" = "$2" ] && return 0
	done
	return 1
}

# A line "without LONG: RULE..." names the only rules of a short run; those named to this script are run all the same.
postponed() {
	local only
	[ "${LONG:-}" ] || [ ${#names[@]} -gt 0 ] && return 1
	only=$(sed -n 's/^# without LONG: //p' "$1")
	[ "$only" ] || return 1
	case " $only " in *" $2 "*) return 1 ;; esac
}

# A line "and on: RULE..." names more rules, "and with LONG on: ..." more of a long run, or of one that names the script.
added() {
	[ "$ONLY_RULES" ] && return
	sed -n 's/^[ *#]*and on: //p' "$1"
	[ "${LONG:-}" ] || [ ${#names[@]} -gt 0 ] && sed -n 's/^# and with LONG on: //p' "$1"
}

for f in build/tests/unit/* build/asan/tests/unit/* build/tsan/tests/unit/*; do
	case $f in
	*/asan/*) how=" under ASan and UBSan" ;;
	*/tsan/*) how=" under TSan" ;;
	*) how= ;;
	esac
	[ -f "$f" ] && [ -x "$f" ] && try "unit/${f##*/}$how" "$f"
done

for f in tests/doors/*.c; do
	name=${f##*/}
	name=${name%.c}
	for rule in $RULES $(added "$f"); do
		excluded "$f" "$(rule_name "$rule")" && continue
		try "doors/$name on $(rule_name "$rule")" tests/doors.sh "$rule" "$name"
	done
done

# A script with a line "# each rule" runs once under each, one with "# each server: ..." once on each.
for f in tests/*.sh; do
	name=${f##*/}
	name=${name%.sh}
	case $name in run | lib | doors) continue ;; esac
	if grep -q '^# each rule' "$f"; then
		for rule in $RULES $(added "$f"); do
			excluded "$f" "$(rule_name "$rule")" && continue
			postponed "$f" "$rule" && continue
			try "$name on $(rule_name "$rule")" "$f" "$rule"
		done
	elif grep -q '^# each server: ' "$f"; then
		for server in $(sed -n 's/^# each server: //p' "$f") ${LONG:+ceph20}; do
			try "$name on s3:$server" "$f" "s3:$server"
		done
	else
		try "$name" "$f"
	fi
done

[ $((${#early[@]} + ${#queue[@]})) -gt 0 ] || { echo "no such test: $*" >&2; exit 2; }
start_all
wait
echo "$(count ok) passed, $(count FAIL) failed$([ "$(count skip)" -gt 0 ] && echo ", $(count skip) skipped")"
[ "$(count FAIL)" -eq 0 ]
