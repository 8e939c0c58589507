#!/bin/bash
# SPDX-License-Identifier: MIT
# s3_guest.sh: a program and the agent it does not know of: no child, signal or
# descriptor, and right bytes in threads, handlers, children and other programs,
# whoever is killed.
. "${0%/*}/lib.sh"

at s3:ceph
SIZE=3000001
"$BIN/s3_guest" make $SIZE >"$NATIVE/f"
s3_client put "$KEYS/f" "$NATIVE/f" || fail "put"
export SHIM_AGENT_LOG=debug

no_agents() { [ -z "$(agents)" ]; }
# one topic, natively and under the rule, the agent new to both
topic() {
	"$BIN/s3_guest" "$1" "$NATIVE/f" >"$TMP/native.out" 2>&1 </dev/null
	echo "status $?" >>"$TMP/native.out"
	shim timeout -k 5 100 "$BIN/s3_guest" "$1" "$PREFIX/f" >"$TMP/shim.out" 2>&1 </dev/null
	echo "status $?" >>"$TMP/shim.out"
	tail -1 "$TMP/native.out" | grep -qx 'status 0' || { echo "$1 fails natively"; cat "$TMP/native.out"; bad=1; }
	same_text "$TMP/native.out" "$TMP/shim.out" "$1" || bad=1
}

cd "$TMP" || exit 1
topic noticed
[ "$(agents | wc -l)" = 1 ] || { echo "there are $(agents | wc -l) agents"; bad=1; }
agent=$(agents)
# nothing of the program's: its directory, terminal, descriptors, environment, preload
for i in cwd:/ fd/1:/dev/null fd/2:/dev/null; do
	[ "$(readlink "/proc/$agent/${i%%:*}")" = "${i#*:}" ] || { echo "the agent's ${i%%:*} is $(readlink "/proc/$agent/${i%%:*}")"; bad=1; }
done
read -r _ _ _ _ _ session terminal _ <<<"$(sed 's/(.*)/x/' "/proc/$agent/stat")"
[ "$session $terminal" = "$agent 0" ] || { echo "the agent's session is $session, its terminal $terminal"; bad=1; }
grep -qz '^LD_PRELOAD\|^SHIM_MAP' "/proc/$agent/environ" && { echo "the agent has the preload"; bad=1; }
grep -q libshim "/proc/$agent/maps" && { echo "the agent has loaded the library"; bad=1; }
grep -E '^Sig(Blk|Cgt)|^Umask' "/proc/$agent/status" | tr -d '\n' | grep -q 'Umask:.*0077SigBlk:.*0000000000000000' || { echo "the agent's signals, umask: $(grep -E '^Sig|^Umask' "/proc/$agent/status")"; bad=1; }

for t in threads signals forks fork-in-handler rights spawned vforked; do
	topic $t
done
[ "$(agents)" = "$agent" ] || { echo "another agent: $(agents), not $agent"; bad=1; }

# other programs with what is open
shim bash -c 'exec 5<"$0"; head -c 10 <&5 >/dev/null; exec cat <&5' "$PREFIX/f" >"$TMP/out"
tail -c +11 "$NATIVE/f" | cmp -s - "$TMP/out" || cmp -s "$NATIVE/f" "$TMP/out" || { echo "exec: other bytes"; bad=1; }
shim python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY); os.set_inheritable(fd, True); os.lseek(fd, 1000, 0)
os.dup2(fd, 0); os.execvp("cat", ["cat"])' "$PREFIX/f" | cmp -s - <(tail -c +1001 "$NATIVE/f") || { echo "dup2 and exec: other bytes"; bad=1; }

# a program without the variables that the credentials are in asks the same agent
shim env -i "$(command -v cat)" "$PREFIX/f" | cmp -s - "$NATIVE/f" || { echo "env -i: other bytes"; bad=1; }
[ -z "$(shim env -i "$(command -v env)")" ] || { echo "env -i: $(shim env -i "$(command -v env)")"; bad=1; }
[ "$(agents)" = "$agent" ] || { echo "env -i: another agent"; bad=1; }

# the agent killed again and again under a reader
mkfifo "$TMP/stop" || exit 1
: >"$TMP/out"
env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$STATS" LD_PRELOAD="$LIB" \
    timeout 300 "$BIN/s3_guest" reread "$PREFIX/f" <"$TMP/stop" >"$TMP/out" 2>&1 &
reader=$!
exec 7>"$TMP/stop"
await grep -q reads "$TMP/out" || { echo "no reader"; bad=1; }
for i in $(seq "${LONG:+50}" 2>/dev/null || seq 5); do
	old=$(agents)
	kill -KILL $old
	await eval '[ -n "$(agents)" ] && [ "$(agents)" != "$old" ]' || { echo "no new agent"; bad=1; break; }
