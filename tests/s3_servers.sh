#!/bin/bash
# SPDX-License-Identifier: MIT
# The servers the S3 tests rest on: what another client puts there is there, a
# wrong secret is refused, and none outlives who asked for it.
. "${0%/*}/lib.sh"

head -c 6000000 /dev/urandom >"$TMP/some"
for server in ceph swift fault nginx ${LONG:+ceph20}; do
	s3 $server
	[ $server = nginx ] && { BUCKET=here; mkdir "$FILES/here"; }
	key="$BUCKET/a b/+ü%20=&'x"
	s3_client put "$key" "$TMP/some" || fail "$server: put"
	s3_client get "$key" | cmp - "$TMP/some" || fail "$server: other bytes"
	[ $server = nginx ] && continue
	s3_client parts "$BUCKET/parts" "$TMP/some" 5 &&
	s3_client get "$BUCKET/parts" | cmp - "$TMP/some" || fail "$server: other bytes in parts"
	[ "$(s3_client ls "$BUCKET/" | cut -f1,2)" = "${key#*/}"$'\t6000000\nparts\t6000000' ] || fail "$server: the listing"
	AWS_SECRET_ACCESS_KEY=wrong s3_client ls "$BUCKET/" >"$TMP/said" 2>&1 && fail "$server takes a wrong secret"
	grep -q 'SignatureDoesNotMatch' "$TMP/said" || fail "$server: $(cat "$TMP/said")"
done

# a run of its own, whose owner is killed
sh -c 'echo $$; exec sleep 100' >"$TMP/owner" &
s3server() { "$ROOT/tests/s3/server" "$@"; }
said=$(s3server start nginx "$TMP/own" $!) || fail "a second nginx does not start"
[ "$(s3server start nginx "$TMP/own" $!)" = "$said" ] || fail "the second time it says something else"
read -r pid _ <"$TMP/own/nginx/pids"
kill -0 "$pid" || fail "it does not run"
kill -KILL $!
wait $! 2>/dev/null
timeout 90 tail --pid="$pid" -f /dev/null || fail "it outlives its owner"
s3server start none "$TMP/own" $$ 2>/dev/null && fail "a server that is not there"
exit 0
