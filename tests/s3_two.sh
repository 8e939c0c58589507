#!/bin/bash
# SPDX-License-Identifier: MIT
# Two rules for S3 in one program: two buckets of one server, a bucket twice, and two
# servers; copied and moved from one to the other, read and written side by side.
. "${0%/*}/lib.sh"
requires curl

at s3:fault
first=$TARGET one=$PREFIX keys1=$KEYS data=$NATIVE
printf '[fault]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >"$TMP/credentials"
# as RULE1 RULE2 COMMAND...: with the prefixes $one and $two
as() {
	env SHIM_MAP="$one=$1;$two=$2" SHIM_CONFIG= SHIM_STATS="$STATS" LD_PRELOAD="$LIB" "${@:3}"
}
mkdir -p "$data/t/d"
head -c 20000000 /dev/urandom >"$data/t/large"
for i in {1..20}; do echo "$i" >"$data/t/d/$i"; done

# works RULE1 RULE2: all that goes from one to the other
works() {
	as "$1" "$2" bash -ec 'cd "$0"; cp -r "$1/t" "$2"; cp -r t "$3"; diff -r t "$3/t"; mv "$3/t/large" moved; cmp moved t/large
		exec 3<moved 4>"$3/both"; head -c 100 <&3 >&4; echo end >&4; exec 3<&- 4>&-; tail -c 4 "$3/both"
		mv "$3/t/d" d2; diff -r d2 t/d; [ ! -e "$3/t/d" ]; rm -r t d2 moved "$3/t" "$3/both"; ls; ls "$3"' \
	    "$one" "$data" . "$two" >"$TMP/out" 2>&1 && [ "$(cat "$TMP/out")" = end ] || { echo "$1; $2: $(tail -5 "$TMP/out")"; bad=1; }
}
two=$TMP/two
s3_client mb second >"$TMP/out" || fail "no bucket"
works "$first" "s3://second/below?endpoint=$ENDPOINT"
works "$first" "s3://${keys1%/part}/other?endpoint=$ENDPOINT&ttl=2s&meta=object"
[ "$(agents | wc -l)" = 1 ] || { echo "$(agents | wc -l) agents"; bad=1; }

# two servers, with credentials each
at s3:ceph
printf '[ceph]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >>"$TMP/credentials"
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
export AWS_SHARED_CREDENTIALS_FILE=$TMP/credentials
two=$PREFIX
works "$first&profile=fault" "$TARGET&profile=ceph"
as "$first&profile=fault" "$TARGET&profile=ceph" bash -ec 'cp -r "$0/t" "$1"; cp -r "$1/t" "$2"' "$data" "$one" "$two" || bad=1
AWS_ACCESS_KEY_ID=testkey AWS_SECRET_ACCESS_KEY=testsecret s3_client get "$KEYS/t/large" | cmp - "$data/t/large" || bad=1
exit $bad
