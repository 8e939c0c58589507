/* SPDX-License-Identifier: MIT */
/*
 * The kernel's asynchronous I/O as an engine of the queue (aio_engine.h), where
 * there is no io_uring: reads and writes with O_DIRECT, those that need not
 * be waited for before they are on their way. All for the queue's thread; a fork child does not have it.
 */
#ifndef SHIM_AIO_KERNEL_H
#define SHIM_AIO_KERNEL_H

#include "aio_ring.h"

/* Makes it: 0, or -errno. An eventfd, whose number may change, ends its waits. */
int aio_kernel_open(const _Atomic int *bell_fd);

/* As those of aio_ring.h. */
int aio_kernel_room(void);
void aio_kernel_put(enum aio_op op, int fd, void *buf, size_t n, off_t off, void *tag);
void aio_kernel_wait(void (*done)(void *tag, ssize_t r));
void aio_kernel_submit(void (*done)(void *tag, ssize_t r));

#endif
