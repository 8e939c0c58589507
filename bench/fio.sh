#!/bin/bash
# SPDX-License-Identifier: MIT
# fio.sh [-c] COMMAND...: a measuring command for alternate: runs fio, with
# whatever stands before it, once a round and answers the ns an operation
# took, reads and writes together: by fio's IOPS, or with -c the processor
# time of its job, for files that are cached, when other programs run too.

set -u
cpu=0
[ "$1" = -c ] && { cpu=1; shift; }
while read -r _; do
	"$@" --output-format=json </dev/null 2>/dev/null | awk -v cpu=$cpu '
		/^ *"(read|write|trim)" : *\{/ { side = $1 }
		/"(usr|sys)_cpu" :/ { used += $3 / 100 }
		/"job_runtime" :/ { ms = $3 + 0 }
		side == "\"trim\"" { next }
		/"total_ios" :/ { n += $3 }
		/"iops" :/ { iops += $3 }
		END {
			if (!iops || !n) print "fio failed"
			else printf "%.1f\n", cpu ? used * ms * 1e6 / n : 1e9 / iops
		}'
done
