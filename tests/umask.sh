#!/bin/bash
# SPDX-License-Identifier: MIT
# A umask that takes everything from the owner, too: what the library makes for
# itself in the meantime is of use all the same, to this process and later ones.
. "${0%/*}/lib.sh"
requires setpriv flock python3
[ "$(id -u)" = 0 ] || skip "there is no other user to be"
[ -e "$BIN/libshim.so" ] || skip "no library with the back ends of the tests"

user=$((100000 + $$ % 100000)) bad=0
on_exit "rm -rf /dev/shm/shim-{ofd,mem,above}-$user"
cp "$BIN/libshim.so" "$TMP" && chmod -R a+rX "$TMP" && mkdir -m 777 "$TMP/w" "$TMP/w/object"

# as TARGET COMMAND...: by a user whom permissions hold
as() {
	local target=$1
	shift
	setpriv --reuid "$user" --regid "$user" --clear-groups \
		env HOME="$TMP/w" LD_PRELOAD="$TMP/libshim.so" SHIM_MAP="$TMP/at=$target" SHIM_CONFIG= \
		SHIM_STATS="$TMP/w/stats" "$@"
}

for target in "mem:" "object:$TMP/w/object"; do
	as "$target" sh -c 'echo one >"$0/before"; chmod 600 "$0/before"' "$TMP/at"
	rm -rf "/dev/shm/shim-ofd-$user" "$TMP/w/stats"
	as "$target" sh -c 'umask 0777; exec 5<>"$0/before" 6>"$0/new"; echo two >&6; cat <&5; cat "$0/new" 2>/dev/null || echo closed
		flock 5; python3 -c "
import mmap
m = mmap.mmap(5, 3)
m[0:3] = b\"ONE\"
m.close()"; cat "$0/before"' "$TMP/at" >"$TMP/got" 2>"$TMP/err"
	printf 'one\nclosed\nONE\n' | cmp -s - "$TMP/got" && [ ! -s "$TMP/err" ] || { echo "$target:"; cat "$TMP/got" "$TMP/err"; bad=1; }
	got=$(as "$target" sh -c 'cat "$0/before"; stat -c %a "$0/new"; chmod 400 "$0/new"; cat "$0/new"' "$TMP/at" 2>&1 | tr '\n' ' ')
	[ "$got" = "ONE 0 two " ] || { echo "$target, later: $got"; bad=1; }
	ls -l "/dev/shm/shim-ofd-$user" 2>/dev/null | grep -q '^-.*\.ofd' && { echo "$target: a record is left"; bad=1; }
done
exit $bad
