#!/bin/bash
# SPDX-License-Identifier: MIT
# What a call of the S3 agent costs a program, and the memory that both take.
# Against nginx on loopback, without signatures: a server that is out of the way.

. "${0%/*}/lib.sh"
server() { "$ROOT/tests/s3/server" "$@"; }
said=$(server start nginx "$TMP/servers" $$) || exit 0
eval "$said"
mkdir "$FILES/bucket" "$TMP/agents" && chmod 700 "$TMP/agents" || exit 1
head -c 16M /dev/urandom >"$FILES/bucket/f"
export SHIM_AGENT_DIR=$TMP/agents SHIM_AGENT_IDLE=1
rule="$TMP/s3=s3://bucket?endpoint=$ENDPOINT&anonymous=on&ttl=60"

begin "A call of the S3 agent"
shim "$rule" "$BIN/s3_hop" "$TMP/s3/f" >"$TMP/warm" || exit 1
for _ in 1 2 3 4 5; do
	shim "$rule" "$BIN/s3_hop" "$TMP/s3/f" || exit 1
done >"$TMP/out"
"$BIN/s3_hop" "$FILES/bucket/f" >"$TMP/native" || exit 1
median() { awk -v w="$1" '$1 == w { print $2 }' "$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
row "a 4 KiB read from the agent's cache" "$(median agent "$TMP/out")" le 20 " us"
row "... that this process knows the place of" "$(median known "$TMP/out")" le 2 " us"
row "memory of a guest" "$(($(median memory "$TMP/out") - $(median memory "$TMP/native")))" le 2048 " KiB"
note "    the first time, by the server: $(median server "$TMP/warm") us; stat $(median stat "$TMP/out") us; natively $(median agent "$TMP/native") us"


# An agent that has nothing to do, but for a guest that lives: it keeps what fits in its cache.
resident() { awk '/^(Rss|Shmem):/ { print $2 } /^Pss_Shmem:/ { print -$2 }' "/proc/$1/smaps_rollup" | awk '{ s += $1 } END { print s }'; }
mkfifo "$TMP/hold"
shim "$rule" sh -c 'exec 5<"$0"; head -c 1 <&5 >/dev/null; read -r _' "$TMP/s3/f" <"$TMP/hold" >/dev/null &
exec 8>"$TMP/hold"
for _ in $(seq 100); do
	agent=$(for c in /proc/[0-9]*/cmdline; do
		case $(tr '\0' ' ' <"$c") in */shim-agent\ serve\ "$TMP"/agents/*) basename "${c%/*}" ;; esac
	done 2>/dev/null)
	[ "$agent" ] && break
	sleep 0.05
done
row "memory of an agent, without its cache" "$(resident "$agent")" le 32768 " KiB"
exec 8>&-
end
