#!/bin/bash
# SPDX-License-Identifier: MIT
# last_close.sh: SIGKILL at random moments of trees of processes that hold files
# of a back end that publishes at the last close, with an agent that waits for
# it, that is killed too in every third round: each description ends exactly
# once, no file is ever half a version, and nothing is left behind.
. "${0%/*}/lib.sh"
requires setsid

at 'object:?publish=close'
DIR=${TARGET#object:}
DIR=${DIR%\?*}
rounds=20
[ -z "${LONG:-}" ] || rounds=200
seed=${SEED:-$$}
bad=0
complain() { echo "round $round: $*"; bad=1; }
records() { grep -l -s -F "$DIR" /dev/shm/shim-ofd-"$(id -u)"/*.ofd; }

watch() {
	: >"$TMP/watch"
	"$BIN/last_close" "$DIR" >"$TMP/watch" 2>&1 &
	watcher=$!
	await grep -q watching "$TMP/watch" || fail "the agent does not start: $(cat "$TMP/watch")"
}

# ends the watcher, and keeps what it said
unwatch() {
	kill -$1 $watcher
	wait $watcher
	cat "$TMP/watch" >>"$TMP/watched"
}

round=0
on_exit '[ -z "${watcher:-}" ] || kill -9 $watcher 2>/dev/null'
mkdir -p "$DIR"
: >"$TMP/watched"
echo "seed $seed"
while [ $round -lt $rounds ] && [ $bad = 0 ]; do
	round=$((round + 1))
	: >"$DIR/log"
	watch
	env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS=off LD_PRELOAD="$LIB" \
	    setsid "$BIN/holders" "$PREFIX" $((seed + round)) 2>"$TMP/err" &
	tree=$!
	until [ "$(ps -o sid= -p $tree | tr -d ' ')" = $tree ]; do sleep 0.01; done
	sleep 0.$((RANDOM % 4))$((RANDOM % 10))
	[ $((round % 3)) = 0 ] && unwatch KILL
	kill -9 -- -$tree 2>/dev/null || complain "the tree had ended"
	wait $tree 2>/dev/null
	status=$?
	[ $status = 137 ] || complain "the tree ended with $status: $(cat "$TMP/err")"
	case $((round % 6)) in
	3) watch ;;
	0) shim true; watch ;;
	esac
	for _ in $(seq 900); do
		[ -z "$(records)" ] && break
		sleep 0.05
	done
	# one that was killed while it made a description had opened nothing; that is for the next process to find
	for f in $(records); do
		id=${f##*/}
		! grep -q "^${id%.ofd} opened" "$TMP/watch" || complain "not ended: $(echo "${f%.ofd}"*)"
		shim true
	done
	[ -z "$(records)" ] || complain "records are left: $(records)"
	left=$(ps -o stat=,pid=,cmd= -s $tree | grep -v ^Z)
	[ -z "$left" ] || complain "processes are left: $left"
	unwatch TERM
	ids=$(cut -d' ' -f1 "$DIR/log" | sort)
	[ "$ids" = "$(sort -u <<<"$ids")" ] || complain "the log has two ends of one description"
	# a description the agent saw has ended, and of that the agent knows
	if [ $((round % 3)) != 0 ]; then
		cut -d' ' -f1 <(grep opened "$TMP/watch") | sort >"$TMP/opened"
		# neither has any if the kill came before the first open
		sed -n -E 's/ (closed|lost|ended)$//p' "$TMP/watch" | sort | diff "$TMP/opened" - >"$TMP/diff" ||
			complain "the agent saw not each one's end once: $(head -5 "$TMP/diff")"
		comm -23 "$TMP/opened" <(echo "$ids") >"$TMP/diff"
		[ ! -s "$TMP/diff" ] || complain "the log lacks $(head -1 "$TMP/diff")"
	fi
	grep -v -E ' (closed|lost)$' "$DIR/log" && complain "the log has other ends"
	for f in "$SEEN"/f*; do
		[ ! -e "$f" ] || "$BIN/holders" whole "$f" || complain "half a version: $f: $(tail -2 "$f")"
	done
	for f in "$DIR"/stage/*; do
		[ ! -e "$f" ] || grep -q "^${f##*/} .* lost" "$DIR/log" || complain "a stage is left that was not lost: ${f##*/}"
		rm -f "$f"
	done
done
"$BIN/last_close" "$DIR" forgotten || complain "what was ended and not forgotten stays"
[ -z "$(ls "$DIR/data")" ] || complain "files are left in data"
grep -q ' lost$' "$TMP/watched" || complain "the agent never ended a lost one"
echo "$rounds rounds, $(grep -c opened "$TMP/watched") descriptions seen"
exit $bad
