/* SPDX-License-Identifier: MIT */
/*
 * threads FILE N: N threads read and write a file and wait. Prints the KiB
 * resident in this process before any of it, with one thread, and with all;
 * without FILE only the first. A thread's stack and heap are in the numbers:
 * compare with a run without the shim.
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 4096
#define CALLS 200

static pthread_barrier_t done, leave;
static int fd;

static long resident(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	long kib = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Rss: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

static void *work(void *arg)
{
	static const size_t sizes[] = { 512, BLOCK };
	char buf[BLOCK];
	long me = (long)arg;

	memset(buf, 'x', sizeof(buf));
	for (int i = 0; i < CALLS; i++) {
		size_t n = sizes[i % 2];
		off_t off = (i / 4 + me) % 256 * BLOCK;

		if (pwrite(fd, buf, n, off) != (ssize_t)n || pread(fd, buf, n, off) != (ssize_t)n)
			abort();
	}
	pthread_barrier_wait(&done);
	pthread_barrier_wait(&leave);
	return NULL;
}

static void run(long n)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_barrier_init(&done, NULL, (unsigned)n + 1);
	pthread_barrier_init(&leave, NULL, 2 * (unsigned)n);   /* nobody leaves */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	for (long i = 0; i < n; i++)
		if (pthread_create(&t, &attr, work, (void *)i))
			abort();
	pthread_barrier_wait(&done);
}

int main(int argc, char **argv)
{
	static char page[BLOCK];
	long before = resident(), one;

	mallopt(M_ARENA_MAX, 1);
	if (argc < 3) {
		printf("%ld\n", before);
		return 0;
	}
	fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	/* laid out, so that what is touched later is the threads' own */
	for (int i = 0; i < 256; i++)
		if (pwrite(fd, page, BLOCK, i * BLOCK) != BLOCK)
			abort();
	/* the file's own pages come into a mapping once, not once a thread */
	run(1);
	for (int i = 0; i < 256; i++)
		if (pread(fd, page, BLOCK, i * BLOCK) != BLOCK || pwrite(fd, page, BLOCK, i * BLOCK) != BLOCK)
			abort();
	one = resident();
	run(atol(argv[2]));
	printf("%ld %ld %ld\n", before, one, resident());
	return 0;
}
