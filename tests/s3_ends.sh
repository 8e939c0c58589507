#!/bin/bash
# SPDX-License-Identifier: MIT
# The agent and its guests are killed again and again; those who read go on and
# get the right bytes, and names are changed once.
. "${0%/*}/lib.sh"

requires python3

at s3:fault
TARGET="$TARGET&timeout=60"
fault set delay_ms=5
mkdir "$NATIVE/d"
head -c 5000000 /dev/urandom >"$NATIVE/d/x"
head -c 70000 /dev/urandom >"$NATIVE/d/y"
s3_client tree "$KEYS" "$NATIVE" || fail "cannot fill the bucket"
KILLS=${LONG:+300}
KILLS=${KILLS:-20}

# Three that must succeed, over and over, until told; and one that is killed.
reader() {
	while [ ! -e "$TMP/enough" ]; do
		shim "$BIN/s3_reader" "$PREFIX" "$NATIVE" stat:d/y read:d/x pread:d/x list:d map:d/y read:d/y >"$TMP/said.$1" 2>&1
		if [ $? != 0 ] || [ "$(grep -c ' ok$' "$TMP/said.$1")" != 6 ]; then
			cat "$TMP/said.$1" >"$TMP/failed.$1"
			return
		fi
		echo >>"$TMP/rounds.$1"
	done
}
for r in 1 2 3; do reader $r & done
victims() {
	while [ ! -e "$TMP/enough" ]; do
		shim "$BIN/s3_reader" "$PREFIX" "$NATIVE" read:d/x pread:d/x >/dev/null 2>&1 &
		sleep 0.0$((RANDOM % 90 + 10))
		kill -KILL $! 2>/dev/null
		wait $! 2>/dev/null
	done
}
victims &
# The next one is killed when it has served something; a busy machine may take its time to get there.
served() { [ "$(fault log | wc -l)" -gt "$before" ] || ls "$TMP"/failed.*; }
for ((i = 0; i < KILLS; i++)); do
	before=$(fault log | wc -l)
	until=$((SECONDS + 60))
	until served >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || fail "nobody reads after $i kills"
		sleep 0.02
	done
	sleep 0.$((RANDOM % 20))
	end_agents
	ls "$TMP"/failed.* >/dev/null 2>&1 && break
done
touch "$TMP/enough"
wait
cat "$TMP"/failed.* 2>/dev/null && fail "after $i kills"
[ "$i" = "$KILLS" ] || fail "only $i kills"
for r in 1 2 3; do
	[ "$(wc -l <"$TMP/rounds.$r")" -ge 2 ] || fail "reader $r came round $(wc -l <"$TMP/rounds.$r") times"
done
[ "$(agents | wc -l)" -le 1 ] || fail "agents are left: $(agents)"

# what is asked of an agent that is gone already is asked of the next one, also what must not be done twice
fault set delay_ms=0
cat >"$TMP/names.py" <<'E'
import os, subprocess, sys
os.chdir(sys.argv[1])
def gone(call, *args):
    for pid in subprocess.run(['pgrep', '-f', '^[^ ]*shim-agent serve ' + sys.argv[2]], capture_output=True, text=True).stdout.split():
        os.kill(int(pid), 9)
    call(*args)
open('n', 'w').write('new')
gone(os.chmod, 'n', 0o600)
gone(os.utime, 'n', (1, 2))
gone(os.setxattr, 'n', 'user.s3.meta.k', b'v', os.XATTR_CREATE)
gone(os.mkdir, 'm')
gone(os.symlink, 'n', 'l')
gone(os.rename, 'n', 'm/n')
gone(os.unlink, 'l')
gone(os.unlink, 'm/n')
gone(os.rmdir, 'm')
E
TARGET="$TARGET&meta=object"
shim python3 "$TMP/names.py" "$PREFIX" "$TMP/agents/" 2>"$TMP/err" || { tail -3 "$TMP/err"; fail 'a change of names was not asked again'; }
