#!/bin/bash
# SPDX-License-Identifier: MIT
# programs.sh RULE: everyday programs do under the rule what they do without:
# cat, dd, cp, python, and where files have names of their own sqlite3 and a
# compiler. Fails unless the results are the same bytes.
# each rule
# without LONG: posix: uring: mem: object:
. "${0%/*}/lib.sh"
requires cat dd cp sha256sum

head -c 3000017 /dev/urandom >"$TMP/data"
python=$(command -v /usr/bin/python3 || command -v python3)

both cat '
	cat data >$D/a; cat $D/a | sha256sum; cat $D/a $D/a >$D/b; sha256sum <$D/b
	cat <$D/b >>$D/a; sha256sum <$D/a; cat $D/none; wc -c <$D/a; head -c 100 $D/a | sha256sum
	tail -c 1000 $D/a | sha256sum; true'
both dd '
	for bs in 1 511 4096 65536 1000000; do
		dd if=data of=$D/dd bs=$bs count=$((bs < 512 ? 5000 : 2000000 / bs + 1)) status=none; sha256sum <$D/dd
	done
	dd if=data of=$D/dd bs=1000 count=5 seek=3000 conv=notrunc status=none; sha256sum <$D/dd
	dd if=$D/dd of=$D/dd2 bs=4096 skip=7 conv=fsync status=none; sha256sum <$D/dd2
	dd if=data of=$D/dd3 bs=1M oflag=append conv=notrunc status=none; dd if=data of=$D/dd3 bs=1M oflag=append conv=notrunc status=none
	sha256sum <$D/dd3; dd if=/dev/zero of=$D/sparse bs=1 count=1 seek=5000000 status=none; sha256sum <$D/sparse
	dd if=data of=$D/trunc bs=4096 count=3 seek=2 status=none; sha256sum <$D/trunc'
both cp '
	cp data $D/c1; cp $D/c1 $D/c2; sha256sum <$D/c2; cp -p $D/c2 $D/c3; cmp $D/c1 $D/c3; echo $?
	cp --sparse=always $D/c1 $D/c4; cmp $D/c1 $D/c4; cp --reflink=never $D/c1 back; cmp back data; cp $D/c1 $D/c1; echo $?
	mkdir $D/dir; cp $D/c1 $D/dir/; sha256sum <$D/dir/c1; mv $D/c1 $D/moved; cat $D/moved | sha256sum; ls $D; rm $D/moved; ls $D/dir; rm -r $D/dir; ls $D'
[ -n "$python" ] && both python "
	$python - \$D <<'END'
import hashlib, os, sys
d = sys.argv[1]
p = os.path.join(d, 'py')
data = open('data', 'rb').read()
with open(p, 'wb') as f:
    for i in range(0, len(data), 77777):
        f.write(data[i:i + 77777])
print(hashlib.sha256(open(p, 'rb').read()).hexdigest())
with open(p, 'r+b', buffering=0) as f:
    f.seek(1000)
    f.write(b'unbuffered')
    f.truncate(2000000)
    print(f.seek(0, 2), os.fstat(f.fileno()).st_size)
with open(p, 'rb') as f:
    f.seek(990)
    print(f.read(30)[10:20], hashlib.sha256(f.read()).hexdigest())
with open(p + '.txt', 'w') as f:
    for i in range(5000):
        print('line', i, file=f)
with open(p + '.txt', 'a') as f:
    f.write('end\n')
print(sum(1 for _ in open(p + '.txt')), os.path.getsize(p + '.txt'))
os.rename(p + '.txt', p + '.log')
print(sorted(os.listdir(d))[-2:], os.path.exists(p + '.txt'))
fd = os.open(p, os.O_RDWR)
os.pwrite(fd, b'x' * 10, 5)
print(os.pread(fd, 20, 0) == data[:5] + b'x' * 10 + data[15:20])
os.close(fd)
import mmap
with open(p, 'r+b') as f:
    m = mmap.mmap(f.fileno(), 0)
    m[100:104] = b'mmap'
    m.flush()
    f.seek(100)
    print(f.read(4))
os.remove(p)
print(os.path.exists(p))
END"

case $RULE in
mem:*) exit $bad ;;
esac

if command -v sqlite3 >/dev/null; then
	for mode in delete wal truncate memory; do
		both "sqlite3 journal_mode=$mode" "
			rm -f \$D/db*
			sqlite3 \$D/db 'pragma journal_mode=$mode; create table t(a integer primary key, b text);'
			sqlite3 \$D/db 'begin; with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) insert into t select i, hex(i * 7919) from n; commit;'
			sqlite3 \$D/db 'create index tb on t(b); update t set b = b || a where a % 3 = 0; delete from t where a % 7 = 0;'
			sqlite3 \$D/db 'begin; delete from t; rollback;'
			sqlite3 \$D/db 'pragma mmap_size=10000000; select count(*), sum(length(b)) from t;'
			sqlite3 \$D/db 'vacuum; pragma integrity_check;'
			sqlite3 \$D/db .dump | sha256sum
			for i in 1 2 3 4; do sqlite3 -cmd '.timeout 30000' \$D/db \"insert into t(b) values('p\$i');\" & done; wait
			sqlite3 \$D/db 'select count(*) from t; pragma integrity_check;'"
	done
fi

if command -v gcc >/dev/null && command -v make >/dev/null; then
	both "gcc and make" '
		mkdir -p $D/p; cd $D/p
		for i in $(seq 12); do printf "#include \"all.h\"\nint f%d(int x) { return x * %d + sizeof(struct s); }\n" $i $i >f$i.c; done
		{ echo "#include <stdio.h>"; echo "struct s { char b[10]; };"; for i in $(seq 12); do echo "int f$i(int);"; done; } >all.h
		{ echo "#include \"all.h\""; echo "int main(void) { int n = 0;"; for i in $(seq 12); do echo "n += f$i($i);"; done; echo "printf(\"%d\\n\", n); return 0; }"; } >main.c
		printf "O = \$(patsubst %%.c,%%.o,\$(sort \$(wildcard *.c)))\nprog: \$(O) libf.a\n\tgcc -o \$@ \$(O)\nlibf.a: f1.o f2.o\n\tar rcD \$@ \$^\n%%.o: %%.c all.h\n\tgcc -O1 -c -o \$@ \$<\n" >Makefile
		make -s -j2 && ./prog && make -q; echo "up to date $?"
		sleep 0.02; touch f3.c; make -q; echo "out of date $?"; make -s && ./prog
		sha256sum *.o libf.a prog; cd ..; tar cf - p/*.c | tar xf - -C $D --transform s,^p,q, 2>&1; ls; diff -r --exclude="*.o" --exclude=prog --exclude=Makefile --exclude=all.h --exclude=libf.a p q && echo same'
fi
exit $bad
