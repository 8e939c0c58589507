/* SPDX-License-Identifier: MIT */
/*
 * s3_hop FILE: what a call of the agent costs. 4 KiB reads in random order, all
 * blocks twice: the first time the server is asked, the second time the agent's
 * cache has them but this process was not told where; then the same block again
 * and again, which needs no agent. And stat of the name.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Median, tenth and ninety-ninth percentile. */
static void print(const char *what, double *us, int n)
{
	qsort(us, (size_t)n, sizeof(*us), compare);
	printf("%s %.2f %.2f %.2f\n", what, us[n / 2], us[n / 10], us[n - 1 - n / 100]);
}

/* KiB of this process, those it shares with others too. */
static long resident(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "Rss: %ld", &kib);
	if (f)
		fclose(f);
	return kib;
}

static void shuffle(int *a, int n)
{
	for (int i = 0; i < n; i++)
		a[i] = i;
	for (int i = n - 1; i > 0; i--) {
		int k = rand() % (i + 1), t = a[i];

		a[i] = a[k];
		a[k] = t;
	}
}

static void reads(const char *what, int fd, const int *block, int n, double *us)
{
	static char buf[BLOCK];

	for (int i = 0; i < n; i++) {
		double t = now();

		if (pread(fd, buf, BLOCK, (off_t)block[i] * BLOCK) != BLOCK) {
			perror("pread");
			exit(1);
		}
		us[i] = now() - t;
	}
	print(what, us, n);
}

int main(int argc, char **argv)
{
	long before = resident();
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1, n;
	struct stat st;
	double *us;
	int *block;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < BLOCK) {
		fprintf(stderr, "usage: s3_hop FILE\n");
		return 2;
	}
	n = (int)(st.st_size / BLOCK);
	us = malloc((size_t)n * sizeof(*us));
	block = malloc((size_t)n * sizeof(*block));
	shuffle(block, n);
	reads("server", fd, block, n, us);
	shuffle(block, n);
	reads("agent", fd, block, n, us);
	memset(block, 0, (size_t)n * sizeof(*block));
	reads("known", fd, block, n, us);
	stat(argv[1], &st);
	for (int i = 0; i < n; i++) {
		double t = now();

		stat(argv[1], &st);
		us[i] = now() - t;
	}
	print("stat", us, n);
	free(us);
	free(block);
	printf("memory %ld\n", resident() - before);
	return 0;
}
