/* SPDX-License-Identifier: MIT */
/*
 * The calls on a name that only a file system of the kernel's can do: watches,
 * handles, sockets, leases, mounts, accounting, swap, another root. Each on the
 * names that make it fail, with privileges and without.
 * not: object uring uring,engine=ring
 */
#include "errnos.h"

#include <sys/fanotify.h>

/* Names on which nothing below succeeds, but for a directory's change of root. */
static const char *const failing[] = {
	"none", "none/x", "file/x", "file/", "loop", "loop/x", "dangling", "closed/x", "link/", "closed/../file/x",
};

#define EACH_FAILING(call) do {                                               \
	*line = 0;                                                            \
	for (size_t i_ = 0; i_ < COUNT(failing); i_++) {                      \
		const char *path = P(failing[i_]);                            \
		outcome(failing[i_], (long)(call));                           \
	}                                                                     \
	for (size_t i_ = 0; i_ < COUNT(pointers); i_++) {                     \
		const char *path = OPAQUE(pointers[i_].path);                 \
		if (!path)              /* some take none for something else */ \
			continue;                                             \
		if (path == (const char *)1)                                  \
			path = bad_page();                                    \
		outcome(pointers[i_].what, (long)(call));                     \
	}                                                                     \
	say("%d: %s:%s", __LINE__, #call, line);                              \
} while (0)

static void privileged(void)
{
	int fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY), d = open(dir, O_RDONLY | O_DIRECTORY), id;
	struct { struct file_handle h; char room[MAX_HANDLE_SZ]; } h = { .h.handle_bytes = MAX_HANDLE_SZ };

	EACH_FAILING(chroot(path));
	EACH_FAILING(umount(path));
	EACH_FAILING(umount2(path, MNT_DETACH));
	EACH_FAILING(umount2(path, UMOUNT_NOFOLLOW));
	EACH_FAILING(mount("none", path, "tmpfs", 0, NULL));
	EACH_FAILING(mount("none", path, NULL, MS_REMOUNT, NULL));
	EACH_FAILING(acct(path));
	EACH_FAILING(swapon(path, 0));
	EACH_FAILING(swapoff(path));
	EACH_FAILING(fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, path));
	EACH_FAILING(fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, d, path));
	EACH_FAILING(name_to_handle_at(AT_FDCWD, path, &h.h, &id, 0));
	EACH_FAILING(name_to_handle_at(d, path, &h.h, &id, AT_SYMLINK_FOLLOW));
	CALL(umount(P("file")));
	CALL(umount(P("dir")));
	CALL(umount2(P("dir"), 1 << 20));
	CALL(umount2(P("dir"), MNT_EXPIRE | MNT_FORCE));
	CALL(chroot(P("file")));
	CALL(mount("none", P("file"), "tmpfs", 0, NULL));
	CALL(mount("none", P("dir"), "no-such-type", 0, NULL));
	CALL(swapon(P("dir"), 0));
	CALL(swapon(P("file"), 1 << 30));
	CALL(acct(P("dir")));
	CALL(fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, AT_FDCWD, P("file")));
	CALL(fanotify_mark(fan, FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, P("file")));
	CALL(fanotify_mark(fan, FAN_MARK_ADD, 0, AT_FDCWD, P("file")));
	CALL(fanotify_mark(fan, 1 << 30, FAN_OPEN, AT_FDCWD, P("file")));
	CALL(fanotify_mark(d, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, P("file")));
	close(fan), close(d);
}

/* What is seen of a file that is marked. */
static void events(void)
{
	static char b[4096] __attribute__((aligned(8)));
	int fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY), fd;
	uint64_t seen = 0;
	ssize_t n;

	if (CALL(fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN | FAN_MODIFY | FAN_CLOSE, AT_FDCWD, P("file"))) == 0) {
		fd = open(P("file"), O_RDWR);
		pwrite(fd, "x", 1, 0);
		close(fd);
		while ((n = read(fan, b, sizeof(b))) > 0)
			for (struct fanotify_event_metadata *e = (void *)b; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
				seen |= e->mask;
				close(e->fd);
			}
		say("seen %llx", (unsigned long long)seen);
	}
	close(fan);
}

