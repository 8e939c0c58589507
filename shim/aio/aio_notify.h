/* SPDX-License-Identifier: MIT */
/*
 * How the program learns that a request of aio_read(3) and its kin is over:
 * its sigevent, the list it belongs to, and those who wait. Any thread.
 */
#ifndef SHIM_AIO_NOTIFY_H
#define SHIM_AIO_NOTIFY_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/hidden.h"

/* A sigevent of the program's, and who is to be named as its sender. */
struct aio_event {
	struct sigevent ev;
	pid_t pid;
};

/* The requests of one lio_listio(3). */
struct aio_group {
	_Atomic int left;        /* requests, and one more until all are posted */
	_Atomic int failed;
	_Atomic int holders;     /* who still looks at it */
	struct aio_event event;
};

/* Copies the program's event; NULL is none. */
void aio_event_set(struct aio_event *e, const struct sigevent *ev);

/* Sends it: a signal, or a thread that calls a function. */
void aio_event_send(const struct aio_event *e);

/* A group with one request left and one holder; NULL without memory. */
struct aio_group *aio_group_new(const struct sigevent *ev);

/* One request less; the last sends the event. */
void aio_group_less(struct aio_group *g, int failed);

/* One holder less. */
void aio_group_put(struct aio_group *g);

/* Something is over: who waits looks again. */
void aio_wake(void);

/* Who waits, but for who waits in the kernel, looks again. */
void aio_wake_sleepers(void);

/*
 * Waits until ready(arg) is not 0, which may be so already: that value; or -EINTR, or
 * -EAGAIN after `timeout`, in ns (-1: never), or, every `look` ns (-1: never),
 * looks without being woken. Async-signal-safe.
 */
int aio_wait(int (*ready)(void *arg), void *arg, int64_t timeout, int64_t look, int how);

#define AIO_WAIT_CANCEL 1        /* a cancellation point */
#define AIO_WAIT_DIRECT 2        /* for requests of aio_direct.h, too */

/* CLOCK_MONOTONIC, and a timeout for aio_wait, in ns. */
int64_t aio_now_ns(void);
int64_t aio_ns(const struct timespec *t);

void aio_notify_fork_child(void);

/* FUTEX_WAIT on a word, `ns` relative or -1; FUTEX_WAKE of all. errno is kept; 0 or -errno. */
int aio_futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t ns);
void aio_futex_wake(_Atomic uint32_t *word);

#endif
