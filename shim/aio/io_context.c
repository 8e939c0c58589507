/* SPDX-License-Identifier: MIT */
/* Contexts of io_setup(2); see io_context.h. */
#include "io_context.h"

#include <errno.h>
#include <string.h>

#include "aio_queue.h"
#include "object/object_at.h"
#include "base/pool.h"
#include "base/real.h"
#include "stats/stats.h"

#define LIMIT_LEAST 126
#define LIMIT_MAX 65536
#define FETCH 64                 /* events asked of the kernel at a time */
#define DAY_NS 86400000000000    /* with a timeout a wait is not restarted after a signal, as io_getevents is not */
#define LOOK_NS 10000000         /* where there is nothing to be woken by */

static struct pool contexts = POOL_INIT(struct io_context, 16);
static struct io_context *_Atomic all;
static unsigned life = 1;         /* of this process, unlike its parent's */

/* The kernel, too, has room for about twice as many as it is asked for, and some more. */
static int limit_of(unsigned n)
{
	return n < LIMIT_LEAST / 2 ? LIMIT_LEAST : n < LIMIT_MAX / 2 ? (int)n * 2 : LIMIT_MAX;
}

/* The kernel's context; 0 is none, where its calls are forbidden. */
static int make_kernels(unsigned n, aio_context_t *id)
{
	int r = io_kernel_make(n, id);

	if (r == 0)
		io_kernel_make_waker();
	if (r != -ENOSYS && r != -EPERM)
		return r;
	stats_note("the kernel's asynchronous I/O is not used for io_submit (%s): threads instead", strerrorname_np(-r));
	return n ? 0 : -EINVAL;
}

/* One that is not in use, or a new one; they stay in the list. */
static struct io_context *take(void)
{
	struct io_context *c = atomic_load(&all);

	for (; c; c = c->next) {
		int no = 0;

		if (atomic_compare_exchange_strong(&c->taken, &no, 1))
			return c;
	}
	c = pool_get(&contexts);
	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	atomic_store(&c->taken, 1);
	c->next = atomic_load(&all);
	while (!atomic_compare_exchange_weak(&all, &c->next, c))
		;
	return c;
}

static struct io_context *make(unsigned n, aio_context_t kernels)
{
	struct io_context *c = take();
	int limit = limit_of(n);

	if (!c)
		return NULL;
	if (io_events_make(&c->over, (unsigned)limit) < 0) {
		atomic_store(&c->taken, 0);
		return NULL;
	}
	c->kernel = kernels;
	c->limit = limit;
	atomic_store(&c->mount, NULL);
	atomic_store(&c->in_kernel, 0);
	atomic_store(&c->sent, 0);
	atomic_store(&c->life, life);
	atomic_store(&c->users, 1);
	atomic_store(&c->id, (aio_context_t)(uintptr_t)c->over.ring);
	return c;
}

int io_context_make(unsigned n, aio_context_t *id)
{
	aio_context_t given = 0, kernels = 0, ours;
	struct io_context *c;
	int r = at_give(&given, id, sizeof(given));

	if (r == 0 && given)
		r = -EINVAL;
	if (r == 0)
		r = make_kernels(n, &kernels);
	if (r < 0)
		return r;
	c = make(n, kernels);
	ours = c ? c->id : 0;
	r = c ? at_give(id, &ours, sizeof(ours)) : -ENOMEM;
	if (r < 0 && c)
		io_context_destroy(ours);
	else if (r < 0 && kernels)
		io_kernel_destroy(kernels);
	return r;
}

void io_context_leave(struct io_context *c)
{
	if (atomic_fetch_sub(&c->users, 1) != 1)
		return;
	atomic_store(&c->id, 0);
	io_events_free(&c->over);
	atomic_store(&c->taken, 0);
}

struct io_context *io_context_enter(aio_context_t id)
{
	struct io_context *c = id ? atomic_load(&all) : NULL;
	unsigned users;

	while (c && atomic_load(&c->id) != id)
		c = c->next;
	if (!c)
		return NULL;
	users = atomic_load(&c->users);
	do {
		if (!users)
			return NULL;
	} while (!atomic_compare_exchange_weak(&c->users, &users, users + 1));
	if (atomic_load(&c->id) == id && atomic_load(&c->life) == life)
		return c;
	io_context_leave(c);
	return NULL;
}

static int is_idle(void *arg)
{
	return atomic_load(&((struct io_context *)arg)->running) == 0;
}

/* Those of ours that the kernel has are over soon, and nobody will ask for them. */
static void collect(struct io_context *c)
{
	struct timespec soon = { 0, LOOK_NS };
	struct io_event events[FETCH];

	while (atomic_load(&c->sent) > 0) {
		long n = io_kernel_get(c->kernel, 1, FETCH, events, &soon, NULL);

		if (n < 0 && n != -EINTR)
			break;
		for (long i = 0; i < n; i++)
			io_event_settle(c, &events[i]);
	}
}

int io_context_destroy(aio_context_t id)
{
	struct io_context *c = io_context_enter(id);
	unsigned alive = life;

	if (!c || !atomic_compare_exchange_strong(&c->life, &alive, 0)) {
		if (c)
			io_context_leave(c);
		return -EINVAL;
	}
	aio_wake();
	while (aio_wait(is_idle, c, -1, -1, 0) < 0)
		;
	collect(c);
	if (c->kernel)
		io_kernel_destroy(c->kernel);
	io_context_leave(c);
	io_context_leave(c);
	return 0;
}

