/* SPDX-License-Identifier: MIT */
/*
 * libaio: io_setup, io_submit, io_getevents, io_destroy, io_queue_init, io_queue_wait,
 * io_queue_release; files of a rule among others. Events are libaio_events.c's.
 */
#include <linux/openat2.h>

#include "requests.h"

static void contexts(void)
{
	io_context_t c = NULL, again, other = NULL;

	IO(io_setup(0, &c));
	IO(io_setup(-1, &c));
	IO(io_setup(8, NULL));
	IO(io_setup(8, (io_context_t *)bad_page()));
	IO(io_setup(8, &c));
	again = c;
	IO(io_setup(8, &again));
	IO(io_submit(c, 0, NULL));
	IO(io_submit(c, -1, NULL));
	IO(io_submit(c, 1, NULL));
	IO(io_submit((io_context_t)bufs, 1, NULL));
	IO(io_submit(NULL, 0, NULL));
	IO(io_getevents(c, 0, 0, NULL, &zero));
	IO(io_getevents(c, 0, 5, NULL, &zero));
	IO(io_getevents(c, 1, 1, NULL, &zero));
#ifdef BY_NUMBER
	/* libaio looks by itself whether there are events */
	IO(io_getevents(c, 2, 1, NULL, &zero));
	IO(io_getevents(c, -1, 1, NULL, &zero));
	IO(io_getevents(c, 1, 1, NULL, (struct timespec *)bad_page()));
#endif
	IO(io_getevents((io_context_t)bufs, 1, 1, NULL, &zero));
	IO(io_destroy(c));
	IO(io_destroy(c));
	IO(io_destroy(NULL));
	IO(io_destroy((io_context_t)bufs));
	IO(io_queue_init(0, &other));
	other = (io_context_t)bufs;
	IO(io_queue_init(4, &other));
	IO(io_queue_wait(other, &zero));
	IO(io_queue_release(other));
}

static void kinds(int fd)
{
	io_context_t c = NULL;
	struct iovec in[2] = { { bufs[2], 1000 }, { bufs[3], 3000 } };
	struct iovec out[3] = { { bufs[4], 10 }, { bufs[5], 0 }, { bufs[6], 4000 } };

	io_setup(MANY, &c);
	for (int i = 0; i < 8; i++)
		pattern(bufs[i], BLOCK, (unsigned)i);
	io_prep_pread(&cbs[0], fd, bufs[0], BLOCK, 8192);
	ONE(c);
	BYTES(bufs[0], BLOCK);
	io_prep_pwrite(&cbs[0], fd, bufs[1], 777, 12345);
	ONE(c);
	io_prep_preadv(&cbs[0], fd, in, 2, 4000);
	ONE(c);
	BYTES(bufs[2], 2 * BLOCK);
	io_prep_pwritev(&cbs[0], fd, out, 3, 60000);
	ONE(c);
	io_prep_fsync(&cbs[0], fd);
	ONE(c);
	io_prep_fdsync(&cbs[0], fd);
	ONE(c);
	/* over the end, at it, behind; nothing; a hole */
	io_prep_pread(&cbs[0], fd, bufs[0], BLOCK, 64000);
	ONE(c);
	io_prep_pread(&cbs[0], fd, bufs[0], BLOCK, 1 << 20);
	ONE(c);
	io_prep_pread(&cbs[0], fd, bufs[0], 0, 0);
	ONE(c);
	io_prep_pwrite(&cbs[0], fd, bufs[0], 0, 0);
	ONE(c);
	io_prep_pwrite(&cbs[0], fd, bufs[1], 100, 100000);
	ONE(c);
	io_prep_preadv(&cbs[0], fd, in, 0, 0);
	ONE(c);
	CALL(lseek(fd, 0, SEEK_CUR));
	CONTENT(fd);
	IO(io_destroy(c));
}

static void flags(int fd)
{
	static const int known[] = { RWF_DSYNC, RWF_SYNC, RWF_APPEND, RWF_HIPRI, 1 << 30 };
	io_context_t c = NULL;

	io_setup(MANY, &c);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		io_prep_pwrite(&cbs[0], fd, bufs[1], 100, 200);
		cbs[0].aio_rw_flags = known[i];
		if (known[i] != RWF_HIPRI)
			ONE(c);
		io_prep_pread(&cbs[0], fd, bufs[0], 100, 200);
		cbs[0].aio_rw_flags = known[i];
		if (known[i] != RWF_APPEND && known[i] != RWF_HIPRI)
			ONE(c);
	}
	CONTENT(fd);
	io_destroy(c);
}

