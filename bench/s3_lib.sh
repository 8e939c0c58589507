# SPDX-License-Identifier: MIT
# What the benchmarks of S3 share; sourced after lib.sh. Programs under the shim
# find $TARGET at $AT, by an agent of the benchmark's own.

AGENT_DIR=$TMP/agent
AT=/s3/bench
# of a Ceph: what was replaced goes later, and a full store answers nobody
export CEPH_BYTES=${CEPH_BYTES:-4294967296}
trap 'end_agent; "$ROOT/tests/s3/server" stop "$TMP/servers"; _finish' EXIT

# NAME: one of tests/s3/server's, and nothing of AWS's settings but for it.
start_server() {
	local said
	said=$("$ROOT/tests/s3/server" start "$1" "$TMP/servers" $$) || return 1
	unset "${!AWS_@}"
	export AWS_CONFIG_FILE=$TMP/none AWS_SHARED_CREDENTIALS_FILE=$TMP/none AWS_EC2_METADATA_DISABLED=true
	eval "$said"
	TARGET="s3://bench?endpoint=$ENDPOINT&style=path"
}

ours() {
	env LD_PRELOAD="$LIB" SHIM_MAP="$AT=$TARGET" SHIM_CONFIG= SHIM_STATS=off SHIM_AGENT_DIR="$AGENT_DIR" \
	    SHIM_AGENT_SPOOL="$TMP/spool" "$@"
}
agent_pid() { # of each
	local socket
	for socket in "$AGENT_DIR"/*/socket; do
		[ ! -S "$socket" ] || ss -xlpH src "$socket" 2>/dev/null | sed -n 's/.*pid=\([0-9]*\).*/\1/p'
	done
}
end_agent() {
	local pid
	for pid in $(agent_pid); do
		kill "$pid" && timeout 5 tail --pid="$pid" -f /dev/null
	done
	rm -rf "$AGENT_DIR"
}
# None, and where the next one goes.
clear_agent() {
	end_agent
	mkdir -m 700 "$AGENT_DIR"
}
# Its processor time in seconds.
agent_cpu() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / hz }' "/proc/$(agent_pid)/stat"; }

# Of a column of numbers; printed in the FORMAT, by default to three places.
median() { sort -n | awk -v f="${1:-%.3g}" '{ v[NR] = $1 } END { printf f, NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# Seconds and processor seconds of a command, its children included; what it complains of is in $TMP/err.
timed() {
	local TIMEFORMAT='%R %U %S'
	{ time "$@" >/dev/null 2>"$TMP/err"; } 2>&1 | awk '{ print $1, $2 + $3 }'
}
