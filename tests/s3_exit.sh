#!/bin/bash
# SPDX-License-Identifier: MIT
# Whichever way a program ends, what it wrote is the object then, or, after a fatal
# signal, never: the old one stays and the staged file is listed, finished or dropped.
# Who must not write, has no room in the bucket or loses its credentials on the way is
# told at write, fsync or close, and loses nothing.
. "${0%/*}/lib.sh"
requires python3

at s3:fault?timeout=20s
complain() { echo "$*"; bad=1; }
spool() { SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 recover "$@"; }
there() { s3_client get "$KEYS/$1" 2>/dev/null; }
as_native() { there f | cmp -s - "$NATIVE/f"; }
# a sweep, and the end of who lost its program
settle() { shim ls "$PREFIX" >/dev/null; }
# lost WHAT: a staged file of f is listed, with that content finished into the bucket
lost() {
	settle
	spool >"$TMP/list"
	grep -q "/f .*killed" "$TMP/list" || complain "$1: not listed: $(cat "$TMP/list")"
	spool --finish >/dev/null 2>"$TMP/err" || complain "$1: $(cat "$TMP/err")"
	[ "$(there f)" = "$2" ] || complain "$1: recover makes '$(there f)'"
	[ -z "$(spool)" ] || complain "$1: is left in the spool"
}

for way in $("$BIN/publish"); do
	echo old >"$NATIVE/f"
	s3_client put "$KEYS/f" "$NATIVE/f" || fail put
	{ "$BIN/publish" $way "$NATIVE/f"; } 2>/dev/null
	native=$?
	settle
	{ env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$STATS" LD_PRELOAD="$LIB" \
	    "$BIN/publish" $way "$PREFIX/f"; } 2>/dev/null
	ours=$?
	[ $ours = $native ] || complain "$way: status $ours, natively $native"
	case $way in
	killed) echo old >"$NATIVE/f" ;;
	fsync_killed) echo 'new content' >"$NATIVE/f" ;;
	esac
	await as_native                 # an orphan may take a moment
	there f | cmp -s - "$NATIVE/f" || complain "$way: the object is '$(there f | paste -sd'|')', not '$(paste -sd'|' "$NATIVE/f")'"
	case $way in
	killed) settle; spool --drop >/dev/null ;;
	fsync_killed) settle; spool --drop >/dev/null ;;
	esac
	settle
	[ -z "$(spool)" ] || { complain "$way: left in the spool: $(spool)"; spool --drop >/dev/null; }
done

echo old | s3_client put "$KEYS/f" -
for signal in TERM SEGV KILL ${LONG:+INT HUP QUIT ABRT BUS PIPE}; do
	{ shim python3 -c 'import os, resource, signal, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
n = getattr(signal, "SIG" + sys.argv[2]); n != signal.SIGKILL and signal.signal(n, signal.SIG_DFL)
f = open(sys.argv[1], "w"); f.write(sys.argv[2]); f.flush(); os.kill(os.getpid(), n)' "$PREFIX/f" $signal; } 2>/dev/null
	[ "$(there f)" = old ] || complain "SIG$signal: the object is '$(there f)'"
	lost "SIG$signal" $signal
	echo old | s3_client put "$KEYS/f" -
done

# Who reads a new file by its name while another program writes it publishes nothing when it is closed, nor what a
# writer left that was killed meanwhile.
cat >"$TMP/reads.py" <<'E'
import os, signal, subprocess, sys, time
path, key, client, how = sys.argv[1:]
def theirs():
    return subprocess.run([client, 'get', key], capture_output=True, env=dict(os.environ, LD_PRELOAD='')).stdout
writer = subprocess.Popen([sys.executable, '-c', 'import sys; f = open(sys.argv[1], "w"); f.write("half"); f.flush(); print("wrote", flush=True); sys.stdin.read(); f.write("whole")', path],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
writer.stdout.readline()
assert open(path).read() == 'half'
assert theirs() == b'', theirs()
f = open(path)
if how == 'killed':
    writer.kill()
    writer.wait()
else:
    writer.communicate()
f.read()
f.close()
E
for how in closed killed; do
	shim python3 "$TMP/reads.py" "$PREFIX/$how" "$KEYS/$how" "$ROOT/tests/s3/s3.py" $how || complain "a reader beside a writer, $how"
	settle
	case $how in
	closed) [ "$(there closed)" = halfwhole ] || complain "a reader beside a writer: '$(there closed)'" ;;
	killed)
		there killed && complain 'a reader published what a killed program wrote'
		spool >"$TMP/list"
		grep -q '/killed .*killed' "$TMP/list" || complain "a reader beside a killed writer: $(cat "$TMP/list")"
		spool --drop >/dev/null
		;;
	esac
