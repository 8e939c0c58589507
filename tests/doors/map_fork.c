/* SPDX-License-Identifier: MIT */
/*
 * Forks while other threads map and unmap: fails if one waits for the other
 * for ever, or a child finds other bytes in a mapping it was given.
 */
#include "door.h"
#include <pthread.h>
#include <stdatomic.h>

#define ROUNDS 60
#define SIZE (4 * 4096)

static atomic_int done;

static void *maps(void *name)
{
	int fd = open(P(name), O_RDWR);

	while (!done) {
		char *m = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (m != MAP_FAILED) {
			m[1]++;
			munmap(m, SIZE);
		}
	}
	close(fd);
	return NULL;
}

static void door(void)
{
	static const char *const names[] = { "a", "b" };
	pthread_t t[2];
	int fd, good = 0, status;
	char *m;

	make(P("a"), SIZE, 1);
	make(P("b"), SIZE, 2);
	make(P("c"), SIZE, 3);
	fd = open(P("c"), O_RDWR);
	m = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, maps, (void *)(uintptr_t)names[i]);
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();

		strcpy(m, "the same");
		if (!pid)
			_exit(strcmp(m, "the same"));
		waitpid(pid, &status, 0);
		good += status == 0;
	}
	done = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	say("%d children of %d", good, ROUNDS);
}
