/* SPDX-License-Identifier: MIT */
/*
 * limit TOPIC FILE: what a store with a limit of 1 MiB (10 for handler) must
 * do. Used by limit.sh.
 *
 *     fallocate  room that is there already costs nothing
 *     over       nor do bytes that are written over; more than the limit is refused
 *     handler    a handler that interrupts malloc writes, so that the store is counted there
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MOST (8 << 20)

static int fd;
static volatile int runs, failures, error;
static char b[65536];

static void check(int line, const char *what, long got, long want)
{
	if (got != want) {
		printf("%d: %s: %ld, not %ld (%s)\n", line, what, got, want, strerrorname_np(errno));
		failures++;
	}
}
#define CHECK(call, want) (errno = 0, check(__LINE__, #call, (long)(call), want))

static void room(void)
{
	for (int i = 0; i < 3; i++)
		CHECK(posix_fallocate(fd, 0, 600 << 10), 0);
	for (int i = 0; i < 3; i++)
		CHECK(fallocate(fd, 0, 100, 600 << 10), 0);
	CHECK(posix_fallocate(fd, 300 << 10, 400 << 10), 0);
	CHECK(posix_fallocate(fd, 0, 2 << 20), ENOSPC);
	CHECK(lseek(fd, 0, SEEK_END), 700 << 10);
	CHECK(ftruncate(fd, 0), 0);
	CHECK(posix_fallocate(fd, 0, 900 << 10), 0);
}

static void over(void)
{
	for (int k = 0; k < 5; k++)
		for (int i = 0; i < 12; i++)
			CHECK(pwrite(fd, b, sizeof(b), i * (off_t)sizeof(b)), (long)sizeof(b));
	for (int k = 0; k < 5; k++) {
		CHECK(lseek(fd, 0, SEEK_SET), 0);
		for (int i = 0; i < 12; i++)
			CHECK(write(fd, b, sizeof(b)), (long)sizeof(b));
	}
	/* 768 KiB are there, and 256 more fit */
	for (int i = 0; i < 4; i++)
		CHECK(pwrite(fd, b, sizeof(b), (2 + i) << 20), (long)sizeof(b));
	CHECK(pwrite(fd, b, sizeof(b), 8 << 20), -1);
	check(__LINE__, "error", errno, ENOSPC);
	CHECK(pwrite(fd, b, sizeof(b), 0), (long)sizeof(b));
}

static void alarmed(int sig)
{
	static off_t off;
	int saved = errno;

	(void)sig;
	if (pwrite(fd, b, sizeof(b), off) != sizeof(b)) {
		error = errno;
		failures++;
	}
	off += sizeof(b);
	if (off > MOST - (off_t)sizeof(b)) {
		off = 0;
		if (ftruncate(fd, 0))
			failures++;
	}
	runs++;
	errno = saved;
}

/* Blocks of malloc's, each filled with a letter of its own. */
static void allocates(void)
{
	static char *block[64];
	static size_t size[64];

	for (unsigned i = 0; i < 2000; i++) {
		unsigned k = i * 37 % 64;

		for (size_t j = 0; j < size[k]; j += 509)
			if (block[k][j] != (char)k) {
				printf("a block changed\n");
				exit(1);
			}
		free(block[k]);
		size[k] = i % 7 ? i * 131 % 5000 : 100000 + i;
		block[k] = malloc(size[k]);
		memset(block[k], (int)k, size[k]);
	}
}

static void handler(void)
{
	struct sigaction sa = { .sa_flags = SA_RESTART };
	struct itimerval it = { { 0, 500 }, { 0, 500 } };
	struct timespec a, z;

	sa.sa_handler = alarmed;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	clock_gettime(CLOCK_MONOTONIC, &a);
	/* enough to have the store counted some times, or 2 s */
	do {
		allocates();
		clock_gettime(CLOCK_MONOTONIC, &z);
	} while (runs < 1500 && z.tv_sec - a.tv_sec < 3);
	it = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &it, NULL);
	if (failures)
		printf("%d of %d handlers failed: %s\n", failures, runs, strerrorname_np(error));
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	fd = open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		return 2;
	if (!strcmp(argv[1], "fallocate"))
		room();
	else if (!strcmp(argv[1], "over"))
		over();
	else if (!strcmp(argv[1], "handler"))
		handler();
	else
		return 2;
	return failures != 0;
}
