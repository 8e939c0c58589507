#!/bin/bash
# SPDX-License-Identifier: MIT
# fsx.sh RULE: random operations against a model: alone, with 4 threads, with
# 8 whose regions share pages, with 2 processes, and an observer that is not
# under the rule. With LONG=1 two minutes of each. Where a rule reads ahead, readers with
# O_DIRECT as well.
# each rule
# and on: uring:?readahead=128k
. "${0%/*}/lib.sh"

if [ "${LONG:-}" ]; then
	much="-d 120"
else
	much="-n 6000"
fi
seen=$PREFIX/f
case $RULE in
mem:*) seen=$SEEN/f ;;
esac
case $RULE in
*readahead=*) much="$much -D" ;;
esac
bad=0
for how in "-o $seen" "-l 1048576 -o $seen" "-t 4" "-t 8 -l 9001$([ "${LONG:-}" ] || echo " -n 200000")" "-t 4 -1 -o $seen" "-p 2 -o $seen" "-p 2 -l 6000" "-p 2 -t 2 -1 -l 1000003"; do
	shim timeout $([ "${LONG:-}" ] && echo 200 || echo 60) "$BIN/fsx" $much $how ${SEED:+-s $SEED} "$PREFIX/f" >"$TMP/out" 2>&1 ||
		{ echo "fsx $how: status $?"; cat "$TMP/out"; bad=1; }
done
exit $bad
