#!/bin/bash
# SPDX-License-Identifier: MIT
# What went wrong is explained once, by shim report --s3: which request, status
# and code, how often and when; and a mapping that is refused, by shim report.
. "${0%/*}/lib.sh"
requires curl python3

at s3:fault
map=$TARGET
bad=0
fault make "$KEYS/"{a,b,c}" 3000000 1"
report() { SHIM_MAP='' "$SHIM" report --s3 >"$TMP/report"; }
# failing FAULT TIMES: all three objects are read while requests for them meet it
failing() {
	end_agents
	rm -rf "$TMP"/agents/*
	fault forget
	fault rules "GetObject $KEYS/* $1 times=$2"
	TARGET="$map&timeout=$([ "$1" = stall ] && echo 3 || echo 60)&retries=2" shim sh -c 'cat "$0"/a "$0"/b "$0"/c' "$PREFIX" 2>&1 >/dev/null | sed "s,$PREFIX,DIR," >"$TMP/said"
	report
}
# explained FAILED REPEATED WORDS: by one line with today's date, and no other
explained() {
	local line="^$(date +%Y)-[0-9 :-]*  *$1  *$2  GET s3://$BUCKET/part/[abc] at $ENDPOINT: $3"
	[ "$(grep -c "$line" "$TMP/report")" = 1 ] && [ "$(grep -c 's3://' "$TMP/report")" = 1 ] ||
		{ echo "not explained: $line"; cat "$TMP/report"; bad=1; }
}
failing error=403,AccessDenied 0; explained 3 0 '403 AccessDenied: as commanded (credentials: environment'
failing error=500,InternalError 0; explained 3 3 '500 InternalError'
failing error=503,SlowDown 1; explained 0 1 '503 SlowDown'
[ ! -s "$TMP/said" ] || { cat "$TMP/said"; bad=1; }
failing error=403,InvalidObjectState 0; explained 3 0 '403 InvalidObjectState'
failing html=200 0; explained 3 0 '.*without an ETag'
failing range-shift=1 0; explained 3 0 '.*Content-Range is not what was asked for'
failing close 0; explained 3 3 'Connection reset'
failing stall 0; explained 3 0 'Connection timed out'
failing error=404,NoSuchKey 0
grep -q 's3://' "$TMP/report" && { echo "an object that is not there is no news"; cat "$TMP/report"; bad=1; }

# what was asked for, by kind, bytes of use, and what it costs
end_agents
rm -rf "$TMP"/agents/*
fault forget
shim sh -c 'ls "$0" >/dev/null; dd if="$0/a" bs=1000 skip=2000 count=1 status=none; echo new >"$0/new"; rm "$0/new"' "$PREFIX" >/dev/null
report
for row in '1  *0  *0 .* GET' '[1-9][0-9]*  *[01]  *0 .* LIST' '1  *0  *0  *4 .* PUT' '1  *0  *0 .* DELETE'; do
	grep -Eq "^ *$row\$" "$TMP/report" || { echo "no row of $row"; cat "$TMP/report"; bad=1; }
done
grep -Eq '^reads: 1, of which 1 waited; asked 1000, fetched [0-9.]+K, used [0-9.]+K$' "$TMP/report" &&
	grep -Eq '^cost: about \$0\.0000 at AWS.s list prices: [0-9]+ to read at \$0\.0004, [0-9]+ to write or list at \$0\.005 for 1000$' "$TMP/report" ||
	{ echo 'the sums'; cat "$TMP/report"; bad=1; }

# an object replaced while it is read, and listings
end_agents
fault forget
fault rules "GetObject $KEYS/a replace after=1 times=1"
shim cat "$PREFIX/a" >/dev/null 2>&1 && { echo "a replaced object is read"; bad=1; }
report
explained '[0-9]*' 0 '.*412 PreconditionFailed'
fault rules "ListObjectsV2 * xml-cut"
shim ls "$PREFIX" >/dev/null 2>&1 && { echo "half a listing is listed"; bad=1; }
report
[ "$(grep -c "LIST s3://$BUCKET/part/ at $ENDPOINT: no listing" "$TMP/report")" = 1 ] || { cat "$TMP/report"; bad=1; }

# mapped: no more than mmap= of one object
fault forget
cat >"$TMP/map.py" <<'PY'
import mmap, os, sys
f = os.open(sys.argv[1], os.O_RDONLY)
for n in map(int, sys.argv[2:]):
    try:
        m = mmap.mmap(f, n, access=mmap.ACCESS_READ)
        print(n, sum(m[:]) >= 0)
        m.close()
    except OSError as e:
        print(n, e.strerror)
PY
fault make "$KEYS/large 3000000000 1"
mapped() { # mapped OPTIONS OBJECT LENGTH...: what comes of it in $TMP/said, and how many bytes came in $TMP/bytes
	local options=$1 object=$2
	shift 2
	rm -rf "$STATS"/*
	fault forget
	TARGET="$map$options" shim python3 "$TMP/map.py" "$PREFIX/$object" "$@" >"$TMP/said" 2>&1
	"$SHIM" report "$STATS" >"$TMP/report" 2>&1
	fault log | awk '{ n += $5 } END { print n + 0 }' >"$TMP/bytes"
}
mapped '&mmap=1m' b 1000000 2000000 1048576
printf '1000000 True\n2000000 Cannot allocate memory\n1048576 True\n' | cmp -s - "$TMP/said" || { cat "$TMP/said"; bad=1; }
[ "$(grep -c "^note: mmap: more than 1048576 bytes of one file; refused: $PREFIX/b\$" "$TMP/report")" = 1 ] || { cat "$TMP/report"; bad=1; }
mapped '' large 0
grep -qx '0 Cannot allocate memory' "$TMP/said" && grep -q 'more than 1073741824' "$TMP/report" || { cat "$TMP/said" "$TMP/report"; bad=1; }
[ "$(cat "$TMP/bytes")" -lt 10000000 ] || { echo "$(cat "$TMP/bytes") bytes came for a mapping that is refused"; bad=1; }
exit $bad
