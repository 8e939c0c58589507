/* SPDX-License-Identifier: MIT */
/* One asynchronous request: made of an aiocb, performed, ended; see aio_queue.h. */
#include "aio_req.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "aio_direct.h"
#include "files/fdtab.h"
#include "files/file.h"
#include "files/wrote.h"
#include "io_request.h"
#include "object/object.h"
#include "object/object_pin.h"
#include "object/ofd.h"
#include "base/pool.h"
#include "base/real.h"
#include "base/rlimit.h"
#include "stats/stats.h"

#define PRIORITY_MAX 20          /* AIO_PRIO_DELTA_MAX of libc */

static struct pool reqs = POOL_INIT(struct aio_req, 64);
#define DIRECT 1                 /* in a mark */

static uint64_t generation = 0x61696f2d73686d01;  /* of this process, unlike its parent's */

/* libc leaves the end of an aiocb alone. */
static uint64_t *mark(const struct aiocb *cb)
{
	return (uint64_t *)cb->__glibc_reserved;
}

static uint64_t mark_of(const struct aiocb *cb)
{
	return generation ^ (uint64_t)(uintptr_t)cb << 8;
}

int aio_ours(const struct aiocb *cb)
{
	return (__atomic_load_n(mark(cb), __ATOMIC_RELAXED) ^ mark_of(cb)) <= DIRECT;
}

int aio_is_direct(const struct aiocb *cb)
{
	return (__atomic_load_n(mark(cb), __ATOMIC_RELAXED) ^ mark_of(cb)) == DIRECT;
}

void aio_mark_direct(struct aiocb *cb, int direct)
{
	__atomic_store_n(mark(cb), mark_of(cb) ^ (direct ? DIRECT : 0), __ATOMIC_RELAXED);
}

void aio_disown(struct aiocb *cb)
{
	if (aio_ours(cb))
		__atomic_store_n(mark(cb), 0, __ATOMIC_RELAXED);
}

void aio_refuse(struct aiocb *cb, int error)
{
	cb->__return_value = -1;
	__atomic_store_n(&cb->__error_code, error, __ATOMIC_RELEASE);
}

struct file *aio_served(int fd)
{
	struct file *f = fdtab_get(fd);

	if (__builtin_expect(!f, 1))
		return NULL;
	if (!f->ofd && !(f->mount->flags & (BE_AIO_NOW | BE_AIO_RING)))
		return NULL;
	return fdtab_lent && !fdtab_ours() ? NULL : f;
}

int aio_is_now(const struct file *f)
{
	return f && !f->ofd && (f->mount->flags & BE_AIO_NOW);
}

int aio_is_limited(enum aio_op op)
{
	return op == AIO_OP_WRITE && rlimit_fsize() != UINT64_MAX;
}

struct aio_req *aio_req_get(void)
{
	struct aio_req *req = NULL;

	if (atomic_fetch_add(&aio_in_flight, 1) < AIO_MAX)
		req = pool_get(&reqs);
	if (!req)
		atomic_fetch_sub(&aio_in_flight, 1);
	return req;
}

int aio_req_new(struct aio_req **out, struct aiocb *cb, struct file *f)
{
	int error = cb->aio_reqprio < 0 || cb->aio_reqprio > PRIORITY_MAX ? EINVAL : 0;
	struct aio_req *req = NULL;

	if (!error && !(req = aio_req_get()))
		error = EAGAIN;
	__atomic_store_n(mark(cb), mark_of(cb), __ATOMIC_RELAXED);
	if (error) {
		aio_refuse(cb, error);
		return error;
	}
	*req = (struct aio_req){
		.phase = AIO_WAITS, .fd = cb->aio_fildes, .buf = (void *)cb->aio_buf,
		.n = cb->aio_nbytes, .off = cb->aio_offset, .f = f, .cb = cb,
		.plain = !f || f->ofd, .t0 = f ? stats_begin() : 0,
	};
	aio_event_set(&req->event, &cb->aio_sigevent);
	cb->__return_value = 0;
	__atomic_store_n(&cb->__error_code, EINPROGRESS, __ATOMIC_RELEASE);
	*out = req;
	return 0;
}

int aio_flags(struct file *f, int fd)
{
	return f->ofd ? (int)PINNED(f, fd, f->ofd->flags) : f->flags;
}

static ssize_t perform_object(const struct aio_req *req)
{
	switch (req->op) {
	case AIO_OP_READ: return object_pread(req->f, req->fd, req->buf, req->n, req->off);
	case AIO_OP_WRITE: return object_pwrite(req->f, req->fd, req->buf, req->n, req->off);
	case AIO_OP_READV: return object_preadv2(req->f, req->fd, req->buf, (int)req->n, req->off, req->rwf);
	case AIO_OP_WRITEV: return object_pwritev2(req->f, req->fd, req->buf, (int)req->n, req->off, req->rwf);
	case AIO_OP_FSYNC: return object_fsync(req->f, req->fd);
	case AIO_OP_FDATASYNC: return object_fdatasync(req->f, req->fd);
	default: return -EINVAL;
	}
}

