#!/bin/bash
# SPDX-License-Identifier: MIT
# Every fault of the fault server at every step of reading: once, and from then
# on always. Right bytes or one of the errors that fit, in bounded time.
. "${0%/*}/lib.sh"
requires curl

at s3:fault
TIMEOUT=3                       # seconds, of a request with all its repetitions, where it may take all of them
LENIENT=30                      # where it must not
BOUND=8                         # times that, of a step, which takes a few requests
mkdir "$NATIVE/d"
fault make "$BUCKET/x 3000000 1" "$BUCKET/y 10 2" "$BUCKET/z 0 3"
for f in x y z; do s3_client get "$BUCKET/$f" >"$NATIVE/d/$f"; done

# FAULT, what comes of it once, and always: "ok" is right bytes, the rest errors.
# Both hold for every step, of which a fault may meet some only. NET is what a
# transport can say, ODD what comes of an answer that is not S3's.
NET='EIO|ETIMEDOUT|ECONNRESET|EBUSY'
ODD='EIO|EPROTO'
cat >"$TMP/table" <<T
reset                              ok                   $NET
close                              ok                   $NET
stall                              ok|ETIMEDOUT         ETIMEDOUT
garbage                            ok|$ODD              $NET|$ODD
early=503,SlowDown                 ok                   $NET
error=503,SlowDown                 ok                   $NET
error=503,ServiceUnavailable       ok                   $NET
error=500,InternalError            ok                   $NET
error=429,TooManyRequests          ok                   $NET
error=409,ConcurrentModification   ok                   $NET
error=200,InternalError            ok|$ODD              $NET|$ODD
error=403,AccessDenied             ok|EACCES            EACCES
error=403,InvalidAccessKeyId       ok|EACCES            EACCES
error=403,SignatureDoesNotMatch    ok|EACCES            EACCES
error=403,RequestTimeTooSkewed     ok|EACCES            EACCES
error=400,ExpiredToken             ok|EACCES            EACCES
error=400,InvalidRequest           ok|EIO|EINVAL|EACCES EIO|EINVAL|EACCES
error=404,NoSuchKey                ok|ENOENT            ENOENT|EIO
error=404,NoSuchBucket             ok|ENOENT            ENOENT|EIO
error=405,MethodNotAllowed         ok|EPERM             EPERM
error=412,PreconditionFailed       ok|ESTALE|EIO        ESTALE|EIO
error=416,InvalidRange             ok|EIO               EIO
error=403,InvalidObjectState       ok|ENODATA|EACCES    ENODATA|EACCES
error=501,NotImplemented           ok|EOPNOTSUPP        EOPNOTSUPP
bare=304                           ok|EIO               EIO
bare=500                           ok                   $NET
bare=503                           ok                   $NET
bare=204                           ok|$ODD              ok|$ODD
bare=200                           ok|$ODD              ok|$ODD
html=200                           ok|$ODD              $ODD
html=403                           ok|EACCES            EACCES
html=502                           ok                   $NET
redirect=307,http://elsewhere.invalid:1 ok|EREMCHG      EREMCHG
redirect=301,http://s3.invalid     ok|EREMCHG           EREMCHG
redirect=302,file:///etc           ok|EREMCHG           EREMCHG
region=eu-west-1                   ok                   EREMCHG|EACCES
late-reset                         ok                   $NET
late-close                         ok                   $NET
late-stall                         ok|ETIMEDOUT         ETIMEDOUT
head-reset                         ok                   $NET
head-close                         ok|$NET              $NET
head-stall                         ok|ETIMEDOUT         ETIMEDOUT
body-reset=5                       ok                   $NET
body-close=5                       ok                   $NET
body-stall=5                       ok|ETIMEDOUT         ok|ETIMEDOUT
body-reset=0                       ok                   $NET
body-close=100000                  ok                   ok|$NET
close-after                        ok                   ok
slow=300                           ok                   ok
slow=20000                         ok|ETIMEDOUT         ETIMEDOUT
range-none                         ok|$ODD              ok|$ODD
range-text=bytes                   ok|$ODD              ok|$ODD
range-text=bytes_*/3000000         ok|$ODD              ok|$ODD
range-text=bytes_99999999999999999999-1/5 ok|$ODD       ok|$ODD
range-shift=1                      ok|$ODD              ok|$ODD
range-shift=-1                     ok|$ODD              ok|$ODD
range-size=5                       ok|$ODD|ESTALE       ok|$ODD|ESTALE
range-size=-5                      ok|$ODD|ESTALE       -
range-ignored                      ok|$ODD              ok|$ODD
range-short=1                      ok|$ODD              ok|$ODD
length=5                           ok|$ODD              ok|$NET|$ODD
length=-5                          ok|$ODD              ok|$NET|$ODD
length-none                        ok|$ODD              ok|$ODD
chunked                            ok|$ODD              ok|$ODD
etag="x"                           ok|ESTALE            ok|ESTALE
etag=                              ok|$ODD              ok|$ODD
header=64                          ok|$ODD              ok|$ODD
header=2000                        ok|$ODD|ENOMEM       ok|$ODD|ENOMEM
headers=2000                       ok|$ODD              ok|$ODD
gzip                               ok|$ODD              ok|$ODD
xml-cut                            ok|$ODD              ok|$ODD|ETIMEDOUT
xml-bomb                           ok|$ODD              ok|$ODD
xml-external                       ok|$ODD              ok|$ODD
xml-dtd                            ok|$ODD              ok|$ODD
xml-deep                           ok|$ODD              ok|$ODD
xml-endless                        ok|$ODD              ok|$ODD|ETIMEDOUT
xml-loop                           ok|$ODD              ok|$ODD|ETIMEDOUT
xml-no-token                       ok|$ODD              ok|$ODD
xml-empty                          ok                   -
T

