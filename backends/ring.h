/* SPDX-License-Identifier: MIT */
/*
 * One io_uring per thread, made at the thread's first use of it and gone with
 * it. It holds no descriptor: the ring is registered with its thread
 * (Linux 5.18) and closed at once, so it is neither in the program's way nor
 * in reach of closefrom. A fork child finds its copy wiped and makes its own.
 *
 * A signal handler that interrupts a ring operation is told it has none.
 */
#ifndef BACKENDS_RING_H
#define BACKENDS_RING_H

#include <liburing.h>

/*
 * The calling thread's ring, taken until ring_release; NULL if there is none
 * to be had, the reason being in the statistics.
 */
struct io_uring *ring_acquire(void);
void ring_release(void);

/*
 * Submits the one prepared operation and waits for it, whatever signals
 * arrive. Its result, or -EAGAIN if it could not be submitted.
 */
int ring_wait_one(struct io_uring *ring);

/*
 * A ring like these, for a caller that keeps it: 0 or -errno. It is the
 * calling thread's, and a fork child does not have it.
 */
int ring_make(struct io_uring *ring, unsigned entries);
void ring_unmake(struct io_uring *ring);

#endif
