#!/bin/bash
# SPDX-License-Identifier: MIT
# Killed while an object is rewritten, the program or the agent, at random
# moments: the object is the old one or the new one, whole, and what is left
# in the bucket and in the spool is found and removed.
. "${0%/*}/lib.sh"

at s3:fault
N=${LONG:+300}
N=${N:-20}
SIZE=20000000
RANDOM=${SEED:-$$}
echo "SEED=${SEED:-$$}" >"$TMP/seed"

agents() {
	local cmd
	for cmd in /proc/[0-9]*/cmdline; do
		case $(tr '\0' ' ' <"$cmd") in */shim-agent\ serve\ "$TMP"/agents/*) basename "${cmd%/*}" ;; esac
	done 2>/dev/null
}

head -c $SIZE /dev/urandom >"$TMP/0"
s3_client put "$KEYS/o" "$TMP/0" || fail put
old=$(md5sum <"$TMP/0")
killed=0
for ((i = 1; i <= N; i++)); do
	head -c $((SIZE + i)) /dev/urandom >"$TMP/new"
	new=$(md5sum <"$TMP/new")
	shim dd if="$TMP/new" of="$PREFIX/o" bs=64k status=none 2>"$TMP/dd.err" &
	dd=$!
	sleep 0.$(printf %03d $((RANDOM % 200)))
	if [ $((i % 2)) = 0 ]; then
		kill -KILL $dd 2>/dev/null
	else
		for a in $(agents); do kill -KILL "$a" 2>/dev/null; done
	fi
	wait $dd 2>/dev/null
	status=$?
	[ $status = 137 ] && killed=$((killed + 1))
	seen=$(s3_client get "$KEYS/o" | md5sum)
	case $seen in
	"$new") old=$new ;;
	"$old") [ $status != 0 ] || { echo "round $i: dd says it is written, the object is the old one"; bad=1; } ;;
	*) echo "round $i: neither old nor new, dd: $status"; bad=1 ;;
	esac
	[ $bad = 0 ] || { cat "$TMP/seed"; exit 1; }
done
# the agent that comes next aborts what is left
for a in $(agents); do kill -KILL "$a" 2>/dev/null; done
shim cat "$PREFIX/o" | md5sum | grep -qx "$old" || { echo 'the last one is not read'; bad=1; }
[ "$killed" -gt 0 ] || { echo 'nobody was killed in time'; bad=1; }
exit $bad
