/* SPDX-License-Identifier: MIT */
/*
 * The doors of asynchronous requests, POSIX's: on files of ours a queue
 * (aio_queue.h) does them, at a depth that libc, one request on a descriptor
 * at a time, does not have.
 */
#include "aio/aio_direct.h"
#include "door.h"

/* Whether a request is over already: a read of what is in the page cache. */
static int is_cached(struct aio_req *req)
{
	const struct file *f = req->f;

	if (!f || req->op != AIO_OP_READ || req->off < 0 || (f->mount->flags & BE_AIO_ORDER))
		return 0;
	req->result = aio_read_cached(f, req->fd, req->buf, req->n, req->off);
	return req->result != -EAGAIN;
}

static int is_sync(enum aio_op op)
{
	return op == AIO_OP_FSYNC || op == AIO_OP_FDATASYNC;
}

/* To the queue; a sync comes after what is not there. */
static void post(struct aio_req *req)
{
	if (req->f && !req->f->ofd && is_sync(req->op))
		req->after = aio_direct_number(req->f, req->fd);
	req->plain |= req->after != 0;
	aio_req_post(req);
}

/* Starts cb, as part of g unless that is NULL: 0 or an errno. */
static int start(enum call call, enum aio_op op, struct aiocb *cb, struct file *f, struct aio_group *g)
{
	int now = aio_is_now(f) && !aio_is_limited(op), r = now ? 0 : aio_queue_ready();
	struct aio_req *req;
	unsigned rule;
	uint64_t t0;
	int depth;

	if (r)
		return r;
	if (is_sync(op))                /* which has none, in libc too */
		cb->aio_reqprio = 0;
	r = aio_req_new(&req, cb, f);
	if (r)
		return r;
	req->op = op;
	req->plain |= aio_is_now(f);
	req->call = call;
	req->group = g;
	t0 = req->t0;
	rule = f ? f->mount->id : 0;
	depth = atomic_load_explicit(&aio_in_flight, memory_order_relaxed);
	if (g) {
		atomic_fetch_add(&g->left, 1);
		atomic_fetch_add(&g->holders, 1);
	}
	if (now)
		aio_req_now(req);
	else if (is_cached(req))
		aio_req_finish(req, req->result);
	else if (!aio_direct_submit(req))
		post(req);
	aio_record_submit(call, rule, t0, depth, 1);
	return 0;
}

static int alone(enum call call, enum aio_op op, struct aiocb *cb, struct file *f)
{
	return (int)ret_errno(-start(call, op, cb, f, NULL));
}

/* The value of `native`, libc's; timed if the file is one of ours all the same. */
#define BY_LIBC(name, cb, native) ({                                          \
	struct file *f_ = fdtab_get((cb)->aio_fildes);                        \
	aio_disown(cb);                                                       \
	f_ ? TIMED(name, f_, 0, native) : native; })

EXPORT int aio_read(struct aiocb *cb)
{
	struct file *f = aio_served(cb->aio_fildes);

	return f ? alone(CALL_aio_read, AIO_OP_READ, cb, f) : BY_LIBC(aio_read, cb, REAL(aio_read)(cb));
}

TWIN_OF(aio_read64, aio_read)

EXPORT int aio_write(struct aiocb *cb)
{
	struct file *f = aio_served(cb->aio_fildes);

	return f ? alone(CALL_aio_write, AIO_OP_WRITE, cb, f) : BY_LIBC(aio_write, cb, REAL(aio_write)(cb));
}

TWIN_OF(aio_write64, aio_write)

EXPORT int aio_fsync(int op, struct aiocb *cb)
{
	struct file *f = op == O_SYNC || op == O_DSYNC ? aio_served(cb->aio_fildes) : NULL;

	return f ? alone(CALL_aio_fsync, op == O_SYNC ? AIO_OP_FSYNC : AIO_OP_FDATASYNC, cb, f) :
		   BY_LIBC(aio_fsync, cb, REAL(aio_fsync)(op, cb));
}

TWIN_OF(aio_fsync64, aio_fsync)

/* The state, after a look at what is over. */
static int state_now(const struct aiocb *cb)
{
	if (aio_state(cb) == EINPROGRESS && aio_is_direct(cb))
		aio_direct_fetch();
	return aio_state(cb);
}

EXPORT int aio_error(const struct aiocb *cb)
{
	return aio_ours(cb) ? state_now(cb) : REAL(aio_error)(cb);
}

TWIN_OF(aio_error64, aio_error)

EXPORT ssize_t aio_return(struct aiocb *cb)
{
	if (!aio_ours(cb))
		return REAL(aio_return)(cb);
	return state_now(cb) == EINPROGRESS ? 0 : cb->__return_value;
}

TWIN_OF(aio_return64, aio_return)

