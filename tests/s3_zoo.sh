#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that read do on a bucket what they do on a disk: the same output,
# the same status. And who has a wrong secret is told so.
# each server: ceph swift
. "${0%/*}/lib.sh"
requires git sqlite3 python3 zip convert rsync
[ "${RULE:-}" ] || at s3:ceph
TARGET="$TARGET&timeout=100"

(
	set -e
	cd "$NATIVE"
	mkdir -p src/deep/er odd
	cp "$ROOT"/shim/*/[a-m]*.[ch] src
	cp "$ROOT"/tests/*.sh src/deep/er
	seq 200000 >numbers
	head -c 3000000 /dev/urandom >data
	for n in 'a b' 'a+b' '100%' 'ü' "it's" '-x' '#1' 'a=b&c'; do echo "$n" >"odd/$n"; done
	: >nothing
	tar czf all.tar.gz src odd
	zip -qr all.zip src odd
	sqlite3 db 'create table t(a integer primary key, b text); with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000) insert into t(b) select hex(i * 7919) from n; create index tb on t(b);'
	python3 -c 'import sys; sys.stdout.buffer.write(b"P6 300 200 255 " + bytes((x * y) % 256 for y in range(200) for x in range(900)))' >pic.ppm
	convert pic.ppm pic.png
	git init -q -b main "$TMP/repo"
	cp -r src "$TMP/repo"
	export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
	git -C "$TMP/repo" add .
	git -C "$TMP/repo" commit -qm first
	echo more >>"$TMP/repo/src/deep/er/lib.sh"
	git -C "$TMP/repo" commit -qam second
	git clone -q --bare "$TMP/repo" repo.git
	rm -rf repo.git/hooks
	rm repo.git/packed-refs
	echo "$(git -C "$TMP/repo" rev-parse HEAD)" >repo.git/refs/heads/main
	echo 'echo "a script, $1"' >script
	# without an object in it a directory would not be there
	find . -type d -empty -delete
	find . -type f ! -name sums -print0 | sort -z | xargs -0 sha256sum >sums
) || fail "cannot make the files"
s3_client tree "$KEYS" "$NATIVE" && s3_client parts "$KEYS/data" "$NATIVE/data" 5 || fail "cannot fill the bucket"

PRELUDE='rm -rf out; mkdir out; export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=*
'
both tar 'cd $D; tar cf - --sort=name --mtime=@0 --owner=0 --group=0 --mode=644 src odd | sha256sum; tar tzf all.tar.gz | sort; cd -; tar xzf $D/all.tar.gz -C out; diff -r out/src $D/src; tar df $D/all.tar.gz -C $D 2>&1 | grep -v "differs$"; echo done'
both grep 'cd $D; grep -rc static src | sort; grep -rl include . | sort; grep -n 777 numbers | tail -3; grep -r nowhere_to_be_found src; echo $?'
both find 'cd $D; find . | sort; find . -type f -size +10k | sort; find . -type d | sort; find . -name "*.h" -exec wc -c {} + | sort; find src -empty; find . -type f -print0 | xargs -0 -n5 -P4 cksum | sort; ls -R . | sort | sha256sum; du -b --apparent-size numbers data; ls odd src/deep; stat -c "%n %s %F" data nothing; stat -c "%n %F" odd; test -f data && test -d odd && test -r data && ! test -e none && echo tests'
both sha256sum 'cd $D; sha256sum -c sums'
both "cp out" 'cp -r $D/src out; diff -r out/src $D/src; cp $D/odd/* $D/data $D/nothing out; sha256sum out/* 2>/dev/null; rsync -r $D/odd out/r; ls out/r/odd; rsync -rc --stats $D/odd out/r | grep transferred; install -m 600 $D/numbers out/n; cmp $D/numbers out/n; cp --reflink=auto --sparse=always $D/data out/s; cmp $D/data out/s; cat $D/data >out/c; cmp $D/data out/c; dd if=$D/data of=out/d bs=7777 status=none; cmp out/d $D/data'
both text 'cd $D; head -n 3 numbers; tail -n 3 numbers; tail -c 20 data | sha256sum; tac numbers | head -2; sort -rn numbers | head -2; wc numbers data; sed -n "12345p;12346q" numbers; awk "{ s += \$1 } END { print s }" numbers; od -A d -j 1000000 -N 32 data | wc -l; cut -c2 numbers | sort | uniq -c; while read a; do echo $a; done <script; sh script one; . ./script two; diff numbers <(seq 200000); cmp data numbers; comm -12 <(sort script) script; split -n 3/7 numbers | wc; paste numbers numbers | sed 3q; { read a; read b; echo $a $b; cat; } <script; cat <odd/-x; cat -- odd/*'
both sqlite3 'sqlite3 "file:$D/db?immutable=1" "pragma integrity_check; select count(*), sum(length(b)) from t; select a from t where b = hex(7919 * 77); select count(*) from t where b like \"%7%\""; sqlite3 "file:$D/db?immutable=1" "pragma mmap_size=100000000; select count(*), max(b) from t; select sum(a) from t where a % 7 = 0"; sqlite3 "file:$D/db?immutable=1" .dump | sha256sum; sqlite3 "file:$D/db?mode=ro&immutable=1" "insert into t(b) values(1)"; echo $?'
cat >"$TMP/p.py" <<'E'
import glob, hashlib, io, linecache, mmap, os, shutil, sys, tarfile, zipfile
os.chdir(sys.argv[1])
z = zipfile.ZipFile("all.zip"); print(z.testzip(), len(z.namelist()), hashlib.sha256(z.read("src/file.c")).hexdigest())
with tarfile.open("all.tar.gz") as t: print(sorted(t.getnames())[:5], sum(len(t.extractfile(m).read()) for m in t if m.isfile()))
with open("data", "rb") as f:
    m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); print(len(m), hashlib.sha256(m).hexdigest(), m.find(m[2000000:2000010])); m.close()
    print(os.pread(f.fileno(), 5, 100) == (f.seek(100), f.read(5))[1], f.seek(-7, 2), len(f.read()), os.fstat(f.fileno()).st_size)
for d, ds, fs in sorted(os.walk(".")): print(d, sorted(ds), len(fs))
print(sorted(glob.glob("src/**/*.sh", recursive=True))[:3], linecache.getline("numbers", 4711), sorted(os.listdir("odd")))
print([(e.name, e.is_file(), e.stat().st_size) for e in sorted(os.scandir("odd"), key=lambda e: e.name)])
with open("numbers") as f: print(sum(int(x) for x in f))
with io.open("numbers", "rb", buffering=0) as f: print(f.readinto(bytearray(100)), f.tell())
for bad in ("none", "data/x", "odd"):
    try: open(bad)
    except OSError as e: print(type(e).__name__)
shutil.copytree("src", sys.argv[2])
E
both python 'python3 p.py $D $PWD/out/t; diff -r out/t $D/src'
both ImageMagick 'cd $D; identify -format "%w %h %m\n" pic.png pic.ppm; compare -metric mse pic.png pic.ppm null: 2>&1; echo; cd -; convert $D/pic.png -resize 50% out/p.ppm; sha256sum out/p.ppm'
both git 'git clone -q $D/repo.git out/c; git -C out/c log --format=%s; git -C out/c fsck; diff -r out/c/src $D/src | wc -l; git --git-dir=$D/repo.git log --oneline --stat | cat; git --git-dir=$D/repo.git cat-file -p main:src/deep/er/lib.sh | sha256sum; git clone -q --no-local $D/repo.git out/d && git -C out/d status -s; git ls-remote $D/repo.git'

# The wrong secret: EACCES, and the log says whose it was, not what.
end_agents
said=$(AWS_SECRET_ACCESS_KEY=wrong-secret-value shim cat "$PREFIX/script" 2>&1)
[ "$said" = "cat: $PREFIX/script: Permission denied" ] || { echo "with a wrong secret: $said"; bad=1; }
grep -q 'environment' "$TMP"/agents/*/log || { echo "no log of whose the secret was:"; tail "$TMP"/agents/*/log; bad=1; }
grep -rl 'wrong-secret-value' "$TMP/agents" "$STATS" && { echo "has the secret"; bad=1; }
exit $bad
