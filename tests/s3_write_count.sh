#!/bin/bash
# SPDX-License-Identifier: MIT
# What writing costs, in requests counted at the server: a new small file is one
# PutObject where what is known of names suffices, and what is known stays
# right: the program sees its own changes and, after the ttl, those of others.
. "${0%/*}/lib.sh"

at "s3:fault?exclusive=close&ttl=600s"
fault set anonymous=on
head -c 4000 /dev/urandom >"$TMP/f"
mkdir "$TMP/src" "$TMP/src/d"
for i in 1 2 3 4 5 6 7 8 9; do echo "$i" >"$TMP/src/$i"; cp "$TMP/f" "$TMP/src/d/$i"; done
tar -C "$TMP" -cf "$TMP/t.tar" src

# counted NAME REQUESTS COMMAND...: exactly "OPERATION NUMBER" of each, sorted, in one line
counted() {
	local name=$1 want=$2 is
	shift 2
	fault forget
	shim "$@" >"$TMP/out" 2>&1 || { echo "$name: $(head -3 "$TMP/out")"; bad=1; }
	is=$(fault log | awk '{ n[$1]++ } END { for (o in n) print o, n[o] }' | sort | tr '\n' ' ')
	[ "$is" = "${want:+$want }" ] || { echo "$name: ${is:-nothing}, and not $want"; bad=1; }
}
same() { [ "$1" = "$2" ] || { echo "$3: $1, and not $2"; bad=1; }; }

# what the endpoint does with conditions is found out by the first ones
shim sh -c "echo 1 >$PREFIX/first; echo 2 >$PREFIX/first; cp $TMP/f $PREFIX/second; ls $PREFIX" >/dev/null

counted 'a new file' 'PutObject 1' cp "$TMP/f" "$PREFIX/new"
counted 'another' 'PutObject 1' sh -c "cat $TMP/f >$PREFIX/another"
counted 'one that is written over' 'PutObject 1' sh -c "cat $TMP/f >$PREFIX/another"
counted 'times and modes of an open file' 'PutObject 1' cp -p "$TMP/f" "$PREFIX/times"
counted 'a tree' 'PutObject 20' cp -r "$TMP/src" "$PREFIX/tree"
counted 'an archive' 'HeadObject 6 PutObject 26' tar -C "$PREFIX" -xf "$TMP/t.tar"
counted 'what was written, listed' '' ls -lR "$PREFIX"
counted 'what was written, read' '' cmp "$TMP/f" "$PREFIX/tree/d/7"
counted 'what is not there' '' sh -c "! cat $PREFIX/tree/none"
counted 'renamed' 'CopyObject 1 DeleteObject 1 HeadObject 1' mv "$PREFIX/new" "$PREFIX/moved"
counted 'and read' '' cmp "$TMP/f" "$PREFIX/moved"
counted 'removed' 'DeleteObject 1' rm "$PREFIX/moved"
counted 'a directory, made and removed' 'DeleteObject 1 ListObjectsV2 1 PutObject 1' sh -c "mkdir $PREFIX/e; rmdir $PREFIX/e"
counted 'names after all that' '' sh -c "cd $PREFIX; test -e new || test -e moved || test -e e || test -e tree/d/9"
same "$(shim ls "$PREFIX" | tr '\n' ' ')" 'another first second src times tree ' 'ls'
same "$(shim ls "$PREFIX/tree/d" | tr '\n' ' ')" '1 2 3 4 5 6 7 8 9 ' 'ls of a directory we made'
s3_client get "$KEYS/tree/d/7" | cmp - "$TMP/f" || bad=1

# several at once, and a listing on its way meanwhile
fault set delay_ms=30
shim sh -c "cd $PREFIX; for i in 1 2 3 4 5 6; do (for j in 1 2 3 4 5; do cp $TMP/f p\$i\$j; ls >/dev/null; done) & done; wait"
fault set delay_ms=0
same "$(shim ls "$PREFIX" | grep -c '^p')" 30 'files made at once'

