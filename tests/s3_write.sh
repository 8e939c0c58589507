#!/bin/bash
# SPDX-License-Identifier: MIT
# Writing to objects: as programs do it, natively and under the rule, and what
# is in the bucket then, seen by a client that is not ours.
# each server: ceph swift
. "${0%/*}/lib.sh"
[ "${RULE:-}" ] || at s3:ceph

left() { find "$SHIM_AGENT_SPOOL" -name '*.data' -size +0 2>/dev/null; }
# there NAME: the object is what the native file is
there() {
	s3_client get "$KEYS/$1" 2>/dev/null | cmp -s - "$NATIVE/$1" || { echo "$1 in the bucket is not what was written"; bad=1; }
}

both 'small files' 'cd $D; echo one >a; cat a; echo two >>a; cat a; : >empty; wc -c <empty
	cp a b; cmp a b; printf x >a; cat a; test -s a; cat none 2>/dev/null || echo none'
there a
there b
there empty

both 'names' 'cd $D; mkdir d; mkdir d 2>/dev/null || echo exists; echo f >d/f; rmdir d 2>/dev/null || echo not empty
	mv d/f d/g; ls d; mv d e; ls -R .; mv e/g g; ls e; rmdir e; ls; mkdir -p x/y; echo 1 >x/y/z; mv x w; cat w/y/z; ls w
	mv -T w g 2>/dev/null || echo not a directory; mv g w; ls w; rm w/g; rm -r w; ls; rm none 2>/dev/null || echo none
	: >n/f 2>/dev/null || echo no directory; : >a/f 2>/dev/null || echo not a directory'

both 'in place' 'cd $D; seq 1 200000 >big; exec 3<>big; printf HEAD >&3; exec 3>&-; head -c 20 big
	dd if=/dev/zero of=big bs=1 count=5000 seek=300000 conv=notrunc status=none; md5sum <big
	truncate -s 100 big; truncate -s 5000 big; md5sum <big; truncate -s 0 big; echo end >>big; cat big
	printf sparse | dd of=hole bs=1 seek=70000 status=none; md5sum <hole
	for i in 1 2 3 4 5 6 7 8; do (for j in 1 2 3 4 5; do echo $i.$j; done >>log) & done; wait; sort log'
there big
there hole
s3_client get "$KEYS/log" | sort | cmp -s - <(sort "$NATIVE/log") || { echo 'lines that were appended are lost'; bad=1; }

# several descriptors in each of several processes, all open at once: no line is lost or torn
cat >"$TMP/appends.py" <<'E'
import os, sys
path, me = sys.argv[1:]
fds = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for _ in range(3)]
for i in range(60):
    os.write(fds[i % 3], b'%s of %s, %s\n' % (str(i).encode(), me.encode(), b'x' * (i * 7)))
    if i % 20 == 19: os.fsync(fds[i % 3])
for fd in fds: os.close(fd)
E
both 'appended by many' "for i in 1 2 3 4; do python3 $TMP/appends.py \$D/appended \$i & done; wait; sort \$D/appended; rm -f \$D/none"
s3_client get "$KEYS/appended" | sort | cmp -s - <(sort "$NATIVE/appended") || { echo 'what many appended is lost'; bad=1; }

both 'exclusive' 'cd $D; set -C; echo 1 >lock; (echo 2 >lock) 2>/dev/null || echo locked; cat lock; rm lock; echo 3 >lock; cat lock'
both 'programs' 'cd $D; mkdir s; for i in 1 2 3 4 5 6 7 8 9; do echo $i >s/f$i; done; tar --warning=no-timestamp -cf t.tar s; mkdir t; tar --warning=no-timestamp -xf t.tar -C t
	diff -r s t/s; sed -i s/5/five/ s/f5; cat s/f5; cp -r s u; diff -r s u; rm -r t u; ls'
both 'an open file that loses its name' 'cd $D; exec 3>gone; echo x >&3; rm gone; echo y >&3; exec 3>&-; ls gone 2>/dev/null || echo none
	exec 3>was; echo x >&3; mv was is; echo y >&3; exec 3>&-; cat is; ls was 2>/dev/null || echo none'
there is