int io_context_reserve(struct io_context *c)
{
	if (atomic_fetch_add(&c->running, 1) + (int)io_events_count(&c->over) < c->limit)
		return 0;
	atomic_fetch_sub(&c->running, 1);
	return -EAGAIN;
}

void io_context_event(struct io_context *c, const struct io_event *e)
{
	io_events_put(&c->over, e);
	atomic_fetch_sub(&c->running, 1);
	if (atomic_load(&c->kernel_waiters))
		io_kernel_wake(c->kernel);
}

void io_context_sent(struct io_context *c)
{
	if (atomic_load(&c->sleepers))
		aio_wake();
}

/* One io_getevents. */
struct get {
	struct io_context *c;
	long min, n, got;
	struct io_event *events;
	const struct io_sigset *mask;
	int64_t left;                    /* ns; -1: for ever */
};

/* What is there of ours: 0 or -EFAULT. */
static int fetch_ours(struct get *g)
{
	struct io_event e;
	int r = 0;

	while (r == 0 && g->got < g->n && io_events_get(&g->c->over, &e)) {
		r = at_give(&g->events[g->got], &e, sizeof(e));
		if (r == 0)
			g->got++;
		else
			io_events_put(&g->c->over, &e);
	}
	return r;
}

/* Of n events of the kernel's behind those that are got, what is the program's. */
static void settle(struct get *g, long n)
{
	struct io_event *from = g->events + g->got;

	for (long i = 0; i < n; i++) {
		struct io_event e = from[i];

		if (io_kernel_is_wake(&e))
			continue;
		io_event_settle(g->c, &e);
		g->events[g->got++] = e;
	}
}

/* How many events of the kernel's to wait for: one, if something else may happen, too. */
static long to_wait_for(struct get *g)
{
	long need = g->min - g->got;

	if (need <= 0 || g->left == 0 || io_events_count(&g->c->over))
		return 0;
	return g->mask || atomic_load(&g->c->running) ? 1 : need;
}

/* Asks the kernel for events, and waits for them there. */
static long get_kernels(struct get *g)
{
	struct timespec t = { 0, 0 }, *forever = g->left < 0 ? NULL : &t;
	struct io_context *c = g->c;
	long need, n;

	atomic_fetch_add(&c->kernel_waiters, 1);
	need = to_wait_for(g);
	if (need && g->left > 0)
		t = (struct timespec){ g->left / 1000000000, g->left % 1000000000 };
	if (need && !io_kernel_can_wake() && (g->left < 0 || g->left > LOOK_NS)) {
		t = (struct timespec){ 0, LOOK_NS };
		forever = &t;
	}
	n = io_kernel_get(c->kernel, need, g->n - g->got, g->events + g->got, need ? forever : &t, g->mask);
	atomic_fetch_sub(&c->kernel_waiters, 1);
	if (n > 0)
		settle(g, n);
	return n < 0 ? n : 0;
}

/* A wait for ours alone ends, too, when the kernel gets some. */
static int is_to_look(void *arg)
{
	struct get *g = arg;

	return (long)io_events_count(&g->c->over) >= g->min - g->got ||
	       atomic_load(&g->c->in_kernel) > 0 || !atomic_load(&g->c->life);
}

static int sleep_here(struct get *g)
{
	struct timespec soon = { 0, LOOK_NS };
	int r;

	/* only the kernel changes a mask and sleeps in one step */
	if (g->mask)
		return REAL(ppoll)(NULL, 0, &soon, g->mask->mask) < 0 ? -errno : 0;
	atomic_fetch_add(&g->c->sleepers, 1);
	r = aio_wait(is_to_look, g, g->left, DAY_NS, 0);
	atomic_fetch_sub(&g->c->sleepers, 1);
	return r == -EAGAIN || r > 0 ? 0 : r;
}

static int has_kernels(const struct get *g)
{
	return g->c->kernel && g->got < g->n && (g->mask || atomic_load(&g->c->in_kernel) > 0);
}

/* Until there are enough, or the time is up: 0 or -errno. */
static long get(struct get *g, int64_t end)
{
	for (;;) {
		int last = g->left == 0;
		long r = fetch_ours(g);

		if (r == 0 && has_kernels(g))
			r = get_kernels(g);
		else if (r == 0 && g->got < g->min && !last)
			r = sleep_here(g);
		if (r < 0 || g->got >= g->min || last)
			return r;
		if (!atomic_load(&g->c->life))
			return -EINVAL;
		if (g->left > 0) {
			g->left = end - aio_now_ns();
			g->left = g->left < 0 ? 0 : g->left;
		}
	}
}

long io_context_get(struct io_context *c, long min, long n, struct io_event *events,
		    const struct timespec *timeout, const struct io_sigset *mask)
{
	struct get g = { c, min, n, 0, events, mask, -1 };
	struct timespec t;
	int64_t end = 0;
	int saved = errno;
	long r = 0;

	if (timeout && at_give(&t, timeout, sizeof(t)) < 0)
		return -EFAULT;
	if (min < 0 || n < min)
		return -EINVAL;
	if (timeout)
		g.left = aio_ns(&t);
	if (g.left > 0)
		end = aio_now_ns() + g.left;
	r = get(&g, end);
	errno = saved;
	return g.got ? g.got : r;
}

int io_context_cancel(struct io_context *c, struct iocb *cb, struct io_event *event)
{
	return io_kernel_cancel(c->kernel, cb, event);
}

void io_context_fork_child(void)
{
	life++;
}
