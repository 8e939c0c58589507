/* SPDX-License-Identifier: MIT */
/*
 * aio_order append|fd|exec FILE: what asynchronous requests must not do to each other,
 * however long each takes.
 * append: writes with O_APPEND are in the file in the order of the calls, and when an
 * aio_fsync behind them is over they are.
 * fd: under order=fd each request is over before the next begins.
 * exec: with writes in flight another program takes over; each of them is in the
 * file as a whole or not at all, sector by sector, and the descriptor works there.
 */
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUESTS 24
#define RECORD 8
#define SECTOR 512
#define BLOCK 65536

static struct aiocb cbs[REQUESTS + 1];

static void wrong(const char *what, int i)
{
	printf("%s: request %d\n", what, i);
	exit(1);
}

static void check(int ok, const char *what, int i)
{
	if (!ok)
		wrong(what, i);
}

static void start(int i, int fd, void *buf, size_t n, off_t off, int reads)
{
	cbs[i] = (struct aiocb){ .aio_fildes = fd, .aio_buf = buf, .aio_nbytes = n, .aio_offset = off };
	cbs[i].aio_sigevent.sigev_notify = SIGEV_NONE;
	check((reads ? aio_read(&cbs[i]) : aio_write(&cbs[i])) == 0, "not started", i);
}

static void finish(int i)
{
	const struct aiocb *list[] = { &cbs[i] };

	while (aio_error(&cbs[i]) == EINPROGRESS)
		aio_suspend(list, 1, NULL);
}

static void append(int fd)
{
	static char text[REQUESTS][RECORD + 1], all[REQUESTS * RECORD];

	for (int i = 0; i < REQUESTS; i++) {
		snprintf(text[i], sizeof(text[i]), "%07d\n", i);
		start(i, fd, text[i], RECORD, 0, 0);
	}
	cbs[REQUESTS] = (struct aiocb){ .aio_fildes = fd };
	cbs[REQUESTS].aio_sigevent.sigev_notify = SIGEV_NONE;
	check(aio_fsync(O_DSYNC, &cbs[REQUESTS]) == 0, "not started", REQUESTS);
	finish(REQUESTS);
	check(aio_return(&cbs[REQUESTS]) == 0, "the sync failed", REQUESTS);
	for (int i = 0; i < REQUESTS; i++)
		check(aio_error(&cbs[i]) == 0 && aio_return(&cbs[i]) == RECORD, "not over when the sync is", i);
	check(pread(fd, all, sizeof(all), 0) == (ssize_t)sizeof(all), "lost", REQUESTS);
	for (int i = 0; i < REQUESTS; i++)
		check(!memcmp(all + i * RECORD, text[i], RECORD), "not at its place", i);
}

/* Writes and reads of the same bytes in turns: each read finds what was written before it. */
static void in_order(int fd)
{
	static char text[REQUESTS][RECORD + 1];

	for (int i = 0; i < REQUESTS; i += 2) {
		snprintf(text[i], sizeof(text[i]), "%07d\n", i);
		start(i, fd, text[i], RECORD, 0, 0);
		start(i + 1, fd, text[i + 1], RECORD, 0, 1);
	}
	for (int i = REQUESTS - 1; i >= 0; i--) {
		finish(i);
		for (int k = 0; k < i; k++)
			check(aio_error(&cbs[k]) == 0, "not over before a later one", k);
		check(aio_return(&cbs[i]) == RECORD, "failed", i);
	}
	for (int i = 0; i < REQUESTS; i += 2)
		check(!memcmp(text[i], text[i + 1], RECORD), "a read found other bytes", i + 1);
}

static void begin_and_exec(int fd, char **argv, const char *path)
{
	static char number[16];
	char *again[] = { argv[0], "execed", (char *)path, number, NULL };

	for (int i = 0; i < REQUESTS; i++) {
		char *block = aligned_alloc(4096, BLOCK);

		check(block != NULL, "no memory", i);
		memset(block, 'a' + i, BLOCK);
		start(i, fd, block, BLOCK, (off_t)i * BLOCK, 0);
	}
	snprintf(number, sizeof(number), "%d", fd);
	execv("/proc/self/exe", again);
	wrong("no exec", 0);
}

static void execed(int fd)
{
	static _Alignas(4096) char block[BLOCK];

	for (int i = 0; i < REQUESTS; i++) {
		ssize_t n = pread(fd, block, BLOCK, (off_t)i * BLOCK);

		check(n >= 0, strerror(errno), i);
		for (ssize_t at = 0; at < n; at++)
			check((block[at] == 'a' + i || !block[at]) && block[at] == block[at / SECTOR * SECTOR], "other bytes", i);
	}
	check(pwrite(fd, block, 4096, 0) == 4096, "the descriptor is of no use", 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "", *path = argv[2];
	int direct = getenv("DIRECT") ? O_DIRECT : 0;
	int fd = !strcmp(what, "execed") ? atoi(argv[3]) :
		 open(path, O_RDWR | O_CREAT | O_TRUNC | direct | (strcmp(what, "append") ? 0 : O_APPEND), 0644);

	check(fd >= 0, "open", fd);
	if (!strcmp(what, "append"))
		append(fd);
	else if (!strcmp(what, "fd"))
		in_order(fd);
	else if (!strcmp(what, "exec"))
		begin_and_exec(fd, argv, path);
	else if (!strcmp(what, "execed"))
		execed(fd);
	else
		return 2;
	return 0;
}
