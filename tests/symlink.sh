#!/bin/bash
# SPDX-License-Identifier: MIT
# symlink.sh RULE: a prefix that is reached through a symbolic link, in the
# rule or by the program. Fails unless all its spellings are the same files,
# and the rule's.
# each rule
# without LONG: uring: mem: object:
. "${0%/*}/lib.sh"

bad=0
W=$TMP/w
mkdir -p "$W/real/deep" "$W/place"
ln -s real "$W/link"
ln -s "$W/real/deep" "$W/direct"

# prefix SPELLING PLACE OTHER...: a rule on a spelling; PLACE is where it is on
# the disk, and the others lead there, too.
prefix() {
	local spelling=$1 place=$2 p q n=0
	shift
	at "$RULE"
	PREFIX=$spelling
	case $RULE in
	mem:* | object:*) ;;
	*) mkdir -p "$place"; SEEN=$place ;;
	esac
	for p in "$spelling" "$@"; do
		n=$((n + 1))
		shim bash -c 'echo "$1" >"$2/f$1"' bash $n "$p" || { echo "$spelling: cannot write $p/f$n"; bad=1; }
		# where it belongs, as the unshimmed see it
		[ "$(cat "$SEEN/f$n" 2>&1)" = $n ] || { echo "$spelling: $p/f$n went elsewhere"; bad=1; }
		for q in "$spelling" "$@"; do
			[ "$(shim cat "$q/f$n" 2>&1)" = $n ] || { echo "$spelling: $p/f$n is not in $q"; bad=1; }
			[ "$(shim bash -c 'cd "$1" && cat "f$2"' bash "$q" $n 2>&1)" = $n ] || { echo "$spelling: f$n is not in the directory $q"; bad=1; }
			[ "$(shim ls "$q" 2>&1)" = "$(shim ls "$spelling" 2>&1)" ] || { echo "$spelling: $q lists otherwise"; bad=1; }
		done
	done
	shim mkdir "$spelling/sub" && shim mv "$1/f1" "$spelling/sub/g" && shim ln -s sub/g "$spelling/l" || bad=1
	for q in "$spelling" "$@"; do
		[ "$(shim cat "$q/l" 2>&1)" = 1 ] || { echo "$spelling: $q/l does not lead to sub/g"; bad=1; }
		[ "$(shim cat "$q/sub/../sub/g" 2>&1)" = 1 ] || { echo "$spelling: $q/sub/../sub/g"; bad=1; }
	done
	"$SHIM" report "$STATS" >"$TMP/report" 2>/dev/null && grep -qF "$spelling" "$TMP/report" ||
		{ echo "$spelling: a report does not know it"; bad=1; }
	shim rm -r "$spelling/sub" "$spelling/l"
	shim find "$1" -name 'f*' -delete 2>/dev/null
}

# a link on the way to it; for mem what is behind the link does not exist
prefix "$W/link/p1" "$W/real/p1" "$W/real/p1" "$W/link/../real/p1" "$W/place/../link/p1"
# it exists, behind two links
mkdir "$W/real/deep/p2"
prefix "$W/direct/p2" "$W/real/deep/p2" "$W/real/deep/p2" "$W/link/deep/p2" "$W/direct/../deep/p2"
# the prefix itself is a link
mkdir "$W/place/p3"
ln -s place/p3 "$W/p3"
prefix "$W/p3" "$W/place/p3" "$W/place/p3" "$W/link/../p3" "$W/link/../place/p3"
# the rule has the real name, the program a link
ln -s place/p4 "$W/to4"
mkdir "$W/place/p4"
prefix "$W/place/p4" "$W/place/p4" "$W/to4" "$W/link/../to4"
# a link made later, to where there is nothing on the disk
case $RULE in mem:* | object:*) rm -r "$W/place/p4" ;; esac
prefix "$W/place/p4" "$W/place/p4" "$W/to4"
# what only begins alike is not the rule's
mkdir "$W/real/p1x"
shim bash -c 'echo out >"$1/link/p1x/f"' bash "$W"
[ "$(cat "$W/real/p1x/f")" = out ] || { echo "p1x is not p1"; bad=1; }

# a lookup that is confined is the kernel's, who may see something else where the rule is
mkdir -p "$W/place/p5"
at "$RULE"
PREFIX=$W/place/p5
echo disk >"$PREFIX/f"
shim bash -c 'echo rule >"$1/f"' bash "$PREFIX"
for resolve in 8 16; do
	got=$(shim python3 -c '
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
d = os.open(sys.argv[1], os.O_DIRECTORY)
fd = libc.syscall(437, d, b"p5/f", struct.pack("QQQ", 0, 0, int(sys.argv[2])), 24)
print(os.read(fd, 9).decode() if fd >= 0 else os.strerror(ctypes.get_errno()))' "$W/place" $resolve)
	case $got in
	rule | "Function not implemented") ;;
	*) echo "openat2 below the prefix with RESOLVE $resolve: $got"; bad=1 ;;
	esac
done
exit $bad
