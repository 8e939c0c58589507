#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the tests: all, or those named (doors, doors/dup, fsx, "fio on mem").
# One line each; the last line says how many passed. See README.

set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1

RULES=${RULES:-"posix: uring: uring:?engine=ring uring:?map=on mem: object:"}
export RULES
LIMIT=${LIMIT:-${LONG:+1800}}
make -s -j"$(nproc)" -f tests/Makefile || exit 1

work=$(mktemp -d "${TMPDIR:-/tmp}/shim-run.XXXXXX") || exit 1
export ORACLE=$work/oracle
mkdir "$ORACLE"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

passed=0 failed=0 skipped=0 n=0
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

# try NAME COMMAND...
try() {
	local name=$1 start took status
	shift
	wanted "$name" || return 0
	n=$((n + 1))
	start=${EPOCHREALTIME/./}
	timeout -k 5 "${LIMIT:-240}" "$@" >"$work/out" 2>&1 </dev/null
	status=$?
	took=$(((${EPOCHREALTIME/./} - start) / 100000))
	took="$((took / 10)).$((took % 10)) s"
	case $status in
	0)
		passed=$((passed + 1))
		echo "ok $n $name ($took)"
		echo "ok $name" >>"$RESULTS"
		;;
	77)
		skipped=$((skipped + 1))
		echo "skip $n $name: $(tail -1 "$work/out" | sed 's/^skipped: //')"
		;;
	*)
		failed=$((failed + 1))
		[ $status -ge 124 ] && [ $status -ne 139 ] && echo "ended by a signal or after ${LIMIT:-240} s: status $status" >>"$work/out"
		echo "FAIL $n $name ($took)"
		echo "FAIL $name" >>"$RESULTS"
		tail -"${TAIL:-40}" "$work/out" | sed 's/^/    /'
		;;
	esac
}

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
	for rule in $RULES; do
		excluded "$f" "$(rule_name "$rule")" && continue
		try "doors/$name on $(rule_name "$rule")" tests/doors.sh "$rule" "$name"
	done
done

# A script with a line "# each rule" runs once under each.
for f in tests/*.sh; do
	name=${f##*/}
	name=${name%.sh}
	case $name in run | lib | doors) continue ;; esac
	if grep -q '^# each rule' "$f"; then
		for rule in $RULES; do
			excluded "$f" "$(rule_name "$rule")" && continue
			postponed "$f" "$rule" && continue
			try "$name on $(rule_name "$rule")" "$f" "$rule"
		done
	else
		try "$name" "$f"
	fi
done

[ $n -gt 0 ] || { echo "no such test: $*" >&2; exit 2; }
echo "$passed passed, $failed failed$([ $skipped -gt 0 ] && echo ", $skipped skipped")"
[ $failed -eq 0 ]
