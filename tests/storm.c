/* SPDX-License-Identifier: MIT */
/*
 * storm DIR [jump]: a timer's signal handler opens, reads, writes and closes
 * files while the main thread is in the middle of the same; with `jump`, it
 * leaves by siglongjmp every time. Prints what must not depend on the timing.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define BLOCK 4096
#define ROUNDS 4000

static char other[4096], path[4096], moved[4096];
static volatile sig_atomic_t alarms, failures, jumping, pause_us;
static volatile int fd_shared = -1;
static sigjmp_buf back;

static void check(int ok)
{
	if (!ok)
		failures++;
}

static int all(const char *buf, size_t n, int c)
{
	for (size_t i = 0; i < n; i++)
		if (buf[i] != c)
			return 0;
	return 1;
}

/* One alarm; the next is set by its handler, so that a slow one leaves time for the rest. */
static void timer(int usec)
{
	struct itimerval it = { { 0, 0 }, { 0, usec } };

	pause_us = usec;
	setitimer(ITIMER_REAL, &it, NULL);
}

/* What a handler may do: all of these are async-signal-safe. */
static void on_alarm(int signo)
{
	int saved = errno;
	char buf[BLOCK];
	struct stat st;
	int fd;

	(void)signo;
	alarms++;
	fd = open(other, O_RDWR | O_CREAT | O_APPEND, 0600);
	check(fd >= 0);
	memset(buf, 'h', sizeof(buf));
	check(write(fd, buf, 100) == 100);
	check(fstat(fd, &st) == 0 && st.st_size >= 100);
	check(pread(fd, buf, 100, st.st_size - 100) == 100 && all(buf, 100, 'h'));
	if (st.st_size > 100000)
		check(ftruncate(fd, 0) == 0);
	check(close(fd) == 0);
	/* the interrupted thread's own file: its blocks are whole, whichever they are */
	if (fd_shared >= 0) {
		check(pread(fd_shared, buf, BLOCK, BLOCK) == BLOCK && all(buf, BLOCK, 'b'));
		check(pwrite(fd_shared, buf, BLOCK, 2 * BLOCK) == BLOCK);
	}
	check(stat(other, &st) == 0);
	timer(pause_us);
	errno = saved;
	if (jumping)
		siglongjmp(back, 1);
}

static void round_of(int i)
{
	char buf[BLOCK];
	int fd;

	memset(buf, 'm', sizeof(buf));
	check(pwrite(fd_shared, buf, BLOCK, 0) == BLOCK);
	check(pread(fd_shared, buf, BLOCK, 0) == BLOCK && all(buf, BLOCK, 'm'));
	check(lseek(fd_shared, BLOCK, SEEK_SET) == BLOCK);
	check(read(fd_shared, buf, BLOCK) == BLOCK && all(buf, BLOCK, 'b'));
	if (i % 8)
		return;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	check(fd >= 0 && write(fd, buf, 1000) == 1000);
	check(dup2(fd, fd + 1) == fd + 1 && close(fd + 1) == 0);
	check(ftruncate(fd, 500) == 0 && lseek(fd, 0, SEEK_END) == 500 && fsync(fd) == 0);
	check(close(fd) == 0 && rename(path, moved) == 0 && unlink(moved) == 0);
	check(access(path, F_OK) < 0 && errno == ENOENT);
}

static void storm(void)
{
	timer(150);
	for (int i = 0; i < ROUNDS || alarms < 20; i++)
		round_of(i);
	timer(0);
}

/* Every alarm throws the main thread out of whatever it was in. */
static void jumps(void)
{
	volatile int i = 0;

	jumping = 1;
	sigsetjmp(back, 1);
	timer(700);
	while (alarms < 200) {
		char buf[BLOCK];
		int fd = fd_shared;

		memset(buf, 'm', sizeof(buf));
		(void)!pwrite(fd, buf, BLOCK, 0);
		check(pread(fd, buf, BLOCK, BLOCK) == BLOCK && all(buf, BLOCK, 'b'));
		if (++i % 4 == 0 && ftruncate(fd, 3 * BLOCK) < 0)
			check(0);
	}
	timer(0);
	jumping = 0;
	round_of(0);
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_alarm };
	char buf[BLOCK];

	if (argc < 2)
		return 2;
	snprintf(other, sizeof(other), "%s/other", argv[1]);
	snprintf(path, sizeof(path), "%s/path", argv[1]);
	snprintf(moved, sizeof(moved), "%s/moved", argv[1]);
	snprintf(buf, sizeof(buf), "%s/shared", argv[1]);
	fd_shared = open(buf, O_RDWR | O_CREAT | O_TRUNC, 0644);
	memset(buf, 'b', sizeof(buf));
	for (int i = 0; i < 3; i++)
		check(write(fd_shared, buf, BLOCK) == BLOCK);
	sigaction(SIGALRM, &act, NULL);
	argc > 2 ? jumps() : storm();
	printf("%d failures, alarms came: %d, next descriptor %d\n", (int)failures, alarms >= 20,
	       open("/dev/null", O_RDONLY));
	return failures != 0;
}
