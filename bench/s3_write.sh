#!/bin/bash
# SPDX-License-Identifier: MIT
# Writing objects: the shim against a bare libcurl loop that uploads the same
# parts (s3_upload.c) to the same server: the fault server, which throws the
# bytes away, as the ceiling, and Ceph's radosgw; the rows of OpenDAL's journal;
# appending, changing and renaming. BENCH_S3="fault ceph" says which servers.

. "${0%/*}/lib.sh"
. "${0%/*}/s3_lib.sh"
R=${ROUNDS:-5}
BIG=${BENCH_SIZE:-1073741824}

new_agent() {
	clear_agent
	# what the server does with conditions is known after these
	ours sh -c "echo 1 >$AT/warm; echo 2 >$AT/warm; rm -f $AT/warm2 $AT/warm3; echo 1 >$AT/warm2; echo 1 >$AT/warm3" || fail "cannot write $AT/warm"
}

# against WHAT OP TARGET THEIRS... -- OURS...: alternating runs. ge: their time is to
# be so many times ours; le: ours so many times theirs. Below: processor time, ours/theirs.
against() {
	local what=$1 op=$2 target=$3 theirs=() a b before
	shift 3
	while [ "$1" != -- ]; do theirs+=("$1"); shift; done
	shift
	new_agent
	: >"$TMP/rows"
	for _ in $(seq "$R"); do
		a=$("$BIN/s3_upload" "${theirs[@]}") || fail "$what: the transport"
		before=$(agent_cpu)
		b=$("$@") || { cat "$TMP/err" "$AGENT_DIR"/*/log; fail "$what: ours"; }
		echo "$a" "$b" | awk -v c="$before" -v d="$(agent_cpu)" '{ print $1, $2, $4, $5 + d - c }' >>"$TMP/rows"
	done
	row "$what" "$(awk -v op="$op" '{ print op == "ge" ? $1 / $3 : $3 / $1 }' "$TMP/rows" | median)" "$op" "$target" x
	note "    transport $(awk '{ print $1 }' "$TMP/rows" | median) s, shim $(awk '{ print $3 }' "$TMP/rows" | median) s;" \
	     "processor $(awk '{ print $2 }' "$TMP/rows" | median) and $(awk '{ print $4 }' "$TMP/rows" | median) s," \
	     "$(awk '$2 > 0.005 { print $4 / $2 }' "$TMP/rows" | median) times"
}
# seconds of a command, the median
times() { for _ in $(seq "$R"); do "$@" | cut -d' ' -f1; done | median; }

with_server() {
	local t url=$ENDPOINT/bench
	against "$server 1 object, dd bs=1M" ge 0.9 parts 8388608 6 "$BIG" "$url/bare" -- \
		timed ours dd if=/dev/zero of=$AT/big bs=1M count=$((BIG >> 20))
	against "$server 1 object, cp" ge 0.9 parts 8388608 6 "$BIG" "$url/bare" -- timed ours cp "$TMP/big" $AT/big
	against "$server 1 object, fio psync 1M" ge 0.9 parts 8388608 6 "$BIG" "$url/bare" -- \
		timed ours fio --name=j --thread --filename=$AT/big --ioengine=psync --rw=write --bs=1m --size="$BIG" --invalidate=0 --fallocate=none
	for t in "4k 4096 100" "256k 262144 50" "4m 4194304 10" "16m 16777216 5"; do
		set -- $t
		against "$server new objects of $1, one after the other" le 1.1 put "$2" "$3" "$url/bare$1" -- \
			ours "$BIN/s3_upload" write "$2" "$3" "$AT/$1"
	done
	[ $server = fault ] && return
	ours sh -c "head -c 67108864 /dev/zero >$AT/log; head -c $BIG /dev/zero >$AT/big"
	note "$server append 100 x 4 KiB to 64 MiB, one open: $(times timed ours dd if=/dev/zero of=$AT/log bs=4096 count=100 oflag=append conv=notrunc) s"
	note "$server change 4 KiB in the middle of $((BIG >> 20)) MiB: $(times timed ours dd if=/dev/zero of=$AT/big bs=4096 count=1 seek=100000 conv=notrunc) s"
	note "$server rename $((BIG >> 20)) MiB: $(times timed ours sh -c "mv $AT/big $AT/big2 && mv $AT/big2 $AT/big" | awk '{ print $1 / 2 }') s"
}

begin "writing objects: against a bare libcurl loop that uploads the same parts, $R rounds"
has_room "$TMP" $((4 * (BIG >> 20))) || exit 0
head -c "$BIG" /dev/zero >"$TMP/big"
for server in ${BENCH_S3:-fault ceph}; do
	start_server $server || { note "$server cannot be had here"; continue; }
	unset BENCH_MD5
	"$ROOT/tests/s3/s3.py" mb bench || fail "no bucket on $server"
	# this Ceph knows no CRC32C: what has to be summed twice as dearly is so for both
	[ $server = fault ] || export BENCH_MD5=1
	[ $server != fault ] || printf 'discard=on\nchecksums=full\nconditional=on\n' | curl -sSf --noproxy '*' --data-binary @- "$FAULT/set"
	with_server
	end_agent
	"$ROOT/tests/s3/server" stop "$TMP/servers"
done
end
