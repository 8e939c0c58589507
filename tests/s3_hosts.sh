#!/bin/bash
# SPDX-License-Identifier: MIT
# Two machines that write to one bucket: two agents with directories and spools of
# their own, racing on create, append, change, replace and rename. What each was told
# is written down, and with what is in the bucket then must be an outcome that
# s3(7) has: exact where the service takes conditions, within the window elsewhere.
# each server: fault ceph
. "${0%/*}/lib.sh"
requires python3
[ "${RULE:-}" ] || at s3:fault
TARGET="$TARGET&timeout=60&ttl=0s"
rounds=${ROUNDS:-${LONG:+200}}

cat >"$TMP/host.py" <<'E'
import errno, os, sys, time
me, top, sync, rounds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
at = 0
def meet():
    """both are here"""
    global at
    at += 1
    open('%s/%d.%s' % (sync, at, me), 'w').close()
    until = time.monotonic() + 60
    while not os.path.exists('%s/%d.%s' % (sync, at, '12'[me == '1'])):
        if time.monotonic() > until:
            sys.exit('the other one does not come')
def write(name, flags, text):
    fd = os.open(name, flags, 0o644)
    try:
        os.write(fd, text)
    finally:
        os.close(fd)
def create(n): write(n, os.O_CREAT | os.O_EXCL | os.O_WRONLY, b'new %s\n' % me.encode())
def append(n): write(n, os.O_WRONLY | os.O_APPEND, b'line %s\n' % me.encode())
def change(n): write(n, os.O_WRONLY, me.encode() * 6)
def replace(n): write(n, os.O_WRONLY | os.O_TRUNC, me.encode() * 100000)
def rename(n): os.rename(n, n + '.' + me)
def onto(n): os.rename(n + '.from' + me, n)
def over(n):
    write(n + '.tmp' + me, os.O_CREAT | os.O_EXCL | os.O_WRONLY, me.encode() * 100)
    os.rename(n + '.tmp' + me, n)
def both(n): rename(n) if me == '1' else append(n)
for r in range(rounds):
    for f in create, append, change, replace, rename, onto, over, both:
        name = '%s/%s%d' % (top, f.__name__, r)
        if me == '1':
            if f != create:
                write(name, os.O_CREAT | os.O_WRONLY, b'before\n')
            if f == onto:
                for m in b'1', b'2':
                    write(name + '.from' + m.decode(), os.O_CREAT | os.O_WRONLY, m * 1000)
        meet()
        try:
            f(name)
            said = 'ok'
        except OSError as e:
            said = errno.errorcode[e.errno]
        print(f.__name__, r, said, flush=True)
        meet()
