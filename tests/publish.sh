#!/bin/bash
# SPDX-License-Identifier: MIT
# publish.sh: files that are published at fsync and at the last close anywhere:
# whichever way a program ends, what it wrote is there as it is natively; after
# a kill the old content is, and what was written stays aside.
. "${0%/*}/lib.sh"

at 'object:?publish=close'
DIR=${TARGET#object:}
DIR=${DIR%\?*}
bad=0
complain() { echo "$*"; bad=1; }

# what is left in the registry of this test's descriptions
records() { grep -l -s -F "$DIR" /dev/shm/shim-ofd-"$(id -u)"/*.ofd; }

# the log's lines since it was emptied, without their ids
words() { cut -d' ' -f2- "$DIR/log" | sort | uniq -c | sed 's/^ *//' | paste -sd, ; }

shim sh -c "echo old >'$PREFIX/f'" || fail "cannot make the file"
for way in $("$BIN/publish"); do
	echo old >"$NATIVE/f"
	cp "$NATIVE/f" "$SEEN/f"
	: >"$DIR/log"
	{ "$BIN/publish" $way "$NATIVE/f"; } 2>/dev/null
	native=$?
	# not through shim(): a function's process would be killed in its place
	{ env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$STATS" LD_PRELOAD="$LIB" \
	    "$BIN/publish" $way "$PREFIX/f"; } 2>/dev/null
	ours=$?
	# an orphan may take a moment
	[ $way != orphan ] || await test -s "$DIR/log"
	shim true     # sweeps
	[ $ours = $native ] || complain "$way: status $ours, natively $native"
	case $way in
	killed) echo old >"$NATIVE/f"; want="1 /f lost" ;;
	fsync_killed) echo "new content" >"$NATIVE/f"; want="1 /f lost" ;;
	spawn | vfork_*) want="2 /f closed" ;;
	*) want="1 /f closed" ;;
	esac
	cmp -s "$NATIVE/f" "$SEEN/f" || complain "$way: the file has '$(paste -sd'|' "$SEEN/f")', not '$(paste -sd'|' "$NATIVE/f")'"
	[ "$(words)" = "$want" ] || complain "$way: the log has '$(words)', not '$want'"
	[ -z "$(records)" ] || complain "$way: records are left"
	case $way in
	killed | fsync_killed)
		[ "$(ls "$DIR/stage")" = "$(cut -d' ' -f1 "$DIR/log")" ] || complain "$way: the stage is not kept"
		rm -f "$DIR"/stage/*
		;;
	*)
		[ -z "$(ls "$DIR/stage")" ] || complain "$way: the stage is left"
		;;
	esac
done

# a failure is told by fsync and by close, and the program can go on
touch "$DIR/fail"
shim python3 - "$PREFIX/f" <<'END' || complain "errors: status $?"
import os, sys
def error(f, *a):
    try:
        f(*a)
    except OSError as e:
        return e.errno
    return 0
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
os.write(fd, b"x")
got = [error(os.fsync, fd), error(os.fdatasync, fd), error(os.close, fd)]
assert got == [5, 5, 5], got
END
rm "$DIR/fail"
[ "$(tail -1 "$DIR/log" | cut -d' ' -f2-)" = "/f failed" ] || complain "errors: the log has '$(tail -1 "$DIR/log")'"
[ -n "$(ls "$DIR/stage")" ] || complain "errors: what could not be published is gone"
exit $bad
