#!/bin/bash
# SPDX-License-Identifier: MIT
# shim s3 check: what it says of each server, what to do about what is wrong,
# that it leaves nothing behind, and that no secret is in anything it prints.
. "${0%/*}/lib.sh"

bad=0
wrong() { echo "$*"; sed 's/^/    /' "$TMP/said"; bad=1; }
# check STATUS WORDS...: its status, and what is on the page
check() {
	local want=$1 status w
	shift
	"$SHIM" s3 check "${args[@]}" >"$TMP/said" 2>&1
	status=$?
	[ $status = "$want" ] || wrong "${args[*]}: status $status, not $want"
	for w in "$@"; do
		grep -qe "$w" "$TMP/said" || wrong "${args[*]}: no \"$w\" in"
	done
	grep -qF -e "${AWS_SECRET_ACCESS_KEY:-none}" -e "${SECRET:-none}" "$TMP/said" && wrong "a secret"
	cat "$TMP/said" >>"$TMP/all"
}

for server in ceph swift; do
	s3 $server
	SECRET=$AWS_SECRET_ACCESS_KEY
	export AWS_ENDPOINT_URL=$ENDPOINT
	head -c 100000 /dev/urandom >"$TMP/some"
	s3_client put "$BUCKET/a b/x+y" "$TMP/some"
	args=("s3://$BUCKET/a b")
	check 0 "^ok *credentials *environment, key \*\*\*\*" "^ok *list *1 object$" "^ok *get *a b/x+y, 100000 bytes" \
	    "^ok *If-Match" "^no *versions" "first byte" "one stream" "endpoint *$ENDPOINT of AWS_ENDPOINT_URL, path style"
	grep -q '^.. *put' "$TMP/said" && wrong "it wrote"
	args=(--write "s3://$BUCKET/a b")
	check 0 "^ok *put " "^ok *metadata" "^ok *checksums.*md5" "^ok *multipart *a part of 8 MiB"
	[ "$(s3_client ls "$BUCKET/" | cut -f1,2)" = "a b/x+y"$'\t100000' ] || wrong "it left something"
	check 0 "^ok *parts *of different lengths, of 5 MiB and more"
	[ $server = ceph ] && check 0 "^ok *create"
	[ $server = swift ] && check 0 "^no *create" "^ok *remove" "^ok *copy"
	args=(--write "s3://$BUCKET")
	s3_client rm "$BUCKET/a b/x+y"
	check 0 "^ok *list *0 objects" "^no *get *no object" "one stream"
	SHIM_MAP="/mnt/s3=s3://$BUCKET?endpoint=$ENDPOINT" args=(/mnt/s3/sub/dir)
	export SHIM_MAP
	check 0 "bucket *$BUCKET, below sub/dir/" "endpoint *$ENDPOINT"
	args=(/mnt)
	check 1 "neither s3://BUCKET/KEY nor below the prefix of a rule for s3"
	unset SHIM_MAP

	# what is wrong, and what to do
	args=("s3://$BUCKET-none")
	check 1 "^FAIL *list .*NoSuchBucket" "check the bucket's name"
	args=("s3://$BUCKET")
	AWS_SECRET_ACCESS_KEY=Wr0ngS3cret check 1 "^FAIL *list .*SignatureDoesNotMatch" "the secret is not this key's"
	AWS_ENDPOINT_URL=http://127.0.0.1:1 check 1 "^FAIL .*Connection refused" "nobody listens there"
	AWS_ENDPOINT_URL=http://nowhere.invalid check 1 "^FAIL " "name server"
	(unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; check 1 "^FAIL *credentials *no credentials in profile default"; exit $bad) || bad=1
	args=("s3://$BUCKET?profile=nobody")
	check 78 "profile nobody is neither in"
	grep -qF -e "$SECRET" -e Wr0ngS3cret "$TMP/all" && { echo "a secret is printed"; bad=1; }
done

# what an endpoint may be like: conditions, and lengths of parts
s3 fault
export AWS_ENDPOINT_URL=$ENDPOINT
args=(--write "s3://$BUCKET")
check 0 "^ok *create" "^ok *replace" "^ok *remove" "^ok *copy" "^ok *publish new" "^ok *publish  " "^ok *parts *of different"
fault set conditional=off
check 0 "^no *create" "^no *replace" "^no *remove" "^no *publish new" "^no *publish  "
fault set conditional=refused
check 0 "^no *create" "^no *replace" "^no *remove" "^no *publish new" "^no *publish  "
fault set conditional=on equal=on
check 1 "^FAIL *parts *of an upload must all be of one length" "put part=8m into the rule"
args=(--write "s3://$BUCKET?part=8m")
check 0 "^ok *parts *must be of one length, and are: 8 MiB"
fault set equal=off min_part=1000
args=(--write "s3://$BUCKET")
check 0 "^ok *parts *of different lengths, and of less than 5 MiB"
[ -z "$(s3_client ls "$BUCKET/")" ] || wrong "it left something"
[ -z "$("$SHIM" s3 gc --hours 0 "s3://$BUCKET")" ] || wrong "it left an upload"

args=()
check 2 "usage: shim s3 check"
"$SHIM" s3 frobnicate 2>"$TMP/said" && wrong "any command"
grep -q 'no command "frobnicate"' "$TMP/said" || wrong "frobnicate"
"$SHIM" s3 --help >"$TMP/said" || wrong "--help"
exit $bad
