/* SPDX-License-Identifier: MIT */
/*
 * The kernel's asynchronous I/O: io_setup(2) and its kin, by number. All return
 * >= 0 or -errno, keep errno, and may be called in signal handlers.
 */
#ifndef SHIM_IO_KERNEL_H
#define SHIM_IO_KERNEL_H

#include <errno.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

#define IO_KERNEL_MOST 0x7ffff000  /* bytes of a request; MAX_RW_COUNT in the kernel's include/linux/fs.h */

/* Whether a plain call has to do what ended so, or to say what is wrong with it. */
static inline int io_kernel_declined(ssize_t r)
{
	return r == -EAGAIN || r == -EINVAL || r == -EOPNOTSUPP || r == -EINTR || r == -EFAULT;
}

/* The 6th argument of io_pgetevents, struct __aio_sigset. */
struct io_sigset {
	const sigset_t *mask;
	size_t size;
};

/* A context for n requests. */
int io_kernel_make(unsigned n, aio_context_t *id);
void io_kernel_destroy(aio_context_t id);

long io_kernel_submit(aio_context_t id, long n, struct iocb **list);
int io_kernel_cancel(aio_context_t id, struct iocb *cb, struct io_event *event);

/* Without `mask` it is io_getevents. */
long io_kernel_get(aio_context_t id, long min, long n, struct io_event *events,
		   const struct timespec *timeout, const struct io_sigset *mask);

/*
 * What io_kernel_wake needs: a hidden descriptor. Where there are threads that takes some ms,
 * for the kernel waits for its RCU before it enlarges the table of descriptors.
 */
void io_kernel_make_waker(void);

/* Ends the wait of one who waits there for an event: there is one, of ours. */
void io_kernel_wake(aio_context_t id);
int io_kernel_is_wake(const struct io_event *e);

/* Whether that is possible: there is a waker. */
int io_kernel_can_wake(void);

void io_kernel_fork_child(void);

#endif
