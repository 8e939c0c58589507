/* SPDX-License-Identifier: MIT */
/*
 * The rarer calls that make a descriptor, each on a number that was a file of
 * ours until it was closed behind our back. Fails if what they made is
 * treated as that file.
 */
#include "door.h"

#include <mqueue.h>
#include <pty.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/pidfd.h>

static char b[100];

static int number(void)
{
	int fd = open(P("file"), O_RDWR);
	long r;

	pread(fd, b, 10, 0);
	__asm__ volatile("syscall" : "=a"(r) : "0"((long)SYS_close), "D"((long)fd) : "rcx", "r11", "memory");
	return fd;
}

/* Whether fd, at the number that was ours, is no regular file and gives none of its bytes. */
static void probe(int line, const char *call, int want, int fd)
{
	struct stat st;
	int e = errno;
	ssize_t r;

	if (fd < 0) {
		say("%d: %s: %s", line, call, name_of(e));
		return;
	}
	fstat(fd, &st);
	memset(b, 0, sizeof(b));
	r = pread(fd, b, 10, 0);
	say("%d: %s: same number %d, regular %d, pread %zd %s, size %lld", line, call, fd == want,
	    S_ISREG(st.st_mode), r, r < 0 ? name_of(errno) : "", S_ISREG(st.st_mode) ? (long long)st.st_size : 0);
	BYTES(b, 10);
	close(fd);
}
#define PROBE(call) do { int n_ = number(); probe(__LINE__, #call, n_, call); } while (0)

static void several(void)
{
	int m = -1, s = -1, n = number(), v[2], v2[2];
	struct iovec iov = { b, 1 };
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c;
	struct mmsghdr mm = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) } };
	pid_t pid;

	CALL(openpty(&m, &s, NULL, NULL, NULL));
	probe(__LINE__, "openpty", n, m);
	close(s);
	n = number();
	fflush(stdout);
	pid = forkpty(&m, NULL, NULL, NULL);
	if (!pid)
		_exit(0);
	WAIT(pid);      /* before its terminal is closed */
	probe(__LINE__, "forkpty", n, m);

	socketpair(AF_UNIX, SOCK_DGRAM, 0, v);
	pipe(v2);
	memset(&c, 0, sizeof(c));
	c.h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&c.h), &v2[0], sizeof(int));
	CALL(sendmsg(v[1], &mm.msg_hdr, 0));
	n = number();
	CALL(recvmmsg(v[0], &mm, 1, 0, NULL));
	memcpy(&m, CMSG_DATA(&c.h), sizeof(int));
	probe(__LINE__, "recvmmsg", n, m);
	closefrom(3);
}

static void streams(void)
{
	int n = number();
	FILE *f = fopen(P("file"), "r");

	say("a stream takes the number %d", fileno(f) == n);
	pread(n, b, 10, 0);
	BYTES(b, 10);
	fclose(f);
}

static void last(void)
{
	FILE *f = fopen(P("all"), "w");
	int n = fileno(f), v[2];
	pid_t pid;

	fputs("closed with all others", f);
	pid = split();
	if (!pid) {
		int keep = dup(1);

		fcloseall();
		pipe(v);
		dprintf(keep, "fcloseall: %d %d\n", pread(n, b, 10, 0) == -1, errno == ESPIPE || errno == EBADF);
		_exit(0);
	}
	WAIT(pid);
	fclose(f);
	FILE_AT(P("all"));
}

static void door(void)
{
	union { struct file_handle h; char room[sizeof(struct file_handle) + MAX_HANDLE_SZ]; } handle;
	char name[64];
	int mount_id, fd;

	make(P("file"), 1000, 1);
	closefrom(3);
	snprintf(name, sizeof(name), "/shim-test-%d", (int)getpid());
	PROBE(epoll_create(1));
	PROBE(inotify_init());
	PROBE(posix_openpt(O_RDWR | O_NOCTTY));
	PROBE(getpt());
	PROBE(shm_open(OPAQUE((char *)name), O_RDWR | O_CREAT | O_EXCL, 0600));
	shm_unlink(name);
	PROBE(mq_open(OPAQUE((char *)name), O_RDWR | O_CREAT, 0600, NULL));
	mq_unlink(name);
	PROBE(pidfd_open(getpid(), 0));
	PROBE(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
	PROBE(fsopen("tmpfs", 0));
	PROBE(fspick(AT_FDCWD, "/", 0));
	PROBE(fsmount(-1, 0, 0));
	PROBE(open_tree(AT_FDCWD, "/dev", 0));
	fd = pidfd_open(getpid(), 0);
	PROBE(pidfd_getfd(fd, 0, 0));
	close(fd);
	handle.h.handle_bytes = MAX_HANDLE_SZ;
	if (!name_to_handle_at(AT_FDCWD, "/dev", &handle.h, &mount_id, 0)) {
		fd = open("/dev", O_RDONLY);
		PROBE(open_by_handle_at(fd, &handle.h, O_RDONLY));
		close(fd);
	}
	several();
	streams();

	/* watches and modes by path */
	fd = inotify_init1(IN_NONBLOCK);
	if (has_nodes())        /* what the kernel does not have it cannot watch */
		CALL(inotify_add_watch(fd, P("file"), IN_MODIFY) > 0);
	CALL(inotify_add_watch(fd, P("none"), IN_MODIFY));
	CALL(truncate(P("file"), 10));
	CALL(read(fd, b, sizeof(b)));
	close(fd);
	CALL(lchmod(P("file"), 0600));
	last();
}
