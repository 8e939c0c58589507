/* SPDX-License-Identifier: MIT */
/* The ring of aio_read(3) and its kin; see aio_ring.h. */
#include "aio_ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "ring.h"

/* Of Linux 6.7, which liburing 2.3 does not know. */
#define OP_FUTEX_WAIT 51
#define FUTEX_SIZE_32 2
#define FUTEX_IS_PRIVATE 128

static struct io_uring ring;
static unsigned in_kernel;      /* requests, without the bell */
static int listening;           /* the bell is waited for */
static const _Atomic int *bell_fd;      /* an eventfd, or NULL: the bell is a futex */
static uint64_t rings;          /* what is read from it */

/* The next entry; there is always one: room and the bell are counted. */
static struct io_uring_sqe *entry(void *tag)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	if (sqe) {
		memset(sqe, 0, sizeof(*sqe));
		io_uring_sqe_set_data(sqe, tag);
	}
	return sqe;
}

static void listen_to(_Atomic uint32_t *bell, uint32_t value)
{
	struct io_uring_sqe *sqe = entry(NULL);

	if (!sqe)
		return;
	listening = 1;
	if (bell_fd) {
		io_uring_prep_read(sqe, atomic_load(bell_fd), &rings, sizeof(rings), 0);
		io_uring_sqe_set_data(sqe, NULL);
		return;
	}
	sqe->opcode = OP_FUTEX_WAIT;
	sqe->fd = FUTEX_SIZE_32 | FUTEX_IS_PRIVATE;
	sqe->addr = (uintptr_t)bell;
	sqe->off = value;
	sqe->addr3 = UINT32_MAX;
}

/* Whether the kernel can wait for a bell: one that has rung is told at once. */
static int check_bell(void)
{
	static _Atomic uint32_t rung = 1;
	struct io_uring_cqe *cqe;
	int r;

	listen_to(&rung, 0);
	listening = 0;
	r = io_uring_submit_and_wait(&ring, 1);
	if (r < 0 || io_uring_peek_cqe(&ring, &cqe) < 0)
		return r < 0 ? r : -EIO;
	r = cqe->res == -EAGAIN ? 0 : -EINVAL;
	io_uring_cqe_seen(&ring, cqe);
	return r;
}

int aio_ring_open(const _Atomic int *fd)
{
	int r;

	in_kernel = 0;
	listening = 0;
	bell_fd = fd;
	r = ring_make(&ring, AIO_RING_DEPTH);
	if (r == 0 && !bell_fd) {
		r = check_bell();
		if (r < 0)
			ring_unmake(&ring);
	}
	return r;
}

int aio_ring_room(void)
{
	return in_kernel < AIO_RING_DEPTH;
}

void aio_ring_put(enum aio_op op, int fd, void *buf, size_t n, off_t off, void *tag)
{
	struct io_uring_sqe *sqe = entry(tag);

	if (!sqe)
		return;
	in_kernel++;
	switch (op) {
	case AIO_OP_READ:
		io_uring_prep_read(sqe, fd, buf, (unsigned)n, (uint64_t)off);
		break;
	case AIO_OP_WRITE:
		io_uring_prep_write(sqe, fd, buf, (unsigned)n, (uint64_t)off);
		break;
	case AIO_OP_READV:
		io_uring_prep_readv(sqe, fd, buf, (unsigned)n, (uint64_t)off);
		break;
	case AIO_OP_WRITEV:
		io_uring_prep_writev(sqe, fd, buf, (unsigned)n, (uint64_t)off);
		break;
	default:
		io_uring_prep_fsync(sqe, fd, op == AIO_OP_FDATASYNC ? IORING_FSYNC_DATASYNC : 0);
	}
	io_uring_sqe_set_data(sqe, tag);
}

/* What a plain call may answer otherwise is left to one. */
static ssize_t result(int r)
{
	switch (r) {
	case -EAGAIN: case -EINVAL: case -EOPNOTSUPP: case -ECANCELED: case -EINTR: case -EFAULT:
		return AIO_RING_AGAIN;
	default:
		return r;
	}
}

static void reap(void (*done)(void *tag, ssize_t r))
{
	struct io_uring_cqe *cqe;

	while (io_uring_peek_cqe(&ring, &cqe) == 0) {
		void *tag = io_uring_cqe_get_data(cqe);
		int r = cqe->res;

		io_uring_cqe_seen(&ring, cqe);
		if (!tag) {
			listening = 0;
		} else {
			in_kernel--;
			done(tag, result(r));
		}
	}
}

void aio_ring_wait(_Atomic uint32_t *bell, uint32_t value, void (*done)(void *tag, ssize_t r))
{
	if (!listening)
		listen_to(bell, value);
	io_uring_submit_and_wait(&ring, 1);
	reap(done);
}

void aio_ring_submit(void (*done)(void *tag, ssize_t r))
{
	if (io_uring_sq_ready(&ring))
		io_uring_submit(&ring);
	reap(done);
}
