#!/bin/bash
# SPDX-License-Identifier: MIT
# The configuration: what is wrong stops a program before main with exit 78
# and one clear line; `shim run` gives its children a snapshot; a file that
# others can write is refused.
. "${0%/*}/lib.sh"

bad=0
complain() { echo "$*"; bad=1; }

# Runs true under the environment given; true must not have run.
with() { env "$@" SHIM_STATS="${stats:-off}" LD_PRELOAD="$LIB" /bin/echo ran >"$TMP/out" 2>"$TMP/err"; }

# refused WORDS ENV...: exit 78, one line with all of WORDS, and not run.
refused() {
	local words=$1 w status
	shift
	with "$@"
	status=$?
	[ $status = 78 ] || complain "$*: status $status, not 78"
	[ -s "$TMP/out" ] && complain "$*: the program ran"
	[ "$(wc -l <"$TMP/err")" = 1 ] || complain "$*: not one line: $(cat "$TMP/err")"
	for w in $words; do
		grep -qF -- "$w" "$TMP/err" || complain "$*: no \"$w\" in: $(cat "$TMP/err")"
	done
}

accepted() {
	with "$@" && grep -qx ran "$TMP/out" && [ ! -s "$TMP/err" ] || complain "$*: refused: $(cat "$TMP/err")"
}

accepted SHIM_MAP= SHIM_CONFIG=
accepted SHIM_MAP=/x/y=mem:
accepted 'SHIM_MAP=/x/y=mem:name?size=1g;/x=posix:/tmp;/x/z=uring:?engine=ring&map=on'
accepted SHIM_MAP=/x//y/./z/=posix:
refused "SHIM_MAP relative" SHIM_MAP=relative=mem:
refused SHIM_MAP SHIM_MAP=/x
refused "SHIM_MAP mem" SHIM_MAP=/x=men:
refused "SHIM_MAP uring" SHIM_MAP=/x=urin:
refused "SHIM_MAP engine" 'SHIM_MAP=/x=uring:?engin=ring'
refused "SHIM_MAP rung ring" 'SHIM_MAP=/x=uring:?engine=rung'
refused "SHIM_MAP map" 'SHIM_MAP=/x=uring:?map=maybe'
refused "SHIM_MAP size" 'SHIM_MAP=/x=mem:?size=many'
refused "SHIM_MAP size" 'SHIM_MAP=/x=mem:?size=-1'
refused "SHIM_MAP size" 'SHIM_MAP=/x=mem:?size=99999999999999999999'
refused SHIM_MAP 'SHIM_MAP=/x=mem:?colour=red'
refused SHIM_MAP 'SHIM_MAP=/x=mem:/a/b'
refused SHIM_MAP 'SHIM_MAP=/x=mem:.hidden'
refused SHIM_MAP 'SHIM_MAP=/x=posix:relative'
refused "SHIM_MAP /x" 'SHIM_MAP=/x=mem:;/x=posix:'
refused "SHIM_MAP" 'SHIM_MAP=/x=mem:?size=1m&size=2m'
refused "$TMP/none" SHIM_CONFIG="$TMP/none"
stats=relative refused SHIM_STATS SHIM_MAP=

# conf TEXT: writes it to the file
conf() { printf "$@" >"$TMP/conf"; }

conf '[/x]\ntarget = mem:\n'
accepted SHIM_CONFIG="$TMP/conf"
conf '[/x]\n\ntargat = mem:\n'
refused "$TMP/conf 3 targat target" SHIM_CONFIG="$TMP/conf"
conf '[/x]\ntarget = mem:\nsizze = 1g\n'
refused "$TMP/conf 3 sizze size" SHIM_CONFIG="$TMP/conf"
conf '[/x]\ntarget = mem:\nsize = lots\n'
refused "$TMP/conf 3 size lots" SHIM_CONFIG="$TMP/conf"
conf '[x]\ntarget = mem:\n'
refused "$TMP/conf 1" SHIM_CONFIG="$TMP/conf"
conf '[/x]\nsize = 1g\n'
refused "$TMP/conf /x" SHIM_CONFIG="$TMP/conf"
conf '[/x]\ntarget = mem:\n[/x]\ntarget = posix:\n'
refused "$TMP/conf /x" SHIM_CONFIG="$TMP/conf"
conf 'nonsense\n'
refused "$TMP/conf 1" SHIM_CONFIG="$TMP/conf"
conf '[/x\n'
refused "$TMP/conf 1" SHIM_CONFIG="$TMP/conf"
refused "$TMP" SHIM_CONFIG="$TMP"

# others may not decide where a program's files go
conf '[/x]\ntarget = mem:\n'
chmod 666 "$TMP/conf"
refused "$TMP/conf" SHIM_CONFIG="$TMP/conf"
chmod 620 "$TMP/conf"
refused "$TMP/conf" SHIM_CONFIG="$TMP/conf"
chmod 644 "$TMP/conf"
accepted SHIM_CONFIG="$TMP/conf"
if [ "$(id -u)" = 0 ]; then
	chown 65534 "$TMP/conf"
	refused "$TMP/conf" SHIM_CONFIG="$TMP/conf"
	chown 0 "$TMP/conf"