static void wrong(int fd, int ro)
{
	io_context_t c = NULL;
	int wo = open(P("file"), O_WRONLY), d = open(P("."), O_RDONLY | O_DIRECTORY), path = open(P("file"), O_PATH);
	int path2 = (int)syscall(SYS_openat2, AT_FDCWD, P("file"), &(struct open_how){ .flags = O_PATH }, sizeof(struct open_how));
	struct iovec bad = { bad_page(), 100 }, negative = { bufs[0], (size_t)-1 };
	struct iovec ten[2] = { { bufs[0], 5 }, { bufs[1], 5 } };

	io_setup(MANY, &c);
	io_prep_pread(&cbs[0], -1, bufs[0], 10, 0);
	ONE(c);
	io_prep_pread(&cbs[0], wo, bufs[0], 10, 0);
	ONE(c);
	io_prep_pwrite(&cbs[0], ro, bufs[0], 10, 0);
	ONE(c);
	io_prep_pread(&cbs[0], path, bufs[0], 10, 0);
	ONE(c);
	io_prep_pread(&cbs[0], path2, bufs[0], 10, 0);
	ONE(c);
	io_prep_pread(&cbs[0], d, bufs[0], 10, 0);
	ONE(c);
	io_prep_pread(&cbs[0], fd, bufs[0], 10, -1);
	ONE(c);
	io_prep_pwrite(&cbs[0], fd, bufs[0], 10, -1);
	ONE(c);
	io_prep_pread(&cbs[0], fd, bufs[0], (size_t)-1, 0);
	ONE(c);
	/* over the last offset there can be */
	io_prep_pread(&cbs[0], fd, bufs[0], 10, INT64_MAX - 9);
	ONE(c);
	io_prep_pread(&cbs[0], fd, bufs[0], 10, INT64_MAX - 10);
	ONE(c);
	io_prep_pwrite(&cbs[0], fd, bufs[0], 10, INT64_MAX);
	ONE(c);
	io_prep_preadv(&cbs[0], fd, ten, 2, INT64_MAX - 9);
	ONE(c);
	io_prep_pread(&cbs[0], fd, bad_page(), 100, 0);
	ONE(c);
	io_prep_pwrite(&cbs[0], fd, bad_page(), 100, 0);
	ONE(c);
	io_prep_preadv(&cbs[0], fd, &bad, 1, 0);
	ONE(c);
	io_prep_preadv(&cbs[0], fd, &negative, 1, 0);
	ONE(c);
	io_prep_preadv(&cbs[0], fd, (struct iovec *)bad_page(), 2, 0);
	ONE(c);
	io_prep_pwritev(&cbs[0], fd, &bad, 1025, 0);
	ONE(c);
	io_prep_fsync(&cbs[0], fd);
	cbs[0].u.c.offset = 5;
	ONE(c);
	io_prep_fdsync(&cbs[0], fd);
	cbs[0].u.c.nbytes = 5;
	ONE(c);
	io_prep_pread(&cbs[0], fd, bufs[0], 10, 0);
	cbs[0].aio_lio_opcode = 99;
	ONE(c);
	cbs[0].aio_lio_opcode = IO_CMD_NOOP;
	ONE(c);
	io_prep_pread(&cbs[0], fd, bufs[0], 10, 0);
	cbs[0].u.c.flags = 1;
	cbs[0].u.c.resfd = 999;
	ONE(c);
	cbs[0].u.c.resfd = (unsigned)fd;
	ONE(c);
	io_prep_pread(&cbs[0], fd, bufs[0], 10, 0);
	cbs[0].u.c.__pad3 = 1;
	ONE(c);
	io_prep_poll(&cbs[0], fd, POLLIN);
	ONE(c);
	/* events that cannot be stored stay */
	io_prep_pread(&cbs[0], fd, bufs[0], 10, 0);
	SUBMIT(c, 1);
	IO(io_getevents(c, 1, 1, (struct io_event *)bad_page(), NULL));
	REAP(c, 1);
	io_destroy(c);
	close(wo);
	close(d);
	close(path);
	close(path2);
}

