#!/bin/bash
# SPDX-License-Identifier: MIT
# How reading follows the way to the server: every answer of the fault server is
# late by some time, or some connections are reset in the middle of a body. One
# sequential reader, cold, for several bounds of what is fetched ahead; the bytes
# are compared with what the object is made of. SIZE in MiB.

. "${0%/*}/lib.sh"
. "${0%/*}/s3_lib.sh"
R=${ROUNDS:-3}
SIZE=${SIZE:-512}

control() { printf '%s\n' "${@:2}" | curl -sSf --noproxy '*' --data-binary @- "$FAULT/$1" >/dev/null || fail "the server: $*"; }
forget() { curl -sSf --noproxy '*' -X DELETE "$FAULT/rules" "$FAULT/log"; }

# Seconds of a cold read, after the first that sets things up.
once() {
	clear_agent
	ours cat "$AT/warm" >/dev/null || fail "cannot read"
	"$@"
}
whole() { ours "$BIN/s3_reader" whole 1048576 "$AT/big" | cut -d' ' -f1; }
random() { ours "$BIN/s3_reader" random 4096 20 1 "$AT/big" | cut -d' ' -f1; }
# SCALE/seconds, or seconds * -SCALE
speed() {
	local scale=$1 i
	shift
	for i in $(seq "$R"); do once "$@" || fail "$*"; done | median %.6g | awk -v s="$scale" '{ printf "%.4g", s < 0 ? -s * $1 : s / $1 }'
}
right() {
	[ "$(once ours sha256sum "$AT/big" | cut -d' ' -f1)" = "$SUM" ] || fail "other bytes: $*"
}

begin "reading $SIZE MiB in turn when the server is far away, MiB/s, $R rounds"
start_server fault || fail "no server"
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
