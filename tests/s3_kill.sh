#!/bin/bash
# SPDX-License-Identifier: MIT
# Killed while an object is rewritten, the program or the agent, at random
# moments: the object is the old one or the new one, whole, and what is left
# in the bucket and in the spool is found and removed.
. "${0%/*}/lib.sh"

at s3:fault
N=${LONG:+300}
N=${N:-20}
SIZE=20000000
RANDOM=${SEED:-$$}
echo "SEED=${SEED:-$$}" >"$TMP/seed"

head -c $SIZE /dev/urandom >"$TMP/0"
s3_client put "$KEYS/o" "$TMP/0" || fail put
old=$(md5sum <"$TMP/0")
killed=0
for ((i = 1; i <= N; i++)); do
	head -c $((SIZE + i)) /dev/urandom >"$TMP/new"
	new=$(md5sum <"$TMP/new")
	shim dd if="$TMP/new" of="$PREFIX/o" bs=64k status=none 2>"$TMP/dd.err" &
	dd=$!
	sleep 0.$(printf %03d $((RANDOM % 200)))
	if [ $((i % 2)) = 0 ]; then
		kill -KILL $dd 2>/dev/null
	else
		for a in $(agents); do kill -KILL "$a" 2>/dev/null; done
	fi
	wait $dd 2>/dev/null
	status=$?
	[ $status = 137 ] && killed=$((killed + 1))
	seen=$(s3_client get "$KEYS/o" | md5sum)
	case $seen in
	"$new") old=$new ;;
	"$old") [ $status != 0 ] || { echo "round $i: dd says it is written, the object is the old one"; bad=1; } ;;
	*) echo "round $i: neither old nor new, dd: $status"; bad=1 ;;
	esac
	[ $bad = 0 ] || { cat "$TMP/seed"; exit 1; }
done
# the agent that comes next aborts what is left
for a in $(agents); do kill -KILL "$a" 2>/dev/null; done
# a close that had begun when its program was killed is carried out by who comes next, which may take until after our first read
for i in {1..100}; do
	last=$(shim cat "$PREFIX/o" | md5sum)
	[ "$last" = "$(s3_client get "$KEYS/o" | md5sum)" ] && break
	sleep 0.1
done
[ "$last" = "$old" ] || [ "$status $last" = "137 $new" ] || { echo 'the last one is not read'; bad=1; }
[ "$last" = "$(s3_client get "$KEYS/o" | md5sum)" ] || { echo 'another client reads another one'; bad=1; }
ids() { curl -s "$ENDPOINT/$BUCKET?uploads" | grep -o '<UploadId>[0-9a-f]*' | cut -d'>' -f2; }
uploads() { ids | wc -l; }
fault set anonymous=on
# an upload whose id never reached the agent that asked for it, so that no part came to it, is for gc
for id in $(ids); do
	curl -s "$ENDPOINT/$KEYS/o?uploadId=$id" >"$TMP/parts"
	grep -q '<ListPartsResult' "$TMP/parts" && ! grep -q '<Part>' "$TMP/parts" || { echo "an upload is left: $(cat "$TMP/parts")"; bad=1; }
done
SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 gc --hours 0 "$PREFIX" >/dev/null
[ "$(uploads)" = 0 ] || { echo "$(uploads) uploads are left"; bad=1; }

# one that was killed is listed, and finished or dropped
spool() { SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 recover "$@"; }
lose() {
	shim bash -c "exec 3>'$PREFIX/$1'; echo '$1' >&3; kill -KILL \$\$" 2>/dev/null
	shim ls "$PREFIX" >"$TMP/ls"
}
spool --drop >/dev/null
# what was cut short while it was made or removed is nothing to be told of
rest=$SHIM_AGENT_SPOOL/0123456789abcdef0123456789abcde
: >"${rest}0.journal"
: >"${rest}1.journal"
: >"${rest}1.data"
truncate -s 1M "${rest}2.journal"
: >"${rest}2.data"
spool >"$TMP/list" 2>&1 && { echo 'what has another layout is not told of'; bad=1; }
[ "$(cut -c1-46 "$TMP/list")" = "shim: ${rest##*/}2: Input/" ] || { echo 'rests are listed:'; cat "$TMP/list"; bad=1; }
[ "$(ls "$SHIM_AGENT_SPOOL")" = "$(printf '%s\n' "${rest##*/}2.data" "${rest##*/}2.journal")" ] || { echo 'rests stay:'; ls "$SHIM_AGENT_SPOOL"; bad=1; }
rm "${rest}2".*
lose lost
s3_client get "$KEYS/lost" >/dev/null 2>&1 && { echo 'a killed program published'; bad=1; }
for a in $(agents); do kill -KILL "$a" 2>/dev/null; done
spool >"$TMP/list"
grep -q '/lost .*killed' "$TMP/list" || { echo 'what was lost is not listed:'; cat "$TMP/list"; bad=1; }
spool --finish >/dev/null || bad=1
[ "$(s3_client get "$KEYS/lost")" = lost ] || { echo 'recover --finish did not'; bad=1; }
lose dropped
for a in $(agents); do kill -KILL "$a" 2>/dev/null; done
spool --drop "$(spool | cut -d' ' -f1)" >/dev/null || bad=1
[ -z "$(spool)" ] || { echo 'recover --drop did not'; bad=1; }

# ... and what was uploaded of it
fault rules "UploadPart * stall"
shim bash -c "echo \$\$ >$TMP/pid; exec 3>'$PREFIX/up'; head -c 40000000 /dev/zero >&3; exec sleep 100" 2>/dev/null &
begun() { [ "$(uploads)" = 1 ]; }
await begun
for a in $(agents) $(cat "$TMP/pid"); do kill -KILL "$a" 2>/dev/null; done
[ "$(uploads)" = 1 ] || { echo 'no upload to be dropped'; bad=1; }
for i in {1..100}; do                   # the agent may still be dying
	spool --drop >/dev/null || bad=1
	[ "$(uploads)" = 0 ] && break
	sleep 0.1
done
[ "$(uploads)" = 0 ] || { echo 'recover --drop leaves an upload'; bad=1; }
fault forget

# uploads of somebody else
curl -s -X POST "$ENDPOINT/$KEYS/other?uploads" >/dev/null
[ "$(uploads)" = 1 ] || { echo 'no upload to be found'; bad=1; }
SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 gc "$PREFIX" >/dev/null
[ "$(uploads)" = 1 ] || { echo 'gc ends what is new'; bad=1; }
SHIM_MAP="$PREFIX=$TARGET" "$SHIM" s3 gc --hours 0 "$PREFIX" >/dev/null
[ "$(uploads)" = 0 ] || { echo 'gc leaves what is old'; bad=1; }
[ "$killed" -gt 0 ] || { echo 'nobody was killed in time'; bad=1; }
exit $bad
