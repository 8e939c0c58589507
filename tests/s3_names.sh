#!/bin/bash
# SPDX-License-Identifier: MIT
# Keys as paths. Each object holds its key, so what a program finds below the
# prefix must be all of them, once. What no path can name, keys that are file
# and directory, listings in pages, attributes that stay when a file is opened;
# on the fault server, requests are counted.
# each server: ceph swift fault
. "${0%/*}/lib.sh"
server=${1#s3:}

# put KEY...: under the rule's part of the bucket
put() {
	local k
	for k in "$@"; do
		printf '%s\0' "$k" | s3_client put "$KEYS/$k" - || fail "put $k"
		printf '%s\0' "$k" >>"$TMP/expected"
	done
}
expect() { sort -z "$TMP/expected" >"$TMP/sorted"; }
# all WHAT: standard input is what was found, each object's bytes
all() {
	sort -z >"$TMP/found"
	cmp -s "$TMP/found" "$TMP/sorted" || {
		diff <(tr '\n\0' '~\n' <"$TMP/sorted") <(tr '\n\0' '~\n' <"$TMP/found") | cut -c1-200
		fail "$1: not all keys, or others"
	}
}

long=$(printf 'L%.0s' {1..300}) euro=$(printf '€%.0s' {1..120})
put plain 'sp ace' plus+plus pct%20x 'q?m#h' 'q"<&>'\' ä $'a\314\210' $'new\nline' $'tab\tx' '=eq&x;y:z@w$,' '~()!*' \
    a a/b a/c/d 'a!x' d/ x//y x// /lead //lead2 ./dot t/../up t/./here . .. tr/ail/ \
    '@s3=foo' '@s3=' '@s3file=bar' 'z/@s3file=' '@s3long=' "@s3=$long" \
    "long/$long" "long/$long/sub" "long/$long$long" "long/$euro" "long/${long:0:252}" "long/${long:0:252}/x" "long/${long:0:255}" \
    "@s3file=${long:0:245}"
expect

shim find "$PREFIX" -type f -print0 >"$TMP/files" || fail "find"
[ "$(tr -cd '\0' <"$TMP/files" | wc -c)" = "$(tr -cd '\0' <"$TMP/sorted" | wc -c)" ] || fail "find: another number of files"
xargs -0 env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS=off LD_PRELOAD="$LIB" cat <"$TMP/files" | all "find and cat"
shim tar -C "$PREFIX" -cf "$TMP/t.tar" . 2>"$TMP/tar.err" || fail "tar: $(cat "$TMP/tar.err")"
tar -xOf "$TMP/t.tar" | all "tar"
shim python3 - "$PREFIX" >"$TMP/out" <<-'P' || fail "python"
	import os, sys
	for top, dirs, files in os.walk(os.fsencode(sys.argv[1])):
	    for name in files:
	        path = os.path.join(top, name)
	        before = os.stat(path)
	        with open(path, 'rb') as f:
	            here = os.fstat(f.fileno())
	            text = f.read()
	        after = os.stat(path)
	        for st in here, after:
	            assert [getattr(st, a) for a in ('st_ino', 'st_mode', 'st_size', 'st_mtime', 'st_uid', 'st_dev')] == \
	                [getattr(before, a) for a in ('st_ino', 'st_mode', 'st_size', 'st_mtime', 'st_uid', 'st_dev')], (path, before, st)
	        assert len(text) == here.st_size, path
	        sys.stdout.buffer.write(text)
P
all "python" <"$TMP/out"

# soon COMMAND...: true when what is kept is old
soon() {
	local end=$((SECONDS + 90))
	until shim "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# one name each
for name in @s3=plain @s3file=plain @s3long=short @s3=@s3x @s3file=nix a/@s3=b "@s3long=${long:0:247}" long/@s3= nix nix/nix; do
	shim test -e "$PREFIX/$name" && fail "$name: there is no such name"
done
[ "$(shim cat "$PREFIX/@s3file=a" | tr -d '\0')" = a ] || fail "the file beside the directory"
shim test -d "$PREFIX/a" || fail "a is a directory"
[ "$(shim ls "$PREFIX/d")" = @s3= ] || fail "a marker with data is listed"
printf '' | s3_client put "$KEYS/empty/" - || fail "put empty/"
soon test -d "$PREFIX/empty" || fail "a marker is a directory"
[ -z "$(shim ls -A "$PREFIX/empty")" ] || fail "and nothing in it"
shim ls "$PREFIX/plain/" 2>/dev/null && fail "a file is no directory"

# file and directory: opened with nothing known it is the object, opened or listed as a directory that; and no byte twice
fresh=0
new() { TARGET="${TARGET%&ttl=*}&ttl=$((7200 + ++fresh))"; }
target=$TARGET
new
[ "$(shim cat "$PREFIX/a" | tr -d '\0')" = a ] || fail "a, of which nothing is known, is not the object"
shim test -d "$PREFIX/a" || fail "a, then, is no directory"
new
[ "$(shim ls "$PREFIX/a")" = "$(printf 'b\nc')" ] || fail "ls a: $(shim ls "$PREFIX/a")"
shim cat "$PREFIX/a" 2>"$TMP/err" && fail "a, known as a directory, was read"
grep -q 'Is a directory' "$TMP/err" || fail "a: $(cat "$TMP/err")"
new
shim cp -r "$PREFIX/a" "$TMP/copy" || fail "cp -r a"
[ "$(cd "$TMP/copy" && find . -type f | sort | xargs)" = "./b ./c/d" ] || fail "cp -r a: $(ls -R "$TMP/copy")"
new
shim cp -r "$PREFIX/." "$TMP/all" || fail "cp -r"
find "$TMP/all" -type f -print0 | xargs -0 cat | all "cp -r"
TARGET=$target

# what was absent is there when its time is over
shim test -e "$PREFIX/late" && fail "late is early"
put late
soon test -e "$PREFIX/late" || fail "late never came"
s3_client rm "$KEYS/late"
soon test ! -e "$PREFIX/late" || fail "late never went"

# pages
n=${LONG:+10000}
n=${n:-1100}
[ "$server" = fault ] && n=10000
# makes KEY FROM TO: a small object each, of the number's length and a line's end
makes() {
	if [ "$server" = fault ]; then
		fault make "$(seq "$2" "$3" | awk -v key="$1" '{ print key "/" $1, length($1) + 1, $1 }')"
	else
		rm -rf "$TMP/made"
		mkdir "$TMP/made"
		(cd "$TMP/made" && for i in $(seq "$2" "$3"); do echo "$i" >"$i"; done)
		s3_client tree "$1" "$TMP/made" || fail "upload"
	fi
}
makes "$KEYS/many" 0 $((n - 1))
seq 0 $((n - 1)) | sort >"$TMP/names"
shim ls "$PREFIX/many" | cmp - "$TMP/names" || fail "ls of $n"
shim ls -lR "$PREFIX/many" | awk 'NF > 8 { print $9, $5 }' >"$TMP/sizes"
sort "$TMP/sizes" | cmp - <(awk '{ print $1, length($1) + 1 }' "$TMP/names" | sort) || fail "ls -lR of $n"

[ "$server" = fault ] || exit 0
# requests WANTED COMMAND...: with a rule of which nothing is kept yet
target=$TARGET ttl=3600
requests() {
	local want=$1
	shift
	TARGET="$target&ttl=$((++ttl))"
	fault forget
	shim "$@" >"$TMP/said" || fail "$*"
	fault log >"$TMP/log"
	[ "$(wc -l <"$TMP/log")" = "$want" ] || { head "$TMP/log"; fail "$*: not $want requests but $(wc -l <"$TMP/log")"; }
}
s3_client clear "$KEYS/"
makes "$KEYS" 1 999
requests 1 ls -l "$PREFIX"
[ "$(wc -l <"$TMP/said")" = 1000 ] || fail "ls -l of 999"
s3_client clear "$KEYS/"
makes "$KEYS/d" 1 999
requests 1 ls -l "$PREFIX/d"
[ "$(wc -l <"$TMP/said")" = 1000 ] || fail "ls -l of 999 below"
requests 1 python3 -c 'import os, sys; print(len([e.stat() for e in os.scandir(sys.argv[1])]))' "$PREFIX/d"
requests 2 find "$PREFIX" -type f -size -3
requests 1 cat "$PREFIX/d/7"
requests 1 stat "$PREFIX/d/7"
requests 1 sh -c "test ! -e '$PREFIX/nix'; test ! -e '$PREFIX/nix'; test ! -e '$PREFIX/nix'"
printf '' | s3_client put "$KEYS/d/none" -
requests 2 cat "$PREFIX/d/none"         # a range of an empty object is refused
requests 1 sh -c "ls '$PREFIX/d' >/dev/null; cat '$PREFIX/d/none'"
# a whole tree that fits a page
s3_client clear "$KEYS/"
for i in {1..40}; do
	mkdir -p "$TMP/tree/$i/a" && echo "$i" >"$TMP/tree/$i/a/$i"
done
s3_client tree "$KEYS/t" "$TMP/tree"
requests 1 ls -lR "$PREFIX/t"
requests 1 find "$PREFIX/t" -type f -size -3
[ "$(wc -l <"$TMP/said")" = 40 ] || fail "find in a tree"
# a larger one, by pages of it
s3_client clear "$KEYS/"
for i in {10..39}; do
	makes "$KEYS/t/$i" "${i}00" "${i}99"
done
mkdir -p "$TMP/large/10"
for i in {1000..1099}; do echo "$i" >"$TMP/large/10/$i"; done
s3_client tree "$KEYS/t" "$TMP/large"
requests 7 ls -lR "$PREFIX/t"           # what it is, the directory and its first, and pages of which the last directory is not whole
[ "$(grep -c '^-' "$TMP/said")" = 3000 ] || fail "ls -lR of 3000"
# files that are opened in turn are fetched ahead, each once
requests 101 sh -c "cat '$PREFIX'/t/10/*"
seq 1000 1099 | cmp -s - "$TMP/said" || fail "cat of 100 in turn"
