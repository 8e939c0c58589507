/* SPDX-License-Identifier: MIT */
/* Requests that the program's thread gives to the kernel; see aio_direct.h. */
#include "aio_direct.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "aio_req.h"
#include "files/fdtab.h"
#include "io_events.h"
#include "io_kernel.h"
#include "base/pool.h"
#include "base/quiet.h"
#include "base/real.h"
#include "base/thread.h"
#include "stats/stats.h"

#define DEPTH 256                /* requests in the kernel at a time */
#define SLOTS (2 * DEPTH)
#define HELD 16                  /* events fetched at a time */
#define LOOK_NS 10000000         /* where there is nothing to be woken by */

/* A request in the kernel: number << 32 | descriptor; 0: none. Numbers are odd. */
struct slot {
	_Atomic uint64_t what;
	const struct file *_Atomic f;
};

static struct slot slots[SLOTS];
static _Atomic uint32_t numbers = 1;
static _Atomic int running;
static _Atomic aio_context_t context;    /* 0: not made */
static _Atomic int denied;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static _Atomic uintptr_t leader;         /* the thread that waits in the kernel */

/*
 * A thread's own. `held` is fetched and not ended: a signal handler may come
 * between the two, and ends them, for the data of an event, the request, is taken
 * by exchange. Not in the thread's own memory, of which programs may have little.
 */
struct fetcher {
	struct io_event held[HELD];
	int ending;
};
static struct pool fetchers = POOL_INIT(struct fetcher, 16);
static __thread struct fetcher *mine;

static void end_held(void);

static void drop_mine(void)
{
	struct fetcher *f = mine;

	end_held();
	mine = NULL;
	if (f)
		pool_put(&fetchers, f);
}

/* NULL without memory: then others fetch. */
static struct fetcher *get_mine(void)
{
	struct fetcher *f = mine;

	if (f || !(f = pool_get(&fetchers)))
		return f;
	memset(f, 0, sizeof(*f));
	if (mine) {                      /* a signal handler was faster */
		pool_put(&fetchers, f);
		return mine;
	}
	mine = f;
	thread_at_exit(drop_mine);
	return f;
}

static void make_context(void)
{
	aio_context_t id = 0;
	struct quiet q;
	int r = 0;

	quiet_begin(&q);
	pthread_mutex_lock(&lock);
	if (!atomic_load(&context) && !atomic_load(&denied)) {
		r = io_kernel_make(DEPTH, &id);
		if (r == 0)
			atomic_store(&context, id);
		else
			atomic_store(&denied, 1);
	}
	pthread_mutex_unlock(&lock);
	quiet_end(&q);
	if (r < 0)
		stats_note("the kernel's asynchronous I/O is not used for O_DIRECT by aio_read and its kin (%s)", strerrorname_np(-r));
}

static int is_direct(const struct aio_req *req)
{
	const struct file *f = req->f;

	if (!f || req->plain || req->group || req->event.ev.sigev_notify != SIGEV_NONE)
		return 0;
	if ((req->op != AIO_OP_READ && req->op != AIO_OP_WRITE) || req->off < 0 || req->n > IO_KERNEL_MOST)
		return 0;
	if (aio_is_limited(req->op))
		return 0;
	return (f->flags & O_DIRECT) && !(f->mount->flags & BE_AIO_ORDER) &&
	       !(req->op == AIO_OP_WRITE && (f->flags & O_APPEND));
}

/* Room for one more: its slot, or -1. */
static int take_slot(const struct aio_req *req)
{
	uint32_t number = atomic_fetch_add(&numbers, 2);
	uint64_t what = (uint64_t)number << 32 | (unsigned)req->fd, none;

	if (atomic_fetch_add(&running, 1) < DEPTH)
		for (unsigned i = 0, at = number / 2; i < SLOTS; i++, at++) {
			struct slot *s = &slots[at % SLOTS];

			none = 0;
			if (atomic_load(&s->what) || !atomic_compare_exchange_strong(&s->what, &none, what))
				continue;
			atomic_store_explicit(&s->f, req->f, memory_order_release);
			return (int)(at % SLOTS);
		}
	atomic_fetch_sub(&running, 1);
	return -1;
}

static void give_slot(int slot)
{
	atomic_store_explicit(&slots[slot].what, 0, memory_order_release);
	atomic_fetch_sub(&running, 1);
}

/* RWF_NOWAIT: what cannot be on its way at once comes back, and is for the queue. */
static int submit(struct aio_req *req, int slot)
{
	struct iocb cb = {
		.aio_lio_opcode = req->op == AIO_OP_READ ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE,
		.aio_fildes = (unsigned)req->fd, .aio_buf = (uintptr_t)req->buf, .aio_nbytes = req->n,
		.aio_offset = req->off, .aio_data = (uintptr_t)req, .aio_rw_flags = RWF_NOWAIT,
	}, *list = &cb;

	/* and with it all of the request, to whoever fetches its end */
	atomic_store_explicit(&req->slot, slot, memory_order_release);
	return io_kernel_submit(atomic_load(&context), 1, &list) == 1;
}

int aio_direct_submit(struct aio_req *req)
{
	int slot;

	if (!is_direct(req) || atomic_load_explicit(&denied, memory_order_relaxed))
		return 0;
	if (!atomic_load_explicit(&context, memory_order_acquire))
		make_context();
	slot = atomic_load(&context) ? take_slot(req) : -1;
	if (slot < 0)
		return 0;
	aio_mark_direct(req->cb, 1);
	if (submit(req, slot))
		return 1;
	aio_mark_direct(req->cb, 0);
	give_slot(slot);
	return 0;
}

