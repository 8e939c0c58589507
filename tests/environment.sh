#!/bin/bash
# SPDX-License-Identifier: MIT
# environment.sh: programs that are given another environment than their
# parent's, or none, are still under the rules, and see nothing they were not
# given; who wants to leave, leaves; the statistics are one tree.
. "${0%/*}/lib.sh"

bad=0
at mem:
export F=$PREFIX/f
shim sh -c 'echo served >$F'

# is WANT SCRIPT: what the script prints under the rule, run by sh without
# variables of ours: SHIM_TREE and the like would be given to it by hand.
is() {
	shim sh -c "$2" >"$TMP/got" 2>&1 </dev/null
	printf '%s' "$1" >"$TMP/want"
	same_text "$TMP/want" "$TMP/got" "$2" || bad=1
}
served='served
'
gone="cat: $F: No such file or directory
"

is '' 'env -i env'
is 'A=1
B=2
' 'env -i A=1 B=2 env'
is "$served" 'env -i cat $F'
is "$served" 'env -i sh -c "exec cat $F"'
is "$served" 'env -i env -i env -i cat $F'
is "$served" 'unset LD_PRELOAD SHIM_MAP SHIM_CONFIG SHIM_STATS; cat $F'
is "$served" 'unset SHIM_MAP; cat $F'
is "$served" 'env -u LD_PRELOAD PATH=/usr/bin HOME=/ cat $F'
is '' 'unset LD_PRELOAD SHIM_MAP SHIM_CONFIG SHIM_STATS; env | grep -E "^(SHIM|LD_)"'

# another preload, with and without ours
is 'LD_PRELOAD=libc.so.6
' 'env -i LD_PRELOAD=libc.so.6 env'
is "$served" 'env -i LD_PRELOAD=libc.so.6 cat $F'
is 'LD_PRELOAD=libc.so.6 libdl.so.2
' 'env -i LD_PRELOAD="libc.so.6 libdl.so.2" env -- env'
is "LD_PRELOAD=libdl.so.2:$LIB
" "env -i LD_PRELOAD=libdl.so.2:$LIB env"

# leaving on purpose
is "$gone" 'SHIM=off cat $F'
is "$gone" 'SHIM=off; export SHIM; sh -c "env -u SHIM -u LD_PRELOAD cat $F"'
is "$gone" 'LD_PRELOAD= cat $F'
is 'SHIM=off
' 'env -i SHIM=off env'
is "$served" 'SHIM=on cat $F'

# the rules are what this caller says, if it says so
is "$gone" 'SHIM_MAP= cat $F'
is "$gone" 'env -i SHIM_MAP=/nowhere=posix: cat $F'

# a preload by a relative name, and a change of directory
(cd "${LIB%/*}" && SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$STATS" LD_PRELOAD=./${LIB##*/} \
	env -i -C / cat "$F") >"$TMP/got" 2>&1
echo served | cmp -s - "$TMP/got" || { echo "by a relative name: $(cat "$TMP/got")"; bad=1; }

# a configuration that no variable names
mkdir -p "$TMP/home/.config"
printf '[%s]\ntarget = %s\n' "$PREFIX" "$TARGET" >"$TMP/home/.config/shim.conf"
env -i HOME="$TMP/home" LD_PRELOAD="$LIB" SHIM_STATS="$STATS" /usr/bin/env -i "$(command -v cat)" "$F" >"$TMP/got" 2>&1
echo served | cmp -s - "$TMP/got" || { echo "from a file: $(cat "$TMP/got")"; bad=1; }
env -i HOME="$TMP/home" LD_PRELOAD="$LIB" SHIM_STATS="$STATS" /usr/bin/env -i /usr/bin/env >"$TMP/got" 2>&1
[ -s "$TMP/got" ] && { echo "from a file: it shows $(cat "$TMP/got")"; bad=1; }

# one tree, whatever is cleared on the way, and each program in it
rm -rf "${STATS:?}"/*
shim sh -c 'env -i sh -c "cat <$F; env -i dd if=$F bs=1 count=3 status=none; env -i sh -c \"exec cat $F\""' >/dev/null
trees=$(ls "$STATS" | wc -l)
[ "$trees" = 1 ] || { echo "$trees trees: $(ls "$STATS")"; bad=1; }
"$SHIM" report "$STATS" >"$TMP/report" 2>&1
grep -q ' 5 processes' "$TMP/report" || { echo "not every process is in it: $(head -1 "$TMP/report")"; bad=1; }
exit $bad
