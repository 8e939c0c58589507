# SPDX-License-Identifier: MIT
# What the test scripts share; each begins with: . "${0%/*}/lib.sh" (in
# doors/: the same file). Gives a directory of its own, $TMP, and with a rule
# as first argument of the script $PREFIX, $NATIVE and shim().

set -u
set -o pipefail
# a cache of the compiler's would be files of nobody's
export LC_ALL=C LN=ln CCACHE_DISABLE=1

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BIN=$ROOT/build/tests
LIB=${SHIM_LIB:-$ROOT/build/libshim.so}
SHIM=${SHIM_TOOL:-$ROOT/build/shim}

# Every rule a test that moves bytes must pass under.
RULES=${RULES:-"posix: uring: uring:?engine=ring uring:?map=on mem: object:"}

fail() { echo "$*" >&2; exit 1; }
skip() { echo "skipped: $*"; exit 77; }

# Skips the test unless these commands exist.
requires() {
	local c
	for c in "$@"; do
		command -v "$c" >/dev/null || skip "no $c"
	done
}

# await COMMAND...: until it succeeds, within a minute and a half; then nothing, or a line that says so and status 1.
await() {
	local end=$((SECONDS + 90))
	until "$@"; do
		[ $SECONDS -lt $end ] || { echo "waited in vain: $*"; return 1; }
		sleep 0.02
	done
}

_at_exit=()
# Runs a command when the test ends, however it ends; the last one first.
on_exit() { _at_exit=("$*" "${_at_exit[@]}"); }
_finish() {
	local status=$? c
	trap - EXIT
	cd /
	for c in "${_at_exit[@]}"; do
		eval "$c"
	done
	exit $status
}
trap _finish EXIT
trap 'exit 143' TERM INT HUP

TMP=$(mktemp -d "${TMPDIR:-/tmp}/shim-test.XXXXXX") || exit 1
on_exit "rm -rf '$TMP'"
STATS=$(mktemp -d /dev/shm/shim-test.XXXXXX) || exit 1
on_exit "rm -rf '$STATS'"

# How a rule is written in a test's name: "uring:?map=on" is "uring,map=on".
rule_name() {
	local r=${1/:\?/,}
	echo "${r%:}"
}

# What killed programs left behind of files of an object rule whose target goes.
forget_descriptions() {
	local f
	for f in $(grep -lsaF "$1" /dev/shm/shim-ofd-"$(id -u)"/*.ofd); do
		rm -f "$f" "${f%.ofd}"
	done
}

# s3 NAME: a server of s3/: ceph, swift, nginx, started once for the whole run,
# or fault, of which each test has its own; exports what it says: ENDPOINT, AWS_ACCESS_KEY_ID, ...
# and makes a new bucket, $BUCKET, where there are buckets. No other setting of
# S3 is left in the environment.
_buckets=0
s3() {
	local said dir=${S3_SERVERS:-} owner=${S3_OWNER:-$$}
	[ "$dir" ] && [ "$1" != fault ] || dir=$TMP/servers owner=$$
	on_exit "'$ROOT/tests/s3/server' stop '$TMP/servers'"
	said=$("$ROOT/tests/s3/server" start "$1" "$dir" "$owner" 2>"$TMP/server.err") || case $? in
	77) skip "$1: $(tail -1 "$TMP/server.err")" ;;
	*) cat "$TMP/server.err"; fail "$1 does not start" ;;
	esac
	unset "${!AWS_@}" BUCKET http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
	export AWS_CONFIG_FILE=$TMP/none AWS_SHARED_CREDENTIALS_FILE=$TMP/none AWS_EC2_METADATA_DISABLED=true
	eval "$said"
	[ "${AWS_ACCESS_KEY_ID:-}" ] || return 0
	_buckets=$((_buckets + 1))
	BUCKET=test-$$-$_buckets
	s3_client mb "$BUCKET" || fail "no bucket on $1"
}
# Another client than ours, for what is there before and after: s3/s3.py says what it does.
s3_client() { "$ROOT/tests/s3/s3.py" "$@"; }
# s3_sizes NAME: by that client "NAME SIZE " of each key of at()'s that begins so, in order
s3_sizes() {
	s3_client ls "$KEYS/$1" | awk -v p="${KEYS#*/}/" '{ print substr($1, length(p) + 1), $2 }' | sort | tr '\n' ' '
}
# fault rules|set|keys|make LINE...: commands to the fault server, see s3/fault_rules.c; fault log, headers; fault forget: no rules, no log
fault() {
	local what=$1
	shift
	case $what in
	log | headers) curl -sS --noproxy '*' "$FAULT/$what" ;;
	forget) curl -sSf --noproxy '*' -X DELETE "$FAULT/rules" "$FAULT/log" ;;
	*) printf '%s\n' "$@" | curl -sS --noproxy '*' --data-binary @- -w '%{http_code}' -o "$TMP/fault.said" "$FAULT/$what" |
		grep -q 200 || fail "fault $what $*: $(cat "$TMP/fault.said")" ;;
	esac
}

