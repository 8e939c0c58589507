/* SPDX-License-Identifier: MIT */
/*
 * Requests of aio_read(3) and aio_write(3) on files with O_DIRECT, which the
 * program's thread itself gives to a context of the kernel's asynchronous I/O. Who asks
 * for a request, or waits, fetches the ends of whatever is over: no thread of ours has a part in
 * it, and that is the difference to the queue, which has all other requests:
 * those that somebody is told of (a sigevent, a list), that have an order, and
 * that the kernel would have to wait for before they are on their way.
 *
 * Of those who wait one leads: it waits in the kernel. The others sleep until it, or the queue,
 * has news. Unlike a ring's, such a request does not end with its thread.
 *
 * All but the last may be called in signal handlers. One that interrupts the
 * end of a request in its own thread cannot wait for it, and is told -EINTR.
 */
#ifndef SHIM_AIO_DIRECT_H
#define SHIM_AIO_DIRECT_H

#include "aio_queue.h"

/* Gives req to the kernel: 1, req is not the caller's any more; or 0, it is for the queue. */
int aio_direct_submit(struct aio_req *req);

/* Ends what is over. */
void aio_direct_fetch(void);

/* Whether there are requests on the descriptors from first to last. */
int aio_direct_busy(unsigned first, unsigned last);

/* Waits until there are none. */
void aio_direct_drain(unsigned first, unsigned last);

/* The number of the next request, where there are requests on the file; else 0. */
uint32_t aio_direct_number(const struct file *f, int fd);

/* Waits until those on the file with lower numbers are over. */
void aio_direct_settle(const struct file *f, int fd, uint32_t number);

/* For aio_wait: takes the lead, 1, or 0: another thread has it. */
int aio_direct_lead(void);
void aio_direct_follow(void);

/* Waits in the kernel, `ns` or -1, and ends what is over: 0 or -EINTR. A cancellation point if `cancel`. */
int aio_direct_sleep(int64_t ns, int cancel);

/* Whether the caller has interrupted the end of a request. */
int aio_direct_interrupted(void);

/* Ends the sleep of who leads. */
void aio_direct_wake(void);

void aio_direct_fork_child(void);

#endif
