#!/bin/bash
# SPDX-License-Identifier: MIT
# shim s3 cp and mv: bytes, names and attributes there and back, as a client that
# is not ours finds them; what fails leaves nothing half.
# each server: ceph swift fault
. "${0%/*}/lib.sh"
requires curl
at "$1"
export SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= AWS_ENDPOINT_URL=$ENDPOINT
tool() { timeout 120 "$SHIM" s3 "$@"; }
listing() { s3_client ls "$BUCKET/$1" | cut -f"${2:-1}"; }
cd "$NATIVE" || exit 1

# refused STATUS PATTERN ARG...
refused() {
	local status=$1 pattern=$2
	shift 2
	tool "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
	[ $? = "$status" ] || fail "$*: not $status: $(cat "$TMP/err")"
	grep -q -e "$pattern" "$TMP/err" || fail "$*: $(cat "$TMP/err")"
}

# ---- one file
head -c 41943047 /dev/urandom >big
echo hello >small.html
: >none
tool cp big small.html none "s3://$KEYS/d/" 2>"$TMP/err" || fail "cp of three: $(cat "$TMP/err")"
[ -s "$TMP/err" ] && fail "said in a pipe: $(cat "$TMP/err")"
[ "$(listing '' 1,2)" = $'part/d/big\t41943047\npart/d/none\t0\npart/d/small.html\t6' ] || fail "cp: $(listing '')"
s3_client get "$KEYS/d/big" | cmp - big || fail "40 MB there"
s3_client head "$KEYS/d/small.html" | grep '^content-type: text/html' >"$TMP/out" || fail "its type"
for f in big small.html none; do
	tool cp "$PREFIX/d/$f" "back-$f" && cmp "$f" "back-$f" || fail "$f back"
done
tool cp - "$PREFIX/in" <big || fail "standard input"
cat big | tool cp - "s3://$KEYS/pipe" || fail "a pipe"
tool cp "s3://$KEYS/pipe" - | cmp - big || fail "standard output"
s3_client get "$KEYS/in" | cmp - big || fail "standard input is not what was put"
tool cp "s3://$KEYS/d/small.html" /dev/stdout | cmp - small.html || fail "/dev/stdout"
tool cp <(echo from a pipe) "$PREFIX/fifo" && [ "$(tool cat "$PREFIX/fifo")" = "from a pipe" ] || fail "a fifo"
echo old >there
chmod 640 there
ln -s there link
tool cp "$PREFIX/d/small.html" there && cmp there small.html || fail "over a file"
[ "$(stat -c %a there)" = 640 ] || fail "the mode of what was there"
[ "$(tool cp -nr "$PREFIX/d" x)" = "s3://$KEYS/d/big -> x/big"$'\n'"s3://$KEYS/d/none -> x/none"$'\n'"s3://$KEYS/d/small.html -> x/small.html" ] ||
	fail "cp -n"
[ -e x ] && fail "cp -n did it"

# ---- what is there, what is not, what cannot be
refused 1 'there already' cp --if-absent small.html "$PREFIX/d/none"
refused 1 'there already' cp --if-absent "$PREFIX/d/none" there
refused 1 'there already' cp --if-absent "$PREFIX/d/none" "$PREFIX/d/big"
cmp there small.html || fail "--if-absent wrote"
tool cp --if-absent small.html "$PREFIX/d/new" || fail "--if-absent"
refused 1 'NoSuchKey\|404' cp "s3://$KEYS/nix" x
refused 1 'No such file' cp nix "$PREFIX/nix"
refused 1 'is a directory; -r' cp "$PREFIX/d" x
refused 1 'is a directory; -r' cp . "$PREFIX/x"
refused 1 'same object' cp "$PREFIX/d/big" "s3://$KEYS/d/big"
refused 1 'No such file' cp "$PREFIX/d/none" nowhere/x
refused 2 'cp(1)' cp big small
refused 2 'several things' cp big none "s3://$KEYS/x"
refused 2 usage cp big
refused 2 usage cp --what big "$PREFIX/x"
refused 1 'needs a name' cp - "$PREFIX/d"
AWS_SECRET_ACCESS_KEY=wrong refused 1 'SignatureDoesNotMatch' cp small.html big "s3://$KEYS/x/"
refused 1 'NoSuchBucket\|404' cp small.html "s3://$BUCKET-none/x"
SHIM_MAP="$PREFIX=$TARGET&write=off" refused 1 'write=off' cp small.html "$PREFIX/x"
ls -a | grep shim-cp && fail "left here"

