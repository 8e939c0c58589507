#!/bin/bash
# SPDX-License-Identifier: MIT
# A mem store with size=: what fits is taken, however it is written, and what
# does not is refused. Fails if a copy is charged for more than it adds, or if
# counting the store disturbs the program.
. "${0%/*}/lib.sh"

bad=0

# does WHAT COMMAND...: it must succeed and say nothing
does() {
	local what=$1 status
	shift
	shim timeout 60 "$@" >"$TMP/out" 2>&1 </dev/null
	status=$?
	[ $status = 0 ] && [ ! -s "$TMP/out" ] || { echo "$what: status $status"; tail -5 "$TMP/out"; bad=1; }
}
# whole NAME: it has the bytes of the small file
whole() { shim cat "$PREFIX/$1" | cmp - "$TMP/small" || { echo "$1 is not whole"; bad=1; }; }

head -c 10000 /dev/urandom >"$TMP/small"
head -c 2000000 /dev/zero >"$TMP/large"
at 'mem:?size=1M'
for i in 1 2 3; do
	does cp cp "$TMP/small" "$PREFIX/a$i"
	does "cp over it" cp "$TMP/small" "$PREFIX/a$i"
	does "cp inside" cp "$PREFIX/a$i" "$PREFIX/b$i"
	does "cp out" cp "$PREFIX/b$i" "$TMP/back"
	does "cp --sparse=always" cp --sparse=always "$TMP/small" "$PREFIX/c$i"
	does "cp --reflink=never" cp -p --reflink=never "$PREFIX/a$i" "$PREFIX/d$i"
	does dd dd if="$TMP/small" of="$PREFIX/e$i" bs=64K status=none
	for f in a b c d e; do
		whole $f$i
	done
	cmp -s "$TMP/back" "$TMP/small" || { echo "cp out of the store lost bytes"; bad=1; }
done
if command -v python3 >/dev/null; then
	cat >"$TMP/copies.py" <<'END2'
import os, shutil, sys
small, d = sys.argv[1:]
want = open(small, 'rb').read()
def same(name):
    if open(os.path.join(d, name), 'rb').read() != want:
        sys.exit(name + ' is not whole')
for i in range(3):
    shutil.copy(small, d + '/p1')
    shutil.copy2(d + '/p1', d + '/p2')
    shutil.copyfile(d + '/p2', d + '/p3')
    with open(small, 'rb') as f, open(d + '/p4', 'wb') as g:
        shutil.copyfileobj(f, g)
    with open(small, 'rb') as f, open(d + '/p5', 'wb') as g:
        os.sendfile(g.fileno(), f.fileno(), 0, 1 << 30)
    with open(d + '/p5', 'rb') as f, open(d + '/p6', 'wb') as g:
        os.copy_file_range(f.fileno(), g.fileno(), 1 << 30)
    for n in range(1, 7):
        same('p%d' % n)
END2
	does "python's copies" python3 "$TMP/copies.py" "$TMP/small" "$PREFIX"
fi
# and it is a limit
shim cp "$TMP/large" "$PREFIX/large" >"$TMP/out" 2>&1 && { echo "2 MB were copied into a store of 1 MiB"; bad=1; }
grep -q 'No space left' "$TMP/out" || { echo "cp of too much: $(head -1 "$TMP/out")"; bad=1; }
does rm rm "$PREFIX/large"
does "cp when there is room again" cp "$TMP/small" "$PREFIX/again"
whole again

for topic in fallocate over; do
	at 'mem:?size=1M'
	does "limit $topic" "$BIN/limit" $topic "$PREFIX/f"
done
at 'mem:?size=10M'
shim mkdir "$PREFIX/sub"
for i in 1 2 3 4 5 6 7 8; do echo $i | shim tee "$PREFIX/sub/$i" >/dev/null; done
does "limit handler" "$BIN/limit" handler "$PREFIX/f"
exit $bad
