#!/bin/bash
# SPDX-License-Identifier: MIT
# Objects as files against s3fs and `rclone mount`, Debian's packages, on the
# same radosgw. Each run is cold: a new mount, a new agent, which looked at one
# object before. The sides take turns; a row is the better peer's median time
# over ours. What is written counts until the server has it. O_EXCL holds on this
# machine only (exclusive=close), as it does for them, and attributes for a minute
# (ttl=60s), where they have 5 and 15.
# Where a bare loop on libcurl can do what the row asks of the server, it takes
# its turn too: 2 times the better peer is the target, or 0.9 of that.
# ROUNDS=3; BENCH_BIG=MiB of the big objects; BENCH_ROWS="first sequential ..." for some of it

. "${0%/*}/lib.sh"
. "${0%/*}/s3_lib.sh"
R=${ROUNDS:-3}
BIG=${BENCH_BIG:-256}
MNT=$TMP/mnt
trap 'away; "$ROOT/tests/s3/server" stop "$TMP/servers"; _finish' EXIT

can_peer() {
	command -v s3fs rclone fusermount3 >/dev/null || { note "skipped: s3fs, rclone or fuse3 is not installed (.ci/setup bench)"; return 1; }
	[ -w /dev/fuse ] || { note "skipped: /dev/fuse cannot be opened"; return 1; }
}

# ---- the sides: here SIDE makes it ready and cold, with the bucket at $D; away ends it

away() {
	mountpoint -q "$MNT" && { fusermount3 -u "$MNT" 2>/dev/null || umount -l "$MNT"; }
	[ "${mounter:-}" ] && timeout 60 tail --pid="$mounter" -f /dev/null
	mounter=
	end_agent
}
mounted() {
	local i
	for i in {1..100}; do
		mountpoint -q "$MNT" && return
		sleep 0.1
	done
	fail "$side cannot be mounted: $(tail -3 "$TMP/mount.log")"
}
here() {
	side=$1
	away
	mkdir -p "$MNT"
	case $side in
	shim)
		mkdir -m 700 "$AGENT_DIR"
		D=$AT TARGET="$PLAIN&exclusive=close&ttl=60s${OPTIONS:+&$OPTIONS}"
		;;
	s3fs)
		s3fs bench "$MNT" -f -o url="$ENDPOINT" -o use_path_request_style -o passwd_file="$TMP/passwd" >"$TMP/mount.log" 2>&1 &
		mounter=$! D=$MNT
		mounted
		;;
	rclone)
		rclone mount peer:bench "$MNT" --vfs-cache-mode "${MODE:-off}" --vfs-write-back 0s --cache-dir "$TMP/rclone" >"$TMP/mount.log" 2>&1 &
		mounter=$! D=$MNT
		mounted
		;;
	esac
	on cat "$D/warm" >/dev/null || fail "$side cannot read"
}
# A command on this side.
on() {
	if [ "$side" = shim ]; then
		ours "$@"
	else
		"$@"
	fi
}

# ---- measuring

now() { date +%s.%N; }
client() { "$ROOT/tests/s3/s3.py" "$@"; }
# What the server says of a key: size and etag.
head_of() { client head "bench/$1" 2>/dev/null | awk '$1 == "content-length:" { size = $2 } $1 == "etag:" { etag = $2 } END { print size, etag }'; }
# KEY SIZE [other]: an object of that size; other: not the one that $ETAG is of
has() {
	local size etag
	read -r size etag <<<"$(head_of "$1")"
	[ "$size" = "$2" ] && [ "${3:+$etag}" != "${3:+$ETAG}" -o -z "${3:-}" ]
}
# Whether a close does not wait for the server.
writes_back() {
	[ "$side ${MODE:-}" = "rclone writes" ] || [ "$side ${OPTIONS:-}" = "shim publish=deferred" ]
}
# Sets DONE, when the server has what was written: a close has waited for that, but not rclone's with a cache.
arrive() {
	local until=$((SECONDS + 60))
	DONE=$(now)
	until has "$@"; do
		[ $SECONDS -lt $until ] || { echo "$1 does not arrive"; return 1; }
		writes_back || { echo "$1 is not there after close"; return 1; }
		DONE=$(now)
	done
}

# Likewise, of so many files below a key.
arrive_all() {
	local until=$((SECONDS + 60))
	until [ "$(client ls "bench/$1" | awk '$1 !~ "/$"' | wc -l)" = "$2" ]; do
		[ $SECONDS -lt $until ] || { echo "not all of $1 arrive"; return 1; }
	done
	DONE=$(now)
}

