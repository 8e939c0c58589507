/* SPDX-License-Identifier: MIT */
/*
 * The doors of libaio.so.1, as its manual pages have them but for the types,
 * which are the kernel's; its own header is not needed to build us. They return
 * >= 0 or -errno.
 */
#ifndef SHIM_LIBAIO_H
#define SHIM_LIBAIO_H

#include <linux/aio_abi.h>
#include <signal.h>
#include <time.h>

int io_setup(int n, aio_context_t *id);
int io_destroy(aio_context_t id);
int io_submit(aio_context_t id, long n, struct iocb **list);
int io_getevents(aio_context_t id, long min, long n, struct io_event *events, struct timespec *timeout);
int io_pgetevents(aio_context_t id, long min, long n, struct io_event *events, struct timespec *timeout,
		  sigset_t *mask);
int io_cancel(aio_context_t id, struct iocb *cb, struct io_event *event);
int io_queue_init(int n, aio_context_t *id);
int io_queue_release(aio_context_t id);
int io_queue_run(aio_context_t id);
int io_queue_wait(aio_context_t id, struct timespec *timeout);

/* io_pgetevents by number, whose last argument is a struct __aio_sigset. */
long io_pgetevents_packed(aio_context_t id, long min, long n, struct io_event *events,
			  struct timespec *timeout, const void *packed);

#endif
