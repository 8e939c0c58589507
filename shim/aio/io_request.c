/* SPDX-License-Identifier: MIT */
/*
 * What io_submit(2) is given: which requests are ours to do, and which are the
 * kernel's; and what becomes of their events. See io_context.h.
 *
 * Ours are buffered reads on uring, where the kernel's io_submit would wait for
 * the disk, and buffered writes, which it does here and now as well; all plain
 * requests on mem; and all on files without a kernel file.
 * What is odd about a request on a kernel's file, the kernel is left to judge.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "aio_queue.h"
#include "files/fdtab.h"
#include "io_context.h"
#include "io_request.h"
#include "io_resfd.h"
#include "object/object_at.h"
#include "object/object_pin.h"
#include "object/ofd.h"
#include "base/pool.h"
#include "base/real.h"
#include "stats/stats.h"

#define BATCH 64                 /* handed to the kernel at once */
#define VECTOR_MAX 1024          /* UIO_MAXIOV */
#define RW_MAX 0x7ffff000        /* MAX_RW_COUNT in the kernel's include/linux/fs.h */
#define RWF_KNOWN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND)

enum way { KERNEL, NOW, QUEUE };

struct vector {
	struct iovec v[VECTOR_MAX];
};

/* A request until its event is there (ours), or fetched (the kernel's). */
struct io_order {
	struct iocb cb;          /* a copy */
	struct iocb *obj;        /* the program's */
	struct file *f;          /* NULL: none of ours */
	struct io_context *c;
	struct io_resfd *resfd;
	struct vector *vector;
	struct iovec one;
	uint64_t data;           /* the program's, where the copy has another */
	uint64_t t0;
};

static struct pool orders = POOL_INIT(struct io_order, 256);
static struct pool vectors = POOL_INIT(struct vector, 4);

static const struct kind {
	enum aio_op op;          /* AIO_OP_NONE: no such request */
	short way;               /* O_RDONLY, O_WRONLY, or -1 */
	short call;
} kinds[] = {
	[IOCB_CMD_PREAD] = { AIO_OP_READ, O_RDONLY, CALL_IOCB_CMD_PREAD },
	[IOCB_CMD_PWRITE] = { AIO_OP_WRITE, O_WRONLY, CALL_IOCB_CMD_PWRITE },
	[IOCB_CMD_PREADV] = { AIO_OP_READV, O_RDONLY, CALL_IOCB_CMD_PREADV },
	[IOCB_CMD_PWRITEV] = { AIO_OP_WRITEV, O_WRONLY, CALL_IOCB_CMD_PWRITEV },
	[IOCB_CMD_FSYNC] = { AIO_OP_FSYNC, -1, CALL_IOCB_CMD_FSYNC },
	[IOCB_CMD_FDSYNC] = { AIO_OP_FDATASYNC, -1, CALL_IOCB_CMD_FDSYNC },
};

static const struct kind *kind_of(const struct io_order *o)
{
	static const struct kind unknown;
	unsigned op = o->cb.aio_lio_opcode;

	return op < sizeof(kinds) / sizeof(*kinds) ? &kinds[op] : &unknown;
}

static int is_vector(const struct io_order *o)
{
	return o->cb.aio_lio_opcode == IOCB_CMD_PREADV || o->cb.aio_lio_opcode == IOCB_CMD_PWRITEV;
}

