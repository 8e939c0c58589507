#!/bin/bash
# SPDX-License-Identifier: MIT
# The order of asynchronous requests where each takes its time: O_APPEND and aio_fsync on
# each kind of file, order=fd where it is asked for; and an exec with requests in flight.
. "${0%/*}/lib.sh"

bad=0
# try RULE DIRECT MODE...
try() {
	local rule=$1 direct=$2 mode i
	shift 2
	at "$rule"
	for mode; do
		for i in 1 2 3; do
			shim env ${direct:+DIRECT=1} timeout 60 "$BIN/aio_order" "$mode" "$PREFIX/$mode$i" >"$TMP/out" 2>&1 ||
				{ echo "$rule $mode${direct:+, O_DIRECT}: status $?: $(cat "$TMP/out")"; bad=1; break; }
		done
	done
}

# the programs of this test say the same natively
"$BIN/aio_order" append "$TMP/native" && "$BIN/aio_order" exec "$TMP/native" || fail "aio_order natively"
try 'object:?delay=8ms' "" append exec
try 'object:?delay=8ms&order=fd' "" append fd
try 'uring:?order=fd' "" append fd
for rule in uring: mem:; do
	try $rule "" append exec
	try $rule 1 exec
done
exit $bad
