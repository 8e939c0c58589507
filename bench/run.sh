#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs all benchmarks, or those named, one after another, and prints their
# rows as one table. It judges nothing: the status is 0 unless one breaks.

cd "$(dirname "$0")/.." || exit 1
names=("$@")
[ $# -gt 0 ] || names=(hop mem uring aio default split start memory seed s3_hop)
status=0
began=$(date +%s)
for name in "${names[@]}"; do
	echo "==== $name"
	bench/"$name".sh || { echo "$name: broken"; status=1; }
	echo
done

results=${BENCH_RESULTS:-bench/results}
echo "==== all of it, in $((($(date +%s) - began) / 60)) minutes"
printf '%-48s %10s %10s\n' what measured target
for name in "${names[@]}"; do
	[ -e "$results/$name.txt" ] && grep -E ' (met|NOT MET)$' "$results/$name.txt"
done
exit $status
