/* SPDX-License-Identifier: MIT */
/* What the queue gives its requests to; see aio_engine.h. */
#include "aio_engine.h"

#include <errno.h>
#include <string.h>

#include "aio_kernel.h"
#include "files/hide.h"
#include "io_kernel.h"
#include "base/real.h"
#include "stats/stats.h"

static enum { THREADS, RING, KERNEL } engine;
static _Atomic int bell_fd = -1;         /* rung where a futex cannot be waited for; hidden */
int aio_engine_no_futex, aio_engine_no_ring;

static int make_bell_fd(void)
{
	int fd = REAL(eventfd)(0, EFD_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = hide_fd(fd, &bell_fd);
	if (r < 0)
		REAL(close)(fd);
	return r;
}

/* With a bell that is a futex or, before Linux 6.7, an eventfd. */
static int open_ring(void)
{
	int r = aio_engine_no_futex ? -EINVAL : aio_ring_open(NULL);

	if (r == -EINVAL && (r = make_bell_fd()) == 0) {
		r = aio_ring_open(&bell_fd);
		if (r < 0)
			hide_close(&bell_fd);
	}
	return r;
}

static int open_kernel(void)
{
	int r = make_bell_fd();

	if (r == 0) {
		r = aio_kernel_open(&bell_fd);
		if (r < 0)
			hide_close(&bell_fd);
	}
	return r;
}

void aio_engine_open(void)
{
	int ring = aio_engine_no_ring ? -ENOSYS : open_ring(), kernel;

	engine = RING;
	if (ring == 0)
		return;
	kernel = open_kernel();
	engine = kernel == 0 ? KERNEL : THREADS;
	if (kernel == 0)
		stats_note("io_uring is not used for aio_read and its kin (%s): the kernel's asynchronous I/O with O_DIRECT, "
			   "else threads instead", strerrorname_np(-ring));
	else
		stats_note("io_uring (%s) and the kernel's asynchronous I/O (%s) are not used for aio_read and its kin: threads instead",
			   strerrorname_np(-ring), strerrorname_np(-kernel));
}

/* What only a plain call gives the right error for is no request for an engine. */
int aio_engine_fits(const struct aio_req *req)
{
	if (engine == THREADS || req->plain || req->op == AIO_OP_NONE || req->off < 0 || req->n > IO_KERNEL_MOST)
		return 0;
	return engine == RING || (req->f && (req->f->flags & O_DIRECT) && (req->op == AIO_OP_READ || req->op == AIO_OP_WRITE));
}

int aio_engine_room(void)
{
	return engine == RING ? aio_ring_room() : aio_kernel_room();
}

void aio_engine_put(struct aio_req *req)
{
	if (engine == RING)
		aio_ring_put(req->op, req->fd, req->buf, req->n, req->off, req);
	else
		aio_kernel_put(req->op, req->fd, req->buf, req->n, req->off, req);
}

void aio_engine_wait(_Atomic uint32_t *bell, uint32_t value, void (*done)(void *tag, ssize_t r))
{
	if (engine == RING)
		aio_ring_wait(bell, value, done);
	else if (engine == KERNEL)
		aio_kernel_wait(done);
	else
		aio_futex_wait(bell, value, -1);
}

void aio_engine_submit(void (*done)(void *tag, ssize_t r))
{
	if (engine == RING)
		aio_ring_submit(done);
	else if (engine == KERNEL)
		aio_kernel_submit(done);
}

void aio_engine_wake(_Atomic uint32_t *bell)
{
	uint64_t one = 1;
	int saved = errno;

	if (atomic_load(&bell_fd) >= 0)
		REAL(write)(atomic_load(&bell_fd), &one, sizeof(one));
	else
		aio_futex_wake(bell);
	errno = saved;
}

void aio_engine_fork_child(void)
{
	hide_close(&bell_fd);    /* a child that read it would take its parent's */
	engine = THREADS;
}
