#!/bin/bash
# SPDX-License-Identifier: MIT
# Every awkward key is put, read, listed and removed by the agent's requests;
# that it is the key that was meant is seen by another client.
. "${0%/*}/lib.sh"

bad=0
for server in ceph swift; do
	s3 $server
	export AWS_ENDPOINT_URL=$ENDPOINT
	"$BIN/keys" names "$BUCKET" | sort >"$TMP/names"
	[ "$(wc -l <"$TMP/names")" -gt 50 ] || fail "no keys"
	"$BIN/keys" put "$BUCKET" || { echo "$server: put"; bad=1; }
	s3_client ls "$BUCKET/" | sed 's/\t[0-9]*\t"[0-9a-f]*"$//' | sort >"$TMP/listed"
	diff "$TMP/names" "$TMP/listed" || { echo "$server: not the keys that were meant"; bad=1; }
	"$BIN/keys" read "$BUCKET" || { echo "$server: read"; bad=1; }
	"$BIN/keys" remove "$BUCKET" || { echo "$server: remove"; bad=1; }
	[ -z "$(s3_client ls "$BUCKET/")" ] || { echo "$server: some are left"; bad=1; }
done
exit $bad
