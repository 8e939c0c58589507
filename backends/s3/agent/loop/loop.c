/* SPDX-License-Identifier: MIT */
/*
 * The agent's loop; see loop.h. A round is: timers that are due, what was put
 * off with loop_soon, the hooks before sleep, sleep, the descriptors that are
 * ready.
 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 64              /* taken from the kernel at once */
#define HOOKS 8

/* A watched descriptor; generations tell it from the next one of its number. */
struct watch {
	void (*ready)(void *arg, uint32_t events);
	void *arg;
	uint32_t events;       /* 0: not watched */
	uint32_t generation;
};

struct later {
	void (*fn)(void *arg);
	void *arg;
};

static int epoll = -1, stopped;
static uint64_t now;

static struct watch *watches;
static int nwatches;

static struct loop_timer **heap;
static unsigned timers, heap_room;

static struct later *queue[2];
static unsigned queued, queue_room[2], filling;

static int (*before[HOOKS])(void);
static void (*after[HOOKS])(void), (*between[HOOKS])(void);
static unsigned nbefore, nafter, nbetween;

uint64_t loop_now(void)
{
	return now;
}

uint64_t loop_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * LOOP_SECOND + (uint64_t)ts.tv_nsec;
}

static void read_clock(void)
{
	now = loop_clock();
}

/* Room for one more; the agent cannot go on without its own few kilobytes. */
static void *grown(void *p, unsigned *room, size_t each)
{
	*room = *room ? 2 * *room : 64;
	p = realloc(p, *room * each);
	if (!p)
		abort();
	return p;
}

/* ---- descriptors */

static int grow_watches(int fd)
{
	int n = fd + 64;
	struct watch *w = realloc(watches, (size_t)n * sizeof(*w));

	if (!w)
		return -ENOMEM;
	for (int i = nwatches; i < n; i++)
		w[i] = (struct watch){ 0 };
	watches = w;
	nwatches = n;
	return 0;
}

/* Closing a descriptor took it from the kernel's set without our knowing. */
static int set_events(int fd, const struct watch *w, int op)
{
	struct epoll_event ev = { .events = w->events,
				  .data.u64 = (uint64_t)w->generation << 32 | (uint32_t)fd };

	if (epoll_ctl(epoll, op, fd, &ev) == 0)
		return 0;
	if (op == EPOLL_CTL_MOD && errno == ENOENT && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) == 0)
		return 0;
	if (op == EPOLL_CTL_ADD && errno == EEXIST && epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &ev) == 0)
		return 0;
	return -errno;
}

static int forget(int fd)
{
	if (fd < nwatches && watches[fd].events) {
		watches[fd].events = 0;
		epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
	}
	return 0;
}

int loop_watch(int fd, uint32_t events, void (*ready)(void *arg, uint32_t events), void *arg)
{
	struct watch *w;
	int known, err;

	if (!events)
		return forget(fd);
	if (fd >= nwatches && grow_watches(fd))
		return -ENOMEM;
	w = &watches[fd];
	known = w->events != 0;
	if (!known)
		w->generation++;
	w->ready = ready;
	w->arg = arg;
	w->events = events;
	err = set_events(fd, w, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD);
	if (err)
		w->events = 0;
	return err;
}

static void dispatch(const struct epoll_event *ev)
{
	int fd = (int)(uint32_t)ev->data.u64;
	const struct watch *w = &watches[fd];

	if (w->events && w->generation == ev->data.u64 >> 32)
		w->ready(w->arg, ev->events);
}

/* ---- timers: a binary heap, the next one first; places count from 1 */

static void put_timer(struct loop_timer *t, unsigned place)
{
	heap[place - 1] = t;
	t->place = place;
}

static void sift_up(struct loop_timer *t, unsigned place)
{
	for (; place > 1 && heap[place / 2 - 1]->at > t->at; place /= 2)
		put_timer(heap[place / 2 - 1], place);
	put_timer(t, place);
}

static void sift_down(struct loop_timer *t, unsigned place)
{
	unsigned child;

	while ((child = 2 * place) <= timers) {
		if (child < timers && heap[child]->at < heap[child - 1]->at)
			child++;
		if (heap[child - 1]->at >= t->at)
			break;
		put_timer(heap[child - 1], place);
		place = child;
	}
	put_timer(t, place);
}

void loop_timer_set(struct loop_timer *t, uint64_t at)
{
	uint64_t was = t->at;

	t->at = at ? at : 1;
	if (was) {
		if (t->at < was)
			sift_up(t, t->place);
		else
			sift_down(t, t->place);
		return;
	}
	if (timers == heap_room)
		heap = grown(heap, &heap_room, sizeof(void *));
	sift_up(t, ++timers);
}

void loop_timer_clear(struct loop_timer *t)
{
	struct loop_timer *last;
	unsigned place = t->place;

	if (!t->at)
		return;
	t->at = 0;
	last = heap[--timers];
	if (last == t)
		return;
	if (place > 1 && heap[place / 2 - 1]->at > last->at)
		sift_up(last, place);
	else
		sift_down(last, place);
}

/* Those due now; what they set for now as well is for the next round. */
static void fire_timers(void)
{
	uint64_t until = now;
	unsigned most = timers;

	while (timers && most-- && heap[0]->at <= until) {
		struct loop_timer *t = heap[0];

		loop_timer_clear(t);
		t->fired(t->arg);
	}
}

/* ---- put off */

void loop_soon(void (*fn)(void *arg), void *arg)
{
	if (queued == queue_room[filling])
		queue[filling] = grown(queue[filling], &queue_room[filling], sizeof(**queue));
	queue[filling][queued++] = (struct later){ fn, arg };
}

static void run_queue(void)
{
	unsigned n = queued, running = filling;

	queued = 0;
	filling = !filling;
	for (unsigned i = 0; i < n; i++)
		queue[running][i].fn(queue[running][i].arg);
}

/* ---- rounds */

void loop_before_sleep(int (*busy)(void))
{
	before[nbefore++] = busy;
}

void loop_after_sleep(void (*fn)(void))
{
	after[nafter++] = fn;
}

void loop_between(void (*fn)(void))
{
	between[nbetween++] = fn;
}

void loop_breathe(void)
{
	for (unsigned i = 0; i < nbetween; i++)
		between[i]();
}

static int is_busy(void)
{
	int busy = 0;

	for (unsigned i = 0; i < nbefore; i++)
		busy |= before[i]();
	return busy;
}

/* Milliseconds to sleep, rounded up so that a timer is due when we wake. */
static int sleep_for(int busy)
{
	if (busy || queued || stopped)
		return 0;
	if (!timers)
		return -1;
	read_clock();
	if (heap[0]->at <= now)
		return 0;
	if (heap[0]->at - now > 3600 * LOOP_SECOND)
		return 3600 * 1000;
	return (int)((heap[0]->at - now + 999999) / 1000000);
}

static void one_round(void)
{
	struct epoll_event ev[EVENTS];
	int n, busy;

	fire_timers();
	run_queue();
	busy = is_busy();
	run_queue();
	n = epoll_wait(epoll, ev, EVENTS, sleep_for(busy));
	read_clock();
	for (unsigned i = 0; i < nafter; i++)
		after[i]();
	for (int i = 0; i < n; i++)
		dispatch(&ev[i]);
}

int loop_init(void)
{
	if (epoll >= 0)
		return 0;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	read_clock();
	return epoll < 0 ? -errno : 0;
}

void loop_run(void)
{
	stopped = 0;
	while (!stopped)
		one_round();
}

void loop_stop(void)
{
	stopped = 1;
}