static int bound(int type, const char *path, int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, type, 0), r, e;

	if (path == bad_page() || strlen(path) >= sizeof(un.sun_path))
		r = call(s, (const struct sockaddr *)bad_page(), sizeof(un));
	else
		r = call(s, (struct sockaddr *)&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			 strlen(strcpy(un.sun_path, path)) + 1));
	e = errno;
	close(s);
	errno = e;
	return r;
}

static int to_bind(int s, const struct sockaddr *a, socklen_t n)
{
	return bind(s, a, n);
}

static int to_connect(int s, const struct sockaddr *a, socklen_t n)
{
	return connect(s, a, n);
}

static int to_send(int s, const struct sockaddr *a, socklen_t n)
{
	return sendto(s, "x", 1, 0, a, n) < 0 ? -1 : 0;
}

static void sockets(void)
{
	EACH_FAILING(bound(SOCK_STREAM, path, to_bind));
	unlink(P("dangling"));
	EACH_FAILING(bound(SOCK_STREAM, path, to_connect));
	EACH_FAILING(bound(SOCK_DGRAM, path, to_send));
	CALL(bound(SOCK_STREAM, P("file"), to_bind));
	CALL(bound(SOCK_STREAM, P("sealed/s"), to_bind));
	CALL(bound(SOCK_STREAM, P("dir"), to_connect));
	CALL(bound(SOCK_STREAM, P("s"), to_bind));
	CALL(bound(SOCK_STREAM, P("s"), to_connect));
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	unlink(P("s"));
	strcpy(un.sun_path, P("s"));
	CALL(bind(s, (struct sockaddr *)&un, sizeof(un)));
	CALL(listen(s, 1));
	CALL(bound(SOCK_DGRAM, P("s"), to_connect));
	CALL(bound(SOCK_SEQPACKET, P("s"), to_connect));
	CALL(bound(SOCK_DGRAM, P("s"), to_send));
	CALL(open(P("s"), O_RDONLY));
	CALL(chmod(P("s"), 0));
	CALL(bound(SOCK_STREAM, P("s"), to_connect));
	close(s);
	build();
}

static void watches(void)
{
	int in = inotify_init1(IN_NONBLOCK);

	EACH_FAILING(inotify_add_watch(in, path, IN_OPEN));
	EACH_FAILING(inotify_add_watch(in, path, IN_OPEN | IN_DONT_FOLLOW | IN_ONLYDIR) < 0 ? -1 : 0);
	CALL(inotify_add_watch(in, P("file"), 0));
	CALL(inotify_add_watch(in, P("closed"), IN_OPEN));
	close(in);
}

static void leases(void)
{
	int fd = open(P("file"), O_RDONLY), w = open(P("file"), O_WRONLY), d = open(P("dir"), O_RDONLY), v[2];

	pipe(v);
	signal(SIGIO, SIG_IGN);
	CALL(fcntl(fd, F_SETLEASE, F_RDLCK));
	CALL(fcntl(w, F_SETLEASE, F_RDLCK));
	CALL(fcntl(fd, F_GETLEASE));
	close(w);
	CALL(fcntl(fd, F_SETLEASE, F_RDLCK));
	CALL(fcntl(fd, F_GETLEASE));
	CALL(open(P("file"), O_WRONLY | O_NONBLOCK));
	CALL(truncate(P("dir"), 1));
	CALL(fcntl(fd, F_SETLEASE, F_UNLCK));
	CALL(fcntl(fd, F_SETLEASE, F_WRLCK));
	CALL(fcntl(fd, F_SETLEASE, F_UNLCK));
	CALL(fcntl(fd, F_SETLEASE, 99));
	CALL(fcntl(d, F_SETLEASE, F_RDLCK));
	CALL(fcntl(v[0], F_SETLEASE, F_RDLCK));
	CALL(fcntl(-1, F_SETLEASE, F_RDLCK));
	CALL(fcntl(d, F_NOTIFY, DN_CREATE));
	CALL(fcntl(fd, F_NOTIFY, DN_CREATE));
	CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	CALL(fcntl(fd, F_GET_SEALS));
	close(fd), close(d), close(v[0]), close(v[1]);
}

static void door(void)
{
	pid_t pid = split();

	if (!pid) {
		begin();
		watches();
		sockets();
		leases();
		privileged();
		_exit(0);
	}
	WAIT(pid);
	memset(longname, 'n', sizeof(longname) - 1);
	for (int i = 0; i < PATH_MAX / 2 + 10; i++)
		strcpy(longpath + 2 * i, "./");
	build();
	privileged();
	events();
}