fi
# none from the current directory; the user's own from $XDG_CONFIG_HOME
mkdir -p "$TMP/xdg" "$TMP/xdg2"
printf 'nonsense\n' >"$TMP/shim.conf"
(cd "$TMP" && accepted -u SHIM_MAP -u SHIM_CONFIG XDG_CONFIG_HOME="$TMP/xdg2"; exit $bad) || bad=1
printf 'nonsense\n' >"$TMP/xdg/shim.conf"
refused "$TMP/xdg/shim.conf" -u SHIM_MAP -u SHIM_CONFIG XDG_CONFIG_HOME="$TMP/xdg"

# a rule of SHIM_MAP goes before one of the file
mkdir "$TMP/d1" "$TMP/d2"
conf '[%s]\ntarget = posix:%s\n' "$TMP/p" "$TMP/d1"
env SHIM_STATS=off LD_PRELOAD="$LIB" SHIM_CONFIG="$TMP/conf" bash -c "echo one >$TMP/p/f"
env SHIM_STATS=off LD_PRELOAD="$LIB" SHIM_CONFIG="$TMP/conf" SHIM_MAP="$TMP/p=posix:$TMP/d2" bash -c "echo two >$TMP/p/f"
[ "$(cat "$TMP/d1/f" "$TMP/d2/f" 2>&1)" = "one
two" ] || complain "posix:DIR or the order of rules: $(cat "$TMP/d1/f" "$TMP/d2/f" 2>&1)"

# whole components, the longest prefix, spellings as the kernel reads them
mkdir "$TMP/d1/sub" "$TMP/q" "$TMP/qq"
ln -s "$TMP/q" "$TMP/link"
export SHIM_MAP="$TMP/q=posix:$TMP/d1;$TMP/q/sub=posix:$TMP/d2"
under() { env SHIM_CONFIG= SHIM_STATS=off LD_PRELOAD="$LIB" "$@"; }
under bash -c "echo a >$TMP/q/a; echo b >$TMP/qq/b; echo c >$TMP/q/sub/c; echo d >$TMP/q/sub/../d; echo e >$TMP/link/e; echo f >$TMP//q/./f; cd $TMP/q; echo g >g; echo h >./sub/h; echo i >../qq/i; cd $TMP/link/sub; echo j >j"
[ "$(cd "$TMP" && echo d1/[a-z] d2/[a-z] q/* qq/*)" = "d1/a d1/d d1/e d1/f d1/g d1/f d2/c d2/f d2/h d2/j q/* qq/b qq/i" ] ||
	[ "$(cd "$TMP" && echo $(ls -d d1/[a-z] d2/[a-z] q/* qq/* 2>/dev/null))" = "d1/a d1/d d1/e d1/f d1/g d2/c d2/f d2/h d2/j qq/b qq/i" ] ||
	complain "prefixes: $(cd "$TMP" && ls -d d1/* d2/* q/* qq/*)"
unset SHIM_MAP

if [ -x "$SHIM" ]; then
	# a snapshot: the file may change, or vanish, under a running tree
	conf '[%s]\ntarget = posix:%s\n' "$TMP/p" "$TMP/d1"
	"$SHIM" run -c "$TMP/conf" --stats "$STATS" -- bash -c "echo three >$TMP/p/three; echo '[nonsense' >$TMP/conf; echo four >$TMP/p/four; bash -c 'echo five >$TMP/p/five'" >"$TMP/out" 2>&1 ||
		complain "shim run: $(cat "$TMP/out")"
	[ "$(cat "$TMP/d1/three" "$TMP/d1/four" "$TMP/d1/five" 2>&1 | tr '\n' ' ')" = "three four five " ] || complain "no snapshot: $(ls "$TMP/d1")"
	# checked once, before the command
	"$SHIM" run -c "$TMP/conf" -- touch "$TMP/ran" 2>"$TMP/err"
	[ $? = 78 ] && [ ! -e "$TMP/ran" ] && [ "$(wc -l <"$TMP/err")" = 1 ] || complain "shim run with a bad file: $(cat "$TMP/err")"
	"$SHIM" run -m /x=men: -- touch "$TMP/ran" 2>"$TMP/err"
	[ $? = 78 ] && [ ! -e "$TMP/ran" ] && grep -q mem "$TMP/err" || complain "shim run with a bad rule: $(cat "$TMP/err")"
	"$SHIM" run -m "$TMP/p=posix:$TMP/d1" --stats off -- cat "$TMP/p/three" | grep -qx three || complain "shim run -m"
	"$SHIM" run -m "$TMP/p=posix:$TMP/d1" --stats off -- sh -c 'exit 5'
	[ $? = 5 ] || complain "shim run does not pass the status on"
	"$SHIM" run --stats off -- "$TMP/no-such-command" 2>/dev/null
	[ $? = 127 ] || complain "shim run of nothing: not 127"
	"$SHIM" check -m "$TMP/p=posix:$TMP/d1" >"$TMP/out" 2>&1 && grep -q "$TMP/p" "$TMP/out" && grep -qi io_uring "$TMP/out" || complain "shim check: $(head -3 "$TMP/out")"
	"$SHIM" check -m /x=men: >/dev/null 2>&1
	[ $? = 78 ] || complain "shim check of a bad rule: not 78"
fi
exit $bad
