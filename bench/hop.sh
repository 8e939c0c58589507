#!/bin/bash
# SPDX-License-Identifier: MIT
# What a call costs more because it passes the library: on a descriptor that
# is not ours, and on a file that is only timed.

. "${0%/*}/lib.sh"
N=${ROUNDS:-81}

begin "The cost of passing the library, ns a call; medians of $N alternating rounds"

# hop WHAT RULES LIMIT CALL FILE [BLOCK]
hop() {
	local what=$1 rules=$2 limit=$3
	shift 3
	measure "$N/4" "exec $BIN/loop $*" "$(with "$rules") $BIN/loop $*" || exit 1
	row "$what" "$MORE" le "$limit" " ns"
	note "    native $A_NS, shim $B_NS ns"
}

hop "not ours: pread of /dev/null" "$TMP/in=posix:" 5 pread /dev/null
hop "not ours: read of /dev/zero, 1 byte" "$TMP/in=posix:" 5 read /dev/zero
hop "not ours: read of /dev/zero, no rules" "" 5 read /dev/zero

mkdir "$TMP/in"
fill "$TMP/in/f" 64
cat "$TMP/in/f" >/dev/null
hop "posix rule: pread of 4 KiB, cached" "$TMP/in=posix:" 100 pread "$TMP/in/f" 4096
row "    the same, of the native call" "$(awk -v a="$A_NS" -v m="$MORE" 'BEGIN { printf "%.1f", m * 100 / a }')" le 8 "%"
measure "$N/4" "exec $BIN/loop pread $TMP/in/f 4096" "exec $BIN/loop timed $TMP/in/f 4096" || exit 1
note "    two readings of the clock alone: $MORE ns, $(awk -v a="$A_NS" -v m="$MORE" 'BEGIN { printf "%.1f", m * 100 / a }')%"
hop "no rules: pread of 4 KiB, cached, timed" "" 100 pread "$TMP/in/f" 4096
end
