#!/bin/bash
# SPDX-License-Identifier: MIT
# The directories above a prefix that is on no disk: they are there, the prefix
# is in its parent's listing once, whoever reads it and however, and a program
# may go there. Fails unless everything looks as with real directories.
. "${0%/*}/lib.sh"
requires find ls stat python3

bad=0
complain() { echo "$*"; bad=1; }

# The door of directory streams, where its `sub` is a prefix: on the disk or not.
for on_disk in no yes; do
	at mem:
	mkdir "$TMP/w.$on_disk" "$NATIVE/sub"
	PREFIX=$TMP/w.$on_disk/sub
	[ $on_disk = yes ] && mkdir "$PREFIX"
	for way in plain large twins; do
		rm -f "$NATIVE"/[fs]*[eko] "${PREFIX%/sub}"/[fs]*[eko]
		"$BIN/doors/streams.$way" "$NATIVE" >"$TMP/want" 2>&1 </dev/null
		shim "$BIN/doors/streams.$way" "${PREFIX%/sub}" >"$TMP/got" 2>&1 </dev/null
		grep -q 'sub type 4$' "$TMP/want" || complain "the native streams.$way found no sub"
		same_text "$TMP/want" "$TMP/got" "streams.$way, sub on disk: $on_disk" || bad=1
	done
done

# Several rules, below directories that do not exist and beside ones that do.
W=$TMP/w
N=$TMP/n
mkdir -p "$W/real/inner" "$N/real/inner/p" "$N/real/q" "$N/no/where/r" "$N/no/where/s" "$N/no/t/u"
touch "$W/real/file" "$N/real/file"
at mem:
map=
for p in real/inner/p real/q no/where/r no/where/s no/t/u; do
	map="$map$W/$p=$TARGET-${p##*/};"
	on_exit "SHIM_MAP= SHIM_CONFIG= '$SHIM' mem rm -f '$STORE-${p##*/}' >/dev/null 2>&1"
done
on_exit "rmdir /dev/shm/shim-above-$(id -u)$W/{no/{where/{r,s,},t/{u,},},} 2>/dev/null"
many() { env SHIM_MAP="$map" SHIM_CONFIG= SHIM_STATS=off LD_PRELOAD="$LIB" "$@"; }

# both NAME SCRIPT: prints the same in both trees, which it runs in
both() {
	(cd "$N" && bash -c "$2" bash "$N" 2>&1 | sed "s,$N,TREE,g") >"$TMP/want"
	(cd "$W" && many bash -c "$2" bash "$W" 2>&1 | sed "s,$W,TREE,g") >"$TMP/got"
	same_text "$TMP/want" "$TMP/got" "$1" || bad=1
}
both find 'find . | sort; find "$1" -type d | sort; find no -maxdepth 1 | sort'
both ls 'ls -aR; ls -F no; ls "$1"/no/../no/where; ls no/none; ls -d no/where/ no/.'
both glob 'echo */* */*/*; echo "$1"/n*/w*'
both stat 'stat -c "%F %n" no no/where no/where/r; test -d no && test -x no/t && ! test -e no/none; echo $?'
both cd 'cd no; pwd; pwd -P; cd where; /bin/pwd; ls; cd r; pwd -P; cd ../../t; /bin/pwd -P; cd /; cd "$1/no/where/../.."; /bin/pwd'
both write 'echo text >no/where/r/f; cd no; cat where/r/f; cat "$1"/no/where/s/../r/f; mv where/r/f t/u/g; ls where/r t/u; cat */*/g; rm t/u/g'
both realpath 'realpath no no/where/../where/s; readlink -f no/t/u/none; readlink -f no/t'
both names 'mkdir no no/where; mkdir -p no/where/r/x/y no/where; rmdir no/where/r/x/y no/where/r/x; rmdir no/where real; rm no'
both python '/usr/bin/python3 - <<END
import os
for top, dirs, files in os.walk("."):
    dirs.sort()
    print(top, dirs, sorted(files))
fd = os.open("no", os.O_RDONLY | os.O_DIRECTORY)
print(sorted(os.listdir(fd)), os.stat("where/r", dir_fd=fd).st_ino == os.stat("no/where/r").st_ino)
print(all(e.inode() == e.stat().st_ino for e in os.scandir("no/where")))
print(all(e.inode() == e.stat().st_ino for e in os.scandir("real")))
END'
[ "$(many stat -c %A "$W/no/where")" = dr-xr-xr-x ] || complain "a directory that is not there can be written to"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	got=$(cd "$W" && many sh -c 'cd no && exec setpriv --reuid 65534 --clear-groups --inh-caps=-all /bin/pwd' 2>&1)
	[ "$got" = "$W/no" ] || complain "to another user it is $got"
fi
many touch "$W/no/x" 2>/dev/null && complain "made a file in a directory that is not there"
[ ! -e "$W/no" ] || complain "something was made on the disk"
exit $bad
