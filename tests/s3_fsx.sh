#!/bin/bash
# SPDX-License-Identifier: MIT
# Random operations against a model on an object that several write, and others
# read as it was published: alone, 4 threads, 2 processes; threads with regions of
# their own; and an object of several parts. Another client has the last word.
# each server: fault ceph swift
. "${0%/*}/lib.sh"
[ "${RULE:-}" ] || at s3:fault
TARGET="$TARGET&timeout=100"

much="-n ${LONG:+20}300"
[ "$RULE" = s3:swift ] && much="-n ${LONG:+20}80"    # 5 ms of its time for a request
for how in "-a" "-a -t 4 -1" "-a -p 2" "-a -p 2 -t 2 -1 -l 100003" "-t 4 -l 300007" "-a -p 2 -l 40000000 -n 60"; do
	shim timeout ${LONG:+1}200 "$BIN/fsx" $much $how ${SEED:+-s $SEED} "$PREFIX/f" >"$TMP/out" 2>&1 ||
		{ echo "fsx $how: status $?"; cat "$TMP/out"; bad=1; continue; }
	shim cat "$PREFIX/f" | md5sum >"$TMP/ours"
	s3_client get "$KEYS/f" | md5sum | cmp -s - "$TMP/ours" || { echo "fsx $how: another client reads another object"; bad=1; }
done
[ -z "$(find "$SHIM_AGENT_SPOOL" -name "*.data" -size +0)" ] || { echo "left in the spool:"; ls "$SHIM_AGENT_SPOOL"; bad=1; }
exit $bad
