#!/bin/bash
# SPDX-License-Identifier: MIT
# What a file without a kernel file cannot have: each call fails with the errno
# listed here, as the support matrix says, and none does something else.
. "${0%/*}/lib.sh"
at object:
shim mkdir "$PREFIX/door" || fail "no directory"
shim "$BIN/refused" "$PREFIX/door" >"$TMP/got" 2>&1 || fail "ended badly"
cat >"$TMP/want" <<'END'
mkfifo: EPERM
mknod of a device: EPERM
bind of a unix socket: EPERM
connect of one: ECONNREFUSED
inotify_add_watch: ENOSYS
fanotify_mark: ENODEV
name_to_handle_at: EOPNOTSUPP
openat2 RESOLVE_BENEATH: ENOSYS
acct: EACCES
swapon: EINVAL
swapoff: EINVAL
chroot: EPERM
mount: EPERM
umount: EINVAL
fcntl F_SETLEASE: EINVAL
fcntl F_NOTIFY: EINVAL
fcntl F_ADD_SEALS: EINVAL
ioctl FS_IOC_GETFLAGS: ENOTTY
ioctl FICLONE: EOPNOTSUPP
read of a directory: EISDIR
fchdir to a removed directory: ENOENT
recv: ENOTSOCK
shutdown: ENOTSOCK
END
same_text "$TMP/want" "$TMP/got" "expected, then got" || bad=1
# the loader by its own name opens the program before we are there
for rule in object: mem:; do
	at $rule
	shim cp /bin/true "$PREFIX/program"
	shim ldd "$PREFIX/program" >"$TMP/got" 2>&1 && { echo "ldd on $rule says something:"; cat "$TMP/got"; bad=1; }
	grep -q 'not a dynamic executable' "$TMP/got" || { echo "ldd on $rule:"; cat "$TMP/got"; bad=1; }
done
exit $bad
