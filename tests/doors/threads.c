/* SPDX-License-Identifier: MIT */
/*
 * Threads: with the smallest stacks there are, many at once on one file and
 * each on its own, opening and closing all the time. Fails if a byte differs
 * or a stack overflows.
 */
#include "door.h"

#include <pthread.h>

#define THREADS 16
#define ROUNDS 60

static int common;
static _Atomic int failures;

static void *small(void *arg)
{
	long id = (long)arg;
	char mine[512], got[512];
	int fd;

	for (int i = 0; i < ROUNDS; i++) {
		memset(mine, (int)(id * 7 + i) | 1, sizeof(mine));
		if (pwrite(common, mine, 512, id * 4096 + 100) != 512 ||
		    pread(common, got, 512, id * 4096 + 100) != 512 || memcmp(mine, got, 512))
			failures++;
		fd = dup(common);
		if (fd < 0 || pread(fd, got, 512, id * 4096 + 100) != 512 || memcmp(mine, got, 512))
			failures++;
		if (fstat(fd, &(struct stat){ 0 }) || close(fd))
			failures++;
	}
	return NULL;
}

static void *own(void *arg)
{
	long id = (long)arg;
	char *path = NULL, mine[5000], got[5000];
	int fd;

	if (asprintf(&path, "%s/own%ld", dir, id) < 0)
		return NULL;
	for (int i = 0; i < ROUNDS; i++) {
		pattern(mine, sizeof(mine), (unsigned)(id * 1000 + i));
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || write(fd, mine, 5000) != 5000 || lseek(fd, 0, SEEK_SET) ||
		    read(fd, got, 5000) != 5000 || memcmp(mine, got, 5000) || close(fd))
			failures++;
		if (i % 5 == 0 && unlink(path))
			failures++;
	}
	free(path);
	return NULL;
}

/* Every thread appends whole records to one file. */
static void *record(void *arg)
{
	long id = (long)arg;
	char line[64];

	for (int i = 0; i < ROUNDS; i++) {
		memset(line, 'a' + (int)id, sizeof(line));
		if (write(common, line, sizeof(line)) != sizeof(line))
			failures++;
	}
	return NULL;
}

static void all(void *(*body)(void *), size_t stack)
{
	pthread_t t[THREADS];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	if (stack && pthread_attr_setstacksize(&attr, stack))
		say("stack size refused");
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], &attr, body, (void *)i))
			say("thread refused");
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	say("failures %d", failures);
}

static void door(void)
{
	char line[64];
	int bad = 0, counts[THREADS] = { 0 };

	common = open(P("common"), O_RDWR | O_CREAT, 0644);
	ftruncate(common, THREADS * 4096);
	all(small, (size_t)sysconf(_SC_THREAD_STACK_MIN));
	all(own, 0);
	CONTENT(common);
	close(common);
	common = open(P("log"), O_RDWR | O_CREAT | O_APPEND, 0644);
	all(record, 0);
	for (int i = 0; i < THREADS * ROUNDS; i++) {
		pread(common, line, sizeof(line), i * (off_t)sizeof(line));
		for (size_t k = 1; k < sizeof(line); k++)
			bad += line[k] != line[0];
		if (line[0] >= 'a' && line[0] < 'a' + THREADS)
			counts[line[0] - 'a']++;
	}
	for (int i = 0; i < THREADS; i++)
		bad += counts[i] != ROUNDS;
	say("torn or lost records %d, size %lld", bad, (long long)lseek(common, 0, SEEK_END));
	/* one position, shared by all: nothing is lost either */
	close(common);
	common = open(P("shared"), O_RDWR | O_CREAT, 0644);
	all(record, 0);
	say("size %lld", (long long)lseek(common, 0, SEEK_END));
	bad = 0;
	memset(counts, 0, sizeof(counts));
	for (int i = 0; i < THREADS * ROUNDS; i++) {
		pread(common, line, sizeof(line), i * (off_t)sizeof(line));
		for (size_t k = 1; k < sizeof(line); k++)
			bad += line[k] != line[0];
		if (line[0] >= 'a' && line[0] < 'a' + THREADS)
			counts[line[0] - 'a']++;
	}
	for (int i = 0; i < THREADS; i++)
		bad += counts[i] != ROUNDS;
	say("torn or lost records %d", bad);
}
