#!/bin/bash
# SPDX-License-Identifier: MIT
# A bucket that is full and credentials that may only read, as a real service has
# them: who writes is told at write, fsync or close, the old object stays, what was
# written is kept, and is in the bucket when that is over.
. "${0%/*}/lib.sh"
requires radosgw-admin python3

at s3:ceph
complain() { echo "$*"; bad=1; }
admin() { timeout 60 radosgw-admin -c "$CEPH_CONF" -n client.rgw "$@" >"$TMP/admin" 2>&1 || { cat "$TMP/admin"; fail "radosgw-admin $1"; }; }
spool() { SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 recover "$@"; }

# write SIZE NAME: what is told of it, and where
cat >"$TMP/write.py" <<'E'
import errno, os, sys
size, path, told = int(sys.argv[1]), sys.argv[2], []
def step(name, f):
    try:
        return f()
    except OSError as e:
        told.append(name + ' ' + errno.errorcode[e.errno])
fd = step('open', lambda: os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
if fd is not None:
    data = open(sys.argv[3], 'rb').read(size)
    step('write', lambda: os.write(fd, data))
    step('fsync', lambda: os.fsync(fd))
    step('fsync', lambda: os.fsync(fd))
    step('close', lambda: os.close(fd))
print(*told or ['ok'], sep=', ')
E
head -c 30000000 /dev/urandom >"$TMP/data"
writes() { shim python3 "$TMP/write.py" "$1" "$PREFIX/$2" "$TMP/data" 2>&1; }
# told SIZE NAME PATTERN: by write, fsync and close alike
told() {
	local said
	said=$(writes "$1" "$2")
	grep -qxE "$3" <<<"$said" || complain "$1 bytes to $2: $said; not $3"
}
there() { s3_client get "$KEYS/$1" 2>/dev/null | cmp -s - <(head -c "$2" "$TMP/data"); }
kept() {
	await listed "$1" || complain "$1 is not kept: $(cat "$TMP/list")"
}
listed() { spool >"$TMP/list"; grep -q "/$1 " "$TMP/list"; } # the agent may not have seen yet that its writer is gone

# ---- a quota of 10 MB, of each of the user's buckets
admin user create --uid "full$$" --display-name full --access-key "full$$" --secret-key secret
admin quota set --quota-scope=bucket --uid "full$$" --max-size=10M
admin quota enable --quota-scope=bucket --uid "full$$"
export AWS_ACCESS_KEY_ID=full$$ AWS_SECRET_ACCESS_KEY=secret
s3_client mb "full-$$" || fail "no bucket"
KEYS=full-$$/part
TARGET="s3://$KEYS?endpoint=$ENDPOINT&timeout=20"
told 1000000 f ok
there f 1000000 || complain 'below the quota: not written'
told 12000000 f '(write EDQUOT, )?fsync EDQUOT, fsync EDQUOT, close EDQUOT'
there f 1000000 || complain 'a full bucket: the old object is gone'
kept f
told 30000000 g '(write EDQUOT, )?fsync EDQUOT, fsync EDQUOT, close EDQUOT'
s3_client get "$KEYS/g" >/dev/null 2>&1 && complain 'a full bucket: there is something new'
kept g
[ "$(writes 1000 h)" = ok ] && there h 1000 || complain 'what fits is not written any more'
spool --finish >"$TMP/out" 2>&1 && complain 'recover writes into a full bucket'
admin quota disable --quota-scope=bucket --uid "full$$"
for _ in {1..300}; do                   # the server keeps what it knows of a user for a moment
	spool --finish >"$TMP/out" 2>&1
	[ -z "$(spool)" ] && break
	sleep 0.2
done
there f 12000000 && there g 30000000 || complain "not finished when there is room: $(cat "$TMP/out")"
[ -z "$(SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 gc --hours 0 "$PREFIX")" ] || complain 'uploads are left'

# ---- a key that may only read
admin subuser create --uid "full$$" --subuser "full$$:ro" --access=read
admin key create --uid "full$$" --subuser "full$$:ro" --key-type=s3 --access-key "ro$$" --secret secret
export AWS_ACCESS_KEY_ID=ro$$
shim cmp "$PREFIX/f" <(head -c 12000000 "$TMP/data") || complain 'cannot read'
told 1000 h '(write EACCES, )?fsync EACCES, fsync EACCES, close EACCES'
told 30000000 h '(write EACCES, )?fsync EACCES, fsync EACCES, close EACCES'
there h 1000 || complain 'who may not write: the old object is gone'
kept h
for what in 'rm f' 'mv f x' 'mkdir d' 'truncate -s 5 f' 'cp f new' 'python3 -c "open(\"excl\", \"x\")"'; do
	shim sh -c "cd '$PREFIX' && $what" >"$TMP/out" 2>&1 && complain "$what succeeds"
	grep -q 'Permission denied' "$TMP/out" || complain "$what: $(cat "$TMP/out")"
done
[ "$(s3_client ls "$KEYS/" | cut -f1 | xargs)" = 'part/f part/g part/h' ] || complain "it changed: $(s3_client ls "$KEYS/")"
spool --drop >/dev/null 2>&1
[ -z "$(spool)" ] || complain 'the spool is not empty'
exit $bad
