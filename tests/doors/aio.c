/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous requests one at a time: aio_read, aio_write, aio_fsync,
 * aio_error, aio_return, aio_suspend, aio_cancel, aio_init; what POSIX says of
 * each, and what libc makes of what POSIX leaves open.
 */
#include <aio.h>
#include <pthread.h>

#include "door.h"

#define BLOCK 4096
#define MANY 64

static struct aiocb many[MANY];
static char bufs[MANY][BLOCK];

static struct aiocb request(int fd, void *buf, size_t n, off_t off)
{
	struct aiocb cb;

	memset(&cb, 0, sizeof(cb));
	cb.aio_fildes = fd;
	cb.aio_buf = buf;
	cb.aio_nbytes = n;
	cb.aio_offset = off;
	cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	return cb;
}

/* Waits for it; prints its state and result. */
static void done(int line, struct aiocb *cb)
{
	const struct aiocb *list[] = { cb };
	int e;

	while ((e = aio_error(cb)) == EINPROGRESS)
		if (aio_suspend(list, 1, NULL) && errno != EINTR)
			say("%d: aio_suspend: %s", line, name_of(errno));
	say("%d: over: %s, %zd", line, name_of(e), aio_return(cb));
}

#define DONE(cb) done(__LINE__, cb)

static void *start_and_leave(void *cb)
{
	CALL(aio_read(cb));
	return NULL;
}

static void *reap(void *cb)
{
	DONE(cb);
	return NULL;
}

static void in_thread(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	pthread_create(&t, NULL, fn, arg);
	pthread_join(t, NULL);
}

static void one_by_one(int fd)
{
	struct aiocb cb = request(fd, bufs[0], BLOCK, 0);

	CALL(aio_read(&cb));
	DONE(&cb);
	BYTES(bufs[0], BLOCK);
	say("again: %s, %zd", name_of(aio_error(&cb)), aio_return(&cb));
	/* across the end, at it, and behind */
	cb.aio_offset = 50000 - 100;
	CALL(aio_read(&cb));
	DONE(&cb);
	cb.aio_offset = 50000;
	CALL(aio_read(&cb));
	DONE(&cb);
	cb.aio_offset = 1 << 20;
	CALL(aio_read(&cb));
	DONE(&cb);
	/* nothing */
	cb.aio_nbytes = 0;
	CALL(aio_read(&cb));
	DONE(&cb);
	CALL(aio_write(&cb));
	DONE(&cb);
	/* a hole, and the position stays */
	CALL(lseek(fd, 123, SEEK_SET));
	pattern(bufs[1], BLOCK, 9);
	cb = request(fd, bufs[1], BLOCK, 70001);
	CALL(aio_write(&cb));
	DONE(&cb);
	CALL(lseek(fd, 0, SEEK_CUR));
	CONTENT(fd);
	CALL(aio_fsync(O_SYNC, &cb));
	DONE(&cb);
	CALL(aio_fsync(O_DSYNC, &cb));
	DONE(&cb);
}

static void wrong(int fd, int ro)
{
	struct aiocb cb = request(fd, bufs[0], BLOCK, -1);
	int wo = open(P("file"), O_WRONLY);

	CALL(aio_read(&cb));
	DONE(&cb);
	CALL(aio_write(&cb));
	DONE(&cb);
	cb.aio_offset = INT64_MAX;
	CALL(aio_write(&cb));
	DONE(&cb);
	cb = request(fd, bufs[0], BLOCK, 0);
	cb.aio_reqprio = -1;
	CALL(aio_read(&cb));
	say("%s", name_of(aio_error(&cb)));
	cb.aio_reqprio = 21;
	CALL(aio_write(&cb));
	cb.aio_reqprio = 20;
	CALL(aio_read(&cb));
	DONE(&cb);
	cb = request(fd, bad_page(), BLOCK, 0);
	CALL(aio_read(&cb));
	DONE(&cb);
	CALL(aio_write(&cb));
	DONE(&cb);
	cb = request(ro, bufs[0], 10, 0);
	CALL(aio_write(&cb));
	DONE(&cb);
	cb = request(wo, bufs[0], 10, 0);
	CALL(aio_read(&cb));
	DONE(&cb);
	CALL(aio_fsync(O_SYNC, &cb));
	DONE(&cb);
	CALL(aio_fsync(12345, &cb));
	cb.aio_reqprio = 21;
	CALL(aio_fsync(O_SYNC, &cb));
	DONE(&cb);
	cb = request(-1, bufs[0], 10, 0);
	CALL(aio_read(&cb));
	DONE(&cb);
	CALL(aio_write(&cb));
	DONE(&cb);
	CALL(aio_fsync(O_SYNC, &cb));
	close(wo);
}

