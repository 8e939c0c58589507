/* SPDX-License-Identifier: MIT */
/* What the doors of libaio share: requests, buffers for them, and how they are reported. */
#ifndef REQUESTS_H
#define REQUESTS_H

#include <libaio.h>
#include <poll.h>
#include <pthread.h>

#include "door.h"

#define BLOCK 4096
#define MANY 40

int io_queue_wait(io_context_t c, struct timespec *timeout);

#ifdef TWINS
int io_getevents_old(io_context_t c, long n, struct io_event *events, const struct timespec *timeout);
int io_cancel_old(io_context_t c, struct iocb *cb);
int io_queue_wait_old(io_context_t c, struct timespec *timeout);
__asm__(".symver io_getevents_old, io_getevents@LIBAIO_0.1\n\t"
	".symver io_cancel_old, io_cancel@LIBAIO_0.1\n\t"
	".symver io_queue_wait_old, io_queue_wait@LIBAIO_0.1");
#define io_getevents(c, min, n, events, timeout) \
	((min) == 1 ? io_getevents_old(c, n, events, timeout) : io_getevents(c, min, n, events, timeout))
#define io_cancel(c, cb, event) ((void)event, io_cancel_old(c, cb))
#define io_queue_wait(c, timeout) io_queue_wait_old(c, timeout)
#endif

static struct iocb cbs[MANY];
static char bufs[MANY][BLOCK] __attribute__((aligned(BLOCK)));
static struct timespec zero;

static const char *code(long r)
{
	static char s[32];

	if (r < 0)
		return name_of((int)-r);
	snprintf(s, sizeof(s), "%ld", r);
	return s;
}

/* libaio's way: an error is negative, and errno stays. */
#define IO(expr) __extension__ ({                                             \
	long r_;                                                              \
	errno = UNTOUCHED;                                                    \
	r_ = (expr);                                                          \
	say("%d: %s = %s%s", __LINE__, #expr, code(r_), errno == UNTOUCHED ? "" : ", and errno touched"); \
	r_; })

static int number(const struct iocb *cb)
{
	return cb >= cbs && cb < cbs + MANY ? (int)(cb - cbs) : -1;
}

/* Fetches n events and prints them in the order of the requests. */
static void reap(int line, io_context_t c, int n)
{
	struct io_event e[MANY], *by[MANY] = { NULL };

	for (int got = 0, r; got < n; got += r) {
		r = io_getevents(c, 1, n - got, e + got, NULL);
		if (r <= 0) {
			say("%d: io_getevents: %s", line, code(r));
			return;
		}
	}
	for (int i = 0; i < n; i++)
		if (number(e[i].obj) >= 0)
			by[number(e[i].obj)] = &e[i];
	for (int i = 0; i < MANY; i++)
		if (by[i])
			say("%d: %d: %s, %ld%s", line, i, code((long)by[i]->res), (long)by[i]->res2,
			    by[i]->data == &cbs[i].u ? "" : ", other data");
}

#define REAP(c, n) reap(__LINE__, c, n)

/* Submits the first n as one list. */
static int submit(io_context_t c, int n)
{
	struct iocb *list[MANY];

	for (int i = 0; i < n; i++) {
		list[i] = &cbs[i];
		cbs[i].data = &cbs[i].u;
	}
	return io_submit(c, n, list);
}

#define SUBMIT(c, n) IO(submit(c, n))

__attribute__((unused)) static void lone(int line, io_context_t c)
{
	int r = submit(c, 1);

	say("%d: io_submit: %s", line, code(r));
	if (r == 1)
		reap(line, c, 1);
}

#define ONE(c) lone(__LINE__, c)

#endif