# O_EXCL is exclusive here at any time; and against others at the close, without a word at the open
shim python3 -c "
import os, sys
path = '$PREFIX/lock'
a = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
try:
	os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
	sys.exit('two have it')
except FileExistsError:
	pass
os.system(sys.argv[1])
os.write(a, b'mine')
try:
	os.close(a)
	sys.exit('the other one was written over')
except OSError as e:
	if e.errno != 116: sys.exit(str(e))
" "LD_PRELOAD= $ROOT/tests/s3/s3.py put $KEYS/lock $TMP/f" || bad=1
s3_client get "$KEYS/lock" | cmp - "$TMP/f" || bad=1

# others' changes are seen when the ttl is over
at 's3:fault?ttl=1s'
fault set anonymous=on
shim sh -c "cd $PREFIX; mkdir d; echo 1 >d/a; ls d" >/dev/null
s3_client put "$KEYS/d/b" "$TMP/f"
s3_client rm "$KEYS/d/a" >/dev/null
sleep 1.2
same "$(shim ls "$PREFIX/d")" b "others' changes"

# held back: what is done by name after the close goes into the one upload
end_agents
export SHIM_AGENT_HOLD=600000
at 's3:fault?publish=deferred&exclusive=close&ttl=600s'
fault set anonymous=on
quiet() { fault forget; shim "$@" >"$TMP/out" 2>&1 || { echo "$*: $(head -3 "$TMP/out")"; bad=1; }; }
log() { fault log | awk '{ n[$1]++ } END { for (o in n) print o, n[o] }' | sort | tr '\n' ' '; }
wait_for() { await "$@" || bad=1; }
shim sh -c "mkdir $PREFIX/h; ls $PREFIX/h; echo >$PREFIX/x; mv $PREFIX/x $PREFIX/y; rm $PREFIX/y"
quiet sh -c "cd $PREFIX/h; python3 -c 'import shutil; shutil.copy2(\"$TMP/f\", \"a\")'; chmod 600 a; mv a b; cmp b $TMP/f; cp $TMP/f c; rm c; ls"
same "$(tr '\n' ' ' <"$TMP/out")" 'b ' 'what is held back, listed'
same "$(log)" '' 'held back'
quiet sh -c "cd $PREFIX/h; echo more >>b; tail -c 5 b"       # what was closed is published before it is changed
same "$(cat "$TMP/out")" more 'changed after it was held back'
same "$(fault log | grep -c '^PutObject .*/h/b - 200')" 2 'published, and changed'
quiet sh -c "cp $TMP/f $PREFIX/h/d; python3 -c 'import os, sys; os.fsync(os.open(sys.argv[1], os.O_RDWR))' $PREFIX/h/d"
s3_client get "$KEYS/h/d" | cmp - "$TMP/f" || bad=1
# an agent that is killed leaves it to the next one
quiet cp "$TMP/f" "$PREFIX/h/e"
end_agents
wait_for sh -c "! pgrep -f '^[^ ]*shim-agent serve $TMP/agents/' >/dev/null"
shim ls "$PREFIX" >/dev/null
there() { "$ROOT/tests/s3/s3.py" get "$KEYS/$1" 2>/dev/null | cmp -s - "$TMP/f"; }
wait_for there h/e
# an error is told to who writes to it next, and the file is kept
quiet cp "$TMP/f" "$PREFIX/h/g"
fault rules "PutObject */h/g error=403,AccessDenied"
shim sh -c "echo x >>$PREFIX/h/g" 2>/dev/null && { echo 'no error of what was closed before'; bad=1; }
SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 recover | grep -q h/g || { echo 'recover does not know it'; bad=1; }
end_agents
export SHIM_AGENT_HOLD=0
mkdir "$TMP/many"
for i in $(seq 200); do echo "$i" >"$TMP/many/$i"; done
shim cp -r "$TMP/many" "$PREFIX/many"
all() { [ "$(curl -s "$ENDPOINT/$BUCKET?list-type=2&prefix=part/many/" | grep -o '<Key>' | wc -l)" = 201 ]; }
wait_for all
shim diff -r "$TMP/many" "$PREFIX/many" || bad=1
exit $bad
