#!/bin/bash
# SPDX-License-Identifier: MIT
# What somebody else wrote to a file between its copy and its removal is not
# removed with it: it is renamed, too, as if it had been there before; files and
# directories, by If-Match of DELETE, or by a look where that is refused. Renames that
# are large, cut short, or of a file that is open.
. "${0%/*}/lib.sh"
requires python3

at "s3:fault?exclusive=close"
fault set anonymous=on
printf 'before\n' >"$TMP/before"
printf 'another' >"$TMP/another"        # what replace=7 makes is of that size

rename() { shim python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$PREFIX/$1" "$PREFIX/$2" 2>"$TMP/err"; }
# is WHAT WANT: that is there
is() { [ "$(s3_sizes "$1")" = "$2" ] || { echo "$how: $1: $(s3_sizes "$1"), and not $2"; cat "$TMP/err"; fault log; bad=1; }; }
asked() { # asked OPERATION NUMBER
	[ "$(fault log | grep -c "^$1 ")" = "$2" ] || { echo "$how: not $2 $1"; fault log; bad=1; }
}
so_many() { [ "$(fault log | grep -c "^$1 ")" -ge "$2" ]; } # so_many OPERATION NUMBER, at least
for how in on refused off; do
	end_agents
	s3_client clear "$KEYS/"
	fault forget
	fault set conditional=$how
	fault make "$KEYS/"{a,b/1,b/2,b/3}' 7 1'
	rename a c && is a '' && is c 'c 7 '
	fault forget
	rename b d && is b/ '' && is d/ 'd/ 0 d/1 7 d/2 7 d/3 7 ' || bad=1
	# one that was refused is not tried again with a condition
	asked DeleteObject 4
done
[ "$bad" = 0 ] || exit 1

how=on
fault set conditional=on
begin() {
	end_agents
	fault forget
	s3_client clear "$KEYS/"
	fault make "$KEYS/"{a,b/1,b/2,b/3}' 7 1'
	fault forget
}
begin
fault rules "DeleteObject */a replace=9 times=1"
rename a c || { echo "replaced once: $(cat "$TMP/err")"; bad=1; }
is a ''
is c 'c 9 '
# by somebody who never stops: told, and neither is lost
begin
fault rules "DeleteObject */a replace=9"
rename a c && { echo 'replaced for ever'; bad=1; }
grep -q 'Stale file handle' "$TMP/err" || { cat "$TMP/err"; bad=1; }
is a 'a 9 '
is c 'c 9 '
# removed, and the answer is lost
for f in late-reset head-close; do
	begin
	fault rules "DeleteObject */a $f times=1"
	rename a c || { echo "a lost answer, $f: $(cat "$TMP/err")"; bad=1; }
	is a ''
	is c 'c 7 '
done
# one of a directory
begin
fault rules "DeleteObject */b/2 replace=9 times=1"
rename b d || { echo "one of a directory: $(cat "$TMP/err")"; bad=1; }
is b/ ''
is d/ 'd/ 0 d/1 7 d/2 9 d/3 7 '
begin
fault rules "DeleteObject */b/2 replace=9"
rename b d && { echo 'one of a directory, for ever'; bad=1; }
is b/ 'b/ 0 b/2 9 '
is d/ 'd/ 0 d/1 7 d/2 9 d/3 7 '
# ... and the next try carries it to its end, as whom others do not stop; what is of another name is in the way
fault forget
rename e d 2>"$TMP/err" && { echo 'nothing was renamed'; bad=1; }
s3_client put "$KEYS/e/x" "$TMP/before"
sleep 1.1
rename e d && { echo 'onto what another rename left'; bad=1; }
rename b d || { echo "the next try: $(cat "$TMP/err")"; bad=1; }
is b/ ''
is d/ 'd/ 0 d/1 7 d/2 9 d/3 7 '
rename e d && { echo 'onto a directory with files'; bad=1; }
is e/ 'e/x 7 '
# where conditions are refused, HEAD looks
how=refused
fault set conditional=refused
begin
fault rules "HeadObject */a replace=9 after=1 times=1"
rename a c || { echo "looked at: $(cat "$TMP/err")"; bad=1; }
is a ''
is c 'c 9 '

how=limits
fault set conditional=on
TARGET="$TARGET&ttl=0s"
map=$TARGET
# a directory of more than rename= stays as it is, and mv copies it instead
begin
TARGET="$map&rename=2"
rename b d && { echo 'more than rename= were renamed'; bad=1; }
grep -q 'cross-device' "$TMP/err" || cat "$TMP/err"
is b/ 'b/1 7 b/2 7 b/3 7 '
is d/ ''
asked CopyObject 0
shim mv "$PREFIX/b" "$PREFIX/d" || bad=1
is b/ ''
is d/ 'd/ 0 d/1 7 d/2 7 d/3 7 '
TARGET=$map
begin
TARGET="$map&rename=3"
rename b d || cat "$TMP/err"
is d/ 'd/ 0 d/1 7 d/2 7 d/3 7 '
TARGET=$map

# copies go side by side: each takes a while, and there are more than there are connections in turn
begin
for i in {1..40}; do echo "$KEYS/many/$i 10 $i"; done >"$TMP/many"
fault make "$(cat "$TMP/many")"
fault rules "CopyObject * slow=50"
rename many more || cat "$TMP/err"
[ "$(fault log | grep '^CopyObject ' | awk '{ print $8 }' | sort -u | wc -l)" -gt 4 ] || { echo 'copied one after the other'; fault log; bad=1; }
[ "$(s3_sizes more/ | wc -w)" = 82 ] && [ -z "$(s3_sizes many/)" ] || { echo "many: $(s3_sizes m)"; bad=1; }

# program and agent are killed in the middle, while it copies and while it removes: all files are there by one name or the
# other, and the same rename carries it to its end
for stop in CopyObject:13 DeleteObject:13; do
	begin
	fault make "$(cat "$TMP/many")"
	fault forget
	fault rules "${stop%:*} * stall after=${stop#*:}"
	shim python3 -c 'import os, sys; open(sys.argv[3], "w").write(str(os.getpid())); os.rename(*sys.argv[1:3])' "$PREFIX/many" "$PREFIX/more" "$TMP/pid" 2>"$TMP/err" &
	await so_many "${stop%:*}" "${stop#*:}" || bad=1
	kill -KILL "$(cat "$TMP/pid")" $(agents)
	wait
	fault forget
	s3_sizes m >"$TMP/left"
	for i in {1..40}; do
		grep -qE "(many|more)/$i 10 " "$TMP/left" || { echo "killed, $stop: $i is lost"; bad=1; }
	done
	rename many more || { echo "once more, $stop: $(cat "$TMP/err")"; bad=1; }
	[ "$(s3_sizes more/ | wc -w)" = 82 ] && [ -z "$(s3_sizes many/)" ] || { echo "once more, $stop: $(s3_sizes m)"; bad=1; }
done

# into what is in it, and onto what it is in: as a disk has it
begin
rename b b/1 && bad=1
grep -q 'Invalid argument' "$TMP/err" || { echo 'a directory onto a file in it'; cat "$TMP/err"; bad=1; }
rename b/1 b && bad=1
grep -q 'not empty' "$TMP/err" || { echo 'a file onto its directory'; cat "$TMP/err"; bad=1; }

# onto a directory whose only file is open, and not in the bucket yet
begin
shim python3 - "$PREFIX" <<'E' 2>"$TMP/err" || { echo 'onto what is staged'; tail -1 "$TMP/err"; bad=1; }
import errno, os, sys
os.chdir(sys.argv[1])
os.mkdir('e')
f = open('e/new', 'w')
f.write('new')
for call, *names in (os.rename, 'b', 'e'), (os.rmdir, 'e'):
    try:
        call(*names)
        sys.exit('done: %s' % names)
    except OSError as e:
        assert e.errno == errno.ENOTEMPTY, e
f.close()
assert sorted(os.listdir('b')) == ['1', '2', '3'] and os.listdir('e') == ['new']
E

# beyond 5 GiB by parts, of the version that is renamed
begin
fault make "$KEYS/big 6000000000 1"
rename big large || cat "$TMP/err"
is big ''
is large 'large 6000000000 '
asked CopyObject 0
asked PutObject 0
[ "$(fault headers | grep '^UploadPartCopy' | grep -vc 'x-amz-copy-source-if-match=')" = 0 ] && [ "$(fault headers | grep -c ^UploadPartCopy)" -gt 1 ] ||
	{ echo 'copied without a condition'; fault headers; bad=1; }
begin
fault make "$KEYS/big 30000000000 1"
fault rules "UploadPartCopy * slow=300"
rename big large &
one=$!
await so_many UploadPartCopy 1 || bad=1
fault make "$KEYS/big 9 5"
wait $one && { echo 'big was replaced while it was copied'; bad=1; }
grep -q 'Stale file handle' "$TMP/err" || cat "$TMP/err"
fault forget
is big 'big 9 '
is large ''
[ -z "$(curl -s --noproxy '*' "$ENDPOINT/$BUCKET?uploads" | grep '<UploadId>')" ] || { echo 'an upload is left'; bad=1; }

# renamed while it is open to be written: one upload, under the last name, of which the old object stays until then
cat >"$TMP/open.py" <<'E'
import os, signal, subprocess, sys
os.chdir(sys.argv[1])
how, keys, client = sys.argv[2:]
def theirs(name):
    return subprocess.run([client, 'get', keys + '/' + name], capture_output=True, env=dict(os.environ, LD_PRELOAD='')).stdout
f = open('x', 'x' if 'x' in how else 'w'); f.write('one\n'); f.flush()
os.rename('x', 'x1'); f.write('two\n'); f.flush()
assert open('x1').read() == 'one\ntwo\n' and not os.path.exists('x')
os.rename('x1', 'y'); f.write('three\n'); f.flush()
assert [n for n in sorted(os.listdir('.')) if n[0] in 'xy'] == ['y'], os.listdir('.')
assert open('y').read() == 'one\ntwo\nthree\n' and os.stat('y').st_size == 14
assert theirs('y') == b'before\n', theirs('y')
if 'k' in how: os.kill(os.getpid(), signal.SIGKILL)
if 'u' in how: os.unlink('y')
if 'z' in how: os.rename('y', 'z')
f.close()
now = [n for n in sorted(os.listdir('.')) if n[0] in 'xyz']
want = [] if 'u' in how else ['z'] if 'z' in how else ['y']
assert now == want, now
for n in want: assert open(n).read() == 'one\ntwo\nthree\n' and theirs(n) == b'one\ntwo\nthree\n'
E
for how in w x wu xu wz xz wk xk; do
	begin
	TARGET=$map
	[ "${how#x}" = "$how" ] || TARGET=${map/exclusive=close/exclusive=open}
	s3_client put "$KEYS/y" "$TMP/before"
	shim ls "$PREFIX" >"$TMP/ls"
	fault forget
	shim python3 "$TMP/open.py" "$PREFIX" "$how" "$KEYS" "$ROOT/tests/s3/s3.py" 2>"$TMP/err"
	status=$?
	case $how in
	?k) [ $status = 137 ] && is y 'y 7 ' ;;
	?u | ?z) [ $status = 0 ] && is y '' ;;
	*)      # nothing but the one upload, and what takes a name
		[ $status = 0 ] && asked CopyObject 0
		[ "$(fault log | grep '^PutObject ' | awk '$9 > 0' | wc -l)" = 1 ] || { echo "open, $how: not one upload"; fault log; bad=1; }
		;;
	esac
	[ $status = 0 ] || [ $status = 137 ] || { echo "open, $how: status $status: $(tail -3 "$TMP/err")"; bad=1; }
	is x ''
	SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 recover --drop >"$TMP/out" 2>&1
done
exit $bad
