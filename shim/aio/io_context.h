/* SPDX-License-Identifier: MIT */
/*
 * The contexts of io_setup(2) where there are rules. One has a context of the
 * kernel's behind it, which gets what the kernel does best: requests on files
 * that are not ours, on O_DIRECT files, and writes; and a list of events of the
 * requests that are ours (io_request.c). io_getevents(2) gives out both.
 *
 *      io_submit --+-- the kernel's context ------------------+
 *                  |                                          +-- io_getevents
 *                  +-- aio_queue.h, or here and now: `over` --+
 *
 * The program's io_context_t is the address of the ring of ours, where a reaper that
 * looks for events by itself finds no magic number and makes the call. One that does not
 * ask for it (QEMU) waits for an eventfd: requests with one are ours if they can be.
 * A fork child has none of its parent's contexts, as in the kernel.
 *
 * All return >= 0 or -errno, keep errno, and may be called in signal handlers.
 */
#ifndef SHIM_IO_CONTEXT_H
#define SHIM_IO_CONTEXT_H

#include "backend.h"
#include "io_events.h"
#include "io_kernel.h"

struct io_context {
	struct io_context *next;         /* of all there ever were */
	_Atomic int taken;
	_Atomic aio_context_t id;        /* the address of over.ring; 0: not made yet, or gone */
	_Atomic unsigned life;           /* of the process it belongs to; 0 once destroyed */
	_Atomic unsigned users;          /* calls and requests that use it, and its life */
	aio_context_t kernel;            /* 0: there is none to be had */
	int limit;                       /* of requests of ours whose events are not fetched */
	_Atomic int running;             /* of these, until they are over */
	_Atomic int in_kernel;           /* the kernel's, until their events are fetched */
	_Atomic int sent;                /* of those, io_request.c's */
	_Atomic int sleepers, kernel_waiters;
	struct mount *_Atomic mount;     /* whose file it was last used for; the statistics' */
	struct io_events over;
};

/* io_setup(2): -EINVAL, -EAGAIN, -EFAULT, -ENOMEM. */
int io_context_make(unsigned n, aio_context_t *id);

/* io_destroy(2); waits for what is in flight. */
int io_context_destroy(aio_context_t id);

/* The context of that number, held; NULL if it is none of ours. */
struct io_context *io_context_enter(aio_context_t id);
void io_context_leave(struct io_context *c);

/* io_submit(2); io_request.c. */
long io_context_submit(struct io_context *c, long n, struct iocb **list);

/*
 * io_pgetevents(2). Without `mask` io_getevents(2).
 */
long io_context_get(struct io_context *c, long min, long n, struct io_event *events,
		    const struct timespec *timeout, const struct io_sigset *mask);

/* io_cancel(2). What can be cancelled, a poll, is the kernel's. */
int io_context_cancel(struct io_context *c, struct iocb *cb, struct io_event *event);

/* Room for a request of ours, which is `running` then: 0 or -EAGAIN. */
int io_context_reserve(struct io_context *c);

/* The event of a request of ours, which is over. */
void io_context_event(struct io_context *c, const struct io_event *e);

/* The kernel has been given requests: who waits for ours waits for these, too. */
void io_context_sent(struct io_context *c);

/* Makes an event of the kernel's look like the program's; io_request.c. */
void io_event_settle(struct io_context *c, struct io_event *e);

void io_context_fork_child(void);

#endif