EXPORT int aio_cancel(int fd, struct aiocb *cb)
{
	if (cb ? !aio_ours(cb) : !aio_served(fd))
		return REAL(aio_cancel)(fd, cb);
	if (REAL(fcntl)(fd, F_GETFL) < 0)
		return -1;
	if (cb && cb->aio_fildes != fd) {
		errno = EINVAL;
		return -1;
	}
	if (cb && aio_state(cb) != EINPROGRESS)
		return AIO_ALLDONE;
	return aio_queue_cancel(fd, cb);
}

TWIN_OF(aio_cancel64, aio_cancel)

EXPORT void aio_init(const struct aioinit *init)
{
	REAL(aio_init)(init);
}

/* A list that somebody waits for. */
struct list {
	const struct aiocb *const *cb;
	int n;
};

/* Whether any in the list is over, or of no process that will ever end it. */
static int any_over(void *arg)
{
	const struct list *l = arg;

	for (int i = 0; i < l->n; i++)
		if (l->cb[i] && aio_state(l->cb[i]) != EINPROGRESS)
			return 1;
	return 0;
}

/* How many in the list are not ours, are the queue's or over, and are aio_direct.h's. */
static void whose(const struct list *l, int count[3])
{
	count[0] = count[1] = count[2] = 0;
	for (int i = 0; i < l->n; i++)
		if (l->cb[i])
			count[aio_ours(l->cb[i]) + aio_is_direct(l->cb[i])]++;
}

#define LIBC_LOOK_NS 1000000     /* how often libc's requests are looked at beside ours */

EXPORT int aio_suspend(const struct aiocb *const cb[], int n, const struct timespec *timeout)
{
	struct list l = { cb, n };
	int count[3], r;

	whose(&l, count);
	if (!count[1] && !count[2])
		return REAL(aio_suspend)(cb, n, timeout);
	pthread_testcancel();
	r = aio_wait(any_over, &l, timeout ? aio_ns(timeout) : -1, count[0] ? LIBC_LOOK_NS : -1,
		     AIO_WAIT_CANCEL | (count[2] ? AIO_WAIT_DIRECT : 0));
	return (int)ret_errno(r > 0 ? 0 : r);
}

TWIN_OF(aio_suspend64, aio_suspend)

static int is_request(const struct aiocb *cb)
{
	return cb && cb->aio_lio_opcode != LIO_NOP;
}

/* Whether the queue does a list: if any is ours, so that one place knows when all are over. */
static int list_is_ours(struct aiocb *const cb[], int n)
{
	int ours = 0;

	for (int i = 0; i < n; i++)
		ours |= is_request(cb[i]) && aio_served(cb[i]->aio_fildes);
	for (int i = 0; !ours && i < n; i++)
		if (is_request(cb[i]))
			aio_disown(cb[i]);
	return ours;
}

static enum aio_op op_of(const struct aiocb *cb)
{
	return cb->aio_lio_opcode == LIO_READ ? AIO_OP_READ :
	       cb->aio_lio_opcode == LIO_WRITE ? AIO_OP_WRITE : AIO_OP_NONE;
}

/* Starts them all: how many could be; *error is of one that could not. */
static int start_list(struct aiocb *const cb[], int n, struct aio_group *g, int *error)
{
	int started = 0;

	for (int i = 0; i < n; i++) {
		int r;

		if (!is_request(cb[i]))
			continue;
		r = start(CALL_lio_listio, op_of(cb[i]), cb[i], aio_served(cb[i]->aio_fildes), g);
		if (r)
			*error = r;
		else
			started++;
	}
	return started;
}

static int group_over(void *arg)
{
	struct aio_group *g = arg;

	return atomic_load(&g->left) == 0;
}

/* 0, EINTR, or EIO if one failed. */
static int wait_for_group(struct aio_group *g, int error)
{
	int r = aio_wait(group_over, g, -1, -1, 0);

	if (r < 0)
		return -r;
	return error || atomic_load(&g->failed) ? EIO : 0;
}

EXPORT int lio_listio(int mode, struct aiocb *const cb[restrict], int n, struct sigevent *restrict ev)
{
	struct aio_group *g;
	int error = 0, started;

	if ((mode != LIO_WAIT && mode != LIO_NOWAIT) || !list_is_ours(cb, n))
		return REAL(lio_listio)(mode, cb, n, ev);
	g = aio_group_new(mode == LIO_NOWAIT ? ev : NULL);
	if (!g) {
		errno = EAGAIN;
		return -1;
	}
	started = start_list(cb, n, g, &error);
	aio_group_less(g, 0);
	if (mode == LIO_WAIT && started)
		error = wait_for_group(g, error);
	aio_group_put(g);
	return (int)ret_errno(-error);
}

TWIN_OF(lio_listio64, lio_listio)
