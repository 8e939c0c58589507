#!/bin/bash
# SPDX-License-Identifier: MIT
# How reading follows the way to the server: every answer of the fault server is
# late by some time, or some connections are reset in the middle of a body. One
# sequential reader, cold, for several bounds of what is fetched ahead; the bytes
# are compared with what the object is made of. SIZE in MiB.

. "${0%/*}/lib.sh"
R=${ROUNDS:-3}
SIZE=${SIZE:-512}
AGENT_DIR=$TMP/agent
AT=/s3/bench
trap 'end_agent; "$ROOT/tests/s3/server" stop "$TMP/servers"; _finish' EXIT

end_agent() {
	local socket pid
	for socket in "$AGENT_DIR"/*/socket; do
		[ -S "$socket" ] || continue
		pid=$(ss -xlpH src "$socket" 2>/dev/null | sed -n 's/.*pid=\([0-9]*\).*/\1/p')
		[ "$pid" ] && kill "$pid" && timeout 5 tail --pid="$pid" -f /dev/null
	done
	rm -rf "$AGENT_DIR"
}
ours() {
	env LD_PRELOAD="$LIB" SHIM_MAP="$AT=$TARGET" SHIM_CONFIG= SHIM_STATS=off SHIM_AGENT_DIR="$AGENT_DIR" "$@"
}
control() { printf '%s\n' "${@:2}" | curl -sSf --noproxy '*' --data-binary @- "$FAULT/$1" >/dev/null || fail "the server: $*"; }
forget() { curl -sSf --noproxy '*' -X DELETE "$FAULT/rules" "$FAULT/log"; }
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# Seconds of a cold read, after the first that sets things up.
once() {
	end_agent
	mkdir -m 700 "$AGENT_DIR"
	ours cat "$AT/warm" >/dev/null || fail "cannot read"
	"$@"
}
whole() { ours "$BIN/s3_reader" whole 1048576 "$AT/big" | cut -d' ' -f1; }
random() { ours "$BIN/s3_reader" random 4096 20 1 "$AT/big" | cut -d' ' -f1; }
# SCALE/seconds, or seconds * -SCALE
speed() {
	local scale=$1 i
	shift
	for i in $(seq "$R"); do once "$@" || fail "$*"; done | median | awk -v s="$scale" '{ printf "%.4g", s < 0 ? -s * $1 : s / $1 }'
}
right() {
	[ "$(once ours sha256sum "$AT/big" | cut -d' ' -f1)" = "$SUM" ] || fail "other bytes: $*"
}

begin "reading $SIZE MiB in turn when the server is far away, MiB/s, $R rounds"
said=$("$ROOT/tests/s3/server" start fault "$TMP/servers" $$) || fail "no server"
unset "${!AWS_@}"
export AWS_CONFIG_FILE=$TMP/none AWS_SHARED_CREDENTIALS_FILE=$TMP/none AWS_EC2_METADATA_DISABLED=true
eval "$said"
"$ROOT/tests/s3/s3.py" mb bench || fail "no bucket"
control make "bench/big $((SIZE << 20)) 7" "bench/warm 4096 8"
SUM=$("$ROOT/tests/s3/s3.py" get bench/big | sha256sum | cut -d' ' -f1)

note "delay of the first byte; at most so much fetched ahead:"
note "$(printf '%10s %10s %10s %10s %14s %12s' ms 4m 16m 64m '64m: requests' '4 KiB, ms')"
for us in 0 100 1000 10000 30000 100000; do
	control set "delay_us=$us"
	line=$(awk -v us=$us 'BEGIN { printf "%10g", us / 1000 }')
	for ahead in 4m 16m 64m; do
		TARGET="s3://bench?endpoint=$ENDPOINT&style=path&readahead=$ahead"
		[ $ahead != 64m ] || forget
		line+=$(printf ' %10s' "$(speed "$SIZE" whole)")
	done
	line+=$(printf ' %14s' $(($(curl -sS --noproxy '*' "$FAULT/log" | grep -c '/big ') / R)))
	note "$line $(printf '%12s' "$(speed -50 random)")"
	right "a delay of $us us"
done
control set delay_us=0

TARGET="s3://bench?endpoint=$ENDPOINT&style=path"
note ""
note "connections reset in the middle of a body, with a delay of 10 ms:"
note "$(printf '%10s %10s' 'of 1000' MiB/s)"
for every in 0 200 100 50; do
	forget
	control set delay_us=10000
	[ $every = 0 ] || control rules "GetObject bench/big body-reset=50000 every=$every"
	note "$(printf '%10s %10s' $((every ? 1000 / every : 0)) "$(speed "$SIZE" whole)")"
	right "every ${every}th request reset"
done
end
