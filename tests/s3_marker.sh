#!/bin/bash
# SPDX-License-Identifier: MIT
# An object with data whose key ends in a slash is a directory's marker and the file
# @s3= in it: what is done to the directory keeps its bytes.
. "${0%/*}/lib.sh"
requires python3

at s3:fault
map=$TARGET
is() { [ "$(s3_sizes '')" = "$1" ] || { echo "$what: $(s3_sizes ''), and not $1"; bad=1; }; }
begin() { # begin WHAT [KEY...]: those, and x/
	local k
	what="$1, $TARGET"
	end_agents
	s3_client clear "$KEYS/"
	printf 'data' | s3_client put "$KEYS/x/" -
	for k in "${@:2}"; do
		printf 'a' | s3_client put "$KEYS/$k" -
	done
}
refused() { # refused WORD COMMAND...
	! shim "${@:2}" 2>"$TMP/err" && grep -q "$1" "$TMP/err" || { echo "$what: $(cat "$TMP/err")"; bad=1; }
}
attribute() { shim python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.s3.meta.k", b"1")' "$1"; }
for more in '' '&meta=object'; do
	TARGET=$map$more
	for how in 'shim chmod 700' 'shim touch -d 2001-01-01' attribute; do
		begin "$how" x/f
		[ "$(shim cat "$PREFIX/x/@s3=")" = data ] || { echo "$what: not read"; bad=1; }
		# shellcheck disable=SC2086
		$how "$PREFIX/x" || bad=1
		is 'x/ 4 x/f 1 '
		[ "$(shim cat "$PREFIX/x/@s3=")" = data ] || { echo "$what: not read"; bad=1; }
	done
	begin rmdir
	refused 'not empty' rmdir "$PREFIX/x"
	is 'x/ 4 '
	begin 'renamed onto' y/g
	refused 'not empty' python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$PREFIX/y" "$PREFIX/x"
	is 'x/ 4 y/g 1 '
	begin renamed x/f
	shim mv "$PREFIX/x" "$PREFIX/z" || bad=1
	is 'z/ 4 z/f 1 '
	begin 'its file is removed'
	shim rm "$PREFIX/x/@s3=" || bad=1
	is 'x/ 0 '
	begin 'all of it is removed' x/f
	shim rm -r "$PREFIX/x" || bad=1
	is ''
done
exit $bad