# against NAME WHAT [SCALE UNIT] -- COMMAND: a function that gets a number of its own for each run; $PREPARE goes before it, not timed
against() {
	local name=$1 what=$2 scale=1 unit=s n=0 r a b t
	shift 2
	[ "$1" = -- ] || { scale=$1 unit=$2; shift 2; }
	shift
	[ -z "${BENCH_ROWS:-}" ] || [[ " $BENCH_ROWS " = *" $name "* ]] || return 0
	rm -f "$TMP"/time.*
	for r in $(seq "$R"); do
		for side in shim s3fs rclone; do
			n=$((n + 1))
			${PREPARE:-:} "$n"
			here "$side"
			DONE=
			a=$(now)
			if "$@" "$n" >"$TMP/said" 2>&1; then
				b=${DONE:-$(now)}
				awk -v a="$a" -v b="$b" 'BEGIN { print b - a }' >>"$TMP/time.$side"
			else
				say "$what: $side fails: $(tail -1 "$TMP/said")"
			fi
			[ -z "${PREPARE:-}" ] || thrown_away "$n"
		done
		bare
	done
	away
	for side in shim s3fs rclone limit; do
		[ -e "$TMP/time.$side" ] && t=$(median %.6g <"$TMP/time.$side") || t=
		eval "t_$side=\$t"
	done
	# shellcheck disable=SC2154
	row "$what" "$(awk -v o="$t_shim" -v a="$t_s3fs" -v b="$t_rclone" 'BEGIN {
		best = a == "" || (b != "" && b < a) ? b : a
		printf "%.2g", o == "" ? 0 : best == "" ? 999 : best / o }')" ge 2 x
	note "    shim $(told "$t_shim"), s3fs $(told "$t_s3fs"), rclone $(told "$t_rclone") $unit"
	# shellcheck disable=SC2154
	[ -z "${LIMIT:-}" ] || row "    of a bare loop, $(told "$t_limit") $unit" \
		"$(awk -v o="$t_shim" -v l="$t_limit" 'BEGIN { printf "%.2g", o == "" ? 0 : l / o }')" ge 0.9 x
}
# $LIMIT: arguments of s3_transport or s3_upload, %N is a number of its own.
bare() {
	[ "${LIMIT:-}" ] || return 0
	n=$((n + 1))
	away
	${PREPARE:-:} "$n"
	# shellcheck disable=SC2086
	"$BIN"/${LIMIT//%N/$n} | cut -d' ' -f1 >>"$TMP/time.limit" || fail "$what: a bare loop fails"
	[ -z "${PREPARE:-}" ] || thrown_away "$n"
}
told() { awk -v t="$1" -v s="$scale" 'BEGIN { if (t == "") print "fails"; else printf "%.3g", s < 0 ? -s * t : s / t * (s == 1 ? t * t : 1) }'; }

# ---- the rows

first() { on head -c 1 "$D/big-$(($1 % 3 + 1))"; }
sequential() { on cat "$D/big-1" | wc -c; }
random() { on "$BIN/s3_reader" random 4096 200 1 "$D/big-2"; }
list() { [ "$(on ls -lR "$D/many" | grep -c '^-')" = 10000 ]; }
small() { [ "$(on sh -c 'cat "$0"/small/*/*' "$D" | wc -c)" = $((2000 * 4096)) ]; }
small_find() { [ "$(on find "$D/small" -type f -exec cat {} + | wc -c)" = $((2000 * 4096)) ]; }
search() { [ "$(on grep -rl needle "$D/small" | wc -l)" = 3 ]; }
write() { on dd if="$SHM/big" of="$D/new-$1" bs=1M status=none && arrive "new-$1" $((BIG << 20)); }
untar() { on mkdir "$D/tar-$1" && on tar -xf "$SHM/small.tar" -C "$D/tar-$1" && arrive "tar-$1/last" 4096; }
copy() { on cp -r "$SHM/tree" "$D/copy-$1" && arrive "copy-$1/last" 4096; }
copy_later() { on cp -r "$SHM/tree" "$D/later-$1" && arrive_all "later-$1/" 501; }
append() { on dd if="$SHM/big" of="$D/append-$1" oflag=append conv=notrunc bs=4k count=100 status=none && arrive "append-$1" $(((64 << 20) + 409600)); }
overwrite() { on dd if="$SHM/big" of="$D/over-$1" conv=notrunc bs=4k seek=5000 count=1 status=none && arrive "over-$1" $((BIG << 20)) other; }
move() { on mv "$D/over-$1" "$D/moved-$1" && arrive "moved-$1" $((BIG << 20)); }
clone() { on git clone -q "$TMP/repository" "$D/clone-$1" && arrive "clone-$1/last" 4096; }

thrown_away() {
	local k
	away
	for k in new append over moved; do
		client rm "bench/$k-$1" 2>/dev/null
	done
}
nothing() { :; }
put_64() { head -c 64M "$SHM/big" | client put "bench/append-$1" - || fail "put"; }
put_big() {
	client put "bench/over-$1" "$SHM/big" || fail "put"
	ETAG=$(head_of "over-$1" | cut -d' ' -f2)
}

fill_bucket() {
	local i
	fill "$SHM/big" "$BIG"
	mkdir -p "$TMP/tree/many" "$TMP/tree/small" "$SHM/tree"
	head -c 4096 /dev/urandom >"$TMP/tree/warm"
	for i in {0..9999}; do
		[ $((i % 100)) != 0 ] || mkdir "$TMP/tree/many/$((i / 100))"
		echo "$i" >"$TMP/tree/many/$((i / 100))/$i"
	done
	for i in {0..1999}; do
		[ $((i % 100)) != 0 ] || mkdir "$TMP/tree/small/$((i / 100))"
		head -c 4096 /dev/urandom >"$TMP/tree/small/$((i / 100))/$i"
	done
	for i in 7 777 1777; do
		{ echo needle; head -c 4089 /dev/urandom; } >"$TMP/tree/small/$((i / 100))/$i"
	done
	client mb bench && client tree bench "$TMP/tree" || fail "cannot fill the bucket"
	for i in 1 2 3; do client put "bench/big-$i" "$SHM/big" || fail "put"; done
	cp -r "$TMP/tree/small/"{0,1,2,3,4} "$SHM/tree" && head -c 4096 /dev/urandom >"$SHM/tree/last" || fail "no room"
	tar -cf "$SHM/small.tar" -C "$SHM/tree" $(cd "$SHM/tree" && ls -d [0-9]*) last
	cp -r "$SHM/tree" "$TMP/repository"
	(cd "$TMP/repository" && git init -q && git add . && git -c user.name=x -c user.email=x@x commit -qm x) || fail "git"
	rm -rf "$TMP/tree"
}

begin "objects as files: times as fast as the better of s3fs and rclone mount, $R rounds, cold"
can_peer || exit 0
has_room "$TMP" 2000 && has_room "$SHM" $((BIG * 2 + 1500)) || exit 0
start_server ceph || { note "skipped: Ceph cannot be had here"; exit 0; }
export HOME=$TMP
(umask 077; echo "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" >"$TMP/passwd")
export RCLONE_CONFIG_PEER_TYPE=s3 RCLONE_CONFIG_PEER_PROVIDER=Ceph RCLONE_CONFIG_PEER_ENDPOINT=$ENDPOINT \
    RCLONE_CONFIG_PEER_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID RCLONE_CONFIG_PEER_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY
PLAIN=$TARGET
fill_bucket
note "$(s3fs --version | head -1 | grep -o 'V[0-9.]*' | sed 's/V/s3fs /'), $(rclone version | head -1), radosgw 16"

U=$ENDPOINT/bench
export BENCH_MD5=1                      # as this Ceph has to be given
against first "first byte" -1000 ms -- first
LIMIT="s3_transport whole 4194304 8 $((BIG << 20)) $U/big-1" against sequential "sequential, cat of $BIG MiB" "$BIG" MiB/s -- sequential
LIMIT="s3_transport random 4096 200 1 $U/big-2 $((BIG << 20))" against random "4 KiB at random, 1 thread" -5 ms -- random
against list "ls -lR of 10,000 objects" -- list
against small "cat of 2,000 files of 4 KiB, names known" -- small
against find "find -exec cat of 2,000 files of 4 KiB" -- small_find
against grep "grep -r in 2,000 files of 4 KiB" -- search
LIMIT="s3_upload parts 8388608 6 $((BIG << 20)) $U/new-%N" PREPARE=nothing against write "write of $BIG MiB" "$BIG" MiB/s -- write
LIMIT="s3_upload put 4096 501 $U/bare-%N" against tar "tar x of 501 files" -- untar
LIMIT="s3_upload put 4096 501 $U/bare-%N" against cp "cp -r of 501 files" -- copy
OPTIONS=publish=deferred MODE=writes against later "cp -r of 501 files, written back" -- copy_later
MODE=writes                             # without it, rclone refuses these
LIMIT="s3_upload change 16777216 8 $(((64 << 20) + 409600)) $U/append-%N" PREPARE=put_64 against append "100 times 4 KiB appended to 64 MiB" -- append
LIMIT="s3_upload change 33554432 8 $((BIG + 5 << 20)) $U/over-%N" PREPARE=put_big against overwrite "4 KiB in the middle of $BIG MiB" -- overwrite
LIMIT="s3_upload move 1 /bench/over-%N $U/moved-%N" PREPARE=put_big against rename "rename of $BIG MiB" -- move
OPTIONS=publish=deferred against clone "git clone of 501 files, written back" -- clone
end
