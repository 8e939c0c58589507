#!/bin/bash
# SPDX-License-Identifier: MIT
# shim run: programs that cannot be served are refused or warned about, with
# the reason; the rest of a tree is served.
. "${0%/*}/lib.sh"
[ -x "$SHIM" ] || fail "$SHIM is missing"

bad=0
complain() { echo "$*"; bad=1; }
at posix:

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	install -m 4755 /bin/true "$TMP/setuid"
	chmod 755 "$TMP"
	chown 65533 "$TMP/setuid" && chmod 4755 "$TMP/setuid"
	"$SHIM" run --stats off -- "$TMP/setuid" >"$TMP/out" 2>&1
	status=$?
	[ $status = 126 ] && grep -qi setuid "$TMP/out" || complain "setuid: status $status, $(cat "$TMP/out")"
fi

printf 'int main(void) { return 7; }\n' >"$TMP/s.c"
if command -v cc >/dev/null && cc -static -o "$TMP/static" "$TMP/s.c" 2>/dev/null; then
	"$SHIM" run --stats off -- "$TMP/static" >"$TMP/out" 2>&1
	status=$?
	[ $status = 7 ] && grep -qi static "$TMP/out" || complain "static: status $status, $(cat "$TMP/out")"
fi

# the note by which a Go program is known, in one that has a loader
cat >"$TMP/go.c" <<'END'
__asm__(".section .note.go.buildid,\"a\",@note\n.long 4, 8, 4\n.asciz \"Go\"\n.byte 0\n.ascii \"build/id\"\n.previous");
int main(void) { return 7; }
END
if cc -o "$TMP/go" "$TMP/go.c" 2>/dev/null; then
	"$SHIM" run --stats off -- "$TMP/go" >"$TMP/out" 2>&1
	status=$?
	[ $status = 7 ] && grep -q 'is a Go program' "$TMP/out" || complain "Go: status $status, $(cat "$TMP/out")"
	"$SHIM" run --stats off -- /bin/true >"$TMP/out" 2>&1
	[ ! -s "$TMP/out" ] || complain "an ordinary program: $(cat "$TMP/out")"
fi

# a tree: shell, pipeline, children of children
"$SHIM" run -m "$PREFIX=posix:$NATIVE" --stats "$STATS" --report -- \
    sh -c "echo one >$PREFIX/a; (cat $PREFIX/a | cat; bash -c 'cat <$PREFIX/a >$PREFIX/b') && cat $PREFIX/b" >"$TMP/out" 2>"$TMP/err" ||
	complain "run: status $?"
[ "$(cat "$TMP/out")" = "one
one" ] || complain "tree: $(cat "$TMP/out")"
[ "$(cat "$NATIVE/b")" = one ] || complain "not under the rule"
grep -qw read "$TMP/err" && grep -qw write "$TMP/err" || complain "--report: $(head -3 "$TMP/err")"
"$SHIM" run --stats /proc/none --report -- true 2>"$TMP/err" || complain "a program without statistics fails"
grep -qx "shim: nothing was recorded: /proc/none: No such file or directory" "$TMP/err" || complain "--report without statistics says: $(head -3 "$TMP/err")"
"$SHIM" report "$STATS" >"$TMP/out" 2>&1 && grep -qw read "$TMP/out" || complain "report: $(head -3 "$TMP/out")"
"$SHIM" report --json "$STATS" | python3 -c 'import json, sys; json.load(sys.stdin)' || complain "report --json is no JSON"
"$SHIM" report "$TMP/none" >/dev/null 2>&1 && complain "report of nothing succeeds"
for pid in 0 4294967297 ""; do
	SHIM_STATS=$STATS "$SHIM" report "$pid" >/dev/null 2>&1 && complain "report of process \"$pid\" succeeds"
done

# a preload of the program's own is kept
"$SHIM" run --stats off -- sh -c 'echo $LD_PRELOAD' | grep >/dev/null libshim || complain "LD_PRELOAD is lost"
LD_PRELOAD=libc.so.6 "$SHIM" run --stats off -- sh -c 'echo $LD_PRELOAD' | grep >/dev/null libc.so.6 || complain "another preload is lost"

# stores of memory
STORE=test-$$-run
on_exit "'$SHIM' mem rm -f $STORE"
"$SHIM" run -m "$TMP/m=mem:$STORE" --stats off -- sh -c "echo in memory >$TMP/m/f; mkdir $TMP/m/d; echo x >$TMP/m/d/g"
[ -e "$TMP/m" ] && complain "the prefix appeared on the disk"
"$SHIM" mem ls | grep >/dev/null "$STORE" || complain "mem ls does not list the store"
"$SHIM" mem ls "$STORE" | grep >/dev/null 'd/g' || complain "mem ls STORE does not list the file"
"$SHIM" mem df "$STORE" >/dev/null || complain "mem df fails"
"$SHIM" run -m "$TMP/m=mem:$STORE" --stats off -- cat "$TMP/m/f" | grep >/dev/null -x 'in memory' || complain "the contents are gone"
"$SHIM" mem rm "$STORE/d" && ! "$SHIM" mem ls "$STORE" | grep >/dev/null 'd/g' || complain "mem rm of a directory"
"$SHIM" mem rm "$STORE" || complain "mem rm"
"$SHIM" mem rm "$STORE" 2>/dev/null && complain "mem rm of nothing succeeds"
"$SHIM" mem rm -f "$STORE" || complain "mem rm -f of nothing fails"
"$SHIM" mem ls | grep >/dev/null "$STORE" && complain "the store is still there"
[ -e "/dev/shm/shim-mem-$(id -u)/$STORE" ] && complain "its directory is still there"
exit $bad
