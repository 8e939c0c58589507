# SPDX-License-Identifier: MIT
# Our own server that errs on command: fault.c, fault_rules.c. Its control is
# at $FAULT. Each test has one to itself. Used by server.

server() {
	local fault=$here/../../build/tests/fault http https
	[ -x "$fault" ] || { echo "$fault is missing: make -f tests/Makefile"; return 1; }
	needs openssl
	certificate || return
	launch fault "$fault" -t 0 -c "$D/tls.crt" -k "$D/tls.key" testkey:testsecret
	within 30 grep -q https "$D/fault.log" || return
	{ read -r _ http; read -r _ https; } <"$D/fault.log"
	says ENDPOINT="http://127.0.0.1:$http" ENDPOINT_TLS="https://localhost:$https" CA="$D/tls.crt" \
	    FAULT="http://127.0.0.1:$http/-" \
	    AWS_ACCESS_KEY_ID=testkey AWS_SECRET_ACCESS_KEY=testsecret AWS_REGION=us-east-1
}