# ---- trees, and what is said of it
mkdir -p tree/a/b/c tree/empty "tree/sp ace"
files=300                       # a tenth of it where each takes long
[ "$RULE" = s3:swift ] && files=30
for i in $(seq $files); do echo "$i" >"tree/a/b/$i"; done
echo x >"tree/sp ace/ü+%&=?"
ln -s a/b/1 tree/link
ln -s / tree/out
mkfifo tree/fifo
tool cp -r tree "s3://$KEYS" >"$TMP/out" 2>"$TMP/err" && fail "links were copied"
[ "$(grep -c 'tree/link: a symbolic link, left out\|tree/out: a symbolic link\|tree/fifo: neither' "$TMP/err")" = 3 ] ||
	fail "links: $(cat "$TMP/err")"
[ "$(listing part/empty/)" = part/empty/ ] || fail "an empty directory"
[ "$(listing part/a/ | wc -l)" = $((files + 1)) ] || fail "$files files and a directory: $(listing part/a/ | wc -l)"
rm tree/fifo tree/out tree/link
tool cp -r "$PREFIX/a" "$PREFIX/empty" "$PREFIX/sp ace" "s3://$BUCKET/copy/tree/" || fail "between"
tool cp -r "s3://$BUCKET/copy/tree" "s3://$BUCKET/copy/tree/a/b" . && diff -r tree/a/b b || fail "back into ."
diff -r tree "$NATIVE/tree" || fail "back"
mkdir new && tool cp -r "s3://$BUCKET/copy/" new && diff -r tree new/tree || fail "what is in it"
tool cp -r new/ "$PREFIX/d" && [ "$(tool cat "$PREFIX/d/tree/a/b/7")" = 7 ] || fail "dir/ into a directory"

# ---- moved
tool mv -v small.html "$PREFIX/d/" >"$TMP/out" || fail mv
[ "$(cat "$TMP/out")" = "small.html -> s3://$KEYS/d/small.html" ] || fail "mv -v: $(cat "$TMP/out")"
[ -e small.html ] && fail "mv left it"
tool mv "$PREFIX/d/small.html" . && [ "$(cat small.html)" = hello ] || fail "mv back"
tool mv -r new "s3://$BUCKET/moved" && [ ! -e new ] || fail "mv -r: $(find new)"
tool mv -r "s3://$BUCKET/moved/tree/" "s3://$BUCKET/moved2" || fail "mv between"
[ "$(listing moved | sed 's,/.*,,' | sort | uniq -c | xargs)" = "$((files + 3)) moved2" ] || fail "moved: $(listing moved | head)"
tool mv -r "s3://$BUCKET/moved2/a/b" b2 && diff -r b2 b || fail "mv -r here"
[ "$(listing moved2/a/)" ] && fail "mv -r left something"

# ---- any key has a name here, and gets its own again
printf 1 >1
for k in a a/b a/.. x//y /lead ../up $'new\nline' d/ 'q?x&y=1%20' @s3=z; do
	s3_client put "$BUCKET/odd/$k" 1 || fail "put $k"
done
tool cp -r "s3://$BUCKET/odd" odd || fail "odd keys"
diff <(find odd -type f -printf '%P\0' | sort -z) <(tool ls -R0 "s3://$BUCKET/odd/" | wc -c | { read -r; SHIM_MAP="/o=s3://$BUCKET/odd" tool ls -R0 /o | sort -z; }) || fail "names"
tool cp -r odd "s3://$BUCKET/odd2" || fail "odd names"
[ "$(listing odd/ | sed 's,odd/,,')" = "$(listing odd2/ | sed 's,odd2/,,')" ] || fail "odd: $(listing odd2/)"
# ... and none leads out of the tree
mkdir -p safe/x && ln -s "$TMP" safe/x/y
printf 1 | s3_client put "$BUCKET/evil/y/owned" -
refused 1 'Not a directory\|symbolic' cp -r "s3://$BUCKET/evil/" safe/x
[ -e "$TMP/owned" ] && fail "through a link"

