#!/bin/bash
# SPDX-License-Identifier: MIT
# Under a kernel as containers have it on long-lived hosts, without the system
# calls that came after Linux 4.18: shells, pipes, a compiler and Python do what
# they do without the shim.
. "${0%/*}/lib.sh"
requires python3

bad=0
cat >"$TMP/script" <<'END'
set -e
cd "$1"
seq 1000 >a; cp a b; cmp a b; md5sum <a; mv b c; mkdir d; cp -r c d; ls -R | wc -l
dd if=a of=e bs=100 status=none; cmp a e; sed -i s/1/2/ e; sort -rn e | head -2; tar -cf t a d; tar -tf t | sort
exec 7<a; (read -r x <&7; echo "$x"); read -r x <&7; echo "$x"; exec 7<&-; (echo one; echo two >&2) >f 2>&1; cat f
echo 'int main(void) { return 7; }' >m.c; if command -v gcc >/dev/null; then gcc -c m.c; ls m.o; fi
python3 - <<'PY'
import os, subprocess, threading
open('p', 'wb').write(b'x' * 70000)
os.truncate('p', 5)
print(open('p').read(), os.access('p', os.R_OK), os.access('none', os.F_OK))
print(subprocess.run(['cat', 'p'], stdout=subprocess.PIPE, close_fds=True).stdout)
f = open('q', 'w')
t = [threading.Thread(target=lambda n=n: open('t%d' % n, 'w').write('y' * n)) for n in range(8)]
[x.start() for x in t]
[x.join() for x in t]
print(sum(os.path.getsize('t%d' % n) for n in range(8)))
os.set_inheritable(f.fileno(), True)
os.closerange(3, 300)
print(os.path.exists('q'))
PY
rm -r ./*; ls | wc -l
END
# old COMMAND...: the filter first, so that nothing of ours runs without it
old() {
	env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$STATS" "$BIN/denied" -o ENOSYS env LD_PRELOAD="$LIB" "$@"
}

for rule in uring:?engine=ring mem: s3:fault object:; do
	at $rule
	"$BIN/denied" -o ENOSYS bash "$TMP/script" "$NATIVE" >"$TMP/native" 2>&1
	status=$?
	[ $status = 77 ] && skip "no seccomp here"
	[ $status = 0 ] || { cat "$TMP/native"; fail "the script fails natively"; }
	old bash "$TMP/script" "$PREFIX" >"$TMP/ours" 2>&1
	same_text "$TMP/native" "$TMP/ours" "$rule" || bad=1
	# close loops go around our own descriptors
	"$BIN/denied" -o ENOSYS "$BIN/doors/dup.plain" "$NATIVE" >"$TMP/native" 2>&1
	old "$BIN/doors/dup.plain" "$PREFIX" >"$TMP/ours" 2>&1
	same_text "$TMP/native" "$TMP/ours" "$rule: doors/dup" || bad=1
done

# what tmpfs refuses a mem rule takes, and leaves no trace of it
at mem:
old python3 - "$PREFIX/direct" >"$TMP/got" 2>&1 <<'PY'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
ctypes.set_errno(77)
fd = libc.open(sys.argv[1].encode(), os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o644)
print(fd >= 0, ctypes.get_errno())
PY
[ "$(cat "$TMP/got")" = 'True 77' ] || { echo "O_DIRECT: $(cat "$TMP/got")"; bad=1; }
exit $bad