/* Files of a rule, and others, and requests that fail, in one list. */
static void mixed(int fd)
{
	io_context_t c = NULL;
	struct io_event e;
	int v[2], n, w[2];

	io_setup(MANY, &c);
	pipe(v);
	pipe(w);
	n = open("/etc/passwd", O_RDONLY);
	io_prep_pwrite(&cbs[0], fd, bufs[0], 10, 0);
	io_prep_poll(&cbs[1], w[0], POLLIN);
	io_prep_pread(&cbs[2], fd, bufs[2], 100, 0);
	io_prep_pread(&cbs[3], n, bufs[3], 10, 0);
	io_prep_pread(&cbs[4], fd, bufs[4], 100, 500);
	io_prep_fsync(&cbs[5], fd);
	io_prep_poll(&cbs[6], v[1], POLLOUT);
	SUBMIT(c, 7);
	REAP(c, 6);
	BYTES(bufs[2], 100);
	BYTES(bufs[4], 100);
	/* a poll that waits beside reads that do not */
	for (int i = 0; i < 20; i++) {
		io_prep_pread(&cbs[0], fd, bufs[0], 100, i * 100);
		submit(c, 1);
		if (io_getevents(c, 1, 4, &e, NULL) != 1 || number(e.obj) != 0)
			say("%d: not that", i);
	}
	IO(io_getevents(c, 1, 1, &e, &zero));
	IO(io_getevents(c, 1, 1, &e, &(struct timespec){ .tv_nsec = 20000000 }));
	write(w[1], "x", 1);
	IO(io_getevents(c, 1, 1, &e, NULL));
	say("%d", number(e.obj));
	/* the third is bad: two are taken */
	io_prep_pread(&cbs[0], fd, bufs[0], 10, 0);
	io_prep_poll(&cbs[1], v[1], POLLOUT);
	io_prep_pread(&cbs[2], -1, bufs[2], 10, 0);
	io_prep_pread(&cbs[3], fd, bufs[2], 10, 0);
	SUBMIT(c, 4);
	REAP(c, 2);
	io_prep_pread(&cbs[0], n, bufs[0], 10, 0);
	io_prep_pread(&cbs[1], fd, bufs[1], 10, -5);
	SUBMIT(c, 3);
	REAP(c, 1);
	io_prep_pread(&cbs[0], fd, bufs[1], 10, -5);
	SUBMIT(c, 3);
	io_destroy(c);
	close(v[0]), close(v[1]), close(w[0]), close(w[1]), close(n);
}

/* Bytes that arrived in order: 0 if all as submitted. */
static void many(int fd)
{
	io_context_t c = NULL;
	int direct = open(P("file"), O_RDWR | O_DIRECT), bad = 0;

	io_setup(MANY, &c);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < MANY; i++)
			io_prep_pread(&cbs[i], i % 3 && direct >= 0 ? direct : fd, bufs[i], BLOCK, i % 10 * BLOCK);
		if (submit(c, MANY) != MANY)
			say("round %d: not all", round);
		if (!round)
			REAP(c, MANY);
		else
			for (int n = 0; n < MANY; ) {
				struct io_event e[MANY];
				int r = io_getevents(c, 1 + round % 4 < MANY - n ? 1 + round % 4 : MANY - n, MANY - n, e, NULL);

				if (r <= 0) {
					say("%s", code(r));
					return;
				}
				for (int i = 0; i < r; i++)
					bad += e[i].res != BLOCK;
				n += r;
			}
	}
	say("%d bad", bad);
	for (int i = 0; i < 10; i++)
		bad += !is_pattern(fd, 0, 0, 1) || memcmp(bufs[i], bufs[i + 10], BLOCK) != 0;
	say("%d bad", bad);
	BYTES(bufs[0], 10 * BLOCK);
	io_destroy(c);
	if (direct >= 0)
		close(direct);
}

static io_context_t shared;

static void *fetch(void *arg)
{
	REAP(shared, (int)(intptr_t)arg);
	return NULL;
}

/* Submitted in one thread, fetched in another, which waits before there is anything. */
static void threads(int fd)
{
	pthread_t t;

	IO(io_setup(MANY, &shared));
	for (int i = 0; i < 5; i++)
		io_prep_pread(&cbs[i], fd, bufs[i], 100, i);
	pthread_create(&t, NULL, fetch, (void *)5);
	nap();
	submit(shared, 5);
	pthread_join(t, NULL);
	io_destroy(shared);
}

static void forked(int fd)
{
	io_context_t c = NULL;
	pid_t pid;

	io_setup(MANY, &c);
	io_prep_pread(&cbs[0], fd, bufs[0], 100, 0);
	SUBMIT(c, 1);
	pid = split();
	if (!pid) {
		io_context_t own = NULL;

		IO(io_submit(c, 0, NULL));
		SUBMIT(c, 1);
		IO(io_destroy(c));
		IO(io_setup(4, &own));
		SUBMIT(own, 1);
		REAP(own, 1);
		_exit(7);
	}
	WAIT(pid);
	REAP(c, 1);
	IO(io_destroy(c));
}

static void door(void)
{
	int fd, ro;

	make(P("file"), 64000, 1);
	fd = open(P("file"), O_RDWR);
	ro = open(P("file"), O_RDONLY);
	contexts();
	kinds(fd);
	flags(fd);
	wrong(fd, ro);
	mixed(fd);
	many(fd);
	threads(fd);
	forked(fd);
	close(fd);
	close(ro);
}
