#!/bin/bash
# SPDX-License-Identifier: MIT
# shim s3 ls, cat, head and stat: keys as they are of s3://, names of a path;
# ranges, sizes, exit statuses, and errors that say why.
# each server: ceph swift fault
. "${0%/*}/lib.sh"
at "$1"
export SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG=
tool() { "$SHIM" s3 "$@"; }

for k in a a/b 'q?x&y=1%20' x//y /lead ../up $'new\nline' d/; do
	printf '%s\n' "$k" | s3_client put "$KEYS/$k" - || fail "put $k"
done
printf '%s\n' {1..20} | s3_client put "$KEYS/lines" -
printf '' | s3_client put "$KEYS/none" -

n=0
while read -r -d '' k; do
	case $k in lines | none) continue ;; esac
	[ "$(tool cat "s3://$KEYS/$k")" = "$k" ] || fail "cat s3://$k"
	n=$((n + 1))
done < <(tool ls -R -0 "s3://$KEYS/")
[ $n = 8 ] || fail "ls -R: $n keys"
while read -r -d '' name; do
	tool cat "$PREFIX/$name" || fail "cat $name"
done < <(tool ls -R -0 "$PREFIX") >"$TMP/found"
{ printf '%s\n' a a/b 'q?x&y=1%20' x//y /lead ../up $'new\nline' d/ {1..20}; } | sort | cmp - <(sort "$TMP/found") || fail "by name"

[ "$(tool ls -l "$PREFIX" | awk '$3 == "lines" { print $1 }')" = 51 ] || fail "ls -l"
[ "$(tool head "$PREFIX/lines" | tail -1)" = 10 ] || fail "head"
[ "$(tool head -n 3 "$PREFIX/lines" | tail -1)" = 3 ] || fail "head -n"
[ "$(tool head -c 3 "$PREFIX/lines")" = $'1\n2' ] || fail "head -c"
[ "$(tool cat -r -3 "$PREFIX/lines")" = 20 ] || fail "the end"
[ "$(tool cat -r 2-2 "s3://$KEYS/lines")" = 2 ] || fail "a range"
[ "$(tool cat -r 48- "s3://$KEYS/lines")" = 20 ] || fail "from there on"
[ -z "$(tool head -c 5 "$PREFIX/none"; tool cat "$PREFIX/none"; tool cat -r -5 "$PREFIX/none")" ] || fail "nothing"
tool stat "$PREFIX/lines" | grep -qi '^content-length: 51$' || fail "stat"
tool stat "$PREFIX/a" | grep -qx 'type: directory' || fail "stat of a directory"
tool stat "s3://$KEYS/a" | grep -qi '^etag:' || fail "stat of a key"

# refused STATUS PATTERN ARG...
refused() {
	local status=$1 pattern=$2
	shift 2
	tool "$@" >"$TMP/out" 2>"$TMP/err"
	[ $? = "$status" ] || fail "$*: not $status"
	grep -q "$pattern" "$TMP/err" || fail "$*: $(cat "$TMP/err")"
}
refused 1 'NoSuchKey\|404' cat "$PREFIX/nix"
refused 1 'Is a directory' cat "$PREFIX"
refused 1 'neither s3' cat /elsewhere/x
refused 2 usage ls
refused 2 'no range' cat -r 9-8 "$PREFIX/lines"
AWS_SECRET_ACCESS_KEY=wrong refused 1 'SignatureDoesNotMatch' ls "$PREFIX"
tool cat "$PREFIX/lines" >/dev/full 2>"$TMP/err" && fail "a full disk"
grep -q 'No space' "$TMP/err" || fail "a full disk is not told"