/* A file of ours, and then of libc's, and back, in one aiocb. */
static void others(int fd)
{
	int v[2];
	struct aiocb cb;

	pipe(v);
	cb = request(v[1], (char *)"hello", 5, 77);
	CALL(aio_write(&cb));
	DONE(&cb);
	cb = request(v[0], bufs[0], 5, 0);
	CALL(aio_read(&cb));
	DONE(&cb);
	BYTES(bufs[0], 5);
	cb.aio_fildes = fd;
	CALL(aio_read(&cb));
	DONE(&cb);
	BYTES(bufs[0], 5);
	cb.aio_fildes = v[1];
	CALL(aio_write(&cb));
	DONE(&cb);
	close(v[0]);
	close(v[1]);
}

static void appended(void)
{
	int fd = open(P("appended"), O_RDWR | O_CREAT | O_APPEND, 0644);

	for (int i = 0; i < MANY; i++) {
		memset(bufs[i], 'a' + i % 26, 100);
		many[i] = request(fd, bufs[i], (size_t)(i % 9 + 1), 5);
		if (aio_write(&many[i]))
			say("append %d: %s", i, name_of(errno));
	}
	for (int i = 0; i < MANY; i++)
		DONE(&many[i]);
	CONTENT(fd);
	close(fd);
}

/* All at once, then a sync that comes after them. */
static void at_once(void)
{
	int fd = open(P("many"), O_RDWR | O_CREAT, 0644), early = 0;
	struct aiocb sync = request(fd, NULL, 0, 0);

	for (int i = 0; i < MANY; i++) {
		pattern(bufs[i], BLOCK, (unsigned)i);
		many[i] = request(fd, bufs[i], BLOCK, (off_t)(MANY - i) * BLOCK);
		if (aio_write(&many[i]))
			say("write %d: %s", i, name_of(errno));
	}
	CALL(aio_fsync(O_SYNC, &sync));
	DONE(&sync);
	for (int i = 0; i < MANY; i++)
		early += aio_error(&many[i]) == EINPROGRESS;
	say("still in progress: %d", early);
	CONTENT(fd);
	for (int i = 0; i < MANY; i++) {
		memset(bufs[i], 0, BLOCK);
		aio_read(&many[i]);
	}
	for (int i = 0; i < MANY; i++) {
		DONE(&many[i]);
		BYTES(bufs[i], BLOCK);
	}
	/* closed when all are over, looked at without a wait */
	for (int i = 0; i < MANY; i++)
		aio_read(&many[i]);
	for (int i = 0; i < MANY; i++)
		while (aio_error(&many[i]) == EINPROGRESS)
			;
	CALL(close(fd));
}

static void waiting(int fd, int ro)
{
	struct aiocb cb = request(fd, bufs[0], BLOCK, 0), pending;
	const struct aiocb *list[3] = { NULL, &cb, NULL };
	struct timespec zero = { 0, 0 }, soon = { 0, 20000000 };
	int v[2];

	CALL(aio_suspend(list, 1, NULL));
	CALL(aio_suspend(list, 0, &zero));
	CALL(aio_read(&cb));
	DONE(&cb);
	CALL(aio_suspend(list, 3, NULL));
	CALL(aio_suspend(list, 3, &zero));
	pipe(v);
	pending = request(v[0], bufs[1], 3, 0);
	CALL(aio_read(&pending));
	list[0] = &pending;
	list[1] = NULL;
	CALL(aio_suspend(list, 2, &zero));
	CALL(aio_suspend(list, 1, &soon));
	/* one of libc's that is not over, and one that is */
	list[1] = &cb;
	CALL(aio_read(&cb));
	CALL(aio_suspend(list, 2, NULL));
	DONE(&cb);
	write(v[1], "abc", 3);
	DONE(&pending);
	CALL(aio_cancel(fd, NULL));
	CALL(aio_cancel(fd, &cb));
	CALL(aio_cancel(ro, NULL));
	CALL(aio_cancel(ro, &cb));
	CALL(aio_cancel(-1, NULL));
	close(v[0]);
	close(v[1]);
}

static void across(int fd)
{
	struct aiocb cb = request(fd, bufs[0], BLOCK, 4096);
	struct aioinit init = { .aio_threads = 4, .aio_num = 16 };

	aio_init(&init);
	for (int i = 0; i < 5; i++) {
		in_thread(start_and_leave, &cb);
		in_thread(reap, &cb);
	}
	BYTES(bufs[0], BLOCK);
	CALL(aio_read(&cb));
	DONE(&cb);
}

static void door(void)
{
	int fd, ro;

	make(P("file"), 50000, 1);
	fd = open(P("file"), O_RDWR);
	ro = open(P("file"), O_RDONLY);
	one_by_one(fd);
	wrong(fd, ro);
	others(fd);
	appended();
	at_once();
	waiting(fd, ro);
	across(fd);
	close(fd);
	close(ro);
}