_stores=0
# Agents of S3 meet in a directory of the test's own; they end with it.
agents() { pgrep -f "^[^ ]*shim-agent serve $TMP/agents/"; }
end_agents() {
	local pid
	for pid in $(agents); do
		kill -KILL "$pid" 2>/dev/null
	done
}
# What they said, if the test fails.
agent_logs() {
	[ "$1" = 0 ] || [ "$1" = 77 ] || tail -n 15 "$TMP"/agents/*/log 2>/dev/null
}

# at RULE: sets PREFIX, a directory under that rule; TARGET, the rule's right
# side; NATIVE, a directory on the same kind of file system under no rule; and
# SEEN, where an unshimmed program finds what is under PREFIX. A mem rule gets
# a store of its own and a prefix that is not on the disk. A rule s3:SERVER[?OPTIONS]
# is a part of a new bucket there, $KEYS for s3_client.
at() {
	local scheme=${1%%:*} options=""
	case $1 in *\?*) options="?${1#*\?}" ;; esac
	RULE=$1
	_stores=$((_stores + 1))
	if [ "$scheme" = mem ]; then
		STORE=test-$$-$_stores
		TARGET=mem:$STORE$options
		PREFIX=$TMP/mem$_stores
		NATIVE=$(mktemp -d /dev/shm/shim-test-native.XXXXXX) || exit 1
		SEEN=/dev/shm/shim-mem-$(id -u)/$STORE/files
		on_exit "rm -rf '$NATIVE'; SHIM_MAP= SHIM_CONFIG= '$SHIM' mem rm -f '$STORE' >/dev/null 2>&1 || rm -rf '${SEEN%/files}'"
	elif [ "$scheme" = object ]; then
		# no file of it is the kernel's: see tests/object
		LIB=${SHIM_TEST_LIB:-$BIN/libshim.so}
		TARGET=object:$TMP/object$_stores$options
		PREFIX=$TMP/virtual$_stores
		NATIVE=$TMP/native$_stores
		SEEN=$TMP/object$_stores/names
		on_exit "forget_descriptions '$TMP/object$_stores'"
		export NO_NODES=1       # and no fifos
		mkdir "$TMP/object$_stores" "$NATIVE" || exit 1
	elif [ "$scheme" = s3 ]; then
		s3 "$(expr "$1" : 's3:\([a-z0-9]*\)')"
		KEYS=$BUCKET/part
		TARGET=s3://$KEYS?endpoint=$ENDPOINT${options:+&${options#\?}}
		PREFIX=$TMP/bucket$_stores
		NATIVE=$TMP/native$_stores
		SEEN=
		export NO_NODES=1 LN=cp # nor hard links
		on_exit "forget_descriptions '$BUCKET/'"
		[ -d "$TMP/agents" ] || on_exit "agent_logs \$status; end_agents"
		mkdir -p "$NATIVE" "$TMP/agents" && chmod 700 "$TMP/agents" || exit 1
		export SHIM_AGENT_DIR=$TMP/agents SHIM_AGENT_SPOOL=$TMP/agents/spool HOME=$TMP
	else
		TARGET=$1
		PREFIX=$TMP/under$_stores
		NATIVE=$TMP/native$_stores
		SEEN=$PREFIX
		mkdir "$PREFIX" "$NATIVE" || exit 1
	fi
}

# shim CMD...: runs it with the rule of the last at().
shim() {
	env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$STATS" \
	    LD_PRELOAD="$LIB${PRELOAD_MORE:+:$PRELOAD_MORE}" "$@"
}

# both NAME SCRIPT: runs the script with D set to a directory, natively and
# under the rule, in $TMP, and compares what it prints and its status; $PRELUDE
# goes before it. It must succeed natively. Sets bad=1 if anything is wrong.
bad=0
both() {
	local patience=${LONG:+900}
	case $RULE in
	# there is nothing to watch; tail polls then, and says so
	object:*) local PRELUDE="tail() { case \$1 in -[fF]) command tail ---disable-inotify \"\$@\" ;; *) command tail \"\$@\" ;; esac; };${PRELUDE:-}" ;;
	esac
	(cd "$TMP" && D=$NATIVE timeout -k 5 "${patience:-120}" bash -c "${PRELUDE:-}$2") >"$TMP/native.out" 2>&1 </dev/null
	echo "status $?" >>"$TMP/native.out"
	(cd "$TMP" && D=$PREFIX shim timeout -k 5 "${patience:-120}" bash -c "${PRELUDE:-}$2") >"$TMP/shim.out" 2>&1 </dev/null
	echo "status $?" >>"$TMP/shim.out"
	sed -i "s,$NATIVE,DIR,g" "$TMP/native.out"
	sed -i "s,$PREFIX,DIR,g" "$TMP/shim.out"
	tail -1 "$TMP/native.out" | grep -qx 'status 0' || { echo "$1 fails natively:"; tail -5 "$TMP/native.out"; bad=1; }
	expected "$1" || same_text "$TMP/native.out" "$TMP/shim.out" "$1" || bad=1
}

# Whether every line of the difference is one that zoo_s3.expected has a reason for.
expected() {
	local line part glob why
	case $RULE in s3:*) ;; *) return 1 ;; esac
	while IFS= read -r line; do
		while IFS='|' read -r part glob why; do
			# shellcheck disable=SC2053
			[[ "${0##*/} $1" == $part && $line == $glob ]] && continue 2
		done < <(grep -v '^#' "$ROOT/tests/zoo_s3.expected")
		echo "$1: $line"
		return 1
	done < <(diff -a "$TMP/native.out" "$TMP/shim.out" | grep -a '^[<>]')
}

# Both texts must be equal; shows where they part.
same_text() {
	cmp -s "$1" "$2" && return 0
	echo "$3: they differ (native, then shimmed):"
	diff -a "$1" "$2" | cut -c1-300 | head -"${4:-20}"
	return 1
}

if [ -z "${NATIVE_ONLY:-}" ]; then
	[ -e "$LIB" ] || fail "$LIB is missing: run make"
	[ -z "$(LD_PRELOAD=$LIB SHIM_MAP= SHIM_CONFIG= SHIM_STATS=off /bin/true 2>&1)" ] ||
		fail "$LIB does not load: $(LD_PRELOAD=$LIB /bin/true 2>&1 | head -1)"
fi
if [ $# -gt 0 ] && [[ $1 == *:* ]]; then
	at "$1"
fi
