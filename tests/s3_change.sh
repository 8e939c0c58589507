#!/bin/bash
# SPDX-License-Identifier: MIT
# An object that is replaced or removed while it is read: what is open stays
# one version or fails with ESTALE, and is never a mixture; who opens anew sees
# the new one, at the latest when ttl= has passed.
# each server: fault ceph swift
. "${0%/*}/lib.sh"
requires python3
[ "${RULE:-}" ] || at s3:fault
TARGET="$TARGET&timeout=60&cache=8m"

head -c 24000000 /dev/zero | tr '\0' 1 >"$TMP/one"
head -c 24000000 /dev/zero | tr '\0' 2 >"$TMP/two"
head -c 30000000 /dev/zero | tr '\0' 3 >"$TMP/three"
put() { s3_client put "$KEYS/f" "$TMP/$1" || fail "put"; }
put one

cat >"$TMP/p.py" <<'E'
import errno, os, subprocess, sys, time
path, change = sys.argv[1], sys.argv[2:]
bad = 0
def outside(what):
    subprocess.run(change + [what], check=True, env={k: v for k, v in os.environ.items() if not k.startswith(('LD_', 'SHIM'))})
def rest(fd, what):
    """all of the open file: only of the kind it began with, or ESTALE"""
    got, size = set(), 0
    try:
        os.lseek(fd, 0, 0)
        while b := os.read(fd, 1 << 20):
            got |= set(b)
            size += len(b)
    except OSError as e:
        if e.errno not in (errno.ESTALE, errno.ENOENT):
            print(what, e)
            return 1
        print(what, errno.errorcode[e.errno], 'after', size)
    if len(got) > 1 or size > os.fstat(fd).st_size:
        print(what, 'a mixture of', got, size)
        return 1
    return 0
def fresh(want, size):
    deadline = time.monotonic() + 30
    while True:
        # until ttl= has passed it may be the old one that is opened, which is gone
        try:
            with open(path, 'rb', buffering=0) as f:
                n, b = os.fstat(f.fileno()).st_size, b''
                b = f.read(1)
            if b == want and n == size:
                return 0
        except OSError as e:
            if e.errno != errno.ESTALE:
                raise
        if time.monotonic() > deadline:
            print('the new object is not seen:', b, n)
            return 1
for name, kind, size in (('two', b'2', 24000000), ('three', b'3', 30000000), ('one', b'1', 24000000)):
    fd = os.open(path, os.O_RDONLY)
    os.pread(fd, 10, 0)
    outside(name)
    bad |= rest(fd, 'replaced:')
    os.close(fd)
    bad |= fresh(kind, size)
fd = os.open(path, os.O_RDONLY)
os.pread(fd, 10, 0)
outside('none')
bad |= rest(fd, 'removed:')
deadline = time.monotonic() + 30
while os.path.exists(path):
    if time.monotonic() > deadline:
        print('it is still seen')
        bad = 1
        break
sys.exit(bad)
E
cat >"$TMP/change" <<S
#!/bin/sh
[ "\$1" = none ] && exec "$ROOT/tests/s3/s3.py" rm "$KEYS/f"
exec "$ROOT/tests/s3/s3.py" put "$KEYS/f" "$TMP/\$1"
S
chmod +x "$TMP/change"
shim python3 "$TMP/p.py" "$PREFIX/f" "$TMP/change"

# Whatever ttl= says: who was told ESTALE finds the new one by the next open, and what was removed is gone.
put one
cat >"$TMP/q.py" <<'E'
import errno, os, subprocess, sys
path, change = sys.argv[1], sys.argv[2:]
def outside(what):
    subprocess.run(change + [what], check=True, env={k: v for k, v in os.environ.items() if not k.startswith(('LD_', 'SHIM'))})
def whole():
    with open(path, 'rb', buffering=0) as f:
        got = set()
        while b := f.read(1 << 20):
            got |= set(b)
        return bytes(got)
def told(what, error, f):
    try:
        got = f()
    except OSError as e:
        if e.errno == error:
            return
        got = e
    sys.exit(f'{what}: {got}')
assert os.stat(path).st_size == 24000000 and whole() == b'1'
for name, kind in ('two', b'2'), ('three', b'3'), ('one', b'1'):
    outside(name)
    told('replaced', errno.ESTALE, whole)
    got = whole()
    assert got == kind, (name, got)
    assert os.stat(path).st_size == (30000000 if name == 'three' else 24000000), name
outside('none')
told('removed', errno.ESTALE, whole)
told('gone', errno.ENOENT, whole)
assert not os.path.exists(path)
E
TARGET="$TARGET&ttl=3600s"
shim python3 "$TMP/q.py" "$PREFIX/f" "$TMP/change"
