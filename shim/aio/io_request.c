/* SPDX-License-Identifier: MIT */
/*
 * What io_submit(2) is given, done or handed to whose it is (io_order.h), and
 * what becomes of its events. See io_context.h.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "aio_queue.h"
#include "files/fdtab.h"
#include "io_order.h"
#include "io_request.h"
#include "io_resfd.h"
#include "object/object_at.h"
#include "base/pool.h"
#include "base/real.h"
#include "stats/stats.h"

#define BATCH 64                 /* handed to the kernel at once */

static struct pool orders = POOL_INIT(struct io_order, 256);
static struct pool vectors = POOL_INIT(struct io_vector, 4);

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
	const struct io_kind *k = io_order_kind(o);

	if (o->t0 && k->op != AIO_OP_NONE)
		aio_record(k->call, o->f, o->t0, k->way < 0 ? 0 : io_order_size(o), k->way < 0 && r > 0 ? 0 : r);
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
	const struct io_kind *k = io_order_kind(o);

	*req = (struct aio_req){
		.phase = AIO_WAITS, .op = k->op, .fd = (int)o->cb.aio_fildes, .off = o->cb.aio_offset,
		.buf = (void *)(uintptr_t)o->cb.aio_buf, .n = o->cb.aio_nbytes, .rwf = (int)o->cb.aio_rw_flags,
		.f = o->f, .plain = !o->f || o->f->ofd,
	};
	if (io_order_is_vector(o)) {
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
static ssize_t at_once(struct io_order *o, enum io_way way)
{
	if (io_order_is_poll(o))
		return o->cb.aio_buf & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	if (way == IO_NOW)
		return perform(o);
	if (o->cb.aio_lio_opcode != IOCB_CMD_PREAD || o->cb.aio_rw_flags || !o->f)
		return -EAGAIN;
	return aio_read_cached(o->f, (int)o->cb.aio_fildes, (void *)(uintptr_t)o->cb.aio_buf, o->cb.aio_nbytes, o->cb.aio_offset);
}

static int copy_vector(struct io_order *o)
{
	size_t n = o->cb.aio_nbytes;

	if (!io_order_is_vector(o))
		return 0;
	o->vector = pool_get(&vectors);
	if (!o->vector)
		return -EAGAIN;
	if (at_give(o->vector->v, (void *)(uintptr_t)o->cb.aio_buf, n * sizeof(struct iovec)) < 0)
		return -EFAULT;
	for (size_t i = 0; i < n; i++)
		if ((ssize_t)o->vector->v[i].iov_len < 0)
			return -EINVAL;
	return io_order_fits(o) ? 0 : -EINVAL;
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
static int start(struct io_order *o, enum io_way way)
{
	ssize_t r = take_resfd(o);

	if (r == 0)
		r = copy_vector(o);
	if (r < 0)
		return (int)r;
	r = at_once(o, way);
	if (r == -EAGAIN && way == IO_QUEUE)
		return post(o);
	over(o, r);
	io_context_sent(o->c);
	return 0;
}

/* One of ours: 0 or -errno. */
static int own(struct io_context *c, struct io_order *o, enum io_way way)
{
	unsigned key = 0;
	int r = way == IO_NOW ? 0 : io_order_check(o);

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
	struct io_order *mine = o->t0 && io_order_kind(o)->op != AIO_OP_NONE ? pool_get(&orders) : NULL;

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

/* In the context, with what has just been submitted: some of it may be over. */
static int in_flight(const struct io_context *c, long done)
{
	long n = atomic_load(&c->running) + atomic_load(&c->in_kernel) + (long)io_events_count(&c->over);

	return (int)(n < done ? done : n);
}

long io_context_submit(struct io_context *c, long n, struct iocb **list)
{
	struct batch b = { .n = 0 };
	struct io_order o;
	struct mount *m = NULL;
	uint64_t t0 = 0;
	int saved = errno, call = 0;
	long done = 0, r = 0, late;

	if (n < 0)
		return -EINVAL;
	while (r == 0 && done + b.n < n) {
		enum io_way way = IO_KERNEL;

		r = look_at(c, list + done + b.n, &o);
		if (r < 0)
			break;
		if (o.f) {
			m = o.f->mount;
			atomic_store_explicit(&c->mount, m, memory_order_relaxed);
			call = io_order_kind(&o)->call;
			t0 = t0 ? t0 : o.t0;
		}
		way = io_order_way(c, &o);
		if (way == IO_KERNEL)
			add(&b, &o);
		if (way != IO_KERNEL || b.n == BATCH)
			r = flush(c, &b, &done);
		if (way != IO_KERNEL && r == 0) {
			r = own(c, &o, way);
			done += r == 0;
		}
	}
	late = flush(c, &b, &done);
	if (m)
		aio_record_submit(call, m->id, t0, in_flight(c, done), done);
	errno = saved;
	return done ? done : late < 0 ? late : r;
}

void io_event_settle(struct io_context *c, struct io_event *e)
{
	struct io_order *o = (struct io_order *)(uintptr_t)e->data;

	atomic_fetch_sub(&c->in_kernel, 1);
	if (!pool_has(&orders, o) || e->obj != (uintptr_t)&o->cb)
		return;
	atomic_fetch_sub(&c->sent, 1);
	record(o, e->res);
	e->obj = (uintptr_t)o->obj;
	e->data = o->data;
	pool_put(&orders, o);
}
