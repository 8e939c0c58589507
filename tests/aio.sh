#!/bin/bash
# SPDX-License-Identifier: MIT
# aio.sh RULE: random asynchronous requests against a model, and fio's
# verification through its posixaio engine, with exact counts.
# each rule
. "${0%/*}/lib.sh"

case $RULE in posix:*) skip "libc's own" ;; esac
bad=0
for seed in 1 2 3 ${SEED:-}; do
	for direct in "" -d; do
		shim timeout 60 "$BIN/aio_stress" $direct -n "${STEPS:-6000}" -s $seed "$PREFIX/f" >"$TMP/out" 2>&1 ||
			{ echo "aio_stress $direct -s $seed: status $?"; tail -5 "$TMP/out"; bad=1; }
	done
done

cd "$TMP" || exit 1
if command -v fio >/dev/null && command -v python3 >/dev/null && [ -x "$SHIM" ]; then
	for direct in 0 1; do
		for way in "" --thread; do
			shim timeout 100 fio --name=v --ioengine=posixaio --direct=$direct $way --rw=randrw --bs=4k --size=2m \
			    --iodepth=32 --numjobs=3 --directory="$PREFIX" --fallocate=none --verify=md5 --do_verify=1 \
			    --verify_fatal=1 --group_reporting >"$TMP/out" 2>&1 </dev/null ||
				{ echo "posixaio direct=$direct ${way:-forked}: status $?"; grep -vE '^ |^$' "$TMP/out" | tail -8; bad=1; }
		done
	done
	shim timeout 100 fio --name=v --ioengine=posixaio --rw=randwrite --bsrange=512-70000 --bs_unaligned --size=4m \
	    --iodepth=32 --filename="$PREFIX/odd" --fallocate=none --verify=crc32c --do_verify=1 --verify_fatal=1 --fsync=20 \
	    >"$TMP/out" 2>&1 </dev/null || { echo "posixaio, odd sizes: status $?"; tail -5 "$TMP/out"; bad=1; }

	# a laid-out file, one job: what fio counts is what the shim counts
	shim dd if=/dev/zero of="$PREFIX/laid-out" bs=1M count=8 status=none || fail "cannot lay out"
	rm -rf "${STATS:?}"/*
	shim timeout 100 fio --name=c --ioengine=posixaio --iodepth=16 --rw=randrw --bs=4k --size=8m --filename="$PREFIX/laid-out" \
	    --fallocate=none --output-format=json --loops=2 --thread --output="$TMP/fio.json" >"$TMP/out" 2>&1 </dev/null ||
		{ echo "count run: status $?"; tail -5 "$TMP/out"; bad=1; }
	"$SHIM" report --json "$STATS" >"$TMP/report.json" 2>"$TMP/err" || { echo "report: $(cat "$TMP/err")"; bad=1; }
	python3 - "$TMP/fio.json" "$TMP/report.json" "$PREFIX" <<'END' || bad=1
import json, sys
fio, report, prefix = json.load(open(sys.argv[1])), json.load(open(sys.argv[2])), sys.argv[3]
bad = 0
for side, call in ('read', 'aio_read'), ('write', 'aio_write'):
    theirs = fio['jobs'][0][side]
    ours = [c for c in report['calls'] if c['call'] == call and prefix in c['rule']]
    for what, want, got in (('calls', theirs['total_ios'], sum(c['count'] for c in ours)),
                            ('bytes', theirs['io_bytes'], sum(c['bytes'] for c in ours))):
        if want != got:
            print(f"{call}: {what}: fio has {want}, the shim {got}")
            bad = 1
    # and beside each, how many were in flight and what it took to ask
    for what, most in ('in_flight', 16), ('submit_ns', None):
        extra = [a[what] for a in report['async'] if a['call'] == call and prefix in a['rule'] and what in a]
        if sum(e['N'] for e in extra) != theirs['total_ios'] or \
           most and any(e['min'] < 1 or e['max'] > most for e in extra):
            print(f"{call}: {what}: {[(e['N'], e['min'], e['max']) for e in extra]}, fio has {theirs['total_ios']} requests")
            bad = 1
sys.exit(bad)
END
fi
exit $bad