E
cat >"$TMP/history.py" <<'E'
import sys
from collections import Counter
import s3               # another client
exact = sys.argv[3] != 'window'
exact_delete = sys.argv[3] == 'exact'
told = [dict(((f, int(r)), said) for f, r, said in map(str.split, open(p))) for p in sys.argv[1:3]]
bucket, _, below = sys.argv[4].partition('/')
there = {key[len(below):]: s3.request('GET', bucket + '/' + key)[1] for key, *_ in s3.listing(sys.argv[4])}
bad, seen = 0, Counter()
def outcome(f, said, now):
    """None, or what is wrong"""
    ok = [m for m in '12' if said[m] == 'ok']
    gave = {m: (f, said[m]) for m in '12'}
    text = now.get('')
    if f == 'create':
        if any(s not in ('ok', 'EEXIST', 'ESTALE') for s in said.values()) or not ok: return 'told something else'
        if exact and len(ok) != 1: return 'not one of them made it'
        return None if text in [b'new %s\n' % m.encode() for m in ok] else 'it is not of one who made it'
    if f in ('append', 'change'):
        if any(s not in ('ok', 'ESTALE') for s in said.values()) or not ok: return 'told something else'
        if f == 'append':
            wanted = [b'before\n' + b''.join(b'line %s\n' % m.encode() for m in order) for order in ('1', '2', '12', '21')]
            if text not in wanted: return 'no such text'
            if exact and Counter(text.split(b'\n')[1:-1]) != Counter(b'line %s' % m.encode() for m in ok): return 'a line is lost, or of one who was told otherwise'
            return None if any(b'line %s\n' % m.encode() in text for m in ok) else 'no line of one who was told ok'
        return None if text in [m.encode() * 6 + b'\n' for m in ok] else 'not the text of one who was told ok'
    if f == 'replace':
        if any(s not in ('ok', 'ESTALE') for s in said.values()) or not ok: return 'told something else'
        return None if text in [m.encode() * 100000 for m in ok] else 'not the text of one who was told ok'
    if f == 'rename':
        if any(s not in ('ok', 'ENOENT', 'ESTALE') for s in said.values()) or not ok: return 'told something else'
        if text is not None: return 'the old name is left'
        return None if all(now.get('.' + m) == b'before\n' for m in ok) else 'a new name is not there'
    if f == 'onto':
        if said != {'1': 'ok', '2': 'ok'}: return 'told something else'
        if any('.from' + m in now for m in '12'): return 'an old name is left'
        return None if text in (b'1' * 1000, b'2' * 1000) else 'neither of them'
    if f == 'over':
        if said != {'1': 'ok', '2': 'ok'}: return 'told something else'
        if any('.tmp' + m in now for m in '12'): return 'a temporary name is left'
        return None if text in (b'1' * 100, b'2' * 100) else 'neither of them'
    if f == 'both':
        # a copy and a removal: the append may come before, after, or in between, and is removed then if that takes no condition
        if said['1'] not in ('ok', 'ESTALE', 'ENOENT') or said['2'] not in ('ok', 'ESTALE', 'ENOENT'): return 'told something else'
        if not any(t and t.startswith(b'before\n') for t in now.values()): return 'all of it is lost'
        if exact_delete and said['2'] == 'ok' and not any(b'line 2\n' in t for t in now.values()): return 'a line is lost'
        return None if all(t in (b'before\n', b'before\nline 2\n', b'line 2\n') for t in now.values()) else 'no such text'
for f, r in sorted(told[0]):
    said = {'1': told[0][f, r], '2': told[1].get((f, r), 'nothing')}
    now = {k[len(f + str(r)):]: v for k, v in there.items() if k == f + str(r) or k.startswith(f + str(r) + '.')}
    why = outcome(f, said, now)
    seen[f, said['1'], said['2']] += 1
    if why:
        bad = 1
        print(f, r, said, {k: v[:40] for k, v in now.items()}, why)
print(' '.join('%s:%s/%s=%d' % (*k, n) for k, n in sorted(seen.items())))
sys.exit(bad)
E

# host N: the program as on a machine of its own
host() {
	mkdir -p "$TMP/agents/$1"
	chmod 700 "$TMP/agents/$1"
	SHIM_AGENT_DIR=$TMP/agents/$1 SHIM_AGENT_SPOOL=$TMP/agents/$1/spool \
	    shim timeout 900 python3 "$TMP/host.py" "$1" "$PREFIX" "$TMP/sync" "${rounds:-6}" >"$TMP/told.$1" 2>"$TMP/err.$1"
}
# race PROMISE
race() {
	local one
	rm -rf "$TMP/sync"
	mkdir "$TMP/sync"
	s3_client clear "$KEYS/"
	host 1 &
	one=$!
	host 2 || { cat "$TMP/err.2"; bad=1; }
	wait $one || { cat "$TMP/err.1"; bad=1; }
	PYTHONPATH=$ROOT/tests/s3 python3 -B "$TMP/history.py" "$TMP/told.1" "$TMP/told.2" "$1" "$KEYS/" || bad=1
}
promise=window
SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 check --write "$PREFIX" >"$TMP/check" 2>&1
grep -q 'If-Match of PUT: no' "$TMP/check" && grep -q 'If-None-Match of PUT: of' "$TMP/check" &&
	grep -q 'If-Match of DELETE: what' "$TMP/check" && promise=exact
# Ceph 20 checks the condition of a DELETE before it removes: of a PUT and a DELETE with the
# same If-Match at the same moment both succeed, one time in seven, whichever client sends them
case $promise$RULE in
exacts3:ceph20*) promise='exact but for DELETE' ;;
esac
race "$promise"
case $RULE in
s3:fault*)
	[ "$promise" = exact ] || { echo 'the fault server takes no conditions:'; cat "$TMP/check"; bad=1; }
	fault set conditional=off
	for a in $(agents); do kill -KILL "$a" 2>/dev/null; done
	race window
	;;
esac
exit $bad
