/* SPDX-License-Identifier: MIT */
/*
 * close, dup, dup2, dup3, fcntl duplicates, close_range, closefrom: numbers,
 * flags and what is left open. Fails if a number or a byte differs.
 */
#include "door.h"

static char b[100];

/* The descriptors open now, of the first 300. */
static void open_now(int line)
{
	char s[1200] = "", *end = s;

	for (int fd = 0; fd < 300; fd++)
		if (syscall(SYS_fcntl, fd, F_GETFD) != -1)
			end += sprintf(end, " %d", fd);
	say("%d: open:%s", line, s);
}
#define OPEN_NOW() open_now(__LINE__)

static void duplicates(void)
{
	int fd = CALL(open(P("file"), O_RDWR | O_CLOEXEC)), other, v[2];

	CALL(dup(fd));
	CALL(dup2(fd, 9));
	CALL(dup2(fd, fd));
	CALL(dup2(fd, 9));
	CALL(dup2(-1, 9));
	CALL(dup2(99, 9));
	CALL(dup2(fd, -1));
	CALL(dup2(fd, 1 << 30));
	CALL(dup3(fd, 10, O_CLOEXEC));
	CALL(dup3(fd, 10, O_APPEND));
	CALL(dup3(fd, fd, 0));
	CALL(fcntl(fd, F_DUPFD, 20));
	CALL(fcntl(fd, F_DUPFD_CLOEXEC, 20));
	CALL(fcntl(fd, F_DUPFD, -1));
	CALL(fcntl(fd, F_DUPFD, 1 << 30));
	CALL(fcntl(-1, F_DUPFD, 0));
	CALL(fcntl(fd, 9999, 0));
	for (int i = 3; i < 22; i++)
		if (syscall(SYS_fcntl, i, F_GETFD) != -1)
			say("%d: flags %d", i, fcntl(i, F_GETFD));
	OPEN_NOW();
	CALL(read(4, b, 10));
	CALL(read(9, b, 10));
	BYTES(b, 10);
	CALL(read(21, b, 10));
	CALL(fcntl(20, F_SETFD, FD_CLOEXEC));
	CALL(fcntl(20, F_GETFD));
	CALL(close(4));
	CALL(close(4));
	CALL(read(4, b, 10));
	CALL(read(10, b, 10));

	/* a file of ours over a pipe, and the other way round */
	pipe(v);
	CALL(dup2(fd, v[0]));
	CALL(pread(v[0], b, 10, 0));
	BYTES(b, 10);
	CALL(dup2(v[1], 9));
	CALL(pread(9, b, 10, 0));
	CALL(lseek(9, 0, SEEK_CUR));
	CALL(dup2(0, 10));
	/* one file of ours over another */
	other = open(P("other"), O_RDONLY);
	CALL(dup2(other, 20));
	CALL(pread(20, b, 10, 0));
	BYTES(b, 10);
	CALL(pwrite(20, b, 1, 0));
	CALL(dup2(fd, other));
	CALL(pread(other, b, 10, 0));
	BYTES(b, 10);
	CALL(pread(20, b, 10, 0));
	BYTES(b, 10);
	OPEN_NOW();
	CALL(close_range(3, 400, 0));
	OPEN_NOW();
}

static void standard(void)
{
	/* over standard input, and closed: the next open takes its number */
	int saved = fcntl(0, F_DUPFD, 100), fd = open(P("file"), O_RDONLY);

	CALL(dup2(fd, 0));
	CALL(close(fd));
	CALL(read(0, b, 20));
	BYTES(b, 20);
	say("getchar %d", getchar());
	CALL(close(0));
	CALL(open(P("other"), O_RDONLY));
	CALL(read(0, b, 20));
	BYTES(b, 20);
	dup2(saved, 0);
	close(saved);
	OPEN_NOW();
}

static void ranges(void)
{
	int fd;

	for (int i = 0; i < 5; i++)
		open(P("file"), O_RDONLY);
	CALL(close_range(4, 5, 0));
	OPEN_NOW();
	CALL(close_range(5, 4, 0));
	CALL(close_range(3, 100, 99 << 8));
	CALL(close_range(6, 6, CLOSE_RANGE_CLOEXEC));
	say("flags %d %d", fcntl(6, F_GETFD), fcntl(7, F_GETFD));
	CALL(pread(6, b, 10, 0));
	CALL(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC));
	say("flags %d %d", fcntl(3, F_GETFD), fcntl(7, F_GETFD));
	CALL(close_range(3, ~0U, 0));
	OPEN_NOW();
	fd = CALL(open(P("file"), O_RDWR));
	CALL(pread(fd, b, 50, 0));
	BYTES(b, 50);
	CALL(pwrite(fd, "again", 5, 1000));
	closefrom(3);
	OPEN_NOW();
	CALL(pread(fd, b, 50, 0));
	fd = CALL(open(P("file"), O_RDWR));
	CALL(pwrite(fd, "again", 5, 2000));
	CONTENT(fd);
	for (int i = 3; i < 1024; i++)
		close(i);
	fd = CALL(open(P("file"), O_RDWR));
	CALL(pwrite(fd, "again", 5, 3000));
	CONTENT(fd);
	CALL(close(fd));
}

static void in_a_child(void)
{
	int fd = open(P("file"), O_RDWR);
	pid_t pid = split();

	if (!pid) {
		CALL(close_range(3, ~0U, CLOSE_RANGE_UNSHARE));
		CALL(read(fd, b, 1));
		fd = CALL(open(P("other"), O_RDONLY));
		CALL(read(fd, b, 10));
		BYTES(b, 10);
		_exit(0);
	}
	WAIT(pid);
	CALL(read(fd, b, 10));
	BYTES(b, 10);
	close(fd);
}

static void door(void)
{
	make(P("file"), 5000, 1);
	make(P("other"), 5000, 2);
	closefrom(3);
	duplicates();
	standard();
	in_a_child();
	ranges();
}
