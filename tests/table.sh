#!/bin/bash
# SPDX-License-Identifier: MIT
# The table of calls against libc and against the library: no twin of an
# interposed name is left out, exactly the table's names are exported, and
# the library brings nothing along.
. "${0%/*}/lib.sh"
requires nm readelf

bad=0
def=$ROOT/shim/calls.def

# Every name of the table, one a line.
names() {
	sed -nE 's/^(OWN|BARE)\((\w+)\).*/\2/p
	         s/^(ALIAS|TWIN)\((\w+),.*/\2/p
	         s/^CHK\([^,]*, *(\w+),.*/__\1_chk/p
	         s/^(FD|FDAT|FDADOPT|LOOK|PASS|PATH|PATHAT|NEWFD)\([^,]*, *(\w+),.*/\2/p' "$def" | sort
}
names >"$TMP/table"
[ "$(wc -l <"$TMP/table")" -gt 200 ] || fail "the table of $def was not understood"
uniq -d "$TMP/table" >"$TMP/double"
[ ! -s "$TMP/double" ] || { echo "twice in the table:"; cat "$TMP/double"; bad=1; }

# libc's exported functions, internal ones excluded
libc=$(ldd /bin/true | sed -n 's/.*libc\.so[^>]*> \([^ ]*\).*/\1/p')
nm -D --with-symbol-versions "$libc" | grep -v GLIBC_PRIVATE |
	sed -nE 's/^[0-9a-f]+ [TWi] ([^@]+)@.*/\1/p' | sort -u >"$TMP/libc"
[ "$(wc -l <"$TMP/libc")" -gt 1000 ] || fail "$libc's names were not understood"

while read -r x; do
	b=${x#__}
	b=${b%64}
	for twin in "${b}64" "__$b" "__${b}64" "__${b}_chk" "__${b}64_chk" "__${b}_2" "__${b}64_2" "${b}64v2"; do
		grep -qx -- "$twin" "$TMP/libc" || continue
		grep -qx -- "$twin" "$TMP/table" || echo "$twin (twin of $x)"
	done
done <"$TMP/table" | sort -u >"$TMP/missing"
[ ! -s "$TMP/missing" ] || { echo "exported by libc, not in the table:"; cat "$TMP/missing"; bad=1; }

nm -D --defined-only "$LIB" | sed -nE 's/^[0-9a-f]+ [B-Zi] ([^@]+).*/\1/p' | sort -u >"$TMP/exported"
if ! cmp -s "$TMP/table" "$TMP/exported"; then
	echo "in the table, not exported:"
	comm -23 "$TMP/table" "$TMP/exported"
	echo "exported, not in the table:"
	comm -13 "$TMP/table" "$TMP/exported"
	bad=1
fi

# libaio's functions, under the versions that programs ask for
versions() { nm -D --defined-only "$1" | sed -nE 's/^[0-9a-f]+ T (io_.*)/\1/p' | sort; }
libaio=$(ldconfig -p | sed -n 's/.*libaio\.so\.1 .*=> //p' | head -1)
if [ -n "$libaio" ]; then
	versions "$libaio" >"$TMP/libaio"
	[ "$(wc -l <"$TMP/libaio")" -gt 8 ] || fail "$libaio's names were not understood"
	versions "$LIB" | diff "$TMP/libaio" - >"$TMP/diff" || { echo "of $libaio:"; cat "$TMP/diff"; bad=1; }
fi

needed=$(readelf -d "$LIB" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^libc\.so' | tr '\n' ' ')
# the loader itself is part of every process
needed=${needed/ld-linux-x86-64.so.2 /}
[ -z "$needed" ] || { echo "the library needs $needed"; bad=1; }

tls=$(readelf -lW "$LIB" | awk '$1 == "TLS" { print $6 }')
tls=$((${tls:-0}))
[ $tls -le 64 ] || { echo "thread-local storage of $tls bytes"; bad=1; }
readelf -d "$LIB" | grep -q TEXTREL && { echo "relocations in the text"; bad=1; }

# what users are shown
if [ -x "$SHIM" ]; then
	"$SHIM" calls --plain | sort >"$TMP/shown" || bad=1
	cmp -s "$TMP/shown" "$TMP/table" || {
		echo "shim calls --plain and the table differ:"
		diff "$TMP/table" "$TMP/shown" | head -20
		bad=1
	}
fi

# every name but a twin is called in some test
sed -nE 's/^(OWN|BARE)\((\w+)\).*/\2/p
         s/^(FD|FDAT|FDADOPT|LOOK|PASS|PATH|PATHAT|NEWFD)\([^,]*, *(\w+),.*/\2/p' "$def" | grep -v '^__' | sort >"$TMP/rows"
while read -r x; do
	grep -qsw -- "$x" "$ROOT"/tests/doors/*.c "$ROOT"/tests/*.c || echo "$x"
done <"$TMP/rows" >"$TMP/untested"
[ ! -s "$TMP/untested" ] || { echo "in no test: "; tr '\n' ' ' <"$TMP/untested"; echo; bad=1; }
exit $bad