# ---- modes, times and links where the rule keeps them
SHIM_MAP="$PREFIX=$TARGET&meta=object"
mkdir attr && echo x >attr/f && chmod 751 attr/f && touch -d '2001-02-03 04:05:06.789 UTC' attr/f && ln -s ../up attr/l
tool cp -r attr "$PREFIX/attr" && tool cp -r "$PREFIX/attr" attr2 || fail "meta=object"
s3_client head "$KEYS/attr/f" >"$TMP/out"
grep -q '^x-amz-meta-mode: 33257$' "$TMP/out" || fail "the mode there: $(cat "$TMP/out")"
grep -q '^x-amz-meta-mtime: 981173106.789' "$TMP/out" || fail "the time there: $(cat "$TMP/out")"
[ "$(stat -c '%a %y' attr2/f)" = "$(stat -c '%a %y' attr/f)" ] || fail "mode and time: $(stat -c '%a %y' attr2/f)"
[ "$(readlink attr2/l)" = ../up ] || fail "a link"
SHIM_MAP="$PREFIX=$TARGET"

[ "$RULE" = s3:fault ] || exit 0

# ---- requests
one() { # WHAT ARG...: exactly these requests
	local want=$1
	shift
	fault forget
	tool "$@" || fail "$*"
	[ "$(fault log | awk '{ print $1 }' | sort | uniq -c | xargs)" = "$want" ] || fail "$*: $(fault log)"
}
one "1 PutObject" cp 1 "s3://$KEYS/one"
one "1 GetObject" cp "s3://$KEYS/one" x
one "1 CopyObject 1 HeadObject" cp "s3://$KEYS/one" "s3://$KEYS/two"
one "6 GetObject" cp "s3://$KEYS/d/big" x2
one "1 CompleteMultipartUpload 1 CreateMultipartUpload 5 UploadPart" cp big "s3://$KEYS/big"
one "1 CompleteMultipartUpload 1 CreateMultipartUpload 3 UploadPart" cp big "s3://$BUCKET?part=20m"
truncate -s 75000003 sparse && echo end >>sparse
one "1 CompleteMultipartUpload 1 CreateMultipartUpload 3 UploadPart" cp sparse "s3://$BUCKET?part=35000001"
s3_client get "$BUCKET/sparse" | cmp - sparse || fail "parts that begin anywhere"
# of another service: through us
SHIM_MAP="$PREFIX=$TARGET;/far=s3://$BUCKET/far?endpoint=${ENDPOINT/127.0.0.1/localhost}" one \
    "1 CompleteMultipartUpload 1 CreateMultipartUpload 6 GetObject 1 ListObjectsV2 5 UploadPart" cp "$PREFIX/d/big" /far/big
s3_client get "$BUCKET/far/big" | cmp - big || fail "another service"

# beyond 5 GiB a copy is made by parts
fault make "$BUCKET/huge 5400000000 7"
one "1 CompleteMultipartUpload 1 CreateMultipartUpload 2 HeadObject 11 UploadPartCopy" cp "s3://$BUCKET/huge" "s3://$KEYS/huge"
[ "$(listing part/huge 2)" = 5400000000 ] || fail "a huge one"
tool rm "s3://$KEYS/huge" "s3://$BUCKET/huge"

