#!/bin/bash
# SPDX-License-Identifier: MIT
# cpython.sh RULE: python's own tests of files, in a directory of the rule:
# each ends as it does natively, or for a reason given in cpython.expected.
# LONG=1 runs all of the modules.
# each rule
# without LONG: mem: object:
. "${0%/*}/lib.sh"
python=/usr/bin/python3
$python -c 'import test.test_os' 2>/dev/null || skip "no test suite of python's (libpython3.11-testsuite)"

modules="test_os test_io test_fileio test_posix test_shutil test_tempfile test_mmap test_tarfile"
leave=(-i '*SignalsTest*')     # they wait for seconds
[ -n "${LONG:-}" ] && modules="$modules test_zipfile test_largefile" leave=()

# results RUN DIR XML: runs the modules in DIR; a line for each test on standard output
results() {
	(cd "$TMP" && TMPDIR=$2 $1 timeout -k 5 600 $python -m test.regrtest --tempdir "$2" --junit-xml "$3" \
		"${leave[@]}" $modules >"$3.out" 2>&1 </dev/null)
	[ -s "$3" ] || { tail -5 "$3.out"; return 1; }
	$python - "$3" <<'E'
import sys
import xml.etree.ElementTree as xml
for t in xml.parse(sys.argv[1]).iter("testcase"):
    print(t.get("name"), next((e.tag for e in t if e.tag in ("failure", "error", "skipped")), "ok"))
E
}

native=${ORACLE:-$TMP}/cpython${LONG:+.long}
if [ ! -s "$native" ]; then
	results "" "$NATIVE" "$TMP/native.xml" >"$TMP/native" || fail "python's tests do not run natively"
	sort "$TMP/native" >"$native.$$" && mv "$native.$$" "$native"
fi
results shim "$PREFIX" "$TMP/shim.xml" >"$TMP/shim.out" || fail "python's tests do not run"
sort "$TMP/shim.out" >"$TMP/shim"
[ "$(wc -l <"$native")" -gt 1000 ] || fail "only $(wc -l <"$native") tests ran"

# Lines of cpython.expected: a rule or *, a test's name, what it gives there, why.
comm -13 "$native" "$TMP/shim" | while read -r name result; do
	while read -r rule test gives _; do
		[[ $(rule_name "$RULE") == $rule && $name == $test && $result == "$gives" ]] && continue 2
	done < <(grep -v '^#' "$ROOT/tests/cpython.expected")
	echo "$name: $result; natively $(grep -F "$name " "$native" | sed 's/.* //')"
	grep -A1 -F "name=\"$name\"" "$TMP/shim.xml" | sed -n 's/.*\(Traceback\|Error\)/\1/p' | head -3
	false
done
