#!/bin/bash
# SPDX-License-Identifier: MIT
# shim s3 rm, mb and rb: what is removed and what must stay, any key, requests
# counted, each key that could not be removed told, and buckets.
# each server: ceph swift fault
. "${0%/*}/lib.sh"
requires curl
at "$1"
export SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= AWS_ENDPOINT_URL=$ENDPOINT
tool() { "$SHIM" s3 "$@"; }
keys() { s3_client ls "$BUCKET/$1" | cut -f1; }
put() { local k; for k in "$@"; do printf x | s3_client put "$BUCKET/$k" - || fail "put $k"; done; }

puts() { # those that files can have as names
	local k
	rm -rf "$TMP/tree"
	for k in "$@"; do mkdir -p "$(dirname "$TMP/tree/$k")" && printf x >"$TMP/tree/$k"; done
	s3_client tree "$BUCKET" "$TMP/tree" || fail "put $*"
}

# refused STATUS PATTERN ARG...
refused() {
	local status=$1 pattern=$2
	shift 2
	tool "$@" >"$TMP/out" 2>"$TMP/err"
	[ $? = "$status" ] || fail "$*: not $status: $(cat "$TMP/err")"
	grep -q -e "$pattern" "$TMP/err" || fail "$*: $(cat "$TMP/err")"
}

# one by one; a directory needs -r, and takes none of its name's neighbours with it
put part/a
puts part/ab part/a/b part/a/c/d part/dir/x part/dirt other
tool rm "s3://$KEYS/ab" || fail "rm of a key"
refused 1 'NoSuchKey\|404\|No such' rm "s3://$KEYS/ab"
tool rm -f "s3://$KEYS/ab" || fail "rm -f of what is not there"
refused 1 'is a directory; -r' rm "$PREFIX/dir"
refused 1 'No such' rm "$PREFIX/nix"
[ "$(tool rm -rn "$PREFIX/dir")" = "rm s3://$KEYS/dir/x" ] || fail "rm -n"
tool rm -r "$PREFIX/dir" || fail "rm -r of a directory"
[ "$(keys part/)" = $'part/a\npart/a/b\npart/a/c/d\npart/dirt' ] || fail "after rm -r dir: $(keys '')"
tool rm "$PREFIX/@s3file=a" || fail "rm of a file that is a directory too"
[ "$(keys part/a)" = $'part/a/b\npart/a/c/d' ] || fail "@s3file="
tool rm -rv "s3://$KEYS/a/" >"$TMP/out" || fail "rm -rv"
[ "$(sort "$TMP/out")" = "rm s3://$KEYS/a/b"$'\n'"rm s3://$KEYS/a/c/d" ] || fail "rm -v: $(cat "$TMP/out")"

# any key: also those XML cannot hold
for k in 'q?x&y=1%20<>"' x//y /lead ../up $'new\nline\ttab\rret' d/ $'uml\xc3\xa4ut' ' '; do
	put "part/$k"
done
[ "$RULE" = s3:fault ] && put part/$'bell\a'
tool rm -r "s3://$BUCKET/part" || fail "rm -r of awkward keys"
[ "$(keys '')" = other ] || fail "left: $(keys '' | cat -v)"

# all of a bucket or a rule wants -f, write=off nothing at all; 1500 in two requests
refused 1 'is all of the bucket; -r and -f' rm -r "s3://$BUCKET"
refused 1 "is all of the rule's prefix" rm -r "$PREFIX"
SHIM_MAP="$PREFIX=$TARGET&write=off" refused 1 'write=off' rm -rf "$PREFIX"
SHIM_MAP= refused 1 'write=off' rm -f "s3://$BUCKET?write=off"
[ "$(keys '')" = other ] || fail "removed what it must not"
if [ "$RULE" = s3:fault ]; then
	for i in {1..1500}; do echo "$BUCKET/part/m/$i 1 $i"; done >"$TMP/many"
	fault make "$(cat "$TMP/many")"
	fault forget
	tool rm -r "$PREFIX/m" || fail "rm of many"
	[ "$(fault log | awk '{ print $1 }' | sort | uniq -c | xargs)" = "2 DeleteObjects 1 HeadObject 2 ListObjectsV2" ] ||
		fail "requests: $(fault log | awk '{ print $1 }' | sort | uniq -c)"
	[ "$(keys '')" = other ] || fail "many are left"

	# what is refused is told by key, the rest is removed; what may pass is repeated
	puts part/l/a part/l/keep1 part/l/keep2 part/l/z
	fault set "locked=*keep*"
	refused 1 "^shim: s3://$KEYS/l/keep1: .*AccessDenied" rm -r "$PREFIX/l"
	grep -q "^shim: s3://$KEYS/l/keep2: .*AccessDenied" "$TMP/err" || fail "keep2 is not told"
	[ "$(keys part/)" = $'part/l/keep1\npart/l/keep2' ] || fail "locked: $(keys '')"
	fault set locked=
	put part/l/a
	fault rules "DeleteObjects * error=501,NotImplemented"
	tool rm -r "$PREFIX/l" || fail "a service without DeleteObjects"
	[ "$(keys '')" = other ] || fail "one by one"
	fault forget
	puts part/l/a part/l/b
	fault rules "DeleteObjects * error=503,SlowDown times=2"
	tool rm -r "$PREFIX/l" || fail "a server that is slow"
	fault rules "ListObjectsV2 * error=403,AccessDenied"
	refused 1 AccessDenied rm -r "$PREFIX/l"
	fault forget
fi
AWS_SECRET_ACCESS_KEY=wrong refused 1 '403' rm "s3://$BUCKET/other"

# buckets
tool mb "s3://$BUCKET-2" || fail mb
printf x | s3_client put "$BUCKET-2/x" - || fail "put into the new bucket"
refused 1 'BucketNotEmpty\|409' rb "s3://$BUCKET-2"
refused 2 'more than a bucket' rb "s3://$BUCKET-2/x"
refused 2 'one s3://BUCKET' mb "$PREFIX"
tool rm -rf "s3://$BUCKET-2" || fail "rm -rf"
tool rb "s3://$BUCKET-2" || fail rb
refused 1 'NoSuchBucket\|404' rb "s3://$BUCKET-2"