# ---- faults: told, and nothing half
clean() { # nothing of it is there, no upload, no file
	[ -z "$(listing "$1")" ] || fail "$1 is there"
	[ -z "$(tool gc --hours 0 "s3://$BUCKET")" ] || fail "uploads are left"
	ls -a | grep shim-cp && fail "left here"
	fault forget
}
fault forget
fault rules "UploadPart * error=403,AccessDenied after=2"
refused 1 '^shim: big: .*AccessDenied' cp big "s3://$KEYS/half"
clean part/half
fault rules "CompleteMultipartUpload * error=403,AccessDenied"
refused 1 '^shim: big: .*AccessDenied' cp big "s3://$KEYS/half"
clean part/half
fault rules "UploadPart * error=503,SlowDown times=3" "GetObject * body-reset=100000 times=3"
tool cp big "s3://$KEYS/whole" && tool cp "s3://$KEYS/whole" whole && cmp big whole || fail "what passes is repeated"
fault rules "GetObject */whole replace after=1 times=1"
echo mine >kept
refused 1 'was replaced while it was read' cp "s3://$KEYS/whole" kept
[ "$(cat kept)" = mine ] || fail "half of an object"
clean part/half
fault rules "PutObject * slow=5000"
cp small.html grows
has_come() { curl -sS --noproxy '*' "$FAULT/rules" | grep -q 'used=1$'; }
{ await has_come && echo more >>grows; } &
refused 1 'changed while it was read' mv grows "s3://$KEYS/grows"
wait
[ -e grows ] || fail "it is gone"
fault forget

# what was replaced since it was copied is not removed; nor is what is only refused taken for that
for how in on refused; do
	fault set conditional=$how
	cp none rep && tool cp rep "s3://$KEYS/rep"
	one "1 CopyObject $([ $how = on ] && echo "1 DeleteObject 1 HeadObject" || echo "2 DeleteObject 2 HeadObject")" \
	    mv "s3://$KEYS/rep" "s3://$KEYS/rep2"
done
fault set conditional=on
tool cp rep "s3://$KEYS/rep"
fault rules "DeleteObject */rep replace=5"
refused 1 'was replaced meanwhile, and stays' mv "s3://$KEYS/rep" rep3
cmp rep3 none || fail "mv of what is replaced"
[ "$(listing part/rep 1,2)" = $'part/rep\t5\npart/rep2\t0' ] || fail "rep: $(listing part/rep 1,2)"
fault forget

# ---- a signal in the middle
logged() { fault log >"$TMP/log"; grep -q "$1" "$TMP/log"; }
interrupted() { # SIGNAL STATUS WAIT-FOR ARG...
	local signal=$1 want=$2 for=$3 pid i
	shift 3
	env --default-signal=INT "$SHIM" s3 "$@" <&0 2>"$TMP/err" &
	pid=$!
	await logged "$for" || fail "$*: no $for"
	kill -"$signal" $pid
	wait $pid
	i=$?
	[ $i = "$want" ] || fail "$*: status $i, not $want: $(cat "$TMP/err")"
}
fault rules "UploadPart * stall after=1"
interrupted INT 130 UploadPart cp big "s3://$KEYS/half"
logged AbortMultipartUpload || fail "the upload is not aborted"
clean part/half
fault rules "UploadPart * stall"
interrupted TERM 143 CreateMultipartUpload cp - "s3://$KEYS/half" < <(cat big; sleep 100)
clean part/half
fault rules "GetObject *  body-stall=100000 after=1"
interrupted TERM 143 GetObject cp "s3://$KEYS/whole" kept
[ "$(cat kept)" = mine ] || fail "half of an object"
clean part/half

# ---- a terminal is told how far it is
cp none slow2
fault rules "PutObject */slow2 slow=2500"
python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) != 0)' "$SHIM" s3 cp big slow2 "s3://$KEYS/" >"$TMP/tty" || fail "on a terminal: $(cat "$TMP/tty")"
grep -q 'copied  .* %  .* of 40.0 MiB  .*iB/s' "$TMP/tty" || fail "no progress: $(cat -v "$TMP/tty")"
python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) != 0)' "$SHIM" s3 cp -q big slow2 "s3://$KEYS/" >"$TMP/tty" || fail "-q"
[ -s "$TMP/tty" ] && fail "-q: $(cat -v "$TMP/tty")"
# ... also of what is finished after its program was killed
env SHIM_STATS=off LD_PRELOAD="$LIB" bash -c 'cat big >"$0/lost"; exec 3>>"$0/lost"; cat big >&3; kill -KILL $$' "$PREFIX" 2>"$TMP/err"
end_agents
fault rules "UploadPart */lost slow=800" "UploadPartCopy */lost slow=800"
python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) != 0)' "$SHIM" s3 recover --finish >"$TMP/tty" || fail "recover on a terminal: $(cat "$TMP/tty")"
grep -q 'uploaded  .* %  .* of 80.0 MiB' "$TMP/tty" || fail "no progress of recover: $(cat -v "$TMP/tty")"
s3_client get "$KEYS/lost" | cmp - <(cat big big) || fail "recover --finish"
exit 0
