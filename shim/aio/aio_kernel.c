/* SPDX-License-Identifier: MIT */
/* The kernel's asynchronous I/O for the queue; see aio_kernel.h. */
#include "aio_kernel.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "io_kernel.h"
#include "base/real.h"

#define EVENTS 32                /* fetched at a time */

static aio_context_t context;
static struct iocb cbs[AIO_RING_DEPTH + 1], *list[AIO_RING_DEPTH + 1];   /* not handed over yet */
static int ready;                /* of those, how many */
static int in_kernel;            /* requests that are not over */
static int listening;            /* the bell is waited for */
static const _Atomic int *bell_fd;

int aio_kernel_room(void)
{
	return in_kernel < AIO_RING_DEPTH;
}

static struct iocb *add(void *tag)
{
	struct iocb *cb = &cbs[ready];

	list[ready++] = cb;
	*cb = (struct iocb){ .aio_data = (uintptr_t)tag };
	return cb;
}

void aio_kernel_put(enum aio_op op, int fd, void *buf, size_t n, off_t off, void *tag)
{
	struct iocb *cb = add(tag);

	in_kernel++;
	cb->aio_lio_opcode = op == AIO_OP_READ ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE;
	cb->aio_fildes = (unsigned)fd;
	cb->aio_buf = (uintptr_t)buf;
	cb->aio_nbytes = n;
	cb->aio_offset = off;
	cb->aio_rw_flags = RWF_NOWAIT;
}

static void listen_to_bell(void)
{
	struct iocb *cb = add(NULL);

	listening = 1;
	cb->aio_lio_opcode = IOCB_CMD_POLL;
	cb->aio_fildes = (unsigned)atomic_load(bell_fd);
	cb->aio_buf = POLLIN;
}

/* Before Linux 4.18 nothing can be polled in a context. */
int aio_kernel_open(const _Atomic int *fd)
{
	int r;

	context = 0;
	r = io_kernel_make(AIO_RING_DEPTH + 1, &context);
	if (r < 0)
		return r;
	bell_fd = fd;
	ready = in_kernel = 0;
	listen_to_bell();
	r = io_kernel_submit(context, 1, list) == 1 ? 0 : -EINVAL;
	ready = 0;
	if (r < 0)
		io_kernel_destroy(context);
	return r;
}

static void over(void *tag, ssize_t r, void (*done)(void *tag, ssize_t r))
{
	uint64_t rings;

	if (!tag) {
		listening = 0;
		if (r > 0)
			REAL(read)(atomic_load(bell_fd), &rings, sizeof(rings));
		return;
	}
	in_kernel--;
	done(tag, io_kernel_declined(r) ? AIO_RING_AGAIN : r);
}

/* All that is ready; what the kernel does not take is over for it. */
static void hand_over(void (*done)(void *tag, ssize_t r))
{
	for (int at = 0; at < ready; ) {
		long n = io_kernel_submit(context, ready - at, list + at);

		if (n <= 0) {
			over((void *)(uintptr_t)list[at]->aio_data, -EAGAIN, done);
			n = 1;
		}
		at += (int)n;
	}
	ready = 0;
}

static void fetch(long min, void (*done)(void *tag, ssize_t r))
{
	struct timespec now = { 0, 0 };
	struct io_event events[EVENTS];
	long n;

	do {
		n = io_kernel_get(context, min, EVENTS, events, min ? NULL : &now, NULL);
		for (long i = 0; i < n; i++)
			over((void *)(uintptr_t)events[i].data, (ssize_t)events[i].res, done);
		min = 0;
	} while (n == EVENTS);
}

void aio_kernel_wait(void (*done)(void *tag, ssize_t r))
{
	if (!listening)
		listen_to_bell();
	hand_over(done);
	fetch(1, done);
}

void aio_kernel_submit(void (*done)(void *tag, ssize_t r))
{
	hand_over(done);
	if (in_kernel)
		fetch(0, done);
}
