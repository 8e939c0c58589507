/* SPDX-License-Identifier: MIT */
/* One request and the program's aiocb (aio_queue.h has the rest). */
#ifndef SHIM_AIO_REQ_H
#define SHIM_AIO_REQ_H

#include "aio_queue.h"

/*
 * The request is over with `r`, bytes or -errno: the statistics, the aiocb, the
 * program's events, in this order; req is gone. Whoever has the request.
 */
void aio_req_end(struct aio_req *req, ssize_t r);

/* What the parent started is not ours. */
void aio_req_fork_child(void);

#endif