static size_t size_of(const struct io_order *o)
{
	size_t n = 0;

	if (!is_vector(o))
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

/* A poll of a file without a kernel file, which is always ready. */
static int is_poll(const struct io_order *o)
{
	return o->cb.aio_lio_opcode == IOCB_CMD_POLL && o->f && o->f->ofd;
}

static int check_poll(const struct io_order *o)
{
	return o->cb.aio_buf > UINT16_MAX || o->cb.aio_offset || o->cb.aio_nbytes || o->cb.aio_rw_flags ? -EINVAL : 0;
}

/* What io_submit says of a request before it is one, in its order; 0 or -errno. */
static int check(const struct io_order *o)
{
	const struct iocb *cb = &o->cb;
	const struct kind *k = kind_of(o);
	int flags;

	if (cb->aio_reserved2 || (ssize_t)cb->aio_nbytes < 0)
		return -EINVAL;
	flags = flags_of(o);
	if (flags < 0)
		return flags;
	if (k->op == AIO_OP_NONE)
		return is_poll(o) ? check_poll(o) : -EINVAL;
	if (k->way < 0)
		return cb->aio_buf || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags ? -EINVAL : 0;
	if (cb->aio_rw_flags & ~RWF_KNOWN)
		return -EOPNOTSUPP;
	if ((flags & O_ACCMODE) != O_RDWR && (flags & O_ACCMODE) != k->way)
		return -EBADF;
	if (cb->aio_offset < 0 || (is_vector(o) && cb->aio_nbytes > VECTOR_MAX))
		return -EINVAL;
	return o->f && o->f->ofd ? (int)PINNED(o->f, (int)cb->aio_fildes, o->f->ofd->mode == S_IFDIR ? -EINVAL : 0) : 0;
}

static int is_plain(const struct io_order *o)
{
	return kind_of(o)->op != AIO_OP_NONE && !o->cb.aio_rw_flags && !(o->cb.aio_flags & ~(unsigned)IOCB_FLAG_RESFD) &&
	       o->cb.aio_nbytes <= RW_MAX && check(o) == 0;
}

/*
 * Of requests with an eventfd the program may fetch the events by itself, from a ring
 * that only has ours.
 */
static int may_be_peeked_at(const struct io_order *o)
{
	return (o->cb.aio_flags & IOCB_FLAG_RESFD) && !(o->cb.aio_flags & IOCB_FLAG_IOPRIO) &&
	       !o->cb.aio_rw_flags && kind_of(o)->op != AIO_OP_NONE && check(o) == 0;
}

static enum way way_of(const struct io_context *c, const struct io_order *o)
{
	enum way other = c->kernel && !may_be_peeked_at(o) ? KERNEL : QUEUE;
	unsigned flags;

	if (!o->f)
		return other;
	if (o->f->ofd)
		return QUEUE;
	flags = o->f->mount->flags;
	if (!(flags & (BE_AIO_NOW | BE_AIO_RING)) || !is_plain(o))
		return other;
	if (flags & BE_AIO_NOW)
		return NOW;
	if ((o->f->flags & O_DIRECT) || kind_of(o)->way < 0)
		return other;
	return kind_of(o)->way == O_RDONLY ? QUEUE : NOW;
}

/* Reads what the program's list says at `at`: 0 or -EFAULT. */
static int look_at(struct io_context *c, struct iocb **at, struct io_order *o)
{
	if (at_give(&o->obj, at, sizeof(o->obj)) < 0 || at_give(&o->cb, o->obj, sizeof(o->cb)) < 0)
		return -EFAULT;
	o->f = fdtab_get((int)o->cb.aio_fildes);
	if (o->f && fdtab_lent && !fdtab_ours())
		o->f = NULL;
	o->c = c;
	o->resfd = NULL;
	o->vector = NULL;
	o->t0 = o->f ? stats_begin() : 0;
	return 0;
}

static void record(const struct io_order *o, ssize_t r)
{
	const struct kind *k = kind_of(o);

	if (o->t0 && k->op != AIO_OP_NONE)
		aio_record(k->call, o->f, o->t0, k->way < 0 ? 0 : size_of(o), k->way < 0 && r > 0 ? 0 : r);
}

/* Its event; what it held goes. */
static void over(struct io_order *o, ssize_t r)
{
	struct io_event e = { o->cb.aio_data, (uintptr_t)o->obj, r, 0 };
	struct io_resfd *resfd = o->resfd;

	record(o, r);
	if (o->vector)
		pool_put(&vectors, o->vector);
	io_context_event(o->c, &e);
	if (resfd)
		io_resfd_signal(resfd);
}

void io_order_over(struct io_order *o, ssize_t r)
{
	struct io_context *c = o->c;

	if (!o->f)
		atomic_fetch_sub(&aio_foreign, 1);
	over(o, r);
	pool_put(&orders, o);
	io_context_leave(c);
}

static void fill_in(struct aio_req *req, struct io_order *o)
{
	const struct kind *k = kind_of(o);

	*req = (struct aio_req){
		.phase = AIO_WAITS, .op = k->op, .fd = (int)o->cb.aio_fildes, .off = o->cb.aio_offset,
		.buf = (void *)(uintptr_t)o->cb.aio_buf, .n = o->cb.aio_nbytes, .rwf = (int)o->cb.aio_rw_flags,
		.f = o->f, .plain = !o->f || o->f->ofd,
	};
	if (is_vector(o)) {
		req->buf = o->vector->v;
	} else if (req->rwf && k->way >= 0) {        /* which only vectors have */
		o->one = (struct iovec){ req->buf, req->n };
		req->op = k->way == O_RDONLY ? AIO_OP_READV : AIO_OP_WRITEV;
		req->buf = &o->one;
		req->n = 1;
	}
}

/* Like any request of the kernel's, it is no cancellation point. */
static ssize_t perform(struct io_order *o)
{
	struct aio_req req;
	ssize_t r;
	int state;

	fill_in(&req, o);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	r = aio_req_perform(&req);
	pthread_setcancelstate(state, NULL);
	return r;
}

/* Its result if it can be had without waiting, or -EAGAIN. */
static ssize_t at_once(struct io_order *o, enum way way)
{
	if (is_poll(o))
		return o->cb.aio_buf & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	if (way == NOW)
		return perform(o);
	if (o->cb.aio_lio_opcode != IOCB_CMD_PREAD || o->cb.aio_rw_flags || !o->f)
		return -EAGAIN;
	return aio_read_cached(o->f, (int)o->cb.aio_fildes, (void *)(uintptr_t)o->cb.aio_buf, o->cb.aio_nbytes, o->cb.aio_offset);
}

static int copy_vector(struct io_order *o)
{
	size_t n = o->cb.aio_nbytes;

	if (!is_vector(o))
		return 0;
	o->vector = pool_get(&vectors);
	if (!o->vector)
		return -EAGAIN;
	if (at_give(o->vector->v, (void *)(uintptr_t)o->cb.aio_buf, n * sizeof(struct iovec)) < 0)
		return -EFAULT;
	for (size_t i = 0; i < n; i++)
		if ((ssize_t)o->vector->v[i].iov_len < 0)
			return -EINVAL;
	return 0;
}

static int take_resfd(struct io_order *o)
{
	return o->cb.aio_flags & IOCB_FLAG_RESFD ? io_resfd_get(&o->resfd, (int)o->cb.aio_resfd) : 0;
}

static void drop(struct io_order *o)
{
	if (o->vector)
		pool_put(&vectors, o->vector);
	if (o->resfd)
		io_resfd_put(o->resfd);
}

/* To the queue: 0 or -EAGAIN. */
static int post(const struct io_order *given)
{
	struct io_order *o = pool_get(&orders);
	struct aio_req *req = o && aio_queue_ready() == 0 ? aio_req_get() : NULL;

	if (!req) {
		if (o)
			pool_put(&orders, o);
		return -EAGAIN;
	}
	*o = *given;
	atomic_fetch_add(&o->c->users, 1);
	if (!o->f)
		atomic_fetch_add(&aio_foreign, 1);
	fill_in(req, o);
	req->order = o;
	aio_req_post(req);
	return 0;
}

/* Starts a request that counts already: 0 or -errno. */
static int start(struct io_order *o, enum way way)
{
	ssize_t r = take_resfd(o);

	if (r == 0)
		r = copy_vector(o);
	if (r < 0)
		return (int)r;
	r = at_once(o, way);
	if (r == -EAGAIN && way == QUEUE)
		return post(o);
	over(o, r);
	io_context_sent(o->c);
	return 0;
}

/* One of ours: 0 or -errno. */
static int own(struct io_context *c, struct io_order *o, enum way way)
{
	unsigned key = 0;
	int r = way == NOW ? 0 : check(o);

	if (r < 0)
		return r;
	if (o->cb.aio_key && at_give(&o->obj->aio_key, &key, sizeof(key)) < 0)
		return -EFAULT;
	r = io_context_reserve(c);
	if (r < 0)
		return r;
	r = start(o, way);
	if (r < 0) {
		drop(o);
		atomic_fetch_sub(&c->running, 1);
	}
	return r;
}

/* Requests for the kernel that follow each other. */
struct batch {
	struct iocb *list[BATCH];
	struct io_order *order[BATCH];   /* NULL: the program's own iocb */
	int n, sent;
};

/* A request on a file that is in the statistics goes as a copy, which its event names. */
static void add(struct batch *b, const struct io_order *o)
{
	struct io_order *mine = o->t0 && kind_of(o)->op != AIO_OP_NONE ? pool_get(&orders) : NULL;

	b->order[b->n] = mine;
	b->list[b->n++] = mine ? &mine->cb : o->obj;
	if (!mine)
		return;
	*mine = *o;
	mine->data = o->cb.aio_data;
	mine->cb.aio_data = (uintptr_t)mine;
	b->sent++;
}

/* The requests that the kernel did not take, from `from` on. */
static void take_back(struct io_context *c, struct batch *b, long from)
{
	for (long i = from; i < b->n; i++)
		if (b->order[i]) {
			pool_put(&orders, b->order[i]);
			atomic_fetch_sub(&c->sent, 1);
		}
	atomic_fetch_sub(&c->in_kernel, (int)(b->n - from));
}

/* Hands them over: 0 if the kernel took all, else -errno of the first that it did not. */
static long flush(struct io_context *c, struct batch *b, long *done)
{
	long n;

	if (!b->n)
		return 0;
	atomic_fetch_add(&c->in_kernel, b->n);
	atomic_fetch_add(&c->sent, b->sent);
	n = io_kernel_submit(c->kernel, b->n, b->list);
	if (n < b->n)
		take_back(c, b, n < 0 ? 0 : n);
	if (n > 0) {
		*done += n;
		io_context_sent(c);
	}
	n = n < 0 ? n : n < b->n ? -EAGAIN : 0;
	b->n = b->sent = 0;
	return n;
}

long io_context_submit(struct io_context *c, long n, struct iocb **list)
{
	struct batch b = { .n = 0 };
	struct io_order o;
	int saved = errno;
	long done = 0, r = 0, late;

	if (n < 0)
		return -EINVAL;
	while (r == 0 && done + b.n < n) {
		enum way way = KERNEL;

		r = look_at(c, list + done + b.n, &o);
		if (r < 0)
			break;
		if (o.f)
			atomic_store_explicit(&c->mount, o.f->mount, memory_order_relaxed);
		way = way_of(c, &o);
		if (way == KERNEL)
			add(&b, &o);
		if (way != KERNEL || b.n == BATCH)
			r = flush(c, &b, &done);
		if (way != KERNEL && r == 0) {
			r = own(c, &o, way);
			done += r == 0;
		}
	}
	late = flush(c, &b, &done);
	errno = saved;
	return done ? done : late < 0 ? late : r;
}

int io_event_settle(struct io_context *c, struct io_event *e)
{
	struct io_order *o = (struct io_order *)(uintptr_t)e->data;

	atomic_fetch_sub(&c->in_kernel, 1);
	if (!pool_has(&orders, o) || e->obj != (uintptr_t)&o->cb)
		return 1;
	atomic_fetch_sub(&c->sent, 1);
	record(o, e->res);
	e->obj = (uintptr_t)o->obj;
	e->data = o->data;
	pool_put(&orders, o);
	return 1;
}
