/* SPDX-License-Identifier: MIT */
/* The end of asynchronous requests, as the program learns of it; see aio_notify.h. */
#include "aio_notify.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

#include "aio_direct.h"
#include "base/pool.h"
#include "base/real.h"

static struct pool groups = POOL_INIT(struct aio_group, 64);
static _Atomic uint32_t news;    /* changes when something is over */
static _Atomic int waiters;      /* those who sleep until it does */

#define LEADER_NS 10000000       /* how long to trust that another thread fetches what is over */

int aio_futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };
	int saved = errno, r;

	r = (int)REAL(syscall)(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, ns < 0 ? NULL : &t, NULL, 0);
	if (r < 0)
		r = -errno;
	errno = saved;
	return r;
}

void aio_futex_wake(_Atomic uint32_t *word)
{
	int saved = errno;

	REAL(syscall)(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
	errno = saved;
}

void aio_event_set(struct aio_event *e, const struct sigevent *ev)
{
	if (ev)
		e->ev = *ev;
	else
		e->ev.sigev_notify = SIGEV_NONE;
	if (e->ev.sigev_notify == SIGEV_SIGNAL)
		e->pid = getpid();
}

static void send_signal(const struct aio_event *e)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = e->ev.sigev_signo;
	info.si_code = SI_ASYNCIO;
	info.si_pid = e->pid;
	info.si_uid = getuid();
	info.si_value = e->ev.sigev_value;
	REAL(syscall)(SYS_rt_sigqueueinfo, e->pid, e->ev.sigev_signo, &info);
}

struct call {
	void (*fn)(union sigval);
	union sigval value;
};

static struct pool calls = POOL_INIT(struct call, 64);

/* As in libc's, no signal is blocked there. */
static void *call_function(void *arg)
{
	struct call call = *(struct call *)arg;
	sigset_t none;

	pool_put(&calls, arg);
	sigemptyset(&none);
	REAL(pthread_sigmask)(SIG_SETMASK, &none, NULL);
	call.fn(call.value);
	return NULL;
}

static void start_thread(const struct aio_event *e)
{
	pthread_attr_t own, *attr = e->ev.sigev_notify_attributes;
	struct call *call = pool_get(&calls);
	pthread_t thread;

	if (!call)
		return;
	call->fn = e->ev.sigev_notify_function;
	call->value = e->ev.sigev_value;
	if (!attr) {
		pthread_attr_init(&own);
		pthread_attr_setdetachstate(&own, PTHREAD_CREATE_DETACHED);
	}
	if (pthread_create(&thread, attr ? attr : &own, call_function, call) != 0)
		pool_put(&calls, call);
	if (!attr)
		pthread_attr_destroy(&own);
}

void aio_event_send(const struct aio_event *e)
{
	int saved = errno;

	if (e->ev.sigev_notify == SIGEV_SIGNAL)
		send_signal(e);
	else if (e->ev.sigev_notify == SIGEV_THREAD)
		start_thread(e);
	errno = saved;
}

struct aio_group *aio_group_new(const struct sigevent *ev)
{
	struct aio_group *g = pool_get(&groups);

	if (!g)
		return NULL;
	atomic_store(&g->left, 1);
	atomic_store(&g->failed, 0);
	atomic_store(&g->holders, 1);
	aio_event_set(&g->event, ev);
	return g;
}

void aio_group_put(struct aio_group *g)
{
	if (atomic_fetch_sub(&g->holders, 1) == 1)
		pool_put(&groups, g);
}

void aio_group_less(struct aio_group *g, int failed)
{
	struct aio_event event = g->event;

	if (failed)
		atomic_store(&g->failed, 1);
	if (atomic_fetch_sub(&g->left, 1) != 1)
		return;
	aio_wake();
	aio_event_send(&event);
}

void aio_wake_sleepers(void)
{
	atomic_fetch_add(&news, 1);
	if (atomic_load(&waiters))
		aio_futex_wake(&news);
}

void aio_wake(void)
{
	aio_wake_sleepers();
	aio_direct_wake();
}

/* The thread holds nothing here that its end would leave behind, but a count that is only a hint. */
static int sleep_on(uint32_t seen, int64_t ns, int cancel)
{
	int type, r;

	if (!cancel)
		return aio_futex_wait(&news, seen, ns);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	r = aio_futex_wait(&news, seen, ns);
	pthread_setcanceltype(type, NULL);
	return r;
}

int64_t aio_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t aio_ns(const struct timespec *t)
{
	if (t->tv_sec >= INT64_MAX / 1000000000 - 1)
		return -1;
	return t->tv_sec < 0 ? 0 : (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

/* The next sleep: what is left, but no longer than `look`. */
static int64_t nap(int64_t left, int64_t look)
{
	return look >= 0 && (left < 0 || left > look) ? look : left;
}

/* One wait. */
struct wait {
	int (*ready)(void *arg);
	void *arg;
	int64_t left, look;
	int how, last;           /* last: it is not to sleep again */
};

/* Looks, and sleeps where it must: 1: it is over, *r being its value; or 0. */
static int look_and_sleep(struct wait *w, int leads, int *r)
{
	uint32_t seen = atomic_load(&news);
	int is;

	if (w->how & AIO_WAIT_DIRECT)
		aio_direct_fetch();
	is = w->ready(w->arg);
	if (is || w->last || w->left == 0) {
		*r = is ? is : w->last ? -EINTR : -EAGAIN;
		return 1;
	}
	if (leads)
		*r = aio_direct_sleep(nap(w->left, w->look), w->how & AIO_WAIT_CANCEL);
	else
		*r = sleep_on(seen, nap(w->left, w->look), w->how & AIO_WAIT_CANCEL);
	w->last = *r == -EINTR;
	return 0;
}

/* The same, in the kernel if no other thread is there. */
static int lead_or_sleep(struct wait *w, int *r)
{
	int leads = (w->how & AIO_WAIT_DIRECT) && aio_direct_lead(), over;

	if (!leads)
		atomic_fetch_add(&waiters, 1);
	over = look_and_sleep(w, leads, r);
	if (leads)
		aio_direct_follow();
	else
		atomic_fetch_sub(&waiters, 1);
	return over;
}

int aio_wait(int (*ready)(void *arg), void *arg, int64_t timeout, int64_t look, int how)
{
	int64_t end = timeout > 0 ? aio_now_ns() + timeout : 0;
	struct wait w = { ready, arg, timeout, look, how, (how & AIO_WAIT_DIRECT) && aio_direct_interrupted() };
	int r = 0;

	if (how & AIO_WAIT_DIRECT)
		w.look = nap(look, LEADER_NS);
	while (!lead_or_sleep(&w, &r))
		if (timeout > 0) {
			w.left = end - aio_now_ns();
			w.left = w.left < 0 ? 0 : w.left;
		}
	return r;
}

void aio_notify_fork_child(void)
{
	atomic_store(&waiters, 0);
}
