#!/bin/bash
# SPDX-License-Identifier: MIT
# mariadb.sh: InnoDB's own asynchronous I/O, which is libaio here, on files of a uring
# rule on the disk, with and without the page cache: clients at once, a kill -9, its
# recovery, and then MariaDB's own checks of tables and pages. With LONG=1 only.
. "${0%/*}/lib.sh"
[ -n "${LONG:-}" ] || skip "a database's half minute: LONG=1"
requires mariadbd mariadb mariadb-install-db mariadb-check innochecksum

ROWS=${ROWS:-60000}
server=

# wait_for SECONDS COMMAND...
wait_for() {
	local n=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		((n--)) || return 1
		sleep 0.1
	done
}
sql() { timeout 120 mariadb --no-defaults --user=root --socket="$TMP/socket" "$@"; }

# serve METHOD: starts the server; 1 if it does not answer.
serve() {
	PRELOAD_MORE=$BIN/preload/no_uring.so shim mariadbd --no-defaults --user="$(id -un)" --datadir="$PREFIX/$1" \
	    --socket="$TMP/socket" --pid-file="$TMP/pid" --skip-networking --innodb-use-native-aio=1 --innodb-flush-method="$1" \
	    --innodb-buffer-pool-size=16M --innodb-log-file-size=8M --innodb-read-io-threads=4 --innodb-write-io-threads=4 >>"$TMP/log" 2>&1 </dev/null &
	server=$!
	wait_for 60 sql -e 'select 1'
}
on_exit '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null'

# work N: statements of one client.
work() {
	local i
	for i in 1 2 3 4 5 6; do
		echo "update t set n = n + 1, s = repeat(char(65 + (id + $i) % 26), 300) where id % 8 = $1;"
		echo "select count(*), sum(length(s)) from t where n >= 0;"
	done
}

bad=0
at uring:
for method in O_DIRECT fsync; do
	: >"$TMP/log"
	rm -rf "${STATS:?}"/*
	mkdir "$PREFIX/$method"
	shim mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$PREFIX/$method" --auth-root-authentication-method=normal \
	    --skip-test-db >"$TMP/out" 2>&1 || { tail -5 "$TMP/out"; fail "$method: mariadb-install-db"; }
	serve $method || { tail -20 "$TMP/log"; fail "$method: the server does not start"; }
	sql -e "create database d; use d; create table t (id int primary key auto_increment, n int, s varchar(300), key (n)) engine=innodb;
	    insert into t (n, s) select 0, repeat('x', 300) from seq_1_to_$ROWS;" 2>"$TMP/out" || { cat "$TMP/out"; fail "$method: cannot fill"; }
	for c in 1 2 3 4; do
		work $c | sql d >/dev/null 2>>"$TMP/out" &
		clients[c]=$!
	done
	for c in 1 2 3; do
		wait "${clients[c]}" || { echo "$method: a client"; cat "$TMP/out"; bad=1; }
	done
	kill -KILL "$(cat "$TMP/pid")"
	wait "$server" "${clients[4]}" 2>/dev/null
	serve $method || { tail -20 "$TMP/log"; fail "$method: no recovery"; }
	n=$(sql -N d -e "select concat(count(*), ' ', sum(n = 6), ' ', sum(length(s))) from t where id % 8 between 1 and 3")
	[ "$n" = "$((ROWS / 8 * 3)) $((ROWS / 8 * 3)) $((ROWS / 8 * 3 * 300))" ] || { echo "$method: after the kill: $n"; bad=1; }
	# CHECK TABLE warns of index records that are not purged yet, also without us
	sql -e "set global innodb_fast_shutdown = 0; shutdown"
	wait "$server"
	serve $method || { tail -20 "$TMP/log"; fail "$method: no third start"; }
	timeout 120 mariadb-check --no-defaults --user=root --socket="$TMP/socket" --extended --all-databases >"$TMP/out" 2>&1 ||
		{ echo "$method: mariadb-check: status $?"; bad=1; }
	grep -vE ' OK$|^note ' "$TMP/out" | head -5 | grep . && bad=1
	sql -e shutdown
	wait "$server" || { echo "$method: the server ended with $?"; tail "$TMP/log"; bad=1; }
	server=
	# the doublewrite buffer, pages 64 to 191 of ibdata1, holds other pages' copies: it takes them for damage
	{
		find "$PREFIX/$method" -name '*.ibd' -printf '%p\n'
		echo "--end-page=63 $PREFIX/$method/ibdata1"
		echo "--start-page=192 $PREFIX/$method/ibdata1"
	} | while read -r f; do
		# shellcheck disable=SC2086
		timeout 60 innochecksum $f >"$TMP/out" 2>&1 || { echo "$method: innochecksum $f:"; head -5 "$TMP/out"; exit 1; }
	done || bad=1
	"$SHIM" report "$STATS" >"$TMP/report" 2>&1
	grep -q IOCB_CMD_PWRITE "$TMP/report" || { echo "$method: the server has not used libaio:"; grep -i aio "$TMP/log"; head -20 "$TMP/report"; bad=1; }
done
exit $bad
