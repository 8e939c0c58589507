#!/bin/bash
# SPDX-License-Identifier: MIT
# fio's own verification finds no wrong byte in objects that it writes, whatever
# the engine, in order or not, in small and in large blocks; and another client
# reads what was verified.
# each server: ceph swift
. "${0%/*}/lib.sh"
requires fio
[ "${RULE:-}" ] || at s3:ceph
TARGET="$TARGET&timeout=100"

# runs NAME ARGUMENTS...
runs() {
	local name=$1
	shift
	shim timeout ${LONG:+1}200 fio --verify_state_save=0 --name="$name" --filename="$PREFIX/$name" --fallocate=none --verify=md5 --do_verify=1 --verify_fatal=1 \
	    --randseed="${SEED:-$RANDOM}" "$@" >"$TMP/$name.out" 2>&1 </dev/null || {
		echo "$name: status $?"
		grep -vE '^ |^$' "$TMP/$name.out" | tail -8
		return 1
	}
	s3_client get "$KEYS/$name" >"$TMP/theirs" && shim cmp "$TMP/theirs" "$PREFIX/$name" || { echo "$name: another client reads something else"; return 1; }
	shim rm "$PREFIX/$name"
}

# size BS RW: larger than a part, where that is soon written
size() {
	case $1 in
	4k) [ "${LONG:-}" ] && echo 16m || echo 256k ;;
	1m) [ "${LONG:-}" ] && echo 40m || { [ "$2" = write ] && echo 10m || echo 3m; } ;;
	esac
}

for engine in psync sync libaio posixaio mmap; do
	depth=1
	case $engine in libaio | posixaio) depth=16 ;; esac
	for bs in 4k 1m; do
		for rw in write randwrite; do
			# a short run has of the large blocks what differs most
			case ${LONG:-$engine-$rw-$bs} in *randwrite-1m | sync-*-1m | *aio-*-1m) continue ;; esac
			runs $engine-$rw-$bs --ioengine=$engine --iodepth=$depth --rw=$rw --bs=$bs --size="$(size $bs $rw)" || bad=1
		done
	done
done
# written once more, in place: the rest is copied by the server; and from two at once
runs again --ioengine=psync --rw=randrw --bs=4k --size=12m --io_size=1m || bad=1
runs two --ioengine=psync --rw=randwrite --bs=4k --size=1m --numjobs=2 --offset_increment=1m --fsync=64 || bad=1
exit $bad
