/* SPDX-License-Identifier: MIT */
/*
 * loop CALL FILE [BLOCK]: a measuring command for alternate. CALL is pread or
 * pwrite, of BLOCK bytes at random multiples of BLOCK within the file; read, at
 * its position (for devices); or, between two readings of the clock as the library
 * makes them, timed, a pread, or copy, a bare memcpy from a mapping of the file:
 * nothing that is timed can be faster than that.
 * Each answer is the time of one call in ns, over a twentieth of a second:
 * processor time, since nothing here waits for a disk, and other programs may
 * be running.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SPAN 50e6     /* ns */

static void die(const char *what)
{
	fprintf(stderr, "loop: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static inline uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed;
}

/* The clock that the library reads, if it can be had. */
static inline uint64_t clock_ticks(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_nsec;
#endif
}

/* What a read in memory takes at the least, with the bytes fetched ahead as the doors do. */
static ssize_t timed_copy(char *buf, const char *src, size_t n)
{
	uint64_t begin, took;

	for (size_t i = 0; i < n && i < 1024; i += 64)
		__builtin_prefetch(src + i);
	begin = clock_ticks();
	memcpy(buf, src, n);
	__asm__ volatile("" : : "r"(buf) : "memory");
	took = clock_ticks() - begin;
	__asm__ volatile("" : : "r"(took));
	return (ssize_t)n;
}

static ssize_t timed_pread(int fd, char *buf, size_t n, off_t off)
{
	uint64_t begin = clock_ticks(), took;
	ssize_t r = pread(fd, buf, n, off);

	took = clock_ticks() - begin;
	__asm__ volatile("" : : "r"(took));
	return r;
}

/* The file in memory, every page of it touched. */
static const char *map(int fd, size_t size)
{
	const char *m = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);

	if (m == MAP_FAILED)
		die("mmap");
	return m;
}

int main(int argc, char **argv)
{
	const char *call = argc > 2 ? argv[1] : "";
	size_t block = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
	int write = !strcmp(call, "pwrite"), here = !strcmp(call, "read"), copy = !strcmp(call, "copy");
	int timed = !strcmp(call, "timed");
	int fd = argc > 2 ? open(argv[2], write ? O_RDWR : O_RDONLY) : -1;
	uint32_t seed = 1, blocks = 1;
	long batch = (long)((4u << 20) / block);
	struct stat st;
	char line[64], *buf;
	const char *bytes;

	if (!write && !here && !copy && !timed && strcmp(call, "pread"))
		die("usage: loop pread|pwrite|read|timed|copy FILE [BLOCK]");
	if (fd < 0 || fstat(fd, &st) < 0)
		die(argv[2]);
	if (S_ISREG(st.st_mode))
		blocks = (uint32_t)((size_t)st.st_size / block);
	batch = batch > 1000 ? 1000 : batch < 1 ? 1 : batch;
	buf = aligned_alloc(4096, (block + 4095) & ~4095ul);
	if (!buf || !blocks)
		die("a block of that size");
	memset(buf, 'x', block);
	bytes = copy ? map(fd, (size_t)st.st_size) : NULL;

	while (fgets(line, sizeof(line), stdin)) {
		double begin = now(), end;
		long n = 0;

		do {
			for (long i = 0; i < batch; i++) {
				off_t off = (off_t)(((uint64_t)next(&seed) * blocks) >> 32) * (off_t)block;
				ssize_t r = copy ? timed_copy(buf, bytes + off, block) :
					    here ? read(fd, buf, block) :
					    write ? pwrite(fd, buf, block, off) :
					    timed ? timed_pread(fd, buf, block, off) :
					    pread(fd, buf, block, off);

				if (r != (ssize_t)block && S_ISREG(st.st_mode))
					die("a short transfer");
			}
			n += batch;
			end = now();
		} while (end - begin < SPAN);
		printf("%.3f\n", (end - begin) / (double)n);
		fflush(stdout);
	}
	return 0;
}