# a file has one number by its name and by a descriptor, before, while and after it is written
both 'the number of a file' 'cd $D; echo 1 >n1; echo 2 >n2; n=$(stat -c %i n1); same() { [ "$(stat -$2c %i "$1")" = $n ] && echo "same $1" || echo "another $1"; }
	same n1; same n2; exec 5<>n1; echo more >&5; same n1; same /dev/fd/5 L; sync n1; same n1; same /dev/fd/5 L; exec 5>&-; same n1; exec 5<n1; echo new >>n1; same /dev/fd/5 L
	printf x >n1; same n1; ls -i . | grep n1 | { read -r i f; [ $i = $n ] && echo same in the listing; }; ls -id . | { read -r i d; [ $i = $(stat -c %i $D) ] && echo same .; }
	find . -samefile n1; cp n1 n1 2>&1; cp n1 n2; mv n1 n1 2>&1; [ n1 -ef ./n1 ] && echo ef; [ n1 -ef n2 ] || echo not ef; tar cf n.tar n.tar n1 2>&1; tar tf n.tar
	exec 5>n3; echo x >&5; mv n3 n4; n=$(stat -c %i n4); same /dev/fd/5 L; echo y >n3; same n3; rm n4; echo z >n4; n=$(stat -Lc %i /dev/fd/5); same n4; exec 5>&-; cat n4; rm n*'
command -v vim >/dev/null && both vim 'cd $D; printf "a\nb\n" >v; for bc in yes no auto; do for back in backup nobackup; do vim -es -N -u NONE -i NONE "+set backupcopy=$bc $back" "+1s/\$/x/" +wq v; echo $?; done; cat v; ls -A v*; done
	vim -es -N -u NONE -i NONE "+set nowritebackup" "+\$s/\$/y/" +w "+\$s/\$/z/" +wq v; echo $?; cat v; rm v~; ls -A'
[ -e "$NATIVE/v" ] && there v

# by parts, appended to, changed in the middle, cut
head -c 40000000 /dev/urandom >"$TMP/data"
both 'large' 'cd $D; cp ../data large; md5sum <large; printf tail >>large; md5sum <large
	dd if=../data of=large bs=4096 count=1 seek=5000 conv=notrunc status=none; md5sum <large
	truncate -s 30000001 large; md5sum <large; cp large copy; mv copy moved; md5sum <moved'
there large
there moved

both 'a database' 'cd $D; python3 -c "
import sqlite3
for n in 1, 2:
	c = sqlite3.connect(\"db\")
	c.execute(\"create table if not exists t(a)\")
	c.executemany(\"insert into t values(?)\", [(i,) for i in range(500)])
	c.commit()
	print(c.execute(\"select count(*), sum(a) from t\").fetchall(), c.execute(\"pragma integrity_check\").fetchall())
	c.close()"'
s3_client get "$KEYS/db" >"$TMP/db" && python3 -c '
import sqlite3, sys
sys.exit(sqlite3.connect(sys.argv[1]).execute("select count(*) from t").fetchall() != [(1000,)])' "$TMP/db" ||
	{ echo 'the database in the bucket is damaged'; bad=1; }

both 'git' 'cd $D; git init -q r; cd r; git config user.email a@b; git config user.name n; git config gc.auto 0
	for i in 1 2 3; do echo $i >f$i; git add f$i; git commit -q -m $i; done; git fsck 2>&1; git log --format=%s; git status --short'

[ -z "$(left)" ] || { echo 'left in the spool:'; left; bad=1; }

# an agent keeps staged files for the next ones: nothing of one is in another, nor is it needed
both 'holes after bytes' 'cd $D; head -c 300000 /dev/urandom | tr "\\0" x >used; rm used; truncate -s 200000 holes; printf y >>holes
	dd if=/dev/zero of=far bs=1 count=1 seek=150000 status=none; cksum holes far'
both 'a base after bytes' 'cd $D; seq 20000 >base; seq 9999 >used; printf A | dd of=base bs=1 seek=60000 conv=notrunc status=none; cksum base'
rm -rf "${SHIM_AGENT_SPOOL:?}"/*
both 'an emptied spool' 'cd $D; echo 1 >after; echo 2 >>after; cat after'

# read-only
TARGET=$TARGET\&write=off shim sh -c "echo x >'$PREFIX/ro'" 2>"$TMP/err" && { echo 'write=off: written'; bad=1; }
grep -q 'Read-only' "$TMP/err" || { cat "$TMP/err"; bad=1; }
exit $bad
