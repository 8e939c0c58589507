#!/bin/bash
# SPDX-License-Identifier: MIT
# Who changes an object that another client removed since it was opened is told
# so, ESTALE, whichever way the change would have been published, and the object
# stays removed.
# each server: fault ceph
. "${0%/*}/lib.sh"
requires python3
[ "${RULE:-}" ] || at s3:fault
TARGET="$TARGET&meta=object&ttl=0s"
head -c 20000000 /dev/urandom >"$TMP/large"

cat >"$TMP/gone.py" <<'E2'
import errno, os, subprocess, sys
name, key, client = sys.argv[2], sys.argv[3], sys.argv[4:]
changes = {
    'append': lambda fd: (os.lseek(fd, 0, os.SEEK_END), os.write(fd, b'more')),
    'middle': lambda fd: os.pwrite(fd, b'other', 10000000),
    'mode': lambda fd: os.fchmod(fd, 0o600),
}
fd = os.open(name, os.O_WRONLY)
changes[sys.argv[1]](fd)
if client:
    subprocess.run(client + ['rm', key], check=True, env=dict(os.environ, LD_PRELOAD=''))
try:
    os.close(fd)
    print('ok')
except OSError as e:
    print(errno.errorcode[e.errno])
E2
# gone FILE CHANGE, of an object that is closed again and again until its conditions are known
gone() {
	local said i
	for i in 1 2 3; do
		s3_client put "$KEYS/o" "$1" || bad=1
		said=$(shim python3 "$TMP/gone.py" "$2" "$PREFIX/o" "$KEYS/o" "$ROOT/tests/s3/s3.py")
		[ "$said" = ESTALE ] || { echo "$2 of ${1##*/}: $said"; bad=1; }
		s3_client get "$KEYS/o" >/dev/null 2>&1 && { echo "$2 of ${1##*/}: it is there again"; bad=1; }
		shim sh -c "echo a >$PREFIX/other; echo b >>$PREFIX/other" || bad=1
	done
}
echo small >"$TMP/small"
gone "$TMP/small" append
gone "$TMP/large" append
gone "$TMP/large" middle
gone "$TMP/small" mode
gone "$TMP/large" mode

# removed after we looked: the request itself is told so, and what is looked at again is there (ok) or not
# late FILE CHANGE OPERATION
late() {
	local said
	s3_client put "$KEYS/o" "$1" || bad=1
	fault rules "$3 $BUCKET/* error=404,NoSuchKey times=1"
	said=$(shim python3 "$TMP/gone.py" "$2" "$PREFIX/o" "$KEYS/o")
	[ "$said" = ESTALE ] || [ "$said" = ok ] || { echo "$3 of ${1##*/} that is gone: $said"; bad=1; }
	fault forget
}
case $RULE in
s3:fault)
	late "$TMP/small" append PutObject
	late "$TMP/large" middle UploadPartCopy
	late "$TMP/small" mode CopyObject
	late "$TMP/large" middle CompleteMultipartUpload
	;;
esac
exit $bad
