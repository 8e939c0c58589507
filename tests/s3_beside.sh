#!/bin/bash
# SPDX-License-Identifier: MIT
# What a rule says of objects besides their bytes: encryption, storage class,
# tags, ACL, content type, who pays. The fault server keeps what came with each
# kind of request, and wants a key where S3 does; the real ones do what they can.
. "${0%/*}/lib.sh"
requires curl openssl python3
bad=0
at s3:fault
BASE=$TARGET

wrong() { echo "$*"; bad=1; }
# sent CALL KEY HEADER=VALUE...: each such request had them; !HEADER: none had it
sent() {
	local call=$1 key=$2 h lines
	shift 2
	lines=$(fault headers | grep -E "^$call $KEYS/$key( |\$)")
	[ "$lines" ] || { wrong "no $call of $key:"; fault headers | cut -d" " -f1,2 | tail -40; return; }
	for h in "$@"; do
		if [ "${h#!}" != "$h" ]; then
			grep -q " x-amz-${h#!}=" <<<"$lines" && wrong "$call $key: has $h: $lines"
		else
			grep -vqF " x-amz-$h" <<<"$lines" && wrong "$call $key: not with $h: $lines"
		fi
	done
}
# header KEY NAME: of the object, as another client sees it
header() { s3_client head "$KEYS/$1" | sed -n "s,^$2: ,,p" | tr -d '\r'; }
is() { [ "$(header "$1" "$2")" = "$3" ] || wrong "$1: $2 is \"$(header "$1" "$2")\", not \"$3\"${4:+ after $4}"; }
# under OPTIONS SCRIPT: with D the prefix, and no log of before
under() {
	fault forget
	TARGET="$BASE&$1" shim env D="$PREFIX" bash -c "set -e; $2" || wrong "under $1: $2"
}
work='echo a >$D/put; head -c 20000000 /dev/zero >$D/parts; cat $D/put $D/parts | wc -c >/dev/null
	printf x | dd of=$D/parts bs=1 seek=5 conv=notrunc status=none; mv $D/put $D/moved; rm -f $D/excl; set -C; : >$D/excl; stat -c %s $D/moved'
makes='PutObject:put CreateMultipartUpload:parts CopyObject:moved'

under "sse=aws%3Akms&kms-key=key-1&storage-class=COLD&tags=team%3Da b,env%3Dx%2Fy&acl=public-read&requester-pays=on" "$work"
for m in $makes; do
	sent "${m%:*}" "${m#*:}" server-side-encryption=aws%3Akms server-side-encryption-aws-kms-key-id=key-1 \
	    storage-class=COLD acl=public-read request-payer=requester
done
sent PutObject put tagging=team%3Da%2520b%26env%3Dx%252Fy
sent CreateMultipartUpload parts tagging=team%3Da%2520b%26env%3Dx%252Fy
sent CopyObject moved '!tagging'
sent PutObject excl '!storage-class' acl=public-read
for m in UploadPart:parts UploadPartCopy:parts GetObject:parts; do
	sent "${m%:*}" "${m#*:}" '!server-side-encryption' '!storage-class' '!tagging' '!acl' request-payer=requester
done
sent CompleteMultipartUpload parts '!storage-class'
is moved x-amz-storage-class COLD
is parts x-amz-server-side-encryption-aws-kms-key-id key-1
is moved x-amz-tagging-count 2
under "sse=aws%3Akms%3Adsse" "$work"
sent PutObject put server-side-encryption=aws%3Akms%3Adsse
under "sse=AES256" "$work"
for m in $makes; do sent "${m%:*}" "${m#*:}" server-side-encryption=AES256; done

