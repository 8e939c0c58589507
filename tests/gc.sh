#!/bin/bash
# SPDX-License-Identifier: MIT
# shim gc: what was left in /dev/shm goes, and nothing that is in use or young.
# Fails if a directory stays that nobody uses, or one goes that is a working
# directory, is open, or was just made; likewise for placeholders' sockets.
. "${0%/*}/lib.sh"
requires python3

bad=0
complain() { echo "$*"; bad=1; }
gc() { env SHIM_STATS="$STATS" SHIM_MAP= SHIM_CONFIG= "$SHIM" gc "$@"; }

# Where the kernel has a stand-in for a working directory: a mark ends each component.
stand_in() { printf %s "/dev/shm/shim-cwd-$(id -u)$(sed 's,\([^/]\)/,\1\x01/,g; s/$/\x01/' <<<"$1")"; }
old() { find "$@" -type d -exec touch -d '2 days ago' {} +; }

at object:
on_exit "find '$(stand_in "$PREFIX")' -depth -type d -exec rmdir {} + 2>/dev/null"
on_exit 'kill $busy $open 2>/dev/null; wait'
shim mkdir -p "$PREFIX"/{left/below,busy/below,young}
for d in left/below busy young; do
	shim sh -c 'cd "$0"' "$PREFIX/$d" || fail "no $d"
done
shim sh -c 'cd "$0" && cd below && echo $$ && exec sleep 100' "$PREFIX/busy" >"$TMP/busy" &
await test -s "$TMP/busy" || exit 1
busy=$(cat "$TMP/busy")
sleep 100 5<"$(stand_in "$PREFIX/left")" &
open=$!
await test -e "/proc/$open/fd/5" || exit 1
old "$(stand_in "$PREFIX")"
touch "$(stand_in "$PREFIX/young")"

gc -n >"$TMP/said" || complain "gc -n failed"
grep -q "^would remove [1-9].* unused directories of .*shim-cwd" "$TMP/said" || complain "gc -n says: $(cat "$TMP/said")"
[ -d "$(stand_in "$PREFIX/left/below")" ] || complain "gc -n removed something"
gc >"$TMP/said" || complain "gc failed"
[ -e "$(stand_in "$PREFIX/left/below")" ] && complain "nobody uses it, and it stayed"
[ -d "$(stand_in "$PREFIX/left")" ] || complain "an open directory went"
[ -d "$(stand_in "$PREFIX/young")" ] || complain "a young directory went"
[ "$(readlink "/proc/$busy/cwd")" = "$(stand_in "$PREFIX/busy/below")" ] || complain "a working directory went"
kill $busy $open
wait 2>/dev/null        # for the shell that waits for the first, too
old "$(stand_in "$PREFIX")"
gc >/dev/null
[ -e "$(stand_in "$PREFIX")" ] && complain "the rest stayed"

# above a prefix, where they are closed to writers
at mem:
PREFIX=$TMP/w/no/where
shim ls "$TMP/w/no" >/dev/null || complain "no directory above the prefix"
above=/dev/shm/shim-above-$(id -u)$TMP/w
[ -d "$above/no" ] || complain "no stand-in"
old "$above"
gc >/dev/null
[ -e "$above" ] && complain "a stand-in above a prefix stayed"

python3 - "/dev/shm/shim-ofd-$(id -u)" "$SHIM" <<'END' || bad=1
import os, socket, subprocess, sys
def make(record):
    path = sys.argv[1] + "/" + os.urandom(16).hex()
    if record:
        with open(path + ".ofd", "wb") as f:
            f.write(b"shimofd2" + bytes(16000))     # of a rule that is not here: nobody else sweeps it
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.bind(path)
    s.listen()
    return path, s
os.makedirs(sys.argv[1], 0o700, exist_ok=True)
dead, alive, recorded = make(0), make(0), make(1)
dead[1].close()
recorded[1].close()
subprocess.run([sys.argv[2], "gc"], check=True, stdout=subprocess.DEVNULL, env={"SHIM_STATS": "off"})
there = [os.path.exists(p) for p, s in (dead, alive, recorded)]
for p in alive[0], recorded[0], recorded[0] + ".ofd":
    if os.path.exists(p):
        os.unlink(p)
if there != [False, True, True]:
    sys.exit("dead, alive, recorded are there: %s" % there)
END
exit $bad
