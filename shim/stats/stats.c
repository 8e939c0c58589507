/* SPDX-License-Identifier: MIT */
/*
 * Recording: the life of this process' segment, and the path every timed
 * call takes. See stats.h for the contract, stats_layout.h for the data.
 */
#include "stats.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/quiet.h"
#include "base/real.h"
#include "stats_clock.h"
#include "stats_names.h"
#include "stats_private.h"
#include "stats_segment.h"
#include "stats_thread.h"
#include "base/thread.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

#define WAIT_MAX 1000000000u          /* ns for another thread that is making the segment */

enum { LIFE_NONE, LIFE_MAKING, LIFE_READY };

/*
 * A page that is zero in every kind of fork child, but not in a vfork child,
 * which is one process with its parent for us: it keeps the parent's pid.
 */
struct life {
	uint32_t state;
	pid_t pid;
};

int stats_on;
int stats_recording;
static struct life plain_life;        /* when no such page is to be had */
static struct life *life = &plain_life;
static int unheld;                    /* stats_fork_child has been here: no thread holds a copied index */
static struct seg_header *segment;    /* valid in LIFE_READY */
static __thread struct stats_thread *self;

/* ---- the segment's life ---- */

static void make_life(void)
{
	void *p = REAL(mmap)(NULL, SEG_PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return;
	if (madvise(p, SEG_PAGE, MADV_WIPEONFORK) == 0)
		life = p;
	else
		REAL(munmap)(p, SEG_PAGE);
}

void stats_init(const struct conf *c)
{
	int saved = errno;

	if (c->stats == CONF_STATS_OFF)
		return;
	segment_setup(c, getenv("SHIM_TREE"));
	make_life();
	life->pid = getpid();
	stats_recording = 1;
	stats_on = 1;
	errno = saved;
}

void stats_fork_child(void)
{
	if (!stats_on)
		return;
	self = NULL;
	unheld = 1;
	life->pid = getpid();
	__atomic_store_n(&life->state, LIFE_NONE, __ATOMIC_RELEASE);
}

/* A fork child still has its parent's segment mapped, and its files' names from there. */
static int begin_segment(void)
{
	size_t len;
	struct seg_header *old = segment_drop(&len);
	struct seg_header *h;

	if (old)
		threads_fork_child(!unheld);
	unheld = 0;
	if (!life->pid)
		life->pid = getpid();
	h = segment_make(life->pid);
	if (h)
		names_begin(h, old);
	if (old)
		REAL(munmap)(old, len);
	segment = h;
	return h != NULL;
}

/* Whoever makes the segment may be killed in it: a vfork child is a process of its own. */
static void wait_for_segment(void)
{
	uint64_t since = clock_slow_now();

	while (__atomic_load_n(&life->state, __ATOMIC_ACQUIRE) == LIFE_MAKING) {
		if (clock_slow_since(since) > WAIT_MAX)
			__atomic_store_n(&stats_recording, 0, __ATOMIC_RELAXED);
		if (!__atomic_load_n(&stats_recording, __ATOMIC_RELAXED))
			return;
		sched_yield();
	}
}

static void make_segment(void)
{
	uint32_t none = LIFE_NONE;
	struct quiet q;

	quiet_begin(&q);
	if (!__atomic_compare_exchange_n(&life->state, &none, LIFE_MAKING, 0,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		wait_for_segment();
	} else if (begin_segment()) {
		__atomic_store_n(&life->state, LIFE_READY, __ATOMIC_RELEASE);
	} else {
		__atomic_store_n(&stats_recording, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&life->state, LIFE_NONE, __ATOMIC_RELEASE);
	}
	quiet_end(&q);
}

struct seg_header *stats_segment_if_made(void)
{
	return __atomic_load_n(&life->state, __ATOMIC_ACQUIRE) == LIFE_READY ? segment : NULL;
}

struct seg_header *stats_segment(void)
{
	struct seg_header *h = stats_segment_if_made();

	if (h || !__atomic_load_n(&stats_recording, __ATOMIC_RELAXED))
		return h;
	make_segment();
	return stats_segment_if_made();
}

/* ---- threads ---- */

void stats_thread_exit(void)
{
	struct seg_header *h = stats_segment_if_made();
	struct stats_thread *t = self;

	self = NULL;
	if (h && t)
		thread_release(h, t);
}

/* This thread's part of the segment, made now if there is none yet; NULL without room. */
static struct stats_thread *my_part(struct seg_header *h)
{
	struct stats_thread *t = self;

	if (t && t->alive)
		return t;
	t = thread_acquire(h, life->pid);
	if (!t)
		return NULL;
	if (self && self->alive) {      /* a signal handler was faster */
		thread_release(h, t);
		return self;
	}
	self = t;
	thread_at_exit(stats_thread_exit);
	return t;
}

/* ---- recording ---- */

/* One addition to memory: a handler in between loses nothing. */
static inline void add(uint64_t *p, uint64_t n)
{
#if defined(__x86_64__)
	__asm__("addq %1, %0" : "+m"(*p) : "er"(n) : "cc");
#else
	__atomic_store_n(p, __atomic_load_n(p, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
#endif
}

static void count_coarsely(enum call call, uint64_t ns, size_t done, int error)
{
	struct seg_header *h = stats_segment_if_made();
	struct seg_coarse *c;

	if (!h)
		return;
	c = &h->coarse[call];
	__atomic_fetch_add(&c->count, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&c->ns, ns, __ATOMIC_RELAXED);
	__atomic_fetch_add(&c->bytes, done, __ATOMIC_RELAXED);
	if (error)
		__atomic_fetch_add(&c->errors, 1, __ATOMIC_RELAXED);
}

__attribute__((noinline, cold))
static void count_error(struct seg_cell *c, int error)
{
	unsigned i = 0;

	while (i < SEG_ERRORS - 1 && c->error[i] && c->error[i] != error)
		i++;
	if (i < SEG_ERRORS - 1)
		c->error[i] = (uint16_t)error;
	add(&c->error_count[i], 1);
}

/* The first call of a kind: the segment, the thread's part, a cell, some bins. */
__attribute__((noinline, cold))
static struct seg_cell *make_cell(uint32_t key, unsigned group)
{
	int saved = errno;
	struct seg_header *h = stats_segment();
	struct stats_thread *t = h ? my_part(h) : NULL;
	struct seg_cell *c = t ? thread_cell(h, t, key, group) : NULL;

	if (h)
		__atomic_store_n(&h->head.tsc, __atomic_load_n(&stats_tsc, __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
	errno = saved;
	return c;
}

__attribute__((noinline, cold))
static struct seg_use *make_use(unsigned slot)
{
	int saved = errno;
	struct seg_header *h = stats_segment_if_made();
	struct stats_thread *t = self;
	struct seg_use *u = h && t && t->alive ? thread_use(h, t, slot) : NULL;

	errno = saved;
	return u;
}

static inline void count_file(unsigned file, uint64_t ns, size_t done, int error)
{
	unsigned slot = file <= SEG_FILES ? __atomic_load_n(&file_slot[file], __ATOMIC_RELAXED) : 0;
	struct stats_thread *t = self;
	struct seg_arena *a;
	struct seg_use *u;

	if (!slot || !t || !t->alive)
		return;
	slot--;
	a = t->arena[t->count - 1];
	if (__builtin_expect(a->uses[slot / SEG_FILE_GROUP] != 0, 1))
		u = (struct seg_use *)((char *)a + a->uses[slot / SEG_FILE_GROUP] * SEG_UNIT) +
		    slot % SEG_FILE_GROUP;
	else
		u = make_use(slot);
	if (!u)
		return;
	add(&u->count, 1);
	add(&u->ns, ns);
	add(&u->bytes, done);
	if (ns > u->max)
		u->max = ns;
	if (__builtin_expect(error != 0, 0))
		add(&u->errors, 1);
}

__attribute__((always_inline))
static inline void count(enum call call, unsigned rule, unsigned file, uint64_t ns,
			 size_t size, size_t done, int error)
{
	uint32_t key;
	unsigned bin;
	struct stats_thread *t = self;
	struct seg_cell *c;

	bin = seg_bin(ns);
	key = SEG_KEY((uint32_t)call, seg_size_class(size), rule);
	c = t ? thread_find(t, key) : NULL;
	if (__builtin_expect(!c || !c->group[bin / SEG_GROUP_BINS], 0)) {
		c = make_cell(key, bin / SEG_GROUP_BINS);
		if (!c) {
			count_coarsely(call, ns, done, error);
			return;
		}
	}
	add(&c->count, 1);
	add(&c->ns, ns);
	add(&c->bytes, done);
	add(&cell_bins(c, bin / SEG_GROUP_BINS)[bin % SEG_GROUP_BINS], 1);
	if (ns < c->min)
		c->min = ns;
	if (ns > c->max)
		c->max = ns;
	if (__builtin_expect(error != 0, 0))
		count_error(c, error);
	else if (__builtin_expect(done < size, 0))
		add(&c->shorter, 1);
	if (file)
		count_file(file, ns, done, error);
}

void stats_end(enum call call, unsigned rule, unsigned file, uint64_t t0,
	       size_t size, size_t done, int error)
{
	if (t0)
		count(call, rule, file, clock_since(t0), size, done, error);
}

void stats_value(enum call call, unsigned rule, uint64_t value)
{
	if (__atomic_load_n(&stats_recording, __ATOMIC_RELAXED))
		count(call, rule, STATS_NO_FILE, value, 0, 0, 0);
}
