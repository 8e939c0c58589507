#!/bin/bash
# SPDX-License-Identifier: MIT
# fio.sh RULE: fio's own verification finds no wrong byte with any engine,
# direct or not, forked or threaded; and what the shim counted and timed is
# what fio counted and timed.
# each rule
. "${0%/*}/lib.sh"
requires fio python3

bad=0
cd "$TMP" || exit 1

# runs NAME ARGS...
runs() {
	local name=$1
	shift
	shim timeout 150 fio --name=v "$@" >"$TMP/out" 2>&1 </dev/null || {
		echo "$name: status $?"
		grep -vE '^ |^$' "$TMP/out" | tail -8
		bad=1
	}
}

for engine in psync sync vsync pvsync pvsync2 libaio mmap; do
	depth=1
	[ $engine = libaio ] && depth=32
	for direct in 0 1; do
		[ $engine-$direct = mmap-1 ] && continue
		for way in "" --thread; do
			runs "$engine direct=$direct ${way:-forked}" --ioengine=$engine --iodepth=$depth --direct=$direct $way \
			    --rw=randrw --bs=4k --size=2m --numjobs=4 --directory="$PREFIX" --fallocate=none \
			    --verify=md5 --do_verify=1 --verify_fatal=1 --group_reporting
		done
	done
	[ $engine = mmap ] && continue        # it takes whole pages only
	runs "$engine odd sizes" --ioengine=$engine --iodepth=$depth --rw=randwrite --bsrange=512-70000 --bs_unaligned --size=4m \
	    --filename="$PREFIX/odd-$engine" --verify=crc32c --do_verify=1 --verify_fatal=1 --fsync=50
done
runs "sequential, appended" --ioengine=sync --rw=write --bs=128k --size=16m --filename="$PREFIX/seq" \
    --verify=md5 --do_verify=1 --verify_fatal=1 --fallocate=none --end_fsync=1

# The published commands, smaller, where the prefix is no directory of the disk.
case $RULE in
mem:*)
	seed="-direct=1 -iodepth=32 -rw=randrw -ioengine=libaio -size=256M -numjobs=1 -group_reporting
	      -filename=$PREFIX/testfile -fallocate=none -name=RandRW"
	for bs in 4k 1m; do
		shim timeout 200 fio $seed -bs=$bs -runtime=30 -verify=md5 --do_verify=1 --verify_fatal=1 >"$TMP/out" 2>&1 </dev/null ||
			{ echo "libaio bs=$bs: status $?"; tail -5 "$TMP/out"; bad=1; }
		grep -q 'err= 0' "$TMP/out" || { echo "libaio bs=$bs: no result"; bad=1; }
	done
	shim timeout 60 fio $seed -bs=4k -time_based=1 -runtime=3 >"$TMP/out" 2>&1 </dev/null ||
		{ echo "libaio time_based: status $?"; tail -5 "$TMP/out"; bad=1; }
	[ -e "$PREFIX" ] && { echo "$PREFIX appeared on the disk"; bad=1; }
	;;
esac

# Counts: a laid-out file, one job, no verification.
[ -x "$SHIM" ] || fail "$SHIM is missing"
for engine in psync pvsync pvsync2 libaio; do
	case $engine in
	psync) r=pread w=pwrite ;;
	pvsync) r=preadv w=pwritev ;;
	pvsync2) r=preadv2 w=pwritev2 ;;
	# from io_submit to the event, of which fio times but a part
	libaio) r=IOCB_CMD_PREAD w=IOCB_CMD_PWRITE ;;
	esac
	file=$PREFIX/laid-out
	shim dd if=/dev/zero of="$file" bs=1M count=8 status=none || fail "cannot lay out"
	rm -rf "${STATS:?}"/*
	shim timeout 100 fio --name=c --ioengine=$engine --rw=randrw --bs=4k --size=8m --filename="$file" \
	    --fallocate=none --output-format=json+ --loops=4 --thread --output="$TMP/fio.json" >"$TMP/out" 2>&1 </dev/null ||
		{ echo "count run: status $?"; tail -5 "$TMP/out"; bad=1; }
	"$SHIM" report --json "$STATS" >"$TMP/report.json" 2>"$TMP/err" || { echo "report: $(cat "$TMP/err")"; bad=1; continue; }
	python3 - "$TMP/fio.json" "$TMP/report.json" "$PREFIX" $r $w <<'END' || { echo "(engine $engine)"; bad=1; }
import json, sys
fio, report, prefix = json.load(open(sys.argv[1])), json.load(open(sys.argv[2])), sys.argv[3]
bad = 0

def bin_of(ns):
    """fio's bin function: 6 bits, so 64 bins for each doubling."""
    msb = max(ns.bit_length() - 1, 0)
    return ns if msb <= 6 else ((msb - 5) << 6) + ((ns >> (msb - 6)) & 63)

def median(bins):
    left = (sum(bins.values()) + 1) // 2
    for ns in sorted(bins):
        left -= bins[ns]
        if left <= 0:
            return ns
    return 0

for side, call in ('read', sys.argv[4]), ('write', sys.argv[5]):
    theirs = fio['jobs'][0][side]
    ours = [c for c in report['calls'] if c['call'] == call and prefix in c['rule']]
    count = sum(c['count'] for c in ours)
    if count != theirs['total_ios']:
        print(f"fio counts {theirs['total_ios']} {side}s, the shim {count} {call}")
        bad = 1
        continue
    bins = {}
    for c in ours:
        for ns, n in c['lat_ns']['bins'].items():
            bins[int(ns)] = bins.get(int(ns), 0) + n
    want = median({int(ns): n for ns, n in theirs['clat_ns']['bins'].items()})
    got = median(bins)
    if call[:4] != 'IOCB' and sum(bins.values()) == count and bin_of(got) > bin_of(want) + 1:
        print(f"{side}: the shim's median is {got} ns, fio's {want} ns")
        bad = 1
    if sum(c['bytes'] for c in ours) != theirs['io_bytes']:
        print(f"{side}: bytes differ")
        bad = 1
sys.exit(bad)
END
done
exit $bad
