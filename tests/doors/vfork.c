/* SPDX-License-Identifier: MIT */
/*
 * Children that fork(2)'s handlers do not see: vfork, clone sharing memory,
 * _Fork, and system calls by number. Fails if a child that gave a descriptor
 * another meaning reads the old file, or the parent's descriptors change.
 *
 * Before it executes, a vfork child opens and passes on files without a kernel
 * file, but reads and writes only its parent's (publish.sh has what it may do).
 * not: object
 */
#include "door.h"

#include <pthread.h>
#include <sched.h>

pid_t _Fork(void);

static int a, c, spare;              /* two files, and a number */
static char *cksum[] = { (char *)"cksum", NULL };
static char line[4096];              /* what a child that shares memory saw */

static unsigned of(int fd)
{
	static char b[5000];
	ssize_t n = pread(fd, b, sizeof(b), 0);

	return n < 0 ? (unsigned)errno : sum(b, (size_t)n);
}

/* Gives numbers other meanings, as a child may, and says what is behind them. */
static void change(char *text, size_t size)
{
	int fd, n;

	n = snprintf(text, size, "%08x %08x", of(a), of(c));
	dup2(c, a);
	n += snprintf(text + n, size - (size_t)n, ", dup2 %08x", of(a));
	close(c);
	n += snprintf(text + n, size - (size_t)n, ", closed %s", name_of((int)of(c)));
	fd = open(P("third"), O_RDWR | O_CREAT, 0644);
	n += snprintf(text + n, size - (size_t)n, ", opened %d %08x", fd == c, of(fd));
	n += snprintf(text + n, size - (size_t)n, ", wrote %zd %08x", pwrite(fd, "vfork", 5, 10), of(fd));
	dup2(fd, spare);
	n += snprintf(text + n, size - (size_t)n, ", %08x", of(spare));
	ftruncate(spare, 4000);
	close_range(3, ~0U, 0);
	n += snprintf(text + n, size - (size_t)n, ", all closed %s", name_of((int)of(a)));
	fd = open(P("a"), O_RDONLY);
	snprintf(text + n, size - (size_t)n, ", again %08x", of(fd));
}

static void parents(int where)
{
	say("%d: %08x %08x %08x", where, of(a), of(c), of(spare));
	FILE_AT(P("third"));
	CALL(pwrite(c, "parent", 6, 0));
	make(P("third"), 5000, 3);
}

static void vforked(void)
{
	volatile pid_t pid;

	fflush(stdout);
	pid = vfork();
	if (!pid) {
		change(line, sizeof(line));
		_exit(4);
	}
	WAIT(pid);
	say("%s", line);
	parents(__LINE__);
	fflush(stdout);
	pid = vfork();
	if (!pid) {
		dup2(c, 0);
		close(c);
		close(a);
		execve(P("none"), cksum, environ);
		execvp("cksum", cksum);
		_exit(9);
	}
	WAIT(pid);
	parents(__LINE__);
}

static int cloned(void *arg)
{
	(void)arg;
	change(line, sizeof(line));
	return 5;
}

static void by_clone(void)
{
	static char stack[1 << 18] __attribute__((aligned(64)));
	pid_t pid = clone(cloned, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);

	WAIT(pid);
	say("%s", line);
	parents(__LINE__);
	/* memory of its own */
	fflush(stdout);
	pid = clone(cloned, stack + sizeof(stack), SIGCHLD, NULL);
	WAIT(pid);
	parents(__LINE__);
}

/* A child with memory of its own: all it does works, and reaches nobody. */
static void separate(pid_t pid)
{
	char text[4096];

	if (!pid) {
		change(text, sizeof(text));
		dprintf(1, "%s\n", text);
		pid = fork();
		if (!pid) {
			change(text, sizeof(text));
			_exit(of(open(P("c"), O_RDONLY)) & 1);
		}
		waitpid(pid, NULL, 0);
		execve("/bin/true", cksum, environ);
		_exit(9);
	}
	WAIT(pid);
	parents(__LINE__);
}

static void *opens(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) {
		int fd = open(P("busy"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);

		close(dup(fd));
		close(fd);
	}
	return NULL;
}

/* Another thread opens and closes while the child's numbers mean other files. */
static void beside_threads(void)
{
	static int stop;
	static volatile int bad, failed;
	unsigned want = of(c);
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, opens, &stop);
	for (int i = 0; i < 30; i++) {
		int status = 0;
		volatile pid_t pid = vfork();

		if (!pid) {
			dup2(c, a);
			for (int k = 0; k < 50; k++)
				bad += of(a) != want;
			_exit(6);
		}
		waitpid(pid, &status, 0);
		failed += !WIFEXITED(status) || WEXITSTATUS(status) != 6;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	say("other files %d, children that failed %d", bad, failed);
	parents(__LINE__);
}

static void door(void)
{
	make(P("a"), 5000, 1);
	make(P("c"), 3000, 2);
	make(P("third"), 5000, 3);
	a = open(P("a"), O_RDWR);
	c = open(P("c"), O_RDWR);
	spare = open(P("a"), O_RDONLY);
	for (int i = 0; i < 100; i++)        /* known to be in memory */
		of(a), of(c);
	vforked();
	by_clone();
	fflush(stdout);
	separate(_Fork());
	fflush(stdout);
	separate((pid_t)syscall(SYS_fork));
	fflush(stdout);
	separate((pid_t)syscall(SYS_clone, SIGCHLD, 0, NULL, NULL, 0));
	beside_threads();
}
