/* SPDX-License-Identifier: MIT */
/*
 * What the queue (aio_queue.h) gives its requests to, the best that this process may
 * use: an io_uring; the kernel's older asynchronous I/O, for reads and writes with
 * O_DIRECT; nothing, then threads do them all. For the queue's thread alone,
 * but for the bell.
 */
#ifndef SHIM_AIO_ENGINE_H
#define SHIM_AIO_ENGINE_H

#include "aio_queue.h"

/* Chooses one; what is not to be had is in the statistics. */
void aio_engine_open(void);

/* Whether a request is for it, and whether there is room for one. */
int aio_engine_fits(const struct aio_req *req);
int aio_engine_room(void);

/* Starts a request that fits. */
void aio_engine_put(struct aio_req *req);

/* As aio_ring_wait and aio_ring_submit. */
void aio_engine_wait(_Atomic uint32_t *bell, uint32_t value, void (*done)(void *tag, ssize_t r));
void aio_engine_submit(void (*done)(void *tag, ssize_t r));

/* Ends such a wait; *bell is another value than before. Any thread, any signal handler. */
void aio_engine_wake(_Atomic uint32_t *bell);

/* For the tests: as on a kernel whose rings cannot wait for a futex; as one without rings. Before the first request. */
extern int aio_engine_no_futex, aio_engine_no_ring;

void aio_engine_fork_child(void);

#endif
