#!/bin/bash
# SPDX-License-Identifier: MIT
# Keys of every sort: each is found by walking the tree, opens by the name it
# was found by, and has its own bytes; also those that no path can name.
# each server: fault ceph swift
. "${0%/*}/lib.sh"
requires python3
[ "${RULE:-}" ] || at s3:fault
TARGET="$TARGET&timeout=60"

cat >"$TMP/fill.py" <<'E'
import os, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
import s3
from concurrent.futures import ThreadPoolExecutor
prefix = sys.argv[2]
long = 'l' * 300
keys = ['plain', 'a b', 'plus+plus', 'pct%25lit', 'pct%20x', '%', "sub-~()!'*", 'sub;:@&=$,', 'q?mark', 'hash#x', 'lt<gt>amp&"quote',
        '[br]{ac}|^`', 'back\\slash', 'nfc-\u00fc', 'nfd-u\u0308', '\u65e5\u672c/\u8a9e', '\U0001f600', 'd/x', 'd/y', 'd/e/z', 'a//b', 'a//c', 'a///d',
        'e/', 'e/f', 'both', 'both/below', 'marker/', 'dots/./x', 'dots/../y', 'dots/.../z', '.', '..', '.hidden', 'tail.', 'tail ',
        'tab\tx', 'new\nline', long, long + '/' + long, 'k' * (1024 - len(prefix.partition('/')[2]) - 1), '-', '~', 'UPPER', 'upper', 'd.x', 'd!x', 'd0', '@s3=x', '@s3file=x', '@s3long=x']
if sys.argv[3] == 'ceph':       # listed as XML cannot have it
    keys = [k for k in keys if '\x01' not in k]
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda k: s3.request('PUT', prefix + '/' + k, body=('key ' + k).encode() if not k.endswith('/') else b''), keys))
with open(sys.argv[4], 'w') as f:
    f.write(repr(sorted('key ' + k for k in keys if not k.endswith('/'))))
E
python3 "$TMP/fill.py" "$ROOT/tests/s3/s3.py" "$KEYS" "${RULE#s3:}" "$TMP/keys" || fail "cannot fill the bucket"
cat >"$TMP/walk.py" <<'E'
import os, stat, sys
top, want = sys.argv[1], eval(open(sys.argv[2]).read())
got, bad = [], 0
def walk(d):
    global bad
    names = os.listdir(d)
    if len(set(names)) != len(names):
        print('twice in', d, sorted(names))
        bad = 1
    for n in names:
        p = d + '/' + n
        if n in ('', '.', '..') or '/' in n or len(os.fsencode(n)) > 255:
            print('such a name in', d, ':', repr(n))
            bad = 1
            continue
        try:
            st = os.stat(p)
            if stat.S_ISDIR(st.st_mode):
                walk(p)
                continue
            text = open(p, 'rb').read()
            if len(text) != st.st_size:
                print(repr(p), 'has', len(text), 'bytes of', st.st_size)
                bad = 1
            if text:
                got.append(text.decode())
        except OSError as e:
            print(repr(p), e)
            bad = 1
walk(top)
got.sort()
for k in want:
    if got.count(k) != 1:
        print('found', got.count(k), 'times:', repr(k))
        bad = 1
for k in set(got) - set(want):
    print('not put:', repr(k))
    bad = 1
# those that a path can name are what it names
for k in want:
    k = k[4:]
    parts = k.split('/')
    if any(p in ('', '.', '..') or len(os.fsencode(p)) > 255 for p in parts) or k == 'both' or k.startswith('@s3'):
        continue
    try:
        if open(top + '/' + k).read() != 'key ' + k:
            print('other bytes:', repr(k))
            bad = 1
    except OSError as e:
        print('by its own name:', e)
        bad = 1
sys.exit(bad)
E
shim python3 "$TMP/walk.py" "$PREFIX" "$TMP/keys"
[ $? = 0 ] || bad=1

# by the agent's own requests, signed: names no path has, too
for what in put read remove; do
	"$BIN/keys" $what "s3://$BUCKET?endpoint=$ENDPOINT" >"$TMP/said" 2>&1 || { echo "keys $what:"; head "$TMP/said"; bad=1; }
done
exit $bad