done
exec 7>&-
wait $reader || { echo "the reader: status $?: $(cat "$TMP/out")"; bad=1; }

# guests killed: the agent goes on, and forgets them
for i in 1 2 3; do
	: >"$TMP/out"
	env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$STATS" LD_PRELOAD="$LIB" \
	    "$BIN/s3_guest" sleeps "$PREFIX/f" >"$TMP/out" 2>&1 &
	await grep -q reads "$TMP/out" || { echo "no guest"; bad=1; }
	kill -KILL $!
	wait $! 2>/dev/null
done
shim cmp "$PREFIX/f" "$NATIVE/f" || { echo "after guests were killed"; bad=1; }
# each has a bell, and one is of the agent's own threads; how many connections it keeps is another matter
forgotten() { [ "$(ls -l "/proc/$(agents)/fd" | grep -c eventfd)" -le 1 ]; }
await forgotten || { echo "the agent keeps $(ls -l "/proc/$(agents)/fd")"; bad=1; }

# thirty at once that all find none; one is left
kill -KILL $(agents)
await no_agents
for i in $(seq 30); do
	shim head -c 1000 "$PREFIX/f" | cmp -s - <(head -c 1000 "$NATIVE/f") || echo "starting: other bytes" >>"$TMP/starting" &
done
wait
[ ! -e "$TMP/starting" ] || { sort "$TMP/starting" | uniq -c; bad=1; }
[ "$(agents | wc -l)" = 1 ] || { echo "$(agents | wc -l) agents were started"; bad=1; }
# one that nobody needs goes
kill -KILL $(agents)
await no_agents
SHIM_AGENT_IDLE=1 shim head -c 10 "$PREFIX/f" >/dev/null
await no_agents || { echo "the agent does not go"; bad=1; }
# also where its directory is gone
SHIM_AGENT_IDLE=1 shim head -c 10 "$PREFIX/f" >/dev/null
rm -rf "$TMP/agents/"*
await no_agents || { echo "the agent without a directory does not go"; bad=1; }

# where orphans are the program's there is no child either, also when the agent was killed; and nobody is left
lonely() {
	local what=$1
	shift
	rm -f "$TMP/go" "$TMP/out"
	touch "$TMP/out"
	mkfifo "$TMP/go" || exit 1
	env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$STATS" LD_PRELOAD="$LIB" \
	    timeout 300 "$@" "$BIN/s3_guest" first "$PREFIX/f" <"$TMP/go" >"$TMP/out" 2>&1 &
	exec 8>"$TMP/go"
	await grep -q reads "$TMP/out" || { echo "$what: $(cat "$TMP/out")"; bad=1; }
	keeper=$(ps -o ppid= -p "$(agents)" | tr -d ' ')
	[ "$(cat "/proc/$keeper/comm")" = shim-keeper ] || { echo "$what: the agent's parent is $(cat "/proc/$keeper/comm")"; bad=1; }
	[ "$(awk '{ print $2 }' "/proc/$keeper/statm")" -lt 64 ] || { echo "$what: its keeper has $(cat "/proc/$keeper/statm") pages"; bad=1; }
	[ "$(readlink "/proc/$keeper/cwd")" = / ] && [ "$(ls "/proc/$keeper/fd" | wc -l)" -le 1 ] || { echo "$what: what its keeper holds"; ls -l "/proc/$keeper/fd" "/proc/$keeper/cwd"; bad=1; }
	kill -KILL $(agents)
	echo >&8
	exec 8>&-
	wait $! || { echo "$what: status $?"; bad=1; }
	[ "$(cat "$TMP/out")" = $'reads\nno child' ] || { echo "$what: $(cat "$TMP/out")"; bad=1; }
	gone() { ! kill -0 "$keeper" 2>/dev/null && [ -z "$(pgrep -x shim-keeper -s "${keeper:-0}")" ]; }
	await gone || { echo "$what: its keeper stays"; bad=1; }
	kill -KILL $(agents) 2>/dev/null
	await no_agents
}
lonely "a subreaper"
unshare -pf --mount-proc true 2>/dev/null && lonely "PID 1" unshare -pf --mount-proc --kill-child

# no agent can be had: an error, and why
kill -KILL $(agents) 2>/dev/null
SHIM_AGENT_DIR=/proc/none shim cat "$PREFIX/f" >"$TMP/out" 2>&1 && { echo "read without an agent"; bad=1; }
grep -q 'Connection refused' "$TMP/out" || { echo "without an agent: $(cat "$TMP/out")"; bad=1; }
exit $bad
