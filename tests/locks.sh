#!/bin/bash
# SPDX-License-Identifier: MIT
# Locks between processes that know nothing of each other: flock(1) in shell
# scripts, a database that two programs write to, and holders that are killed.
# each rule
. "${0%/*}/lib.sh"
requires flock sqlite3

cd "$TMP" || exit 1
bad=0

# Twenty scripts, one counter: an increment that is lost was not alone.
cat >count.sh <<'EOF'
exec 9>>"$1/lock"
for i in 1 2 3 4 5; do
	flock 9
	n=$(cat "$1/count")
	echo $((n + 1)) >"$1/count"
	flock -u 9
done
EOF
echo 0 | shim tee "$PREFIX/count" >/dev/null
for i in 1 2 3 4; do
	shim sh count.sh "$PREFIX" &
done
wait
[ "$(shim cat "$PREFIX/count")" = 20 ] || { echo "counted $(shim cat "$PREFIX/count") of 20"; bad=1; }

# Held by a command of another process; given up when that ends, however.
mkfifo ready
shim flock -o "$PREFIX/lock" sh -c 'echo $PPID $$ >ready; exec sleep 600' 2>/dev/null &
read -r holder sleeper <ready
on_exit "kill $sleeper 2>/dev/null"
shim flock -n "$PREFIX/lock" true && { echo "locked while another holds it"; bad=1; }
shim flock -s -n "$PREFIX/lock" true && { echo "shared while another holds it"; bad=1; }
kill -9 "$holder"
shim flock -w 90 "$PREFIX/lock" true || { echo "still locked by the dead"; bad=1; }

# A script's descriptor is its children's, too.
shim sh -c 'exec 8>"$1"; flock 8; (flock -n 8 || echo "not ours"); exec 7>"$1"; flock -n 7 && echo "twice"; exec 8>&-; flock -n 7 || echo "not given up"' sh "$PREFIX/lock" >said
[ -s said ] && { cat said; bad=1; }

# Two writers of a database that lock ranges of it.
shim sqlite3 "$PREFIX/db" 'pragma journal_mode=delete; create table t(who, n)' >/dev/null || bad=1
for who in a b; do
	for i in $(seq 25); do
		echo "begin immediate; insert into t values('$who', $i); update t set n = n + 1 where n < 0; commit;"
	done >$who.sql
	shim sqlite3 -cmd '.timeout 60000' "$PREFIX/db" <$who.sql >$who.out 2>&1 &
done
wait
cat a.out b.out
[ "$(shim sqlite3 "$PREFIX/db" 'pragma integrity_check; select count(*), sum(n) from t')" = $'ok\n50|650' ] ||
	{ shim sqlite3 "$PREFIX/db" 'pragma integrity_check; select who, count(*) from t group by who'; bad=1; }
exit $bad
