/* SPDX-License-Identifier: MIT */
/* What a file without a kernel file cannot have, and the errno it gives: see refused.sh. */
#include "doors/door.h"

#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/fanotify.h>
#include <sys/sysmacros.h>

#define REFUSED(what, call) refusal(what, (long)(call))

static void refusal(const char *what, long r)
{
	say("%s: %s", what, r == -1 ? name_of(errno) : "works");
}

static void nodes(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	REFUSED("mkfifo", mkfifo(P("fifo"), 0600));
	REFUSED("mknod of a device", mknod(P("device"), S_IFCHR | 0600, makedev(1, 3)));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", dir);
	REFUSED("bind of a unix socket", bind(s, (struct sockaddr *)&un, sizeof(un)));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/file", dir);
	REFUSED("connect of one", connect(s, (struct sockaddr *)&un, sizeof(un)));
	close(s);
}

static void watched(void)
{
	struct { struct file_handle h; char bytes[MAX_HANDLE_SZ]; } h = { .h.handle_bytes = MAX_HANDLE_SZ };
	int in = inotify_init(), id;

	REFUSED("inotify_add_watch", inotify_add_watch(in, dir, IN_CREATE));
	close(in);
	REFUSED("fanotify_mark", fanotify_mark(-1, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, P("file")));
	REFUSED("name_to_handle_at", name_to_handle_at(AT_FDCWD, P("file"), &h.h, &id, 0));
}

static void by_the_kernel(void)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_BENEATH };
	int d = open(dir, O_RDONLY | O_DIRECTORY);

	REFUSED("openat2 RESOLVE_BENEATH", syscall(SYS_openat2, d, "file", &how, sizeof(how)));
	close(d);
	REFUSED("acct", acct(P("file")));
	REFUSED("swapon", swapon(P("file"), 0));
	REFUSED("swapoff", swapoff(P("file")));
	REFUSED("chroot", chroot(dir));
	REFUSED("mount", mount("none", dir, "tmpfs", 0, NULL));
	REFUSED("umount", umount(dir));
}

static void opened(void)
{
	int fd = open(P("file"), O_RDWR), d = open(dir, O_RDONLY | O_DIRECTORY), flags;
	char b[8];

	REFUSED("fcntl F_SETLEASE", fcntl(fd, F_SETLEASE, F_WRLCK));
	REFUSED("fcntl F_NOTIFY", fcntl(d, F_NOTIFY, DN_CREATE));
	REFUSED("fcntl F_ADD_SEALS", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	REFUSED("ioctl FS_IOC_GETFLAGS", ioctl(fd, FS_IOC_GETFLAGS, &flags));
	REFUSED("ioctl FICLONE", ioctl(fd, FICLONE, fd));
	REFUSED("read of a directory", read(d, b, sizeof(b)));
	mkdir(P("removed"), 0700);
	d = open(P("removed"), O_RDONLY | O_DIRECTORY);
	rmdir(P("removed"));
	REFUSED("fchdir to a removed directory", fchdir(d));
	/* what is not hooked has a socket before it */
	REFUSED("recv", recv(fd, b, sizeof(b), 0));
	REFUSED("shutdown", shutdown(fd, SHUT_RD));
}

static void door(void)
{
	make(P("file"), 10, 1);
	nodes();
	watched();
	by_the_kernel();
	opened();
}
