#!/bin/bash
# SPDX-License-Identifier: MIT
# What the library adds to the start of a process, and what it needs.

. "${0%/*}/lib.sh"
N=${ROUNDS:-61}

begin "/bin/true from start to end; medians of $N alternating rounds of 50"
# start WHAT RULES STDERR
start() {
	measure "$N" "exec $BIN/start 2>$3" \
		"exec env SHIM_MAP='$2' SHIM_CONFIG= SHIM_STATS='$SHM/stats' $BIN/start '$LIB' 2>$3" || exit 1
	row "$1" "$(awk "BEGIN { printf \"%.3f\", $MORE / 1e6 }")" le 1.0 " ms"
	note "    $(awk "BEGIN { printf \"native %.3f, shim %.3f ms\", $A_NS / 1e6, $B_NS / 1e6 }")"
}
start "true more, idle preload, no rules" "" /dev/null
start "true more, idle, rules for mem and uring" "$TMP/a=mem:$STORE;$TMP/b=uring:?map=on" /dev/null
# standard error is a file that is timed: a segment of statistics for each run
start "true more, no rules, 2>file" "" "$TMP/stderr"
needs=$(readelf -d "$LIB" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
row "libraries needed besides libc's" \
	"$(grep -cvE '^(libc\.so|libpthread\.so|libdl\.so|librt\.so|ld-linux|libinih)' <<<"$needs")" le 0 ""
note "    $(echo $needs)"
end
