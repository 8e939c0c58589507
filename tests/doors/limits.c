/* SPDX-License-Identifier: MIT */
/*
 * Limits of the process: file size, open files, address space; and numbers,
 * of which the lowest free one is taken. Fails if a limit is passed over or
 * met too early.
 *
 * The tests' object files take a second descriptor each, which counts.
 * not: object
 */
#include <aio.h>

#include "door.h"

static _Alignas(4096) char b[65536];

static void lowest(void)
{
	int a, c, d;

	closefrom(3);
	a = CALL(open(P("file"), O_RDWR));
	c = CALL(open(P("file"), O_RDWR));
	d = CALL(open(P("file"), O_RDWR));
	CALL(pread(a, b, 100, 0));
	CALL(pwrite(c, b, 100, 0));
	CALL(close(c));
	CALL(socket(AF_UNIX, SOCK_STREAM, 0));
	CALL(close(a));
	CALL(open("/dev/null", O_RDONLY));
	CALL(dup(d));
	CALL(close(d));
	CALL(open(P("file"), O_RDWR | O_APPEND));
	CALL(memfd_create("x", 0));
	closefrom(3);
}

static void open_files(void)
{
	struct rlimit l, old;
	int n = 0;

	getrlimit(RLIMIT_NOFILE, &old);
	l = old;
	l.rlim_cur = 20;
	CALL(setrlimit(RLIMIT_NOFILE, &l));
	errno = UNTOUCHED;
	while (open(P("file"), O_RDWR) >= 0)
		n++;
	say("%d opened, then %s", n, name_of(errno));
	CALL(dup(3));
	CALL(fcntl(3, F_DUPFD, 0));
	CALL(fcntl(3, F_DUPFD, 20));
	CALL(dup2(3, 20));
	CALL(dup2(3, 19));
	CALL(pread(19, b, 100, 0));
	BYTES(b, 100);
	CALL(pwrite(18, b, 100, 200));
	PTR(fopen(P("file"), "r"));
	PTR(opendir(dir));
	CALL(stat(P("file"), &(struct stat){ 0 }));
	CALL(rename(P("file"), P("file2")));
	CALL(rename(P("file2"), P("file")));
	CALL(truncate(P("file"), 60000));
	CALL(close(5));
	CALL(open(P("file"), O_RDWR));
	CALL(pread(5, b, 1000, 0));
	BYTES(b, 1000);
	setrlimit(RLIMIT_NOFILE, &old);
	closefrom(3);
}

/* Asynchronously it is an error and no signal. */
static void asynchronously(int flags)
{
	int fd = open(P("limited2"), O_RDWR | O_CREAT | flags, 0644), e;
	struct aiocb cb = { .aio_fildes = fd, .aio_buf = b, .aio_nbytes = 8192, .aio_sigevent.sigev_notify = SIGEV_NONE };

	for (cb.aio_offset = 0; cb.aio_offset <= 16384; cb.aio_offset += 8192) {
		CALL(aio_write(&cb));
		while ((e = aio_error(&cb)) == EINPROGRESS)
			nap();
		say("%s, %zd", name_of(e), aio_return(&cb));
	}
	CONTENT(fd);
	unlink(P("limited2"));
	close(fd);
}

static void file_size(void)
{
	struct rlimit l = { 10000, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
	struct iovec v[3] = { { b, 4000 }, { b, 4000 }, { b, 4000 } };
	int fd = open(P("limited"), O_RDWR | O_CREAT, 0644), d;
	pid_t pid;

	signal(SIGXFSZ, SIG_IGN);
	CALL(setrlimit(RLIMIT_FSIZE, &l));
	CALL(pwrite(fd, b, 9000, 0));
	CALL(pwrite(fd, b, 9000, 5000));
	CALL(pwrite(fd, b, 1, 10000));
	CALL(pwrite(fd, b, 1, 20000));
	CALL(pwrite(fd, b, 100, 9999));
	CALL(lseek(fd, 9990, SEEK_SET));
	CALL(write(fd, b, 100));
	CALL(write(fd, b, 100));
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(pwritev(fd, v, 3, 0));
	CALL(pwritev(fd, v, 3, 10000));
	CALL(pwrite(fd, b, 0, 20000));
	CALL(ftruncate(fd, 10000));
	CALL(ftruncate(fd, 10001));
	CALL(truncate(P("limited"), 20000));
	CALL(fallocate(fd, 0, 0, 20000));
	CALL(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000));
	ERR(posix_fallocate(fd, 0, 20000));
	CONTENT(fd);
	CALL(fcntl(fd, F_SETFL, O_APPEND));
	CALL(write(fd, b, 1));
	CALL(fcntl(fd, F_SETFL, 0));
	d = open(P("file"), O_RDONLY);
	CALL(lseek(fd, 9000, SEEK_SET));
	CALL(sendfile(fd, d, NULL, 5000));
	CALL(sendfile(fd, d, NULL, 5000));
	CALL(copy_file_range(d, NULL, fd, NULL, 5000, 0));
	/* a file that is larger already may be written below the limit only */
	int big = open(P("file"), O_RDWR);
	CALL(pwrite(big, b, 100, 500));
	CALL(pwrite(big, b, 100, 30000));
	CALL(pwrite(big, b, 1000, 9500));
	CALL(ftruncate(big, 50000));
	CONTENT(big);
	pid = split();
	if (!pid) {
		signal(SIGXFSZ, SIG_DFL);
		pwrite(fd, b, 1, 10000);
		_exit(0);
	}
	WAIT(pid);
	pid = split();
	if (!pid) {
		signal(SIGXFSZ, SIG_DFL);
		ftruncate(fd, 10001);
		_exit(0);
	}
	WAIT(pid);
	pid = split();
	if (!pid) {
		l.rlim_cur = 12288;
		setrlimit(RLIMIT_FSIZE, &l);
		signal(SIGXFSZ, SIG_DFL);
		asynchronously(0);
		if (takes_direct())
			asynchronously(O_DIRECT);
		_exit(0);
	}
	WAIT(pid);
	CALL(setrlimit(RLIMIT_FSIZE, &none));
	CALL(pwrite(fd, b, 100, 10000));
	CALL(prlimit(0, RLIMIT_FSIZE, &l, NULL));
	CALL(pwrite(fd, b, 100, 10100));
	CALL(setrlimit(RLIMIT_FSIZE, &none));
	CONTENT(fd);
	closefrom(3);
}

static void door(void)
{
	pattern(b, sizeof(b), 1);
	make(P("file"), 60000, 1);
	lowest();
	open_files();
	file_size();
}
