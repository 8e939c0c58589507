/* SPDX-License-Identifier: MIT */
/*
 * Numbers of ours closed behind our back and taken by something else: a
 * socket, a pipe, an event counter, a descriptor sent by another process.
 * Fails if it is still treated as the file it was.
 */
#include "door.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

static char b[100];

/* A close that passes no symbol at all. */
static long close_behind(int fd)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "0"((long)SYS_close), "D"((long)fd) : "rcx", "r11", "memory");
	return r;
}

/* What remains of a file of ours: its number, free. */
static int number(void)
{
	int fd = open(P("file"), O_RDWR);

	pread(fd, b, 10, 0);
	lseek(fd, 5, SEEK_SET);
	close_behind(fd);
	return fd;
}

/* It must answer as what it is now. */
static void probe(int line, const char *what, int want, int fd)
{
	struct stat st;

	long r;

	say("%d: %s takes the number %d", line, what, fd == want);
#define STEP(call) (errno = UNTOUCHED, r = (call), say("%d: " #call " %ld %s", line, r, name_of(errno)))
	STEP(lseek(fd, 0, SEEK_CUR));
	STEP(pread(fd, b, 10, 0));
	STEP(pwrite(fd, b, 1, 0));
	STEP(ftruncate(fd, 0));
	STEP(fstat(fd, &st));
	if (!r)
		say("%d: regular %d", line, S_ISREG(st.st_mode));
}
#define PROBE(what, want, fd) probe(__LINE__, what, want, fd)

static void talk(int line, int from, int to)
{
	ssize_t w, r;

	memset(b, 0, sizeof(b));
	w = write(from, "hello", 5);
	r = read(to, b, 10);
	say("%d: write %zd, read %zd, %s", line, w, r, b);
}

static int received(int s)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c;
	struct iovec iov = { b, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	int fd = -1;

	if (recvmsg(s, &m, 0) >= 0 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void sends(int s, int fd)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c;
	struct iovec iov = { (char *)"x", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };

	memset(&c, 0, sizeof(c));
	c.h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	if (sendmsg(s, &m, 0) != 1)
		say("sendmsg: %s", name_of(errno));
}

static void door(void)
{
	int n, fd, v[2], s[2], hi, lo;

	make(P("file"), 1000, 1);
	make(P("other"), 1000, 2);

	n = number();
	if (has_nodes())        /* without a kernel file nobody says that it is gone */
		PROBE("nothing", n, n);

	n = number();
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	PROBE("socket", n, fd);
	CALL(close(fd));

	n = number();
	pipe(v);
	PROBE("pipe", n, v[0]);
	talk(__LINE__, v[1], v[0]);
	close(v[0]);
	close(v[1]);

	hi = open(P("file"), O_RDWR);
	lo = open(P("file"), O_RDWR);
	close_behind(hi);
	close_behind(lo);
	pipe2(v, O_CLOEXEC);
	PROBE("pipe2", hi, v[0]);
	PROBE("pipe2", lo, v[1]);
	talk(__LINE__, v[1], v[0]);
	close(v[0]);
	close(v[1]);

	n = number();
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	PROBE("socketpair", n, s[0]);
	talk(__LINE__, s[1], s[0]);

	n = number();
	fd = eventfd(3, 0);
	uint64_t count = 0;
	CALL(read(fd, &count, 8));
	say("count %llu", (unsigned long long)count);
	PROBE("eventfd", n, fd);
	close(fd);

	n = number();
	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	PROBE("timerfd", n, fd);
	close(fd);
	n = number();
	fd = epoll_create1(0);
	PROBE("epoll", n, fd);
	close(fd);
	n = number();
	fd = inotify_init1(IN_NONBLOCK);
	PROBE("inotify", n, fd);
	close(fd);
	n = number();
	sigset_t set;
	sigemptyset(&set);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	PROBE("signalfd", n, fd);
	close(fd);

	/* another file, by a call of the kernel's that we serve or do not */
	n = number();
	fd = memfd_create("x", 0);
	CALL(fd == n);
	CALL(write(fd, "memfd", 5));
	CALL(pread(fd, b, 100, 0));
	BYTES(b, 5);
	close(fd);
	n = number();
	fd = open("/dev/null", O_RDWR);
	CALL(fd == n);
	CALL(write(fd, "null", 4));
	CALL(pread(fd, b, 100, 0));
	close(fd);
	n = number();
	fd = open(P("other"), O_RDONLY);
	CALL(fd == n);
	CALL(read(fd, b, 100));
	BYTES(b, 100);
	close(fd);
	n = number();
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	CALL(fd == n);
	CALL(read(fd, b, 100));
	close(fd);

	/* sent through a socket: another file's, then a pipe's */
	n = number();
	fd = open("/dev/zero", O_RDONLY);
	sends(s[1], fd);
	close(fd);
	n = number();
	fd = received(s[0]);
	CALL(fd == n);
	CALL(read(fd, b, 10));
	BYTES(b, 10);
	PROBE("received", n, fd);
	close(fd);
	fd = open(P("other"), O_RDWR);
	lseek(fd, 3, SEEK_SET);
	sends(s[1], fd);
	close(fd);
	fd = received(s[0]);
	CALL(read(fd, b, 10));
	BYTES(b, 10);
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(pwrite(fd, "sent", 4, 0));
	CONTENT(fd);
	close(fd);

	/* accepted */
	struct sockaddr_un { sa_family_t family; char path[108]; } a = { AF_UNIX, "\0shim-test-reuse" };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(a.path + 1, sizeof(a.path) - 1, "shim-test-%d", (int)getpid());
	if (bind(l, (struct sockaddr *)&a, sizeof(a)) || listen(l, 1) || connect(c, (struct sockaddr *)&a, sizeof(a)))
		say("no connection: %s", name_of(errno));
	n = number();
	fd = accept(l, NULL, NULL);
	PROBE("accept", n, fd);
	talk(__LINE__, c, fd);
	close(fd);
	close(c);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(c, (struct sockaddr *)&a, sizeof(a)))
		say("no connection: %s", name_of(errno));
	n = number();
	fd = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	PROBE("accept4", n, fd);
	talk(__LINE__, c, fd);
	closefrom(3);

	/* a stream closes its descriptor, inside libc */
	FILE *f = fopen(P("file"), "r+");
	n = fileno(f);
	pread(n, b, 10, 0);
	fclose(f);
	pipe(v);
	PROBE("pipe after fclose", n, v[0]);
	talk(__LINE__, v[1], v[0]);
	closefrom(3);
	/* and so does a directory */
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	closedir(d);
	pipe(v);
	PROBE("pipe after closedir", fd, v[0]);
	closefrom(3);
	f = popen("echo popen", "r");
	n = number();
	FILE *g = popen("echo again", "r");
	say("popen takes the number %d", fileno(g) == n);
	PTR(fgets(b, 100, g));
	BYTES(b, (long)strlen(b));
	pclose(g);
	pclose(f);
}
