/* SPDX-License-Identifier: MIT */
/* Requests of io_submit(2), judged; see io_order.h. */
#include "io_order.h"

#include <errno.h>

#include "io_kernel.h"
#include "object/object_pin.h"
#include "object/ofd.h"
#include "base/real.h"
#include "stats/stats.h"

#define RWF_KNOWN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND)

static const struct io_kind kinds[] = {
	[IOCB_CMD_PREAD] = { AIO_OP_READ, O_RDONLY, CALL_IOCB_CMD_PREAD },
	[IOCB_CMD_PWRITE] = { AIO_OP_WRITE, O_WRONLY, CALL_IOCB_CMD_PWRITE },
	[IOCB_CMD_PREADV] = { AIO_OP_READV, O_RDONLY, CALL_IOCB_CMD_PREADV },
	[IOCB_CMD_PWRITEV] = { AIO_OP_WRITEV, O_WRONLY, CALL_IOCB_CMD_PWRITEV },
	[IOCB_CMD_FSYNC] = { AIO_OP_FSYNC, -1, CALL_IOCB_CMD_FSYNC },
	[IOCB_CMD_FDSYNC] = { AIO_OP_FDATASYNC, -1, CALL_IOCB_CMD_FDSYNC },
};

const struct io_kind *io_order_kind(const struct io_order *o)
{
	static const struct io_kind unknown;
	unsigned op = o->cb.aio_lio_opcode;

	return op < sizeof(kinds) / sizeof(*kinds) ? &kinds[op] : &unknown;
}

int io_order_is_vector(const struct io_order *o)
{
	return o->cb.aio_lio_opcode == IOCB_CMD_PREADV || o->cb.aio_lio_opcode == IOCB_CMD_PWRITEV;
}

size_t io_order_size(const struct io_order *o)
{
	size_t n = 0;

	if (!io_order_is_vector(o))
		return o->cb.aio_nbytes;
	for (size_t i = 0; o->vector && i < o->cb.aio_nbytes; i++)
		n += o->vector->v[i].iov_len;
	return n;
}

/* The flags of the descriptor, or -EBADF. */
static int flags_of(const struct io_order *o)
{
	int fd = (int)o->cb.aio_fildes, flags = o->f ? aio_flags(o->f, fd) : REAL(fcntl)(fd, F_GETFL);

	return flags < 0 || (flags & O_PATH) ? -EBADF : flags;
}

int io_order_is_poll(const struct io_order *o)
{
	return o->cb.aio_lio_opcode == IOCB_CMD_POLL && o->f && o->f->ofd;
}

static int check_poll(const struct io_order *o)
{
	return o->cb.aio_buf > UINT16_MAX || o->cb.aio_offset || o->cb.aio_nbytes || o->cb.aio_rw_flags ? -EINVAL : 0;
}

int io_order_fits(const struct io_order *o)
{
	size_t n = io_order_size(o);

	return o->cb.aio_offset <= INT64_MAX - (int64_t)(n < IO_KERNEL_MOST ? n : IO_KERNEL_MOST);
}

int io_order_check(const struct io_order *o)
{
	const struct iocb *cb = &o->cb;
	const struct io_kind *k = io_order_kind(o);
	int flags;

	if (cb->aio_reserved2 || (ssize_t)cb->aio_nbytes < 0)
		return -EINVAL;
	flags = flags_of(o);
	if (flags < 0)
		return flags;
	if (k->op == AIO_OP_NONE)
		return io_order_is_poll(o) ? check_poll(o) : -EINVAL;
	if (k->way < 0)
		return cb->aio_buf || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags ? -EINVAL : 0;
	if (cb->aio_rw_flags & ~RWF_KNOWN)
		return -EOPNOTSUPP;
	if ((flags & O_ACCMODE) != O_RDWR && (flags & O_ACCMODE) != k->way)
		return -EBADF;
	if (cb->aio_offset < 0 || !io_order_fits(o) || (io_order_is_vector(o) && cb->aio_nbytes > IO_VECTOR_MAX))
		return -EINVAL;
	return o->f && o->f->ofd ? (int)PINNED(o->f, (int)cb->aio_fildes, o->f->ofd->mode == S_IFDIR ? -EINVAL : 0) : 0;
}

static int is_plain(const struct io_order *o)
{
	return io_order_kind(o)->op != AIO_OP_NONE && !o->cb.aio_rw_flags && !(o->cb.aio_flags & ~(unsigned)IOCB_FLAG_RESFD) &&
	       o->cb.aio_nbytes <= IO_KERNEL_MOST && io_order_check(o) == 0;
}

/*
 * Of requests with an eventfd the program may fetch the events by itself, from a ring
 * that only has ours.
 */
static int may_be_peeked_at(const struct io_order *o)
{
	return (o->cb.aio_flags & IOCB_FLAG_RESFD) && !(o->cb.aio_flags & IOCB_FLAG_IOPRIO) &&
	       !o->cb.aio_rw_flags && io_order_kind(o)->op != AIO_OP_NONE && io_order_check(o) == 0;
}

enum io_way io_order_way(const struct io_context *c, const struct io_order *o)
{
	enum io_way other = c->kernel && !may_be_peeked_at(o) ? IO_KERNEL : IO_QUEUE;
	unsigned flags;

	if (!o->f)
		return other;
	if (o->f->ofd)
		return IO_QUEUE;
	flags = o->f->mount->flags;
	if (!(flags & (BE_AIO_NOW | BE_AIO_RING)) || !is_plain(o))
		return other;
	if (flags & BE_AIO_NOW)
		return IO_NOW;
	if ((flags & BE_WROTE) && io_order_kind(o)->way == O_WRONLY)
		return IO_QUEUE;         /* the end of which somebody is told */
	if ((o->f->flags & O_DIRECT) || io_order_kind(o)->way < 0)
		return other;
	return io_order_kind(o)->way == O_RDONLY ? IO_QUEUE : IO_NOW;
}
