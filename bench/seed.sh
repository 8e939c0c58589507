#!/bin/bash
# SPDX-License-Identifier: MIT
# The three fio commands of the log that mem grew out of, a file system in
# memory behind FUSE, word for word and at full size: on /tmp/mfs=mem: and on
# a plain directory of tmpfs, beside the figures of that log (another machine,
# so they say what the commands are about and nothing more). At most 4 GiB at
# a time; each file is removed before the next.

. "${0%/*}/lib.sh"
RULE="/tmp/mfs=mem:$STORE"

begin "The seed's fio commands on /tmp/mfs=mem:, MiB/s; one run each"
has_room /dev/shm 5120 || exit 0
sed -i "\$d" "${out:?}"

# values FILE: "read write" in MiB/s of fio's own output.
values() {
	awk -F'[=(]' '/READ: bw=|WRITE: bw=/ {
		v = $2; u = 1
		if (v ~ /GiB/) u = 1024
		if (v ~ /KiB/) u = 1 / 1024
		split($1, w, ":"); gsub(/ /, "", w[1])
		r[w[1]] = (v + 0) * u
	} END { printf "%.0f %.0f\n", r["READ"], r["WRITE"] }' "$1"
}

# seed WHAT ITS-READ ITS-WRITE FIO-OPTION...
seed() {
	local what=$1 read=$2 write=$3 r w native
	shift 3
	(cd "$TMP" && fio "$@" -filename="$SHM/testfile" >"$TMP/native" 2>&1) || { cat "$TMP/native"; fail "fio failed on tmpfs"; }
	rm -f "$SHM/testfile"
	native=$(values "$TMP/native")
	(cd "$TMP" && shim "$RULE" fio "$@" -filename=/tmp/mfs/testfile >"$TMP/mem.out" 2>&1) ||
		{ cat "$TMP/mem.out"; fail "fio failed on mem"; }
	rm -rf "/dev/shm/shim-mem-$(id -u)/$STORE"
	read -r r w <<<"$(values "$TMP/mem.out")"
	printf '%-30s %9s %9s  %9s %9s  %9s %9s\n' "$what" "$read" "$write" ${native% *} ${native#* } "$r" "$w" | tee -a "$out"
}

{
	printf '%-30s %19s  %19s  %19s\n' "" "the seed's own" "native tmpfs" "mem"
	printf '%-30s %9s %9s  %9s %9s  %9s %9s\n' "" read write read write read write
} | tee -a "$out"
seed "4k, 1G, verify=md5" 131 81.8 -direct=1 -iodepth=32 -rw=randrw -ioengine=libaio -bs=4k -size=1G -numjobs=1 -runtime=30 -group_reporting -fallocate=none -name=RandRW -verify=md5 --do_verify=1 --verify_fatal=1
seed "1m, 4G, verify=md5" 482 460 -direct=1 -iodepth=32 -rw=randrw -ioengine=libaio -bs=1m -size=4G -numjobs=1 -runtime=30 -group_reporting -fallocate=none -name=RandRW -verify=md5 --do_verify=1 --verify_fatal=1
seed "1m, 4G, time_based, 30 s" 3554 3547 -direct=1 -iodepth=32 -rw=randrw -ioengine=libaio -bs=1m -size=4G -numjobs=1 -runtime=30 -time_based=1 -group_reporting -fallocate=none -name=RandRW
end
