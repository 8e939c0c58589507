#!/bin/bash
# SPDX-License-Identifier: MIT
# Reading objects: the shim against a bare libcurl loop (s3_transport.c) on the
# same server, nginx as the ceiling and Ceph's radosgw; the rows of OpenDAL's
# journal; many small files; s3fs and rclone where FUSE can be used.
# Each of our runs has an agent of its own that read one object before, so that
# its cache is cold. BENCH_S3="nginx ceph" says which servers, BENCH_ROWS="cat 4k"
# words of the rows wanted, if not all.

. "${0%/*}/lib.sh"
. "${0%/*}/s3_lib.sh"
R=${ROUNDS:-5}

new_agent() {
	clear_agent
	ours cat "$AT/warm" >/dev/null || fail "cannot read $AT/warm"
}

# ---- comparing

# What s3_reader says of itself, without its start.
reader() { ours "$BIN/s3_reader" "$@"; }

# fio's own time: without its start.
by_fio() {
	ours fio --name=j --thread --filename=$AT/big-1 --ioengine=psync --rw=read --bs=1m --size="$BIG" --invalidate=0 \
	    --output-format=terse | awk -F';' '{ print $9 / 1000, ($88 + $89) / 100 * $9 / 1000, 0 }'
}

# against WHAT TARGET SCALE UNIT ARGUMENTS-OF-TRANSPORT -- OURS...: alternating
# runs; the row is theirs/ours in time; below: medians, SCALE/seconds or
# seconds*SCALE, and how much more processor time ours takes.
against() {
	[[ -z ${BENCH_ROWS:-} || " $1 " =~ [\ ,](${BENCH_ROWS// /|})[\ ,] ]] || return 0
	local what=$1 target=$2 scale=$3 unit=$4 theirs=() a b before
	shift 4
	while [ "$1" != -- ]; do theirs+=("$1"); shift; done
	shift
	: >"$TMP/rounds"
	for _ in $(seq "$R"); do
		a=$("$BIN/s3_transport" "${theirs[@]}") || fail "$what: the transport"
		new_agent
		before=$(agent_cpu)
		b=$("$@") || fail "$what: ours"
		echo "$a $b $before $(agent_cpu)" >>"$TMP/rounds"
	done
	# seconds, processor of theirs and ours; theirs and the reader print bytes, too
	awk '{ o = $(NF - 1); print $1, $2, $4, $5 + $NF - o }' "$TMP/rounds" >"$TMP/rows"
	row "$what" "$(awk '{ print $1 / $3 }' "$TMP/rows" | median)" ge "$target" x
	note "    transport $(awk -v s="$scale" '{ print s < 0 ? -s * $1 : s / $1 }' "$TMP/rows" | median)," \
	     "shim $(awk -v s="$scale" '{ print s < 0 ? -s * $3 : s / $3 }' "$TMP/rows" | median) $unit;" \
	     "processor $(awk '$2 > 0.05 { print $4 / $2 }' "$TMP/rows" | median) times"
}

# best SIZE URL...: the part size and number of connections with which the transport is fastest for such objects.
best() {
	local part n t
	for part in 1048576 4194304 8388608; do
		for n in 1 2 4 8; do
			t=$(for _ in 1 2 3; do "$BIN/s3_transport" whole $part $n "$@" | cut -d' ' -f1; done | median)
			echo "$t $part $n"
		done
	done | sort -n | { read -r _ part n && echo "$part $n"; }
}

# ---- the objects

MAKE() { # NAME BYTES COUNT
	local i
	mkdir -p "$TMP/tree"
	for i in $(seq "$3"); do
		head -c "$2" /dev/urandom >"$TMP/tree/$1-$i"
	done
}
put_all() {
	MAKE warm 4096 1; mv "$TMP/tree/warm-1" "$TMP/tree/warm"
	MAKE 4k 4096 500; MAKE 256k 262144 200; MAKE 4m 4194304 25; MAKE 16m 16777216 8
	MAKE file 4096 500
	MAKE big "$BIG" 1
	if [ "$server" = nginx ]; then
		BUCKET=bench
		mv "$TMP/tree" "$FILES/bench"
		chmod -R a+rX "$FILES"
	else
		BUCKET=bench
		"$ROOT/tests/s3/s3.py" mb bench && "$ROOT/tests/s3/s3.py" tree bench "$TMP/tree" || fail "cannot fill $server"
		rm -rf "$TMP/tree"
	fi
}
urls() { for i in $(seq "$2"); do echo "$ENDPOINT/bench/$1-$i"; done; }
paths() { for i in $(seq "$2"); do echo "$AT/$1-$i"; done; }

# A process for each of 500 small objects, against as many natively and as many requests.
cats() {
	local t limit a
	: >"$TMP/rounds"
	for _ in $(seq "$R"); do
		new_agent
		t=$(timed ours bash -c "for f in $AT/file-*; do cat \$f; done" | cut -d' ' -f1)
		limit=$(timed bash -c "for i in \$(seq 500); do cat $TMP/result; done" | cut -d' ' -f1)
		a=$("$BIN/s3_transport" random 4096 500 1 "$ENDPOINT/bench/big-1" "$BIG" | cut -d' ' -f1)
		awk -v t="$t" -v l="$limit" -v a="$a" 'BEGIN { print t * 2, (l + a) * 2 + 1 }' >>"$TMP/rounds"
	done
	row "$server 500 small objects, a cat each, per object" "$(cut -d' ' -f1 "$TMP/rounds" | median)" le \
	    "$(cut -d' ' -f2 "$TMP/rounds" | median)" ms
}

with_server() {
	local part n t
	read -r part n <<<"$(best "$BIG" "$ENDPOINT/bench/big-1")"
	note "$server: the transport is fastest with $n connections and parts of $((part >> 20)) MiB"
	local big=(whole "$part" "$n" "$BIG" "$ENDPOINT/bench/big-1")

	against "$server sequential, cat" 0.9 $((BIG >> 20)) MiB/s "${big[@]}" -- eval "timed ours cat $AT/big-1 | sed 's/\$/ 0/'"
	against "$server sequential, dd bs=1M" 0.9 $((BIG >> 20)) MiB/s "${big[@]}" -- eval "timed ours dd bs=1M if=$AT/big-1 of=/dev/null | sed 's/\$/ 0/'"
	# nginx has no listing, which a stat wants
	[ "$server" = nginx ] ||
	against "$server sequential, fio psync 1M" 0.9 $((BIG >> 20)) MiB/s "${big[@]}" -- by_fio
	against "$server 4k at random, 1 thread" 0.9 -500 us random 4096 2000 1 "$ENDPOINT/bench/big-1" "$BIG" -- reader random 4096 2000 1 "$AT/big-1"
	against "$server 4k at random, 32 threads" 0.9 16000 /s random 4096 16000 32 "$ENDPOINT/bench/big-1" "$BIG" -- reader random 4096 16000 32 "$AT/big-1"
	for t in "4k 500 -2000 us 4096" "256k 200 50 MiB/s 262144" "4m 25 100 MiB/s 4194304" "16m 8 128 MiB/s 16777216"; do
		set -- $t
		read -r part n <<<"$(best "$5" $(urls "$1" "$2"))"
		against "$server whole objects of $1, one read" 0.9 "$3" "$4" whole "$part" "$n" "$5" $(urls "$1" "$2") -- reader whole 0 $(paths "$1" "$2")
	done
	for t in 2 4 8 16; do
		against "$server 16m by $t threads" 0.9 128 MiB/s whole $((16777216 / t)) $t 16777216 $(urls 16m 8) -- reader ranges $t $(paths 16m 8)
	done
	[ "$server" = nginx ] && return
	cats
}

begin "reading objects: times as fast as a bare libcurl loop, $R rounds"
for server in ${BENCH_S3:-nginx ceph}; do
	BIG=1073741824
	has_room "$TMP" 3000 || exit 0
	start_server $server || { note "$server cannot be had here"; continue; }
	[ "${AWS_ACCESS_KEY_ID:-}" ] || TARGET="$TARGET&anonymous=on"
	put_all
	with_server
	"$ROOT/tests/s3/server" stop "$TMP/servers"
done
end
