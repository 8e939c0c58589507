#!/bin/bash
# SPDX-License-Identifier: MIT
# Random stats, listings and reads, in 8 threads of 4 processes, against a local
# copy; with a cache that is too small for all of it.
# each server: ceph swift fault
. "${0%/*}/lib.sh"

case ${RULE:-} in
"") at s3:fault ;;
s3:swift) calls=25 ;;           # 5 ms of its time for a request
esac
calls=${calls:-100}
[ "${LONG:-}" ] && calls=$((calls * 10))
TARGET="$TARGET&cache=16m&timeout=100"
SEED=${SEED:-$RANDOM}
cd "$NATIVE" || exit 1
mkdir -p a/b/c many empty.d/x
for n in 0 1 4095 4096 4097 65537 1000000 5000001; do head -c $n /dev/urandom >"a/$n"; done
head -c 30000000 /dev/urandom >a/b/c/large
for n in {1..300}; do head -c $((n * 37)) /dev/urandom >"many/file $n"; done
for n in 'a+b' 'a%20b' 'ü' "quo'te\"s" 'a&b=c;d,e' '~tilde' '#hash?' '[x]{y}' 'back\slash'; do echo "$n" >"a/b/$n"; done
echo x >empty.d/x/y
s3_client tree "$KEYS" "$NATIVE" && s3_client parts "$KEYS/a/5000001" a/5000001 5 || fail "cannot fill the bucket"

shim "$BIN/s3_model" "$PREFIX" "$NATIVE" 4 8 "$calls" "$SEED" ||
	fail "seed $SEED: $0"
