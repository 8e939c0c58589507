/* SPDX-License-Identifier: MIT */
/* A request of io_submit(2) that is in the queue (io_request.c has the rest). */
#ifndef SHIM_IO_REQUEST_H
#define SHIM_IO_REQUEST_H

#include <sys/types.h>

struct io_order;

/* It is over with `r`, bytes or -errno: statistics, event, eventfd; it is gone. Any thread. */
void io_order_over(struct io_order *o, ssize_t r);

#endif
