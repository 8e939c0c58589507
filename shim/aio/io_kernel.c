/* SPDX-License-Identifier: MIT */
/* The kernel's asynchronous I/O; see io_kernel.h. */
#include "io_kernel.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "files/hide.h"
#include "base/hidden.h"
#include "base/quiet.h"
#include "base/real.h"

/* The value of a system call, or -errno; errno is kept. */
#define KERNEL(...) ({                                                        \
	int saved_ = errno;                                                   \
	long r_ = REAL(syscall)(__VA_ARGS__);                                 \
	r_ = r_ < 0 ? -errno : r_;                                            \
	errno = saved_;                                                       \
	r_; })

/*
 * An eventfd that is always ready, hidden: a poll of it is over at once, and
 * wakes who waits in a context. -1: there is none.
 */
static _Atomic int ready_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void io_kernel_make_waker(void)
{
	struct quiet q;
	int fd;

	if (atomic_load(&ready_fd) >= 0)
		return;
	quiet_begin(&q);
	pthread_mutex_lock(&lock);
	fd = atomic_load(&ready_fd) < 0 ? REAL(eventfd)(1, EFD_CLOEXEC) : -1;
	if (fd >= 0 && hide_fd(fd, &ready_fd) < 0)
		REAL(close)(fd);
	pthread_mutex_unlock(&lock);
	quiet_end(&q);
}

void io_kernel_fork_child(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

int io_kernel_make(unsigned n, aio_context_t *id)
{
	return (int)KERNEL(SYS_io_setup, n, id);
}

void io_kernel_destroy(aio_context_t id)
{
	KERNEL(SYS_io_destroy, id);
}

long io_kernel_submit(aio_context_t id, long n, struct iocb **list)
{
	return KERNEL(SYS_io_submit, id, n, list);
}

int io_kernel_cancel(aio_context_t id, struct iocb *cb, struct io_event *event)
{
	return (int)KERNEL(SYS_io_cancel, id, cb, event);
}

long io_kernel_get(aio_context_t id, long min, long n, struct io_event *events,
		   const struct timespec *timeout, const struct io_sigset *mask)
{
	if (!mask)
		return KERNEL(SYS_io_getevents, id, min, n, events, timeout);
	return KERNEL(SYS_io_pgetevents, id, min, n, events, timeout, mask);
}

void io_kernel_wake(aio_context_t id)
{
	struct iocb poll = {
		.aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (unsigned)atomic_load(&ready_fd),
		.aio_buf = POLLIN, .aio_data = (uintptr_t)&ready_fd,
	}, *list = &poll;

	io_kernel_submit(id, 1, &list);
}

int io_kernel_is_wake(const struct io_event *e)
{
	return e->data == (uintptr_t)&ready_fd;
}

int io_kernel_can_wake(void)
{
	return atomic_load(&ready_fd) >= 0;
}
