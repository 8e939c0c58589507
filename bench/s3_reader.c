/* SPDX-License-Identifier: MIT */
/*
 * Reads files as programs do, and says how long it took: seconds, seconds of
 * processor time of this process, bytes.
 *
 *      s3_reader whole BLOCK FILE...             open, read in blocks to the end, close; BLOCK 0: in one
 *      s3_reader ranges THREADS FILE...          each file by so many threads, a range each, one pread
 *      s3_reader random BYTES COUNT THREADS FILE
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char *buf;                       /* of the size of a file */
static long long bytes;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double clock_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static off_t size_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		fail("fstat");
	return st.st_size;
}

static int open_it(const char *name)
{
	int fd = open(name, O_RDONLY);

	if (fd < 0)
		fail(name);
	return fd;
}

static void whole(size_t block, char **name)
{
	for (; *name; name++) {
		int fd = open_it(*name);
		off_t size = block ? (off_t)block : size_of(fd);
		ssize_t n;

		if (!buf && !(buf = malloc((size_t)size)))
			fail("malloc");
		while ((n = read(fd, buf, (size_t)size)) > 0) {
			bytes += n;
			if (!block)
				break;
		}
		if (n < 0 || (!block && n != size))
			fail(*name);
		close(fd);
	}
}

struct part {
	pthread_t thread;
	int fd;
	off_t off;
	size_t len;
	int count;                      /* at random: so many of len, in a file of `off` bytes */
	unsigned seed;
	char *to;
};

static void *read_range(void *arg)
{
	struct part *p = arg;

	if (pread(p->fd, p->to, p->len, p->off) != (ssize_t)p->len)
		fail("pread");
	return NULL;
}

static void *read_random(void *arg)
{
	struct part *p = arg;

	for (int i = 0; i < p->count; i++) {
		off_t at = (off_t)((long long)rand_r(&p->seed) * 2147483648ll + rand_r(&p->seed)) %
			   (p->off / (off_t)p->len) * (off_t)p->len;

		if (pread(p->fd, p->to, p->len, at) != (ssize_t)p->len)
			fail("pread");
	}
	return NULL;
}

static void run(struct part *p, int n, void *(*fn)(void *))
{
	for (int i = 0; i < n; i++)
		if (pthread_create(&p[i].thread, NULL, fn, &p[i]))
			fail("pthread_create");
	for (int i = 0; i < n; i++)
		pthread_join(p[i].thread, NULL);
}

static void ranges(int n, char **name)
{
	struct part *p = calloc((size_t)n, sizeof *p);

	for (; *name; name++) {
		int fd = open_it(*name);
		off_t size = size_of(fd);

		if (!buf && !(buf = malloc((size_t)size)))
			fail("malloc");
		for (int i = 0; i < n; i++)
			p[i] = (struct part){ .fd = fd, .off = size / n * i, .len = (size_t)(size / n),
					      .to = buf + size / n * i };
		run(p, n, read_range);
		bytes += size / n * n;
		close(fd);
	}
}

static void at_random(size_t len, int count, int n, const char *name)
{
	struct part *p = calloc((size_t)n, sizeof *p);
	int fd = open_it(name);
	off_t size = size_of(fd);

	for (int i = 0; i < n; i++)
		p[i] = (struct part){ .fd = fd, .off = size, .len = len, .count = count / n,
				      .seed = (unsigned)(i + getpid()), .to = malloc(len) };
	run(p, n, read_random);
	bytes = (long long)len * (count / n) * n;
	close(fd);
}

int main(int argc, char **argv)
{
	double t = clock_of(CLOCK_MONOTONIC);

	if (argc > 3 && strcmp(argv[1], "whole") == 0)
		whole((size_t)atoll(argv[2]), argv + 3);
	else if (argc > 3 && strcmp(argv[1], "ranges") == 0)
		ranges(atoi(argv[2]), argv + 3);
	else if (argc == 6 && strcmp(argv[1], "random") == 0)
		at_random((size_t)atoll(argv[2]), atoi(argv[3]), atoi(argv[4]), argv[5]);
	else
		return 2;
	printf("%.6f %.6f %lld\n", clock_of(CLOCK_MONOTONIC) - t, clock_of(CLOCK_PROCESS_CPUTIME_ID), bytes);
	return 0;
}
