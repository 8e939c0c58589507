/* SPDX-License-Identifier: MIT */
/*
 * Threads that perform requests of aio_read(3) and its kin: where there is no
 * ring, and for files without a kernel file. They come with the work, up to
 * AIO_WORKERS of them, whatever descriptors it is on, and go after a second
 * without. For the queue's thread alone (aio_queue.h).
 */
#ifndef SHIM_AIO_WORK_H
#define SHIM_AIO_WORK_H

#include "aio_queue.h"

#define AIO_WORKERS 32

/* Has it performed; aio_req_over then. */
void aio_work_add(struct aio_req *req);

/* Takes it back unless it is being performed: 1, or 0. */
int aio_work_remove(struct aio_req *req);

/* A thread of the library's own: all signals blocked, detached. 0 or an errno. */
int aio_thread(void *(*fn)(void *));

void aio_work_fork_child(void);

#endif
