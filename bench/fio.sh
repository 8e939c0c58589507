#!/bin/bash
# SPDX-License-Identifier: MIT
# fio.sh COMMAND...: a measuring command for alternate: runs fio, with whatever
# stands before it, once a round and answers the ns an operation took, reads
# and writes together, by fio's IOPS.

set -u
while read -r _; do
	"$@" --output-format=json </dev/null 2>/dev/null | awk '
		/^ *"(read|write|trim)" : *\{/ { side = $1 }
		side == "\"trim\"" { next }
		/"iops" :/ { iops += $3 }
		END {
			if (!iops) print "fio failed"
			else printf "%.1f\n", 1e9 / iops
		}'
done