# one CASE STEP FAULT ALLOWED: in a process and with a retry budget of its own
one() {
	local map said status start=$SECONDS most=$LENIENT
	case $4 in *ETIMEDOUT*) most=$TIMEOUT ;; esac
	map="$PREFIX=s3://$BUCKET/$1?endpoint=$ENDPOINT&timeout=$most&retries=3"
	said=$(TARGET=${map#*=} shim timeout -s KILL $((BOUND * most)) "$BIN/s3_reader" "$PREFIX" "$NATIVE" "$2" 2>&1)
	status=$?
	case $said in
	"$2 WRONG"*) ;;
	"$2 "*) [[ "|$4|" = *"|${said#"$2 "}|"* ]] && return ;;
	"") said="nothing in $((SECONDS - start)) s (status $status)" ;;
	esac
	echo "$3, ${1##*-}: $said; not $4" >>"$TMP/bad"
}

# round once|always: all faults at all steps, many at a time. Those of XML meet
# listings only, since objects are no XML.
round() {
	local n=0 fault once always step name call allowed
	while read -r fault once always; do
		[ "${!1}" != - ] || continue
		n=$((n + 1))
		for step in stat:d/x read:d/x pread:d/x list:d map:d/x; do
			name=$n.${step%%:*}-$1
			printf '%s\n' "$BUCKET/$name/d/x 3000000 1" "$BUCKET/$name/d/y 10 2" "$BUCKET/$name/d/z 0 3" >&3
			printf '%s\n' "$name $step $fault ${!1}" >&4
			case $fault in xml-*) call=ListObjectsV2 ;; *) call='*' ;; esac
			printf '%s\n' "$call $BUCKET/$name/* $fault times=$([ "$1" = once ] && echo 1 || echo 0)" >&5
		done
	done <"$TMP/table" 3>"$TMP/objects" 4>"$TMP/runs" 5>"$TMP/rules"
	fault make "$(cat "$TMP/objects")"
	fault forget
	fault rules "$(cat "$TMP/rules")"
	while read -r name step fault allowed; do
		[ "$(jobs -rp | wc -l)" -lt 40 ] || wait -n
		one "$name" "$step" "$fault" "$allowed" &
	done <"$TMP/runs"
	wait
}

: >"$TMP/bad"
round once
round always
sort "$TMP/bad" | head -${SHOW:-60}
[ ! -s "$TMP/bad" ]
