/* SPDX-License-Identifier: MIT */
/*
 * flock ends with the last descriptor, whatever threads or children did with
 * the file meanwhile. Fails if a file that all have closed stays locked.
 */
#include "door.h"

#include <pthread.h>

#define SIZE (1 << 20)
#define ROUNDS 10

static int fd;
static _Atomic int stop;

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* A file in use, and locked. */
static void locked(void)
{
	static char b[SIZE];

	fd = open(P("file"), O_RDWR | O_CREAT, 0644);
	for (int i = 0; i < 3; i++)
		pwrite(fd, b, SIZE, 0);
	for (int i = 0; i < 100; i++)
		pread(fd, b, 64, 0);
	stop = 0;
	if (flock(fd, LOCK_EX | LOCK_NB))
		say("cannot lock: %s", name_of(errno));
}

/*
 * Whether it can be locked now. Nothing of ours runs meanwhile, least of all a
 * close; the wait is for a kernel that lets go of a ring only after its thread.
 */
static int can_lock(void)
{
	int other = open(P("file"), O_RDWR), r;
	time_t end = now() + 20;

	while ((r = flock(other, LOCK_EX | LOCK_NB)) && now() < end)
		nap();
	close(other);
	return r == 0;
}

static void *reads(void *arg)
{
	char *mine = malloc(SIZE);
	time_t end = now() + 20;

	while (!stop && pread(fd, mine, SIZE, 0) > 0 && now() < end)
		;
	free(mine);
	return arg;
}

static void *writes(void *arg)
{
	static char mine[SIZE];
	time_t end = now() + 20;

	while (!stop && now() < end)
		pwrite(fd, mine, SIZE, 0);
	return arg;
}

static void closed(void)
{
	pthread_t t[2];
	int bad = 0;

	for (int i = 0; i < ROUNDS && !bad; i++) {
		locked();
		for (int k = 0; k < 2; k++)
			pthread_create(&t[k], NULL, reads, NULL);
		nap();
		close(fd);
		for (int k = 0; k < 2; k++)
			pthread_join(t[k], NULL);
		bad += !can_lock();
	}
	say("closed under readers, still locked %d", bad);
	/* by the number's next meaning */
	bad = 0;
	for (int i = 0; i < ROUNDS && !bad; i++) {
		int null = open("/dev/null", O_RDWR);

		locked();
		for (int k = 0; k < 2; k++)
			pthread_create(&t[k], NULL, reads, NULL);
		nap();
		dup2(null, fd);
		for (int k = 0; k < 2; k++)
			pthread_join(t[k], NULL);
		bad += !can_lock();
		close(fd);
		close(null);
	}
	say("replaced under readers, still locked %d", bad);
}

static void cancelled(void)
{
	int bad = 0, wrong = 0;
	pthread_t t;
	char got[8];

	for (int i = 0; i < ROUNDS && !bad; i++) {
		locked();
		pthread_create(&t, NULL, writes, NULL);
		nap();
		pthread_cancel(t);
		/* where the write is no place to be cancelled in */
		nap();
		stop = 1;
		pthread_join(t, NULL);
		close(fd);
		bad += !can_lock();
		/* and it can be written */
		fd = open(P("file"), O_RDWR);
		wrong += pwrite(fd, "written", 8, 100) != 8 || pread(fd, got, 8, 100) != 8 || memcmp(got, "written", 8);
		close(fd);
	}
	say("a writer was cancelled, still locked %d, writes that failed %d", bad, wrong);
}

static void forked(void)
{
	int bad = 0, up[2], down[2];
	pthread_t t[2];
	char x;

	pipe(up);
	pipe(down);
	for (int i = 0; i < ROUNDS && !bad; i++) {
		int status = 0;
		pid_t pid;

		locked();
		for (int k = 0; k < 2; k++)
			pthread_create(&t[k], NULL, reads, NULL);
		nap();
		pid = split();
		if (!pid) {
			close(fd);
			write(up[1], "x", 1);
			read(down[0], &x, 1);
			_exit(0);
		}
		if (pid < 0 || read(up[0], &x, 1) != 1)
			say("no child");
		stop = 1;
		for (int k = 0; k < 2; k++)
			pthread_join(t[k], NULL);
		close(fd);
		/* the child lives, and holds nothing */
		bad += !can_lock();
		write(down[1], "x", 1);
		if (waitpid(pid, &status, 0) != pid || status)
			say("the child ended with %x", (unsigned)status);
	}
	close(up[0]);
	close(up[1]);
	close(down[0]);
	close(down[1]);
	say("closed by a child, still locked %d", bad);
}

static void door(void)
{
	closed();
	cancelled();
	forked();
}