static ssize_t perform_file(const struct aio_req *req)
{
	switch (req->op) {
	case AIO_OP_READ: return file_pread(req->f, req->fd, req->buf, req->n, req->off);
	case AIO_OP_WRITE: return file_pwrite(req->f, req->fd, req->buf, req->n, req->off);
	case AIO_OP_READV: return file_preadv(req->f, req->fd, req->buf, (int)req->n, req->off);
	case AIO_OP_WRITEV: return file_pwritev(req->f, req->fd, req->buf, (int)req->n, req->off);
	case AIO_OP_FSYNC: return file_fsync(req->f, req->fd);
	case AIO_OP_FDATASYNC: return file_fdatasync(req->f, req->fd);
	default: errno = EINVAL; return -1;
	}
}

/* What has no positions is read and written as it comes. */
static ssize_t perform_other(const struct aio_req *req)
{
	ssize_t r = -1;

	errno = EINVAL;
	if (req->op == AIO_OP_READ) {
		r = REAL(pread)(req->fd, req->buf, req->n, req->off);
		if (r < 0 && errno == ESPIPE)
			r = REAL(read)(req->fd, req->buf, req->n);
	} else if (req->op == AIO_OP_WRITE) {
		r = REAL(pwrite)(req->fd, req->buf, req->n, req->off);
		if (r < 0 && errno == ESPIPE)
			r = REAL(write)(req->fd, req->buf, req->n);
	}
	return r;
}

ssize_t aio_req_perform(const struct aio_req *req)
{
	ssize_t r;

	if (req->f && req->f->ofd)
		return perform_object(req);
	if (req->after)
		aio_direct_settle(req->f, req->fd, req->after);
	r = req->f ? perform_file(req) : perform_other(req);
	return r < 0 ? -errno : r;
}

void aio_record(int call, const struct file *f, uint64_t t0, size_t size, ssize_t r)
{
	stats_end((enum call)call, f->mount->id, f->stat_slot, t0, size, size && r > 0 ? (size_t)r : 0,
		  r < 0 ? (int)-r : 0);
}

void aio_record_submit(int call, unsigned rule, uint64_t t0, int depth, long n)
{
	enum call of;

	if (!t0 || n <= 0)
		return;
	switch (call) {
#define ASYNC(name) case CALL_##name: of = CALL_##name##_depth; break;
	CALL_ASYNC(ASYNC)
#undef ASYNC
	default: return;
	}
	stats_value(of, rule, (uint64_t)depth);
	stats_value(of + 1, rule, clock_since(t0) / (uint64_t)n);
}

/* f stays until the request is over. */
static void wrote(const struct file *f)
{
	struct wrote w = wrote_begin(f);

	wrote_end(&w);
}

static void end_cb(struct aio_req *req, ssize_t r)
{
	struct aio_event event = req->event;
	struct aio_group *group = req->group;
	struct aiocb *cb = req->cb;

	if (req->t0)
		aio_record(req->call, req->f, req->t0,
			   req->op == AIO_OP_READ || req->op == AIO_OP_WRITE ? req->n : 0, r);
	pool_put(&reqs, req);
	atomic_fetch_sub(&aio_in_flight, 1);
	cb->__return_value = r < 0 ? -1 : r;
	__atomic_store_n(&cb->__error_code, r < 0 ? (int)-r : 0, __ATOMIC_RELEASE);
	aio_event_send(&event);
	if (group) {
		aio_group_less(group, r < 0);
		aio_group_put(group);
	}
}

void aio_req_end(struct aio_req *req, ssize_t r)
{
	struct io_order *order = req->order;

	if (req->op == AIO_OP_WRITE || req->op == AIO_OP_WRITEV)
		wrote(req->f);
	if (!order) {
		end_cb(req, r);
		return;
	}
	pool_put(&reqs, req);
	atomic_fetch_sub(&aio_in_flight, 1);
	io_order_over(order, r);
}

static ssize_t read_nowait(int fd, void *buf, size_t n, off_t off)
{
	struct iovec iov = { buf, n };

	return REAL(syscall)(SYS_preadv2, fd, &iov, 1L, off, 0L, RWF_NOWAIT);
}

ssize_t aio_read_cached(const struct file *f, int fd, void *buf, size_t n, off_t off)
{
	int saved = errno;
	ssize_t r = -1;

	if (!f->ofd && !(f->flags & O_DIRECT))
		r = read_nowait(fd, buf, n, off);
	/* a short one is whole at the end of the file */
	if (r < 0 || ((size_t)r < n && read_nowait(fd, (char *)buf + r, n - (size_t)r, off + r) != 0))
		r = -EAGAIN;
	errno = saved;
	return r;
}

void aio_req_finish(struct aio_req *req, ssize_t r)
{
	aio_req_end(req, r);
	aio_wake();
}

void aio_req_now(struct aio_req *req)
{
	int saved = errno, state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	aio_req_finish(req, aio_req_perform(req));
	pthread_setcancelstate(state, NULL);
	errno = saved;
}

void aio_req_fork_child(void)
{
	generation += DIRECT + 1;
}