# SSE-C: the key with all that touches bytes, of the source, too; never anywhere to be read
key=$(head -c 32 /dev/urandom | base64 -w0)
base64 -d <<<"$key" >"$TMP/raw.key"
echo "$key" >"$TMP/text.key"
head -c 32 /dev/urandom >"$TMP/other.key"
chmod 600 "$TMP"/*.key
under "sse-c-key-file=$TMP/raw.key" "mkdir \$D/c; D=\$D/c; $work; mkdir \$D/d; echo f >\$D/d/f; mv \$D/d \$D/e; cat \$D/e/f"
md5=$(base64 -d <<<"$key" | openssl md5 -binary | base64 | sed 's,+,%2B,g; s,=,%3D,g')
customer=(server-side-encryption-customer-algorithm=AES256 server-side-encryption-customer-key= server-side-encryption-customer-key-md5=$md5)
for m in $makes UploadPart:parts UploadPartCopy:parts CompleteMultipartUpload:parts GetObject:parts HeadObject:put CopyObject:e/f; do
	sent "${m%:*}" "c/${m#*:}" "${customer[@]}"
done
for m in CopyObject:moved UploadPartCopy:parts CopyObject:e/f; do
	sent "${m%:*}" "c/${m#*:}" "${customer[@]/#/copy-source-}"
done
sent DeleteObject c/put '!server-side-encryption-customer-key'
fault headers | grep '^ListObjectsV2' | grep -q customer && wrong "a listing has the key"
grep -rlF -e "$key" "$TMP/agents" "$STATS" && wrong "has the key"
[ "$(TARGET="$BASE&sse-c-key-file=$TMP/text.key" shim cat "$PREFIX/c/moved")" = a ] || wrong "not the same key from text"
TARGET="$BASE&sse-c-key-file=$TMP/other.key" shim cat "$PREFIX/c/moved" 2>"$TMP/err" && wrong "read with another key"
grep -q 'Permission denied' "$TMP/err" || wrong "another key: $(cat "$TMP/err")"
TARGET="$BASE&timeout=5" shim cat "$PREFIX/c/moved" 2>"$TMP/err" && wrong "read without a key"
grep -qE 'Permission denied|Invalid argument' "$TMP/err" || wrong "no key: $(cat "$TMP/err")"

# of others' objects nothing is lost, whatever is done to them
x() {
	local fault=(x-amz-storage-class:COLD x-amz-website-redirect-location:/else
	    x-amz-server-side-encryption:aws:kms x-amz-server-side-encryption-aws-kms-key-id:theirs)
	case $RULE in s3:fault*) ;; *) fault=() ;; esac
	case $RULE in s3:swift*) ;; *) fault+=('x-amz-tagging:t=1&u=a%20b') ;; esac
	s3_client put "$KEYS/$1" "$2" content-type:text/x content-encoding:gzip cache-control:no-store content-disposition:inline \
	    x-amz-meta-mine:yes "${fault[@]}"
}
kept() {
	local n head
	head=$(s3_client head "$KEYS/$1" | tr -d '\r')
	for n in content-type:text/x content-encoding:gzip cache-control:no-store content-disposition:inline x-amz-meta-mine:yes \
	    x-amz-storage-class:COLD x-amz-website-redirect-location:/else x-amz-tagging-count:2 \
	    x-amz-server-side-encryption:aws:kms x-amz-server-side-encryption-aws-kms-key-id:theirs; do
		grep -qxF "${n%%:*}: ${n#*:}" <<<"$head" || wrong "$1: no $n after $2: $head"
	done
}
echo small >"$TMP/small"
head -c 20000000 /dev/zero >"$TMP/large"
for size in small large; do
	for what in 'chmod 700 $D/x' 'touch -d 2020-01-01 $D/x' 'echo more >>$D/x' 'truncate -s 3 $D/x' 'mv $D/x $D/y; mv $D/y $D/x' \
	    'mkdir $D/d; mv $D/x $D/d; mv $D/d $D/e; mv $D/e/x $D; rmdir $D/e' 'printf Y | dd of=$D/x bs=1 conv=notrunc status=none' \
	    'python3 -c "import os; os.setxattr(os.environ[\"D\"] + \"/x\", \"user.s3.meta.more\", b\"1\")"' \
	    'truncate -s 0 $D/x; head -c 20000000 /dev/zero | tr "\\0" a | cat >>$D/x'; do
		x x "$TMP/$size"
		under "meta=object&ttl=0" "$what"
		kept x "$what"
	done
done
is x x-amz-meta-more ''
# the rule's word counts, tags but where there are none
x x "$TMP/small"
under 'ttl=0&storage-class=HOT&tags=r%3D1&sse=AES256&content-type=a/b' 'echo more >>$D/x; echo new >$D/new.txt'
is x x-amz-storage-class HOT
is x x-amz-server-side-encryption AES256
is x x-amz-tagging-count 2
is x content-type text/x
is new.txt content-type a/b
is new.txt x-amz-tagging-count 1
under '' 'for f in a.txt b.html c.JSON d.tar.gz e; do echo >$D/$f; done'
for t in a.txt:text/plain b.html:text/html c.JSON:application/json d.tar.gz:application/gzip e:application/octet-stream; do
	is "${t%:*}" content-type "${t#*:}"
done
x x "$TMP/small"
shim python3 - "$PREFIX/x" <<'P' || wrong "xattrs"
import os, sys
want = {'storage-class': 'COLD', 'encryption': 'aws:kms', 'kms-key': 'theirs', 'tags': '2', 'content-encoding': 'gzip'}
got = {k: os.getxattr(sys.argv[1], 'user.s3.' + k).decode() for k in want}
sys.exit(got != want and str(got))
P

# the real ones: what each has
for server in ceph swift; do
	[ "${SERVER:-$server}" = $server ] || continue
	at s3:$server
	BASE=$TARGET
	under "storage-class=STANDARD&requester-pays=on" "$work"
	x x "$TMP/small"
	[ $server = swift ] || x large "$TMP/large"
	under 'meta=object&ttl=0' 'echo more >>$D/x; mv $D/x $D/z; mv $D/z $D/x'
	# tags: this Ceph loses them where metadata is replaced, and ignores those of an upload by parts
	[ $server = swift ] || is x x-amz-tagging-count 2
	under 'meta=object&ttl=0' 'chmod 700 $D/x; [ ! -e $D/large ] || echo more >>$D/large'
	for f in x $([ $server = swift ] || echo large); do
		for n in content-type:text/x content-encoding:gzip x-amz-meta-mine:yes; do
			is $f "${n%%:*}" "${n#*:}" "changes on $server"
		done
	done
	[ $server = ceph ] || continue
	under "sse-c-key-file=$TMP/raw.key" "mkdir \$D/c; D=\$D/c; $work"
	s3_client get "$KEYS/c/moved" >"$TMP/said" 2>&1 && wrong "ceph: can be read without the key"
	printf 'x' | dd of="$TMP/large" bs=1 seek=5 conv=notrunc status=none
	under "sse-c-key-file=$TMP/raw.key" "cmp '$TMP/large' \$D/c/parts; mv \$D/c/parts \$D/c/p; cmp '$TMP/large' \$D/c/p; mv \$D/c/excl \$D/c/e"
	under "sse=aws%3Akms&kms-key=key-1&tags=a%3Db&acl=public-read" "mkdir \$D/k; D=\$D/k; $work"
	for f in moved parts; do
		is k/$f x-amz-server-side-encryption-aws-kms-key-id key-1
		[ "$(curl -s --noproxy '*' -o "$TMP/got" -w '%{http_code}' "$ENDPOINT/$KEYS/k/$f")" = 200 ] || wrong "ceph: $f is not public"
	done
	under "ttl=0" 'echo more >>$D/k/moved; mv $D/k/parts $D/k/p'
	is k/moved x-amz-server-side-encryption-aws-kms-key-id key-1
	is k/p x-amz-server-side-encryption-aws-kms-key-id key-1
done
at s3:fault

# what applies is said
"$SHIM" s3 check "s3://$BUCKET?endpoint=$ENDPOINT&sse=aws%3Akms&kms-key=k&storage-class=COLD&tags=a%3Db&acl=private&write=off" >"$TMP/said"
grep -q '^.. *objects *encryption aws:kms, KMS key k, class COLD, tags a=b, ACL private' "$TMP/said" || wrong "check: $(cat "$TMP/said")"

# what cannot be is told in one line
refused() { # OPTIONS WORDS
	"$SHIM" s3 check "s3://$BUCKET?endpoint=${3:-$ENDPOINT}&$1" >"$TMP/said" 2>&1
	[ $? = 78 ] || wrong "$1: status"
	[ "$(wc -l <"$TMP/said")" = 1 ] && grep -qF -e "$2" "$TMP/said" || wrong "$1: $(cat "$TMP/said"); not $2"
}
refused sse=aws%3Akns '(aws:kms?)'
refused sse=AES265 '(AES256?)'
refused acl=publik-read '(public-read?)'
refused storage-clas=X '(storage-class?)'
refused kms_key=X '(kms-key?)'
refused secret-key=X 'credentials have no place here'
refused kms-key=X 'kms-key= is of sse=aws:kms'
refused storage-class=standard_ia '(STANDARD_IA?)'
refused storage-class=STANDARD_AI '(STANDARD_IA?)' https://s3.us-east-1.amazonaws.com
refused tags=a '"a" is no KEY=VALUE'
refused tags=aws%3Aa%3Db "AWS's own"
refused tags=a%3D1,b%3D1,c%3D1,d%3D1,e%3D1,f%3D1,g%3D1,h%3D1,i%3D1,j%3D1,k%3D1 'more than 10'
refused content-type=text 'text/plain'
refused "sse-c-key-file=$TMP/raw.key&sse=AES256" 'exclude each other'
refused "sse-c-key-file=$TMP/raw.key" https 'http://s3.example.com'
refused "sse-c-key-file=$TMP/none" 'No such file'
refused "sse-c-key-file=$TMP/small" 'chmod 600'
chmod 600 "$TMP/small"
refused "sse-c-key-file=$TMP/small" 'holds no key'
refused "sse-c-key-file=small" 'absolute path'
grep -qF "$key" "$TMP/said" && wrong "the key is printed"
exit $bad
