#!/bin/bash
# SPDX-License-Identifier: MIT
# doors.sh RULE DOOR [WAY...]: the door's transcript under the rule is, byte
# for byte, the native one's, whichever names its calls have.
. "${0%/*}/lib.sh"

door=$2
shift 2
ways=${*:-plain large fortified number twins constructor}
bad=0
export BIN     # where a door's child is

# door_in DIRECTORY WAY: prints the transcript. Standard output is a pipe, so
# that a limit on file sizes spares it; no descriptor but 0, 1, 2 is open.
door_in() {
	local limit="timeout -s KILL ${DOOR_TIME:-90}"
	if [ "$2" = constructor ]; then
		# after ours in the list, so its constructor runs first
		PRELOAD_MORE=$BIN/doors/$door.$2 DOOR_DIR=$1 $RUN $limit /bin/true
	else
		$RUN $limit "$BIN/doors/$door.$2" "$1"
	fi </dev/null 2>&1 | cat
}

native() {
	if [ "${PRELOAD_MORE:-}" ]; then
		LD_PRELOAD=$PRELOAD_MORE "$@"
	else
		"$@"
	fi
}

# what files without a kernel file cannot be is left out of both runs
case $RULE in
object:* | s3:*) export NO_NODES=1 kind=.object ;;
mem:*) kind=.tmpfs ;;
*) kind= ;;
esac

for way in $ways; do
	want=${ORACLE:-$TMP}/$door.$way$kind
	if [ ! -e "$want" ]; then
		mkdir "$NATIVE/$way"
		RUN=native door_in "$NATIVE/$way" "$way" >"$want.$$" || { echo "native $door.$way failed"; tail -5 "$want.$$"; exit 1; }
		mv "$want.$$" "$want"
	fi
	[ -s "$want" ] || fail "$door.$way printed nothing"
	[ "${NATIVE_ONLY:-}" ] && continue
	at "$RULE"
	# the door's own directory is one below the rule's
	shim mkdir "$PREFIX/door" || fail "mkdir $PREFIX/door under $TARGET failed"
	RUN=shim door_in "$PREFIX/door" "$way" >"$TMP/got" || { echo "$door.$way ended badly"; bad=1; }
	same_text "$want" "$TMP/got" "$door.$way on $RULE" || bad=1
done
exit $bad
