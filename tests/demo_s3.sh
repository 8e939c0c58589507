#!/bin/bash
# SPDX-License-Identifier: MIT
# The part of make demo that needs an S3 server: one of Debian's packages,
# started on loopback for the purpose. Programs that never heard of S3 write
# into a bucket and read it; another client says that what is there is the same.

set -u
set -o pipefail
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
PATH=$PWD/build:$PATH
tmp=$(mktemp -d "${TMPDIR:-/var/tmp}/shim-demo.XXXXXX") || exit 1
trap 'tests/s3/server stop "$tmp/servers" >/dev/null 2>&1; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

said=$(tests/s3/server start ceph "$tmp/servers" $$ 2>"$tmp/err") || {
	printf '\n---- s3: left out, %s\n' "$(tail -1 "$tmp/err")"
	exit 0
}
unset "${!AWS_@}"
eval "$said"
mkdir -m 700 "$tmp/agents"
export SHIM_AGENT_DIR=$tmp/agents SHIM_AGENT_SPOOL=$tmp/spool SHIM_AGENT_IDLE=5 AWS_EC2_METADATA_DISABLED=true
tests/s3/s3.py mb demo >/dev/null || exit 1
rule="/s3=s3://demo?endpoint=$ENDPOINT"
run() { shim run -m "$rule" -- "$@"; }
bad=0
# show COMMAND: prints and runs a line of shell with the bucket at /s3
show() {
	printf '    $ %s\n' "$1"
	run bash -c "$1" >"$tmp/out" 2>&1 || bad=1
	head -n 12 "$tmp/out" | sed "s/^/    /"
}

printf '\n---- s3: a bucket of %s at /s3\n\n' "$(radosgw --version 2>/dev/null | cut -d' ' -f1-3)"
printf "    \$ shim run -m '/s3=s3://demo?endpoint=http://127.0.0.1:...' -- bash\n"
tar -cf "$tmp/shim.tar" --exclude=.git --exclude=build shim backends docs
head -c 268435456 /dev/urandom >"$tmp/random"
show "tar -xf $tmp/shim.tar -C /s3 && du -sh --apparent-size /s3/shim"
show "ls -l /s3 /s3/docs"
show "grep -rl pthread_mutex /s3/shim | sort | head -3"
show "time cp $tmp/random /s3/random"
show "time cat /s3/random | sha256sum"
sha256sum <"$tmp/random" | sed 's/^/    /; s/-$/ without shim/'
show "echo one more line >>/s3/docs/architecture.md; tail -n 1 /s3/docs/architecture.md"
printf '\n    the same by another client, s3.py of the tests:\n'
tests/s3/s3.py get demo/docs/architecture.md | tail -n 1 | sed 's/^/    /'
tests/s3/s3.py get demo/random | cmp - "$tmp/random" || bad=1
mkdir "$tmp/here" && tar -xf "$tmp/shim.tar" -C "$tmp/here"
run diff -r "$tmp/here/shim" /s3/shim || bad=1
[ $bad = 0 ] || echo "demo: that went wrong"
exit $bad
