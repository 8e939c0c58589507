#!/bin/bash
# SPDX-License-Identifier: MIT
# What databases, git and Python programs wrote into a bucket is what somebody
# else finds there, with s3cmd, a client that has nothing of ours; and what s3cmd
# puts there is what they read.
# each server: ceph swift
. "${0%/*}/lib.sh"
requires s3cmd git sqlite3 python3
[ "${RULE:-}" ] || at s3:ceph
TARGET="$TARGET&timeout=100"

host=${ENDPOINT#http://}
cat >"$TMP/s3cfg" <<C
[default]
access_key = $AWS_ACCESS_KEY_ID
secret_key = $AWS_SECRET_ACCESS_KEY
host_base = $host
host_bucket = $host
bucket_location = us-east-1
use_https = False
signature_v2 = False
progress_meter = False
check_ssl_certificate = False
C
theirs() { env -u LD_PRELOAD s3cmd -q -c "$TMP/s3cfg" "$@" >"$TMP/s3cmd.out" 2>&1 || { echo "s3cmd $1: $(tail -3 "$TMP/s3cmd.out")"; bad=1; }; }

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=$TMP/gitconfig GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b \
    GIT_AUTHOR_DATE=2001-02-03T04:05:06Z GIT_COMMITTER_DATE=2001-02-03T04:05:06Z
printf '[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[safe]\n\tdirectory = *\n' >"$TMP/gitconfig"

both sqlite3 'cd $D; sqlite3 db "create table t(a integer primary key, b text); with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) insert into t(b) select hex(i * 7919) from n; create index tb on t(b);"
	sqlite3 db "begin; update t set b = b || a where a % 7 = 0; delete from t where a % 11 = 0; commit; begin; delete from t; rollback; select count(*), sum(length(b)) from t;"
	sqlite3 db "vacuum; insert into t(b) values(\"last\"); pragma integrity_check;"; sqlite3 db .dump >dump.sql; sqlite3 copy <dump.sql; ls'
both git 'cd $D; git init -q r; cd r; for i in 1 2 3 4 5 6; do seq $((i * 100)) >f$i; git add f$i; git commit -qm "commit $i"; done; git mv f1 g1; git commit -qm moved; git tag v1
	git clone -q --bare . ../b.git; git checkout -q -b side; echo side >side; git add side; git commit -qm side; git push -q ../b.git side; git checkout -q main; git merge -q --no-ff -m merged side; git push -q ../b.git main
	git -C ../b.git log --oneline --all | cat; git -C ../b.git gc -q; git fsck; git status -s'
cat >"$TMP/work.py" <<'E'
import csv, dbm.dumb, gzip, io, json, mmap, os, pickle, random, shelve, sys, tarfile, zipfile
os.chdir(sys.argv[1])
random.seed(1)
with open('pickled', 'wb') as f: pickle.dump({i: 'v%d' % i for i in range(10000)}, f)
with open('rows.csv', 'w', newline='') as f: csv.writer(f).writerows([i, i * i, 'a"b'] for i in range(2000))
with open('rows.csv', 'a', newline='') as f: csv.writer(f).writerow(['appended'])
with zipfile.ZipFile('z.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    for i in range(20): z.writestr(zipfile.ZipInfo('m%d' % i), b'%d' % i * 1000)
with zipfile.ZipFile('z.zip', 'a') as z: z.writestr(zipfile.ZipInfo('later'), b'later')
with gzip.GzipFile('g.gz', 'wb', mtime=0) as g: g.write(b'gz' * 100000)
with dbm.dumb.open('dumb', 'n') as d:
    for i in range(50): d['k%d' % i] = 'v' * i
    for i in range(0, 50, 3): del d['k%d' % i]
with shelve.Shelf(dbm.dumb.open('shelf', 'n')) as s: s['list'] = list(range(1000))
data = random.randbytes(20000000)
with open('large', 'wb') as f: f.write(data)
with open('large', 'r+b') as f:
    m = mmap.mmap(f.fileno(), 0)
    for at in 0, 4095, 8388600, 19999990: m[at:at + 8] = b'mapped!!'
    m.flush(); m.close()
    f.seek(10000000); f.write(b'in the middle'); f.truncate(19000000)
fds = [os.open('log', os.O_CREAT | os.O_WRONLY | os.O_APPEND) for _ in range(4)]
for i in range(400): os.write(fds[i % 4], b'line %d\n' % i)
for fd in fds: os.close(fd)
with open('tmp', 'w') as f: json.dump({'a': [1, 2, 3]}, f)
os.replace('tmp', 'config.json')
os.makedirs('deep/er/still'); open('deep/er/still/ü name+%41', 'w').write('odd')
with open('hole', 'wb') as f: f.seek(3000000); f.write(b'end')
print(sorted(os.listdir('.')), os.stat('large').st_size)
E
both python "python3 -B $TMP/work.py \$D"

theirs sync "s3://$KEYS/" "$TMP/theirs/"
# directories that are empty are objects to us, and nothing to them
for top in "$NATIVE" "$TMP/theirs"; do
	find "$top" -type d -empty -delete
	mkdir -p "$top"/{r/.git,b.git}/refs
done
# what is the same each time must be so to the byte
diff -r -x '*.git' -x .git -x index "$NATIVE" "$TMP/theirs" || bad=1
for db in db copy; do
	[ "$(sqlite3 "$TMP/theirs/$db" 'pragma integrity_check')" = ok ] && cmp <(sqlite3 "$TMP/theirs/$db" .dump) <(sqlite3 "$NATIVE/$db" .dump) ||
		{ echo "$db is another one for s3cmd"; bad=1; }
done
for r in r/.git b.git; do
	git --git-dir="$TMP/theirs/$r" fsck --strict >"$TMP/fsck" 2>&1 || { echo "$r for s3cmd: $(cat "$TMP/fsck")"; bad=1; }
	cmp <(git --git-dir="$TMP/theirs/$r" log --all --format='%H %s') <(git --git-dir="$NATIVE/$r" log --all --format='%H %s') || { echo "$r: other commits for s3cmd"; bad=1; }
done
git -C "$TMP/theirs/r" status -s >"$TMP/status" 2>&1 && [ ! -s "$TMP/status" ] || { echo "r: $(cat "$TMP/status")"; bad=1; }
[ "$(python3 -c 'import pickle, sys; print(len(pickle.load(open(sys.argv[1], "rb"))))' "$TMP/theirs/pickled")" = 10000 ] || bad=1

# the other way round: by parts, and names that are awkward
head -c 20000000 /dev/urandom >"$TMP/theirs.data"
theirs put --multipart-chunk-size-mb=5 "$TMP/theirs.data" "s3://$KEYS/put/a b+c%20d"
theirs put "$TMP/work.py" "s3://$KEYS/put/w"
shim cmp "$TMP/theirs.data" "$PREFIX/put/a b+c%20d" && shim cmp "$TMP/work.py" "$PREFIX/put/w" || bad=1
shim sh -c 'echo "# more" >>"$1/put/w" && mv "$1/put/w" "$1/put/x" && rm "$1/put/a b+c%20d"' - "$PREFIX" || bad=1
theirs get --force "s3://$KEYS/put/x" "$TMP/x"
cmp "$TMP/x" <(cat "$TMP/work.py"; echo '# more') || bad=1
env -u LD_PRELOAD s3cmd -c "$TMP/s3cfg" ls -r "s3://$KEYS/put/" | awk '{ print $4 }' >"$TMP/listed"
[ "$(grep -v '/$' "$TMP/listed")" = "s3://$KEYS/put/x" ] || { echo "s3cmd lists:"; cat "$TMP/listed"; bad=1; }

# attributes as rclone keeps them, where there is one; its modes are octal, ours s3fs's
if command -v rclone >/dev/null; then
	export RCLONE_CONFIG=$TMP/rclone.conf RCLONE_CONFIG_T_TYPE=s3 RCLONE_CONFIG_T_PROVIDER=Ceph RCLONE_CONFIG_T_ENDPOINT=$ENDPOINT \
	    RCLONE_CONFIG_T_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID RCLONE_CONFIG_T_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY
	: >"$RCLONE_CONFIG"
	TARGET="$TARGET&meta=object"
	mkdir "$TMP/r"
	echo one >"$TMP/r/one"
	chmod 751 "$TMP/r/one"
	touch -d '2001-02-03 04:05:06.5 UTC' "$TMP/r/one"
	rclone -q copy --metadata "$TMP/r" "t:$KEYS/attr" || bad=1
	[ "$(shim stat -c '%a %.1Y %s' "$PREFIX/attr/one")" = '751 981173106.5 4' ] || { echo "of rclone's: $(shim stat -c '%a %.1Y %s' "$PREFIX/attr/one")"; bad=1; }
	shim sh -c 'cd "$0"; echo two >attr/two; touch -d "2002-03-04 05:06:07.25 UTC" attr/two; mv attr/one attr/three' "$PREFIX" || bad=1
	rclone -q copy --metadata "t:$KEYS/attr" "$TMP/back" || bad=1
	[ "$(cd "$TMP/back" && stat -c '%n %.2Y' * | xargs)" = 'three 981173106.50 two 1015218367.25' ] || { echo "for rclone: $(cd "$TMP/back" && stat -c '%n %.2Y' *)"; bad=1; }
	[ "$(stat -c %a "$TMP/back/three") $(cat "$TMP/back/two")" = '751 two' ] || bad=1
fi
exit $bad
