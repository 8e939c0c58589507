#!/bin/bash
# SPDX-License-Identifier: MIT
# A spool that cannot be made: objects can be read, a write says why it cannot
# be, in the log too, and can as soon as there is room for the spool.
. "${0%/*}/lib.sh"
requires curl

at s3:fault
fault make "$KEYS/there 10000 1"
export SHIM_AGENT_SPOOL=$TMP/room/spool
bad=0
complain() { echo "$*"; bad=1; }

: >"$TMP/room"          # no directory
shim cat "$PREFIX/there" | cmp - <(s3_client get "$KEYS/there") || complain "an object cannot be read"
shim sh -c 'echo new >"$1"' - "$PREFIX/new" 2>"$TMP/said" && complain "a write succeeds without a spool"
grep -q 'Input/output error' "$TMP/said" || complain "a write without a spool says: $(cat "$TMP/said")"
grep -q "spool $TMP/room/spool: Not a directory: .*SHIM_AGENT_SPOOL" "$TMP"/agents/*/log || complain "the log does not say why"
"$SHIM" s3 check "s3://$BUCKET?endpoint=$ENDPOINT" >"$TMP/said" 2>&1
grep -q "^no *spool *$TMP/room/spool: Not a directory: nothing can be written" "$TMP/said" || complain "shim s3 check does not tell of the spool"

rm "$TMP/room"
mkdir "$TMP/room"
shim sh -c 'echo new >"$1"' - "$PREFIX/new" || complain "there is room for the spool, and nothing can be written"
[ "$(s3_client get "$KEYS/new")" = new ] || complain "what was written is not there"
exit $bad
