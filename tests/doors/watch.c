/* SPDX-License-Identifier: MIT */
/*
 * Watches, fifos, devices and file handles. Fails if an event is missing or
 * has another name, or a special file is not what was made.
 * not: object
 */
#include "door.h"
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/sysmacros.h>

static void events(int fd)
{
	char buf[4096] __attribute__((aligned(8)));
	struct pollfd p = { fd, POLLIN, 0 };

	while (poll(&p, 1, 0) > 0) {
		ssize_t n = read(fd, buf, sizeof(buf));

		for (ssize_t i = 0; i < n;) {
			struct inotify_event *e = (struct inotify_event *)(buf + i);

			say("  wd %d mask %x name %s", e->wd, e->mask, e->len ? e->name : "-");
			i += (ssize_t)(sizeof(*e) + e->len);
		}
	}
}

static void watches(void)
{
	int in = CALL(inotify_init1(IN_NONBLOCK)), fd;

	CALL(inotify_add_watch(in, dir, IN_CREATE | IN_DELETE | IN_MOVE | IN_ATTRIB | IN_ONLYDIR));
	fd = CALL(open(P("new"), O_CREAT | O_RDWR, 0644));
	CALL(inotify_add_watch(in, P("new"), IN_MODIFY | IN_CLOSE | IN_OPEN | IN_DELETE_SELF));
	CALL(write(fd, "x", 1));
	events(in);
	CALL(ftruncate(fd, 0));
	CALL(close(fd));
	CALL(mkdir(P("d"), 0755));
	CALL(rename(P("new"), P("d/old")));
	CALL(chmod(P("d"), 0700));
	events(in);
	CALL(unlink(P("d/old")));
	CALL(rmdir(P("d")));
	events(in);
	CALL(inotify_add_watch(in, P("none"), IN_OPEN));
	CALL(inotify_add_watch(in, bad_page(), IN_OPEN));
	CALL(inotify_add_watch(-1, dir, IN_OPEN));
	CALL(inotify_rm_watch(in, 1));
	close(in);
}

static void special(void)
{
	struct stat st;
	char b[10];
	int r, w;

	CALL(mkfifo(P("fifo"), 0600));
	CALL(mkfifo(P("fifo"), 0600));
	CALL(open(P("fifo"), O_WRONLY | O_NONBLOCK));
	r = CALL(open(P("fifo"), O_RDONLY | O_NONBLOCK));
	w = CALL(open(P("fifo"), O_WRONLY));
	CALL(write(w, "through", 7));
	CALL(read(r, b, 10));
	CALL(lseek(r, 0, SEEK_SET));
	CALL(close(w));
	CALL(read(r, b, 10));
	CALL(close(r));
	CALL(mknod(P("plain"), S_IFREG | 0640, 0));
	CALL(stat(P("plain"), &st));
	say("%o %lld", (unsigned)st.st_mode, (long long)st.st_size);
	CALL(mknodat(AT_FDCWD, P("null"), S_IFCHR | 0666, makedev(1, 3)));
	if (stat(P("null"), &st) == 0)
		say("%o %lx", (unsigned)st.st_mode, (long)st.st_rdev);
	CALL(mknod(P("odd"), 0170000, 0));
}

static void handles(void)
{
	struct file_handle *h = calloc(1, sizeof(*h) + MAX_HANDLE_SZ);
	struct stat a, c;
	int id, fd = open(dir, O_RDONLY), got;

	make(P("file"), 10, 1);
	h->handle_bytes = 0;
	CALL(name_to_handle_at(AT_FDCWD, P("file"), h, &id, 0));
	h->handle_bytes = MAX_HANDLE_SZ;
	CALL(name_to_handle_at(fd, "file", h, &id, 0));
	CALL(name_to_handle_at(fd, "none", h, &id, 0));
	got = CALL(open_by_handle_at(fd, h, O_RDONLY) >= 0 ? 0 : -1);
	if (got == 0) {
		got = open_by_handle_at(fd, h, O_RDONLY);
		stat(P("file"), &a);
		fstat(got, &c);
		say("the same %d", a.st_ino == c.st_ino);
	}
	free(h);
}

/* What only the kernel can do: the error is its own. */
static void refused(void)
{
	CALL(acct(P("none")));
	CALL(swapon(P("none"), 0));
	CALL(swapon(P("plain"), 0));
	CALL(swapoff(P("plain")));
	CALL(chroot(P("none")));
	CALL(chroot(P("plain")));
	CALL(mount("none", P("none"), "tmpfs", 0, NULL));
	CALL(umount(P("plain")));
	CALL(umount2(P("none"), MNT_DETACH));
	CALL(fanotify_mark(-1, 1, 1, AT_FDCWD, P("plain")));
}

static void door(void)
{
	watches();
	special();
	handles();
	refused();
}