/* The queue goes on with it, if its descriptor is still the file's. */
static void pass_on(struct aio_req *req, ssize_t r)
{
	if (fdtab_get(req->fd) != req->f) {
		aio_req_end(req, -EBADF);
		return;
	}
	req->plain = r != -EAGAIN;
	aio_mark_direct(req->cb, 0);
	aio_req_post(req);
}

static void end(struct aio_req *req, ssize_t r)
{
	int slot = atomic_load_explicit(&req->slot, memory_order_acquire);

	if (io_kernel_declined(r))
		pass_on(req, r);
	else
		aio_req_end(req, r);
	give_slot(slot);
}

static void end_held(void)
{
	struct fetcher *f = mine;
	int any = 0;

	for (int i = 0; f && i < HELD; i++) {
		struct io_event e = f->held[i];

		e.data = e.data ? __atomic_exchange_n(&f->held[i].data, 0, __ATOMIC_SEQ_CST) : 0;
		if (!e.data || io_kernel_is_wake(&e))
			continue;
		f->ending++;
		end((struct aio_req *)(uintptr_t)e.data, (ssize_t)e.res);
		f->ending--;
		any = 1;
	}
	if (any)
		aio_wake();
}

/* Whether events wait to be fetched: the kernel's ring is in our memory. */
static int has_events(void)
{
	const struct io_ring *ring = (const struct io_ring *)(uintptr_t)atomic_load(&context);

	return ring && atomic_load_explicit(&ring->head, memory_order_relaxed) !=
		       atomic_load_explicit(&ring->tail, memory_order_acquire);
}

void aio_direct_fetch(void)
{
	struct timespec now = { 0, 0 };
	struct fetcher *f = atomic_load_explicit(&running, memory_order_relaxed) ? get_mine() : NULL;

	if (!f)
		return;
	end_held();
	while (has_events() && io_kernel_get(atomic_load(&context), 0, HELD, f->held, &now, NULL) > 0)
		end_held();
}

int aio_direct_interrupted(void)
{
	return mine && mine->ending;
}

/* A thread is known by its fetcher. */
int aio_direct_lead(void)
{
	uintptr_t me = (uintptr_t)get_mine(), none = 0;

	return me && (atomic_compare_exchange_strong(&leader, &none, me) || none == me);
}

void aio_direct_follow(void)
{
	uintptr_t me = (uintptr_t)mine;

	if (atomic_compare_exchange_strong(&leader, &me, 0))
		aio_wake_sleepers();
}

/* The thread is cancelled. */
static void give_up(void *unused)
{
	(void)unused;
	end_held();
	aio_direct_follow();
}

static long wait_there(const struct timespec *t)
{
	return io_kernel_get(atomic_load(&context), 1, HELD, mine->held, t, NULL);
}

static long wait_cancellable(const struct timespec *t)
{
	int type;
	long r;

	pthread_cleanup_push(give_up, NULL);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	r = wait_there(t);
	pthread_setcanceltype(type, NULL);
	pthread_cleanup_pop(0);
	return r;
}

int aio_direct_sleep(int64_t ns, int cancel)
{
	struct timespec t, *forever = &t;
	int looks = !io_kernel_can_wake() && (ns < 0 || ns > LOOK_NS);
	long r;

	if (looks)
		ns = LOOK_NS;
	if (ns < 0)
		forever = NULL;
	t = (struct timespec){ ns / 1000000000, ns % 1000000000 };
	r = cancel ? wait_cancellable(forever) : wait_there(forever);
	if (looks && r == 0)             /* now there is time for it, and not at the first request */
		io_kernel_make_waker();
	end_held();
	return r == -EINTR ? -EINTR : 0;
}

void aio_direct_wake(void)
{
	uintptr_t who = atomic_load(&leader);

	if (who && who != (uintptr_t)mine && io_kernel_can_wake())
		io_kernel_wake(atomic_load(&context));
}

/* Descriptors, or a file; and numbers below one. */
struct range {
	unsigned first, last;
	const struct file *f;
	uint32_t before;         /* 0: any */
};

static int is_in(const struct range *g, struct slot *s)
{
	uint64_t what = atomic_load(&s->what);
	unsigned fd = (unsigned)what;

	if (!what || (g->before && (int32_t)((uint32_t)(what >> 32) - g->before) >= 0))
		return 0;
	return (fd >= g->first && fd <= g->last) || (g->f && atomic_load(&s->f) == g->f);
}

static int is_free(void *arg)
{
	for (int i = 0; atomic_load(&running) && i < SLOTS; i++)
		if (is_in(arg, &slots[i]))
			return 0;
	return 1;
}

int aio_direct_busy(unsigned first, unsigned last)
{
	struct range g = { first, last, NULL, 0 };

	return !is_free(&g);
}

static void wait_for(struct range *g)
{
	while (!aio_direct_interrupted() && !is_free(g))
		aio_wait(is_free, g, -1, -1, AIO_WAIT_DIRECT);
}

void aio_direct_drain(unsigned first, unsigned last)
{
	struct range g = { first, last, NULL, 0 };

	wait_for(&g);
}

uint32_t aio_direct_number(const struct file *f, int fd)
{
	struct range g = { (unsigned)fd, (unsigned)fd, f, 0 };
	uint32_t next = atomic_load(&numbers);

	return is_free(&g) ? 0 : next;
}

void aio_direct_settle(const struct file *f, int fd, uint32_t number)
{
	struct range g = { (unsigned)fd, (unsigned)fd, f, number };

	wait_for(&g);
}

void aio_direct_fork_child(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	memset(slots, 0, sizeof(slots));
	if (mine)
		memset(mine, 0, sizeof(*mine));
	atomic_store(&running, 0);
	atomic_store(&context, 0);
	atomic_store(&denied, 0);
	atomic_store(&leader, 0);
}
