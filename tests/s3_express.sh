#!/bin/bash
# SPDX-License-Identifier: MIT
# A directory bucket of S3 Express: all is done in sessions, which are made for
# it, shared by all requests, and renewed before they end.
. "${0%/*}/lib.sh"
requires curl
bad=0
at s3:fault
wrong() { echo "$*"; bad=1; }
BUCKET=test--use1-az4--x-s3
KEYS=$BUCKET/part
s3_client mb "$BUCKET" || fail "no bucket"
BASE="s3://$KEYS?endpoint=$ENDPOINT"
sessions() { fault headers | grep -c '^CreateSession '; }

fault forget
export D=$PREFIX
TARGET=$BASE shim bash -c 'set -e; mkdir $D/d; echo hello >$D/d/f; cat $D/d/f; head -c 20000000 /dev/zero >$D/large; wc -c <$D/large
	echo more >>$D/large; mv $D/large $D/other; ls $D $D/d; [ ! -e $D/large ]; mv $D/d $D/e; cat $D/e/f; rm -r $D/e; chmod 600 $D/other' >"$TMP/said" 2>&1 ||
	wrong "work: $(cat "$TMP/said")"
[ "$(sessions)" = 1 ] || wrong "$(sessions) sessions"
fault headers | grep -v '^CreateSession' | grep -v 'x-amz-s3session-token=session-token-' && wrong "without a session"
fault headers | grep '^CreateSession' | grep -q 'x-amz-create-session-mode=ReadWrite' || wrong "no mode"
fault log | grep -q AccessDenied && wrong "denied: $(fault log)"
grep -rlF 'session-secret' "$TMP/agents" "$STATS" && wrong "has a secret"

# renewed: each is good for three seconds; and at once if one is taken back
fault set session_s=3
fault forget
TARGET="$BASE&ttl=0" shim bash -c 'set -e; for i in 1 2 3 4 5 6 7 8; do sleep 1; stat $D/other >/dev/null; done' || wrong "not renewed"
[ "$(sessions)" -ge 2 ] || wrong "$(sessions) sessions in eight seconds"
fault set session_s=300
fault forget
TARGET="$BASE&ttl=0&timeout=9" shim bash -c "set -e; stat \$D/other >/dev/null; sleep 2.1
	for i in 0 1 2 3 4 5 6 7; do echo expire session-\$i; done | curl -sf --noproxy '*' --data-binary @- $FAULT/keys; stat \$D/other >/dev/null" ||
	wrong "one that was taken back is not replaced: $(fault log)"

fault forget
TARGET="$BASE&write=off" shim cat "$PREFIX/other" >/dev/null || wrong "write=off"
fault headers | grep '^CreateSession' | grep -q 'mode=ReadOnly' || wrong "write=off: not ReadOnly"
fault forget
fault rules "CreateSession * error=403,AccessDenied times=1"
TARGET="$BASE&timeout=8" shim cat "$PREFIX/other" >/dev/null || wrong "who may only read cannot"
fault headers | grep '^CreateSession' | grep -q 'mode=ReadOnly' || wrong "refused: not ReadOnly"
fault forget
TARGET="$BASE&sse=aws%3Akms&kms-key=k" shim bash -c 'echo x >$D/x'
fault headers | grep '^CreateSession' | grep -q 'encryption=aws%3Akms .*kms-key-id=k' || wrong "no encryption of the session"
fault headers | grep -v '^CreateSession' | grep encryption && wrong "encryption of a request"
fault forget
fault rules "CreateSession * error=403,AccessDenied"
TARGET="$BASE&timeout=7" shim cat "$PREFIX/other" 2>"$TMP/err" && wrong "without a session"
grep -q 'Permission denied' "$TMP/err" || wrong "$(cat "$TMP/err")"
exit $bad
