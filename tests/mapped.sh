#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that map files, on files without a kernel file as on others: what
# they store reaches the file, also if they are killed, and nothing is left.
# each rule
. "${0%/*}/lib.sh"
requires python3 sqlite3

bad=0
same() { # same WHAT SCRIPT: with $D, the directory
	mkdir -p "$NATIVE/d"
	D=$NATIVE/d bash -c "$2" >"$TMP/native" 2>&1
	shim mkdir -p "$PREFIX/d"
	D=$PREFIX/d shim bash -c "$2" >"$TMP/ours" 2>&1
	same_text "$TMP/native" "$TMP/ours" "$1" || bad=1
}

cat >"$TMP/mapped.py" <<'PY'
import mmap, os, signal, sys, time
path = sys.argv[1] + "/mapped"
with open(path, "wb") as f:
    f.write(b"0123456789" * 10000)
with open(path, "r+b") as f:
    m = mmap.mmap(f.fileno(), 0)
    print(m[:10], m.size(), m.find(b"789"), m.rfind(b"012"))
    m[100:105] = b"hello"
    f.seek(98)
    print(f.read(9))
    m.flush()
    m.move(0, 100, 5)
    print(open(path, "rb").read(12))
    m.resize(150000)
    m[149990:] = b"0123456789"
    print(m.size(), os.path.getsize(path))
    m.close()
print(open(path, "rb").read()[-12:])
with open(path, "rb") as f:
    r = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
    c = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY)
    c[0:4] = b"copy"
    print(r[:6], c[:6])
    try:
        mmap.mmap(f.fileno(), 0)
    except OSError as e:
        print(e.strerror)
PY
same "python3 mmap" "python3 '$TMP/mapped.py' \"\$D\"; cksum <\"\$D/mapped\""

# one is killed with stores nobody has written back
cat >"$TMP/killed.py" <<'PY'
import mmap, os, signal, sys
f = open(sys.argv[1] + "/mapped", "r+b")
m = mmap.mmap(f.fileno(), 0)
m[0:6] = b"killed"
m[70000:70006] = b"killed"
os.kill(os.getpid(), signal.SIGKILL)
PY
same "killed" "exec 2>/dev/null; python3 '$TMP/killed.py' \"\$D\"; echo \$?; head -c 10 \"\$D/mapped\"; cksum <\"\$D/mapped\""

# where record locks are refused, one process at a time
sqlite=sqlite3
shim python3 -c 'import fcntl, sys; fcntl.lockf(open(sys.argv[1] + "/d/lock", "w"), fcntl.LOCK_EX)' "$PREFIX" 2>/dev/null ||
	sqlite="sqlite3 -vfs unix-none"
for mode in delete wal; do
	script="
	sqlite3 \"\$D/$mode.db\" 'pragma mmap_size=10000000; pragma journal_mode=$mode; create table t(a, b);
		with recursive c(i) as (select 1 union all select i + 1 from c where i < 5000)
		insert into t select i, hex(i * 7919) from c; select count(*), sum(a) from t;'
	sqlite3 \"\$D/$mode.db\" 'pragma mmap_size=10000000; update t set b = a where a % 3 = 0; delete from t where a > 4000;
		vacuum; pragma integrity_check; select count(*), sum(b) from t;'
	for i in 1 2 3; do
		sqlite3 -cmd '.timeout 60000' \"\$D/$mode.db\" 'pragma mmap_size=10000000; insert into t select a, b from t limit 500;' &
	done
	wait
	sqlite3 \"\$D/$mode.db\" 'pragma mmap_size=10000000; pragma integrity_check; select count(*) from t;'"
	if [ "$sqlite" != sqlite3 ]; then
		[ $mode = wal ] && continue
		script=${script//sqlite3/$sqlite}
		script=${script// &/}
	fi
	same "sqlite3, mmap_size, $mode" "$script"
done

# two write and one reads all along, then one is killed in the middle of it
cat >"$TMP/writers.sh" <<'SH'
exec 2>/dev/null
transactions() { # transactions N WHO
	for i in $(seq "$1"); do
		echo "pragma mmap_size=10000000; begin immediate; insert into t values(hex(randomblob(200)), $2);
		update t set b = hex(randomblob(150)) where rowid % 7 = $i % 7 and b not like 'mark%'; insert into t values('mark$i', $2); commit;"
		[ $((i % 20)) = 0 ] && echo 'pragma wal_checkpoint(full);'
	done >"$TMP/$2.sql"
}
sqlite() { sqlite3 -cmd '.timeout 60000' "$D/two-$1.db" "${@:2}"; }
transactions 40 1; transactions 40 2; transactions 4000 3
sqlite $1 "pragma journal_mode=$1; create table t(b, who); create index x on t(b);"
for who in 1 2; do sqlite $1 <"$TMP/$who.sql" >/dev/null & done
for i in 1 2 3 4 5; do sqlite $1 'pragma integrity_check;'; done
wait
sqlite $1 "pragma integrity_check; select who, count(*) from t where b like 'mark%' group by who;"
timeout -s KILL 0.5 sqlite3 -cmd '.timeout 60000' "$D/two-$1.db" <"$TMP/3.sql" >/dev/null
sqlite $1 "pragma integrity_check; select who, count(*) from t where b like 'mark%' and who < 3 group by who;
	delete from t where who = 3; vacuum; pragma integrity_check;"
SH
if [ "$sqlite" = sqlite3 ]; then
	for mode in delete wal; do
		same "sqlite3, two at once, $mode" "TMP='$TMP' bash '$TMP/writers.sh' $mode"
	done
fi

# what was mapped is in the files themselves, and of the memory nothing is left
case $RULE in
object:*)
	cmp "$SEEN/d/mapped" "$NATIVE/d/mapped" || bad=1
	shim true
	for f in "$SEEN"/d/*; do
		set -- /dev/shm/shim-ofd-"$(id -u)"/map-*-"$(stat -c %i "$f" | xargs printf %x)".*
		[ -e "$1" ] && { echo "left: $*"; bad=1; }
	done
	;;
esac
exit $bad
