#!/bin/bash
# SPDX-License-Identifier: MIT
# bootstrap.sh RULE: beside other libraries and in programs that change
# themselves: constructors, ASan, a second preload in either order, plugins,
# cancellation, signal storms, another user, another root, namespaces.
# each rule
# without LONG: mem: object:
. "${0%/*}/lib.sh"
requires setpriv

chmod 755 "$TMP"
[ -d "$PREFIX" ] || shim mkdir -p "$PREFIX"
chmod 777 "$NATIVE"; shim chmod 777 "$PREFIX"

# alike NAME COMMAND...: with @ in its words for the directory, natively and
# under the rule; $before and $after are preloaded before us and after.
alike() {
	local what=$1 words=("${@:2}") more=${before:-${after:-}}
	find "$NATIVE" -mindepth 1 -delete
	LD_PRELOAD=$more timeout -k 5 60 "${words[@]//@/$NATIVE}" >"$TMP/native" 2>&1 </dev/null
	echo "status $?" >>"$TMP/native"
	shim find "$PREFIX" -mindepth 1 -delete
	LIB=${before:+$before:}$LIB PRELOAD_MORE=${after:-} shim timeout -k 5 60 \
		"${words[@]//@/$PREFIX}" >"$TMP/ours" 2>&1 </dev/null
	echo "status $?" >>"$TMP/ours"
	sed -i "s,$NATIVE,DIR,g" "$TMP/native"
	sed -i "s,$PREFIX,DIR,g" "$TMP/ours"
	same_text "$TMP/native" "$TMP/ours" "$what" || bad=1
}

# both_orders LIBRARY NAME COMMAND...
both_orders() {
	local lib=$1 what=$2
	[ -e "${lib%%:*}" ] || { echo "no $lib: left out"; return; }
	before=$lib after='' alike "$what, before us" "${@:3}"
	before='' after=$lib alike "$what, after us" "${@:3}"
}

alike "signal storm" "$BIN/storm" @
alike "jumps out of handlers" "$BIN/storm" @ jump
alike cancellation "$BIN/cancel" @
grep -q 'pread: cancelled' "$TMP/native" || { echo "cancellation does not work natively"; bad=1; }

# I/O before main and after it, in libraries loaded and unloaded
plugin=$BIN/preload/plugin.so
alike plugins env PLUGIN_DIR=@ "$BIN/bootstrap" plugin @ "$plugin"
both_orders "$plugin" "preloaded constructors" env PLUGIN_DIR=@ sh -c \
	'wc -l <@/plugin.load; { echo x; } >@/x; cat @/x; ls @'

# Programs that are not C alone, with what they print in a file of the rule
work='cd @ || exit; echo one >a; cat <a >>b; '"$BIN"'/bootstrap io @ >c; cat a b c; ls; (sleep 0.01; date +%Y >d) & wait
	wc -l d; find . -type f -exec cp {} {}.copy \; ; ls | wc -l; rm *; ls -A'
lib=/usr/lib/$(gcc -print-multiarch 2>/dev/null)
both_orders "$lib/libeatmydata.so.1" eatmydata bash -c "$work"
# without its shared memory, which it leaves behind when it is killed
FAKETIME='2001-02-03 04:05:06' FAKETIME_DISABLE_SHM=1 both_orders "$lib/faketime/libfaketime.so.1" faketime bash -c "$work; date +%F; date -d 2days +%F"
for m in libjemalloc.so.2 libtcmalloc_minimal.so.4; do
	both_orders "$lib/$m" "$m" bash -c "$work"
done
both_orders "$lib/libjemalloc.so.2:$lib/libtcmalloc_minimal.so.4" "two mallocs" bash -c "$work"

