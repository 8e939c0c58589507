#!/bin/bash
# SPDX-License-Identifier: MIT
# Another client replaces an object while a program has it open to write: its close is
# told ESTALE and the other's object stays, or with conflict=last it is ours.
# each server: fault ceph swift
. "${0%/*}/lib.sh"
requires python3
[ "${RULE:-}" ] || at s3:fault
map=$TARGET
printf other >"$TMP/other"
head -c 20000000 /dev/urandom >"$TMP/large"
echo small >"$TMP/small"
cat >"$TMP/write.py" <<'E'
import errno, os, subprocess, sys
how, name, client = sys.argv[1], sys.argv[2], sys.argv[3:]
fd = os.open(name, os.O_WRONLY | (os.O_TRUNC if how == 'new' else os.O_APPEND if how == 'append' else 0))
os.write(fd, b'ours\n')
subprocess.run(client, check=True, env=dict(os.environ, LD_PRELOAD=''))
said = []
for step in os.fsync, os.close:
    try:
        step(fd)
        said.append('ok')
    except OSError as e:
        said.append(errno.errorcode[e.errno])
print(*said)
E
# writes FILE HOW TOLD CONTENT
writes() {
	local said
	s3_client put "$KEYS/o" "$1" || bad=1
	said=$(shim python3 "$TMP/write.py" "$2" "$PREFIX/o" "$ROOT/tests/s3/s3.py" put "$KEYS/o" "$TMP/other" 2>&1)
	[ "$said" = "$3" ] || { echo "$TARGET: $2 of ${1##*/}: $said, and not $3"; bad=1; }
	s3_client get "$KEYS/o" | cmp -s - <(printf "$4"; [ "$5" = 0 ] || tail -c "$5" "$1") || { echo "$TARGET: $2 of ${1##*/}: the object is $(s3_client get "$KEYS/o" | head -c 40)"; bad=1; }
	SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 recover --drop >"$TMP/out" 2>&1
}
for turn in 1 2; do                     # the second time it is known what the endpoint does with conditions
	TARGET="$map&ttl=0s"
	writes "$TMP/small" append 'ESTALE ESTALE' other 0
	writes "$TMP/small" change 'ESTALE ESTALE' other 0
	writes "$TMP/large" append 'ESTALE ESTALE' other 0
	writes "$TMP/large" change 'ESTALE ESTALE' other 0
	TARGET="$map&ttl=0s&conflict=last"
	writes "$TMP/small" append 'ok ok' 'small\nours\n' 0
	writes "$TMP/small" change 'ok ok' 'ours\n' 1
	writes "$TMP/small" new 'ok ok' 'ours\n' 0
done
exit $bad
