#!/bin/bash
# SPDX-License-Identifier: MIT
# Ways to a bucket: TLS, redirects, regions, clocks, virtual hosts, credentials
# of all kinds; and that nothing is sent where it must not go.
. "${0%/*}/lib.sh"
requires curl

at s3:fault
echo hello >"$NATIVE/f"
s3_client tree "$KEYS" "$NATIVE" || fail "cannot fill the bucket"
bad=0
port=${ENDPOINT##*:}

# gets NAME TARGET'S END WANT: what cat of the object says then, with no agent there before
gets() {
	local said
	fault forget
	[ -z "${RULES_NOW:-}" ] || fault rules "$RULES_NOW"
	end_agents
	said=$(TARGET="s3://$KEYS?timeout=30&retries=2&$2" shim cat "$PREFIX/f" 2>&1)
	said=${said#"cat: $PREFIX/f: "}
	case "|$3|" in *"|$said|"*) return ;; esac
	echo "$1: $said; not $3"
	fault log
	bad=1
}
denied='Permission denied'
eio='Input/output error'
elsewhere='Remote address changed'

gets "plain" "endpoint=$ENDPOINT" hello
gets "TLS with its authority" "endpoint=$ENDPOINT_TLS&ca=$CA" hello
gets "TLS with nobody's" "endpoint=$ENDPOINT_TLS" "Protocol error"
grep -q 'certificate' "$TMP"/agents/*/log || { echo "the log does not say why"; bad=1; }
AWS_CA_BUNDLE=$CA gets "TLS by AWS_CA_BUNDLE" "endpoint=$ENDPOINT_TLS" hello
AWS_ENDPOINT_URL=$ENDPOINT gets "AWS_ENDPOINT_URL" "" hello
gets "nobody listens" "endpoint=http://127.0.0.1:1" "$eio|Connection refused|Connection timed out"
gets "no such host" "endpoint=http://s3.invalid" "$eio|No route to host|Connection timed out"
gets "virtual host" "endpoint=http://s3.localhost:$port&style=virtual" hello
gets "path" "endpoint=http://s3.localhost:$port&style=path" hello

# Redirects: within the endpoint's domain, never elsewhere, never from https to http.
RULES_NOW="GetObject * redirect=307,http://s3.localhost:$port times=1"
gets "redirect at home" "endpoint=http://s3.localhost:$port&style=path" hello
RULES_NOW="* * redirect=307,http://127.0.0.1:$port"
gets "redirect to a foreign host" "endpoint=http://s3.localhost:$port&style=path" "$elsewhere"
[ "$(fault log | grep -c redirect)" -le 3 ] || { echo "a foreign redirect was followed:"; fault log; bad=1; }
RULES_NOW="* * redirect=307,http://localhost:$port times=1"
gets "redirect from https to http" "endpoint=$ENDPOINT_TLS&ca=$CA" "$elsewhere"
[ "$(fault log | grep -vc redirect)" = 0 ] || { echo "https went on as http:"; fault log; bad=1; }
RULES_NOW="* * redirect=307,http://s3.localhost:$port"
gets "redirects for ever" "endpoint=http://s3.localhost:$port&style=path" "$elsewhere"
RULES_NOW=

# The server's clock is not ours, nor is its region.
fault set clock=7200
gets "a clock two hours ahead" "endpoint=$ENDPOINT" hello
fault set clock=-7200
gets "a clock two hours behind" "endpoint=$ENDPOINT" hello
fault set clock=0 region=eu-west-3
gets "another region" "endpoint=$ENDPOINT" hello
gets "that region" "endpoint=$ENDPOINT&region=eu-west-3" hello
fault set region=us-east-1

# Credentials.
AWS_SECRET_ACCESS_KEY=wrong gets "a wrong secret" "endpoint=$ENDPOINT" "$denied"
grep -q environment "$TMP"/agents/*/log || { echo "no log of the wrong secret's source"; bad=1; }
AWS_ACCESS_KEY_ID=nobody gets "an unknown id" "endpoint=$ENDPOINT" "$denied"
fault keys 'allow tempkey tempsecret temptoken'
AWS_ACCESS_KEY_ID=tempkey AWS_SECRET_ACCESS_KEY=tempsecret AWS_SESSION_TOKEN=temptoken gets "a token" "endpoint=$ENDPOINT" hello
AWS_ACCESS_KEY_ID=tempkey AWS_SECRET_ACCESS_KEY=tempsecret gets "no token" "endpoint=$ENDPOINT" "$denied"
AWS_ACCESS_KEY_ID=tempkey AWS_SECRET_ACCESS_KEY=tempsecret AWS_SESSION_TOKEN=no gets "another token" "endpoint=$ENDPOINT" "$denied"
fault keys 'expire tempkey'
AWS_ACCESS_KEY_ID=tempkey AWS_SECRET_ACCESS_KEY=tempsecret AWS_SESSION_TOKEN=temptoken gets "an expired token" "endpoint=$ENDPOINT" "$denied"

unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
gets "none at all" "endpoint=$ENDPOINT" "$denied"
fault set anonymous=on
gets "anonymous" "endpoint=$ENDPOINT&anonymous=on" hello
fault set anonymous=off
printf '[default]\naws_access_key_id = no\naws_secret_access_key = no\n[one]\naws_access_key_id=testkey\naws_secret_access_key = testsecret\n' >"$TMP/credentials"
cat >"$TMP/process" <<S
#!/bin/sh
n=\$(cat "$TMP/count" 2>/dev/null || echo 0)
echo \$((n + 1)) >"$TMP/count"
echo "{\"Version\": 1, \"AccessKeyId\": \"made\$n\", \"SecretAccessKey\": \"s\$n\", \"SessionToken\": \"t\", \"Expiration\": \"2099-01-01T00:00:00Z\"}"
S
chmod +x "$TMP/process"
printf '[profile two]\ncredential_process = %s\n' "$TMP/process" >"$TMP/config"
export AWS_SHARED_CREDENTIALS_FILE=$TMP/credentials AWS_CONFIG_FILE=$TMP/config
gets "the default profile" "endpoint=$ENDPOINT" "$denied"
gets "a profile" "endpoint=$ENDPOINT&profile=one" hello
AWS_PROFILE=one gets "AWS_PROFILE" "endpoint=$ENDPOINT" hello
fault keys 'allow made0 s0 t' 'allow made1 s1 t'
gets "a process" "endpoint=$ENDPOINT&profile=two" hello
[ "$(cat "$TMP/count")" = 1 ] || { echo "the process ran $(cat "$TMP/count") times"; bad=1; }
# what it gave is refused later: it is asked again
fault keys 'expire made0'
[ "$(TARGET="s3://$KEYS?timeout=30&retries=2&endpoint=$ENDPOINT&profile=two" shim sh -c "sleep 2.5; cat '$PREFIX/f'" 2>&1)" = hello ] ||
	{ echo "credentials were not renewed: asked $(cat "$TMP/count") times"; bad=1; }
# one that hangs, also without its standard output, holds up nobody for longer than timeout=, and is named
for how in '' 'exec >&-; '; do
	printf '#!/bin/sh\n%sexec sleep 1000\n' "$how" >"$TMP/process"
	end_agents
	rm -f "$TMP"/agents/*/log
	said=$(TARGET="s3://$KEYS?timeout=2&endpoint=$ENDPOINT&profile=two" SHIM_AGENT_IDLE=300 shim timeout 100 cat "$PREFIX/f" 2>&1)
	[[ $said = *"Connection timed out" ]] && grep -q 'no credentials (credentials: credential_process of profile two' "$TMP"/agents/*/log ||
		{ echo "a process that hangs: $how: $said"; cat "$TMP"/agents/*/log; bad=1; }
	children=$(pgrep -P "$(agents)")
	[ -z "${LONG:-}" ] || await eval '! kill -0 $children 2>/dev/null' || { echo "it is left for ever: $how"; bad=1; }
	kill -KILL $children 2>/dev/null
done
printf '[profile three]\nrole_arn = arn:three\nsource_profile = two\n' >>"$TMP/config"
end_agents
TARGET="s3://$KEYS?timeout=2&endpoint=$ENDPOINT&profile=three" shim timeout 100 cat "$PREFIX/f" >/dev/null 2>&1
grep -q 'no credentials (credentials: role arn:three of profile three' "$TMP"/agents/*/log || { echo "a role whose source hangs"; cat "$TMP"/agents/*/log; bad=1; }
kill -KILL $(pgrep -P "$(agents)")

# two homes of one user do not share credentials, be it one after the other, at once, or one within the other
unset "${!AWS_@}"
mkdir -p "$TMP/right/.aws" "$TMP/wrong/.aws" "$TMP/none"
printf '[default]\naws_access_key_id=testkey\naws_secret_access_key=testsecret\n' >"$TMP/right/.aws/credentials"
printf '[default]\naws_access_key_id=testkey\naws_secret_access_key=another\n' >"$TMP/wrong/.aws/credentials"
end_agents
rm -rf "$TMP"/agents/*
TARGET="s3://$KEYS?timeout=30&retries=2&endpoint=$ENDPOINT"
at_home() { # at_home HOME SCRIPT WANT
	local said
	said=$(HOME=$TMP/$1 shim sh -c "$2" "$TMP" "$PREFIX/f" 2>&1 | sed 's/.*: //' | tr '\n' ' ')
	[ "$said" = "$3 " ] || { echo "at home in $1: $2: $said, and not $3"; bad=1; }
}
at_home right 'cat "$1"' hello
at_home wrong 'cat "$1"' "$denied"
at_home right 'cat "$1"; HOME=$0/wrong cat "$1"; cat "$1"' "hello $denied hello"
at_home right 'HOME=$0/wrong cat "$1"; HOME=$0/wrong sh -c "cat $1; HOME=$0/right cat $1"' "$denied $denied hello"
at_home wrong 'HOME=$0/right cat "$1"; cat "$1"' "hello $denied"
at_home right 'cat "$1" & HOME=$0/wrong cat "$1" 2>"$0/said"; wait; cat "$0/said"' "hello $denied"
# one where AWS's tools would find nothing is as good as none
at_home right 'HOME=$0/none cat "$1"; env -u HOME cat "$1"; HOME=$0/none sh -c "HOME=$0/wrong cat \$1" "$0" "$1"' "hello hello $denied"
grep -rl 'testsecret\|tempsecret' "$TMP/agents" "$STATS" && { echo "has a secret"; bad=1; }
exit $bad
