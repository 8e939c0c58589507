/* SPDX-License-Identifier: MIT */
/*
 * The position of an open file: lseek of every kind, data and holes, append,
 * and who shares it. Fails if a position or a byte differs.
 */
#include "door.h"

static char b[65536];

static void seeks(int fd)
{
	CALL(lseek(fd, 0, SEEK_END));
	CALL(lseek(fd, -10, SEEK_CUR));
	CALL(lseek(fd, -10, SEEK_SET));
	CALL(lseek(fd, -1000000, SEEK_END));
	CALL(lseek(fd, INT64_MAX, SEEK_SET));
	CALL(lseek(fd, INT64_MAX, SEEK_CUR));
	CALL(lseek(fd, 100, SEEK_END));
	CALL(read(fd, b, 10));
	CALL(write(fd, "past", 4));
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(lseek(fd, 0, 99));
	CALL(lseek(fd, 0, -1));
	CALL(lseek(-1, 0, SEEK_SET));
	CONTENT(fd);
}

static void data_and_holes(void)
{
	int fd = open(P("sparse"), O_RDWR | O_CREAT, 0644);

	pattern(b, 65536, 5);
	CALL(pwrite(fd, b, 65536, 0));
	CALL(pwrite(fd, b, 65536, 1 << 20));
	CALL(ftruncate(fd, 2 << 20));
	CALL(fsync(fd));
	CALL(lseek(fd, 0, SEEK_DATA));
	CALL(lseek(fd, 0, SEEK_HOLE));
	CALL(lseek(fd, 65536, SEEK_DATA));
	CALL(lseek(fd, 1 << 20, SEEK_HOLE));
	CALL(lseek(fd, (1 << 20) + 65536, SEEK_DATA));
	CALL(lseek(fd, 2 << 20, SEEK_HOLE));
	CALL(lseek(fd, 2 << 20, SEEK_DATA));
	CALL(lseek(fd, -1, SEEK_DATA));
	CALL(lseek(fd, 0, SEEK_CUR));
	/* reading a hole makes no data of it */
	for (int i = 0; i < 15; i++)
		if (pread(fd, b, 65536, 65536 + i * 1000) != 65536 || b[0] || b[40000])
			say("hole %d reads wrong", i);
	CALL(lseek(fd, 65536, SEEK_DATA));
	struct stat st;
	CALL(fstat(fd, &st));
	say("allocated less than 512 KiB: %d", st.st_blocks < 1024);
	close(fd);
}

static void append(void)
{
	int one = open(P("log"), O_WRONLY | O_CREAT | O_APPEND, 0644);
	int two = open(P("log"), O_RDWR | O_APPEND);
	int three = open(P("log"), O_RDWR);
	struct iovec v[2] = { { (char *)"vec", 3 }, { (char *)"tor", 3 } };

	CALL(write(one, "one", 3));
	CALL(write(two, "two", 3));
	CALL(write(one, "one", 3));
	CALL(lseek(one, 0, SEEK_CUR));
	CALL(lseek(two, 0, SEEK_CUR));
	/* Linux appends here whatever the offset */
	CALL(pwrite(one, "at0", 3, 0));
	CALL(pwritev(one, v, 2, 0));
	CALL(lseek(one, 0, SEEK_CUR));
	CALL(writev(two, v, 2));
	CALL(write(three, "THREE", 5));
	CALL(lseek(three, 0, SEEK_CUR));
	CALL(pread(two, b, 100, 0));
	BYTES(b, 24);

	CALL(fcntl(three, F_SETFL, O_APPEND));
	CALL(write(three, "end", 3));
	CALL(pwrite(three, "end", 3, 1));
	CALL(fcntl(three, F_GETFL));
	CALL(fcntl(three, F_SETFL, 0));
	CALL(pwrite(three, "<1>", 3, 1));
	CALL(pwrite(one, "x", 1, -1));
	CONTENT(two);
	close(one);
	close(two);
	close(three);
}

static void shared(void)
{
	int fd = open(P("file"), O_RDWR), other = open(P("file"), O_RDWR);
	int twin = dup(fd), high = fcntl(fd, F_DUPFD, 50);
	int status;
	pid_t pid;

	CALL(lseek(fd, 7, SEEK_SET));
	CALL(lseek(twin, 0, SEEK_CUR));
	CALL(lseek(other, 0, SEEK_CUR));
	CALL(read(twin, b, 5));
	CALL(read(high, b, 5));
	CALL(write(fd, "zzz", 3));
	CALL(lseek(high, 0, SEEK_CUR));
	CALL(lseek(other, 0, SEEK_CUR));
	CALL(fcntl(twin, F_SETFL, O_APPEND));
	CALL(fcntl(fd, F_GETFL));
	CALL(pwrite(fd, "tail", 4, 0));
	CALL(fcntl(fd, F_SETFL, 0));
	pid = split();
	if (!pid) {
		read(fd, b, 11);
		lseek(other, 1000, SEEK_SET);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CALL(lseek(twin, 0, SEEK_CUR));
	CALL(lseek(other, 0, SEEK_CUR));
	CALL(close(fd));
	CALL(read(twin, b, 4));
	CALL(close(twin));
	CALL(read(high, b, 4));
	CALL(lseek(high, 0, SEEK_CUR));
	CALL(close(high));
	CALL(close(other));
}

static void not_files(void)
{
	int v[2];

	pipe(v);
	CALL(lseek(v[0], 0, SEEK_CUR));
	CALL(pread(v[0], b, 1, 0));
	close(v[0]);
	close(v[1]);
}

static void door(void)
{
	int fd;

	make(P("file"), 12345, 1);
	fd = open(P("file"), O_RDWR);
	seeks(fd);
	close(fd);
	data_and_holes();
	append();
	shared();
	not_files();
}
