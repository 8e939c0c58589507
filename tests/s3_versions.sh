#!/bin/bash
# SPDX-License-Identifier: MIT
# A bucket that keeps versions: what is open is read to its end by the version it is,
# however often the object is replaced or removed meanwhile; and ESTALE when that
# version itself is gone. Writing makes new ones and loses none.
. "${0%/*}/lib.sh"
requires python3

at s3:ceph
TARGET="$TARGET&ttl=0s&cache=8m&timeout=60"
export PYTHONPATH=$ROOT/tests/s3 PYTHONDONTWRITEBYTECODE=1
python3 -c 'import s3, sys; s3.request("PUT", sys.argv[1], [("versioning", "")], b"<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled</Status></VersioningConfiguration>")' "$BUCKET" || fail "no versions"
head -c 24000000 /dev/zero | tr '\0' 1 >"$TMP/one"
head -c 24000000 /dev/zero | tr '\0' 2 >"$TMP/two"
s3_client put "$KEYS/f" "$TMP/one" || fail put
cat >"$TMP/p.py" <<'E'
import errno, os, subprocess, sys
path, key, top, client = sys.argv[1:]
plain = {k: v for k, v in os.environ.items() if not k.startswith(('LD_', 'SHIM'))}
def outside(*what):
    subprocess.run([client, *what], check=True, env=plain)
def rest(fd):
    got, size = set(), 0
    os.lseek(fd, 0, 0)
    while b := os.read(fd, 1 << 20):
        got |= set(b)
        size += len(b)
    return bytes(got), size
def remove_version(version):
    subprocess.run([sys.executable, '-c', 'import s3, sys; s3.request("DELETE", sys.argv[1], [("versionId", sys.argv[2])])', key, version], check=True, env=plain)
version = os.getxattr(path, 'user.s3.version-id').decode()
fd = os.open(path, os.O_RDONLY)
assert os.pread(fd, 10, 0) == b'1' * 10
outside('put', key, top + '/two')
assert rest(fd) == (b'1', 24000000), 'replaced'
other = os.open(path, os.O_RDONLY)
assert os.pread(other, 10, 23000000) == b'2' * 10, 'opened anew'
outside('rm', key)
assert not os.path.exists(path), 'removed'
assert rest(other) == (b'2', 24000000) and rest(fd) == (b'1', 24000000), 'removed'
os.close(other)
remove_version(version)
try:
    rest(fd)
    sys.exit('a version that is gone is read')
except OSError as e:
    assert e.errno == errno.ESTALE, e
os.close(fd)
# our own: three versions of one name, and what is changed in the middle of the last one is of that
for text in 'a', 'b', 'c':
    with open(path, 'w') as f: f.write(text * 20000000)
with open(path, 'r+') as f:
    f.seek(10000000)
    f.write('middle')
with open(path) as f: assert f.read() == 'c' * 10000000 + 'middle' + 'c' * 9999994
os.rename(path, path + '2')
assert os.stat(path + '2').st_size == 20000000 and not os.path.exists(path)
E
shim python3 "$TMP/p.py" "$PREFIX/f" "$KEYS/f" "$TMP" "$ROOT/tests/s3/s3.py" || exit 1
python3 -c 'import s3, sys
text = s3.request("GET", sys.argv[1], [("versions", ""), ("prefix", "part/f")])[1]
n = text.count(b"<Version>")
sys.exit(n != 6 and "there are %d versions: %s" % (n, text))' "$BUCKET"
