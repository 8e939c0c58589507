#!/bin/bash
# SPDX-License-Identifier: MIT
# link(2) is refused, and with link=copy a copy by the server, which never replaces.
# each server: fault ceph
. "${0%/*}/lib.sh"
requires python3
[ "${RULE:-}" ] || at s3:fault
map=$TARGET
wrong() { echo "$*: $(cat "$TMP/err")"; bad=1; }
ln_() { shim ln "$PREFIX/$1" "$PREFIX/$2" 2>"$TMP/err"; }
fails() { grep -q "$1" "$TMP/err" || wrong "not $1"; }

shim sh -c 'cd "$0" && echo text >a && mkdir d' "$PREFIX" || bad=1
ln_ a b && wrong 'linked'
fails 'Operation not permitted'
shim cp -l "$PREFIX/a" "$PREFIX/b" 2>"$TMP/err" && wrong 'cp -l'

TARGET="$map&link=copy&meta=object"
shim chmod 640 "$PREFIX/a"
ln_ a b || wrong 'ln a b'
[ "$(s3_client get "$KEYS/b")" = text ] || wrong 'b'
[ "$(shim stat -c '%a %h %s' "$PREFIX/b")" = '640 1 5' ] || wrong "attributes: $(shim stat -c '%a %h %s' "$PREFIX/b")"
echo more | shim tee -a "$PREFIX/b" >"$TMP/out"
[ "$(shim cat "$PREFIX/a")" = text ] || wrong 'a has what was written to b'
ln_ a b && wrong 'onto b'
fails 'File exists'
ln_ a a && wrong 'onto itself'
fails 'File exists'
ln_ a none/b && wrong 'no directory'
fails 'No such file'
ln_ none c && wrong 'nothing'
fails 'No such file'
shim python3 -c 'import os, sys
for what in ("a", "d"), ("new", "x"), ("d", "e"):
    if what[0] == "new":
        f = open(sys.argv[1] + "/new", "w"); f.write("x"); f.flush()
    try:
        os.link(*(sys.argv[1] + "/" + w for w in what))
        sys.exit("%s is linked" % (what,))
    except PermissionError: assert what[0] in ("d", "new"), what
    except FileExistsError: assert what[1] == "d", what' "$PREFIX" 2>"$TMP/err" || wrong python

shim sh -ec 'cd "$0"; mkdir r; for i in 1 2 3; do echo $i >r/$i; done; cp -rl r l; diff -r r l; ln r/1 r/4; rm r/1; cat r/4' "$PREFIX" >"$TMP/out" 2>"$TMP/err" ||
	wrong 'cp -rl'
[ "$(cat "$TMP/out")" = 1 ] || wrong "cp -rl: $(cat "$TMP/out")"
case $RULE in
s3:fault*)
	fault forget
	ln_ a n || wrong 'ln a n'
	[ "$(fault log | awk '/ .*\/a |n / { print $1 }' | grep -c CopyObject)" = 1 ] && [ "$(fault log | grep -c '^DeleteObject')" = 0 ] || { fault log; bad=1; }
	;;
esac
exit $bad