# fakeroot must see the calls that tell it who owns what; to others than root it shows
# the number of another user, whose files in shared memory are not theirs
case $(id -u):$RULE in
0:* | *:posix* | *:uring*) fakeroot=$(command -v fakeroot) ;;
*) fakeroot= ;;
esac
if [ "$fakeroot" ]; then
	work='cd @ || exit; echo x >f; mkdir d; chown 1234:5678 f d; chmod 4711 f; [ -n "${NO_NODES:-}" ] || mknod n c 1 3; ln -s f l; chown -h 7:8 l; mv f d; ln d/f g
		stat -c "%n %u %g %a %F %s" . d d/f g $([ -n "${NO_NODES:-}" ] || echo n) l; tar cf t . 2>/dev/null; tar tvf t | cut -d" " -f1,2 | sort; cp -a d e; stat -c "%u %g" e/f; install -o 3 -g 4 g i; stat -c "%u %g" i; rm -r d; id -u'
	alike "fakeroot before us" fakeroot sh -c "$work"
	alike "fakeroot after us" fakeroot sh -c "[ -z \"\$SHIM_MAP\" ] || export LD_PRELOAD=\"$LIB:\${LD_PRELOAD%%:*}\"; exec sh -c '$work'"
fi

# ASan's runtime wants to be the first, or to be told that it need not be
printf '#include "%s/tests/bootstrap.c"\n' "$ROOT" >"$TMP/asan.c"
for how in address undefined; do
	gcc -D_GNU_SOURCE -g -O1 -fsanitize=$how -pthread -o "$TMP/$how" "$TMP/asan.c" 2>/dev/null || continue
	asan=$(gcc -print-file-name=lib${how/address/asan}.so)
	export ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0
	alike "-fsanitize=$how" "$TMP/$how" io @
	alike "-fsanitize=$how, plugin" env PLUGIN_DIR=@ "$TMP/$how" plugin @ "$plugin"
	[ $how = undefined ] && continue
	ASAN_OPTIONS=detect_leaks=0 before=$(readlink -f "$asan") alike "-fsanitize=$how, its library before us" "$TMP/$how" io @
	unset ASAN_OPTIONS
done

# Another root and other namespaces; a user who may not enter the store
if [ "$(id -u)" = 0 ]; then
	mkdir "$TMP/root"
	if [ -z "${NO_NODES:-}" ]; then
		alike chroot "$BIN/bootstrap" chroot @ "$TMP/root"
	else
		# descriptions are out of reach there: what is open stays, opening fails
		shim "$BIN/bootstrap" chroot "$PREFIX" "$TMP/root" >"$TMP/out" 2>&1 || { echo "chroot: status $?"; bad=1; }
		same_text - "$TMP/out" "chroot" <<-'E' || bad=1
			write(fd, "outside", 7) = 7
			chroot(root) = 0
			pread(fd, buf, 7, 0) = 7
			pwrite(fd, "OUT", 3, 0) = 3
			chdir("/") = 0
			io() = 0
			other = open("/inside", O_RDWR | O_CREAT, 0600) = 5
			write(other, "in", 2) = 2
			access("/inside", F_OK) = 0
			access("/nowhere/at/all", F_OK) = -1 ENOENT
			in_thread() = 0
			in_child() = 0
			other = openat(dir, "file", O_RDONLY) = -1 EIO
			read(other, buf, 7) = -1 EBADF
			fchdir(dir) = -1 ENOENT
			io() = 0
			access("file", R_OK) = -1 ENOENT
		E
	fi
	case $RULE in
	mem:*) "$BIN/bootstrap" setuid "$NATIVE" >/dev/null 2>&1; shim "$BIN/bootstrap" setuid "$PREFIX" >"$TMP/out" 2>&1 || { echo "setuid: status $?"; bad=1; } ;;
	*)
		alike setuid "$BIN/bootstrap" setuid @
		alike "another user's working directory" sh -c 'cd @; umask 0; mkdir d; echo one >f; cd d; exec setpriv --reuid 65534 --clear-groups --inh-caps=-all \
			sh -c "cat ../f; pwd; /bin/pwd; echo two >g; cat g; ls; cd ..; pwd; ls; cat d/g; cd d; rm g"'
		;;
	esac
fi
work='cd @ || exit; echo one >a; '"$BIN"'/bootstrap io @; cat a; ls; cat /proc/self/status | grep -c Name'
# to have another number is to be another user, who has other files in mem
user="-U $([ "$(id -u)" = 0 ] && echo -r || echo -c)"
for space in -m -n -p\ -f -i -u -C "-m -p -f --mount-proc" "$user"; do
	# shellcheck disable=SC2086
	unshare $space true 2>/dev/null && alike "unshare $space" unshare $space sh -c "$work"
done
exit $bad