done

# told SIZE WANT RULE...: the program is told so at fsync, at close, or where there is much at a write already; the old
# object stays, what was written is kept, and it is written when the fault is over
told() {
	local size=$1 want=$2 step
	shift 2
	for step in fsync close; do
		fault forget
		echo old | s3_client put "$KEYS/f" -
		settle
		fault rules "$@"
		shim python3 -c 'import errno, os, sys
fd, at = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "write"
told = ""
try:
    for i in range(int(sys.argv[2]) // 65536 or 1): os.write(fd, b"x" * min(65536, int(sys.argv[2])))
    if sys.argv[3] == "fsync": at = "fsync"; os.fsync(fd)
except OSError as e: told = at + " " + errno.errorcode[e.errno]
try: os.close(fd)
except OSError as e: told = told or "close " + errno.errorcode[e.errno]
print(told)' "$PREFIX/f" $size $step >"$TMP/told"
		grep -qx "\($step\|write\) $want" "$TMP/told" || complain "$*: at $step of $size bytes: '$(cat "$TMP/told")', not $want"
		fault forget
		[ "$(there f)" = old ] || complain "$*: the object is not the old one"
		spool >"$TMP/list"
		grep -q '/f ' "$TMP/list" || complain "$*: what was written is not kept: $(cat "$TMP/list")"
		spool --finish >/dev/null 2>"$TMP/err" || complain "$*: finish: $(cat "$TMP/err")"
		there f | cmp -s - <(head -c "$size" /dev/zero | tr '\0' x) || complain "$*: finished, it is something else"
	done
}
all="$BUCKET/part/f"
for size in 1000 20971520; do
	told $size EDQUOT "PutObject $all error=403,QuotaExceeded" "UploadPart $all error=403,QuotaExceeded"
	[ -z "${LONG:-}" ] || told $size ENOSPC "PutObject $all error=507,InsufficientStorage" "UploadPart $all error=507,InsufficientStorage"
	told $size EACCES "PutObject $all error=403,AccessDenied" "CreateMultipartUpload $all error=403,AccessDenied"
done
fault forget

# Credentials that expire while an upload is on its way: the new ones carry on.
for a in $(agents); do kill -KILL "$a" 2>/dev/null; done
cat >"$TMP/process" <<END
#!/bin/sh
n=\$(cat "$TMP/which")
printf '{"Version": 1, "AccessKeyId": "made%s", "SecretAccessKey": "s%s", "SessionToken": "t", "Expiration": "2099-01-01T00:00:00Z"}' \$n \$n
END
chmod +x "$TMP/process"
echo 0 >"$TMP/which"
fault keys 'allow made0 s0 t' 'allow made1 s1 t'
printf '[profile two]\ncredential_process = %s\n' "$TMP/process" >"$TMP/config"
head -c 30000000 /dev/urandom >"$TMP/large"
AWS_CONFIG_FILE=$TMP/config TARGET="$TARGET&profile=two" shim python3 -c 'import os, subprocess, sys, time
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
with open(sys.argv[2], "rb") as f:
    os.write(fd, f.read(20000000))
    time.sleep(2.5)         # they are asked for again only after a while
    subprocess.run(["sh", "-c", sys.argv[3]], check=True)
    os.write(fd, f.read())
os.close(fd)' "$PREFIX/expires" "$TMP/large" "echo 1 >'$TMP/which'; printf 'expire made0\n' | curl -sS --noproxy '*' --data-binary @- '$FAULT/keys'" >"$TMP/out" 2>&1 ||
	complain "credentials that expire: $(tail -1 "$TMP/out")"
there expires | cmp -s - "$TMP/large" || complain 'credentials that expire: something else is written'
[ -z "$(spool)" ] || complain "left in the spool: $(spool)"
exit $bad
