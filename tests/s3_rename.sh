#!/bin/bash
# SPDX-License-Identifier: MIT
# What somebody else wrote to a file between its copy and its removal is not
# removed with it: it is renamed, too, as if it had been there before; files and
# directories, by If-Match of DELETE, or by a look where that is refused.
. "${0%/*}/lib.sh"
requires python3

at "s3:fault?exclusive=close"
fault set anonymous=on
printf 'before\n' >"$TMP/before"
printf 'another' >"$TMP/another"        # what replace=7 makes is of that size

rename() { shim python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$PREFIX/$1" "$PREFIX/$2" 2>"$TMP/err"; }
there() { s3_client ls "$KEYS/$1" | awk '{ print $1, $2 }' | sed "s,^${KEYS#*/}/,," | sort | tr '\n' ' '; }
# is WHAT WANT: NAME SIZE of all that begins so
is() { [ "$(there "$1")" = "$2" ] || { echo "$how: $1: $(there "$1"), and not $2"; cat "$TMP/err"; fault log; bad=1; }; }
asked() { # asked OPERATION NUMBER
	[ "$(fault log | grep -c "^$1 ")" = "$2" ] || { echo "$how: not $2 $1"; fault log; bad=1; }
}
for how in on refused off; do
	end_agents
	s3_client clear "$KEYS/"
	fault forget
	fault set conditional=$how
	for k in a b/1 b/2 b/3; do s3_client put "$KEYS/$k" "$TMP/before"; done
	rename a c && is a '' && is c 'c 7 '
	fault forget
	rename b d && is b/ '' && is d/ 'd/1 7 d/2 7 d/3 7 ' || bad=1
	# one that was refused is not tried again with a condition
	asked DeleteObject 3
done
[ "$bad" = 0 ] || exit 1

how=on
fault set conditional=on
begin() {
	end_agents
	fault forget
	s3_client clear "$KEYS/"
	for k in a b/1 b/2 b/3; do s3_client put "$KEYS/$k" "$TMP/before"; done
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
begin
fault rules "DeleteObject */a late-reset times=1"
rename a c || { echo "a lost answer: $(cat "$TMP/err")"; bad=1; }
is a ''
is c 'c 7 '
# one of a directory
begin
fault rules "DeleteObject */b/2 replace=9 times=1"
rename b d || { echo "one of a directory: $(cat "$TMP/err")"; bad=1; }
is b/ ''
is d/ 'd/1 7 d/2 9 d/3 7 '
begin
fault rules "DeleteObject */b/2 replace=9"
rename b d && { echo 'one of a directory, for ever'; bad=1; }
is b/ 'b/2 9 '
is d/ 'd/1 7 d/2 9 d/3 7 '
# where conditions are refused, HEAD looks
how=refused
fault set conditional=refused
begin
fault rules "HeadObject */a replace=9 after=1 times=1"
rename a c || { echo "looked at: $(cat "$TMP/err")"; bad=1; }
is a ''
is c 'c 9 '
exit $bad
