#!/bin/bash
# SPDX-License-Identifier: MIT
# EROFS: on a file system that was made read-only under the rule, every call
# that would change something fails as it does natively.
# each rule
# not: mem uring uring,engine=ring
. "${0%/*}/lib.sh"
requires unshare
# who is the same user there, for others have other files
space=(unshare -rm)
[ "$(id -u)" = 0 ] || space=(unshare -cm --keep-caps)
"${space[@]}" true 2>/dev/null || skip "no user namespaces here"

for d in "$NATIVE" "$PREFIX"; do
	shim bash -c 'mkdir -p "$0/sub/dir" && cd "$0/sub" && echo text >file && ln -s file link' "$d" || fail "no files in $d"
done

# in_readonly DIRECTORY COMMAND...: runs it where that directory is read-only
in_readonly() {
	"${space[@]}" bash -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && "$@"' "$@"
}

in_readonly "$NATIVE" "$BIN/readonly" "$NATIVE/sub" >"$TMP/native.out" 2>&1 || fail "native: $(tail -1 "$TMP/native.out")"
grep -q EROFS "$TMP/native.out" || fail "nothing is read-only"
case $RULE in object:*) under=${TARGET#object:} ;; *) under=$PREFIX ;; esac
export -f shim
export PREFIX TARGET STATS LIB
in_readonly "${under%\?*}" bash -c 'shim "$@"' - "$BIN/readonly" "$PREFIX/sub" >"$TMP/shim.out" 2>&1 || fail "$(tail -1 "$TMP/shim.out")"
same_text "$TMP/native.out" "$TMP/shim.out" readonly
