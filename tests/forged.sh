#!/bin/bash
# SPDX-License-Identifier: MIT
# What stands for a file without a kernel file is worth nothing in other hands:
# a program without the shim gets errors for it, no bytes; one with the shim is
# not taken in by a socket that only has such a name.
. "${0%/*}/lib.sh"
requires python3
[ -e "$BIN/libshim.so" ] || skip "no library with the back ends of the tests"
at object:

cd "$TMP" || exit 1
registry=/dev/shm/shim-ofd-$(id -u)
bad=0
echo secret | shim tee "$PREFIX/file" >/dev/null

# Without the shim: LD_PRELOAD empty is how a program is let out of it.
shim sh -c 'exec 5<>"$1"; LD_PRELOAD= SHIM=off cat <&5; LD_PRELOAD= SHIM=off sh -c "echo more" >&5; LD_PRELOAD= SHIM=off cat /proc/self/fd/5' sh "$PREFIX/file" >out 2>err
[ -s out ] && { echo "a program without the shim read:"; cat out; bad=1; }
[ "$(wc -l <err)" -ge 3 ] || { echo "no error for a program without the shim:"; cat err; bad=1; }
[ "$(shim cat "$PREFIX/file")" = secret ] || { echo "a program without the shim wrote"; bad=1; }

# forge NAME: a shimmed cat whose standard input is a socket bound to that name.
forge() {
	env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS=off python3 - "$registry/$1" "$LIB" <<'EOF'
import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1])
s.listen(5)
try:
    r = subprocess.run(["cat"], stdin=s, capture_output=True, env=dict(os.environ, LD_PRELOAD=sys.argv[2]))
finally:
    os.unlink(sys.argv[1])
sys.stdout.buffer.write(r.stdout)
sys.exit(0 if r.returncode else 1)
EOF
}

# A name that nobody has.
forge 0123456789abcdef0123456789abcdef >out || { echo "a made-up name was opened"; bad=1; }
[ -s out ] && { cat out; bad=1; }

# The name of a file that is open, whose socket was moved away.
ls "$registry" 2>/dev/null | grep '\.ofd$' | sort >before
mkfifo ready
shim sh -c 'exec 5<"$1"; echo >ready; exec sleep 600' sh "$PREFIX/file" &
holder=$!
on_exit "kill $holder 2>/dev/null"
read -r _ <ready
id=
for f in $(ls "$registry" | grep '\.ofd$' | sort | comm -13 before -); do
	grep -aqs "${TARGET#object:}" "$registry/$f" && id=${f%.ofd}
done
[ "$id" ] || fail "no record of the open file"
mv "$registry/$id" "$TMP/moved" || fail "no socket of the open file"
forge "$id" >out || { echo "another's name was opened"; bad=1; }
[ -s out ] && { cat out; bad=1; }
mv "$TMP/moved" "$registry/$id"

# What somebody left who was killed while he made a description goes: a dead
# socket, and a record that nobody filled; one who is alive keeps his. The rule's
# digits come first.
rule=${id:0:8}
python3 - "$registry" ready2 "$rule" <<'EOF' &
import os, socket, sys, time
for id in sys.argv[3] + "d" * 24, sys.argv[3] + "a" * 24:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.bind(sys.argv[1] + "/" + id + ".new")
    s.listen(5)
    open(sys.argv[1] + "/" + id + ".ofd", "w").close()
    if id[-1] == "d":
        s.close()
open(sys.argv[2], "w").close()
time.sleep(600)
EOF
maker=$!
on_exit "kill $maker 2>/dev/null; rm -f '$registry'/$rule{dddddddd,aaaaaaaa}*"
until [ -e ready2 ]; do sleep 0.02; done
shim true
ls "$registry" | grep -q "${rule}dddddddd" && { echo "what a killed maker left stays"; bad=1; }
[ "$(ls "$registry" | grep -c "${rule}aaaaaaaa")" = 2 ] || { echo "what is being made was swept"; bad=1; }
exit $bad
