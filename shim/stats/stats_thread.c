/* SPDX-License-Identifier: MIT */
/* Arenas and cells of a thread; see stats_thread.h. */
#include "stats_thread.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/real.h"
#include "stats_segment.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

#define STEP (8u << 10)               /* an arena gets memory in such pieces */
#define BATCH 16u                     /* indices mapped together */
#define BATCHES (SEG_ARENAS / BATCH)
#define CROWDED 8u                    /* arenas, before looking for those of threads that are gone */

static struct stats_thread *batch[BATCHES];

/* Once the file system is full, only every 1024th wish for memory asks again. */
static uint32_t starved;

static int hopeless(void)
{
	return __atomic_load_n(&starved, __ATOMIC_RELAXED) &&
	       __atomic_fetch_add(&starved, 1, __ATOMIC_RELAXED) % 1024;
}

static void no_room(struct seg_header *h)
{
	__atomic_store_n(&starved, 1, __ATOMIC_RELAXED);
	__atomic_fetch_or(&h->head.degraded, SEG_NO_ROOM, __ATOMIC_RELAXED);
}

/* ---- memory of an arena ---- */

/* Sees to it that the first `end` bytes have memory. */
static int make_ready(struct seg_header *h, struct seg_arena *a, unsigned index,
		      uint32_t from, uint32_t end)
{
	uint64_t at = SEG_ARENA_AT + (uint64_t)index * SEG_ARENA_SIZE;

	end = (end + STEP - 1) & ~(STEP - 1);
	if (segment_reserve((char *)a + from, at + from, end - from) < 0) {
		no_room(h);
		return -1;
	}
	/* a handler may have been further already */
	while (from < end &&
	       !__atomic_compare_exchange_n(&a->ready, &from, end, 0,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	return 0;
}

/* `bytes` of zeroed memory in units; returns their offset in units, or 0. */
static uint32_t arena_alloc(struct seg_header *h, struct seg_arena *a, size_t bytes)
{
	uint32_t size = (uint32_t)((bytes + SEG_UNIT - 1) / SEG_UNIT * SEG_UNIT);
	uint32_t at = __atomic_load_n(&a->used, __ATOMIC_RELAXED);
	uint32_t ready;

	do {
		if (at > SEG_ARENA_SIZE - size)
			return 0;
		ready = __atomic_load_n(&a->ready, __ATOMIC_RELAXED);
		if (at + size > ready &&
		    (hopeless() || make_ready(h, a, a->index, ready, at + size) < 0))
			return 0;
	} while (!__atomic_compare_exchange_n(&a->used, &at, at + size, 0,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return at / SEG_UNIT;
}

/* ---- whose arena ---- */

static uint32_t my_id(pid_t pid)
{
	/* A vfork child works for the parent's thread and is gone before it. */
	return getpid() == pid ? (uint32_t)gettid() : SEG_KEPT;
}

static int take_slot(struct seg_slot *s, uint32_t from, uint32_t to)
{
	return __atomic_load_n(&s->owner, __ATOMIC_RELAXED) == from &&
	       __atomic_compare_exchange_n(&s->owner, &from, to, 0,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* A free slot of `kind`, now `id`'s; -1 if there is none. */
static int free_slot(struct seg_header *h, uint32_t kind, uint32_t id)
{
	unsigned n = __atomic_load_n(&h->head.narenas, __ATOMIC_RELAXED);

	for (unsigned i = 0; i < n && i < SEG_ARENAS; i++) {
		if (__atomic_load_n(&h->slot[i].kind, __ATOMIC_RELAXED) != kind ||
		    !take_slot(&h->slot[i], 0, id))
			continue;
		if (__atomic_load_n(&h->slot[i].kind, __ATOMIC_RELAXED) == kind)
			return (int)i;
		__atomic_store_n(&h->slot[i].owner, 0, __ATOMIC_RELEASE);
	}
	return -1;
}

/* The slot of a thread that ended without saying so, in the last destructors. */
static int orphaned_slot(struct seg_header *h, uint32_t id, pid_t pid)
{
	unsigned n = __atomic_load_n(&h->head.narenas, __ATOMIC_RELAXED);

	for (unsigned i = 0; n >= CROWDED && i < n && i < SEG_ARENAS; i++) {
		uint32_t owner = __atomic_load_n(&h->slot[i].owner, __ATOMIC_RELAXED);

		if (__atomic_load_n(&h->slot[i].kind, __ATOMIC_RELAXED) != SEG_ARENA_HEAD ||
		    !owner || owner == SEG_KEPT)
			continue;
		if (tgkill(pid, (pid_t)owner, 0) < 0 && errno == ESRCH &&
		    take_slot(&h->slot[i], owner, id))
			return (int)i;
	}
	return -1;
}

static int append_slot(struct seg_header *h, uint32_t id)
{
	uint32_t n = __atomic_load_n(&h->head.narenas, __ATOMIC_RELAXED);

	do
		if (n >= h->head.arena_max)
			return -1;
	while (!__atomic_compare_exchange_n(&h->head.narenas, &n, n + 1, 0,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	/* another may have found it free meanwhile */
	return take_slot(&h->slot[n], 0, id) ? (int)n : append_slot(h, id);
}

/* An arena with memory for its beginning, in a slot of its own. Its index, or -1. */
static int new_arena(struct seg_header *h, uint32_t kind, uint32_t id)
{
	struct seg_arena *a;
	int i;

	if (hopeless())
		return -1;
	i = free_slot(h, SEG_ARENA_NEW, id);
	if (i < 0)
		i = append_slot(h, id);
	if (i < 0) {
		no_room(h);
		return -1;
	}
	a = segment_arena((unsigned)i);
	if (!a || make_ready(h, a, (unsigned)i, 0, sizeof(*a)) < 0) {
		no_room(h);
		__atomic_store_n(&h->slot[i].owner, 0, __ATOMIC_RELEASE);
		return -1;
	}
	a->index = (uint32_t)i;
	a->used = sizeof(*a);
	__atomic_store_n(&h->slot[i].kind, kind, __ATOMIC_RELEASE);
	return i;
}

/* ---- threads ---- */

/* The index that belongs to the head arena `i`. */
static struct stats_thread *index_of(unsigned i)
{
	struct stats_thread **b = &batch[i / BATCH];
	struct stats_thread *have = __atomic_load_n(b, __ATOMIC_ACQUIRE);
	size_t len = BATCH * sizeof(*have);
	void *p;

	if (have)
		return have + i % BATCH;
	p = REAL(mmap)(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	madvise(p, len, MADV_WIPEONFORK);
	if (__atomic_compare_exchange_n(b, &have, p, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		have = p;
	else
		REAL(munmap)(p, len);
	return have + i % BATCH;
}

/* Reads a chain back from a head arena that somebody else began. */
static int adopt_chain(struct stats_thread *t, unsigned i)
{
	struct seg_arena *a;
	uint32_t next = i + 1;

	memset(t, 0, sizeof(*t));
	while (next && t->count < THREAD_ARENAS) {
		a = segment_arena(next - 1);
		if (!a)
			break;
		t->arena[t->count++] = a;
		next = a->next;
	}
	t->alive = t->count > 0;
	return t->alive;
}

struct stats_thread *thread_acquire(struct seg_header *h, pid_t pid)
{
	uint32_t id = my_id(pid);
	struct stats_thread *t;
	int i = free_slot(h, SEG_ARENA_HEAD, id);

	if (i < 0)
		i = orphaned_slot(h, id, pid);
	if (i < 0)
		i = new_arena(h, SEG_ARENA_HEAD, id);
	if (i < 0)
		return NULL;
	t = index_of((unsigned)i);
	if (t && (t->alive || adopt_chain(t, (unsigned)i)))
		return t;
	__atomic_store_n(&h->slot[i].owner, 0, __ATOMIC_RELEASE);
	return NULL;
}

void thread_release(struct seg_header *h, struct stats_thread *t)
{
	if (t->alive)
		__atomic_store_n(&h->slot[t->arena[0]->index].owner, 0, __ATOMIC_RELEASE);
}

void threads_fork_child(int held)
{
	for (unsigned b = 0; b < BATCHES; b++) {
		/* a kernel before 4.14 has not wiped them */
		for (unsigned i = 0; !held && batch[b] && i < BATCH; i++)
			if (batch[b][i].alive)
				memset(&batch[b][i], 0, sizeof(batch[b][i]));
		if (held)
			batch[b] = NULL;
	}
	starved = 0;
}

/* One more arena at the end of the chain. */
static int grow(struct seg_header *h, struct stats_thread *t)
{
	struct seg_arena *last = t->arena[t->count - 1];
	struct seg_arena *a;
	int i;

	if (t->count == THREAD_ARENAS)
		return -1;
	i = new_arena(h, SEG_ARENA_MORE,
		      __atomic_load_n(&h->slot[t->arena[0]->index].owner, __ATOMIC_RELAXED));
	if (i < 0)
		return -1;
	a = segment_arena((unsigned)i);
	last->next = (uint32_t)i + 1;
	t->arena[t->count] = a;
	t->count++;
	return 0;
}

/* ---- cells ---- */

static struct seg_cell *cell_at(struct seg_arena *a, uint32_t unit)
{
	return (struct seg_cell *)((char *)a + (size_t)unit * SEG_UNIT);
}

#define GROUP_BYTES (SEG_GROUP_BINS * sizeof(uint64_t))

static int has_group(struct seg_header *h, struct seg_arena *a, struct seg_cell *c,
		     unsigned group)
{
	uint32_t at, self = (uint32_t)((char *)c - (char *)a) / SEG_UNIT;
	uint16_t none = 0;

	if (c->group[group])
		return 1;
	at = arena_alloc(h, a, GROUP_BYTES);
	if (!at)
		return 0;
	/* a handler's is as good */
	__atomic_compare_exchange_n(&c->group[group], &none, (uint16_t)(at - self), 0,
				    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	return 1;
}

static struct seg_cell *old_cell(struct seg_header *h, struct stats_thread *t,
				 uint32_t key, unsigned group)
{
	for (unsigned i = t->count; i-- > 0; ) {
		struct seg_arena *a = t->arena[i];

		for (uint32_t at = a->cells; at; at = cell_at(a, at)->next)
			if (cell_at(a, at)->key == key && has_group(h, a, cell_at(a, at), group))
				return cell_at(a, at);
	}
	return NULL;
}

static struct seg_cell *new_cell(struct seg_header *h, struct seg_arena *a, uint32_t key,
				 unsigned group)
{
	uint32_t at = arena_alloc(h, a, sizeof(struct seg_cell) + GROUP_BYTES);
	uint32_t head = a->cells;
	struct seg_cell *c;

	if (!at)
		return NULL;
	c = cell_at(a, at);
	c->key = key;
	c->min = UINT64_MAX;
	c->group[group] = sizeof(*c) / SEG_UNIT;
	do
		c->next = (uint16_t)head;
	while (!__atomic_compare_exchange_n(&a->cells, &head, at, 0,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return c;
}

/* Into a free place, else over the first. */
static void remember(struct stats_thread *t, struct seg_cell *c)
{
	struct seg_cell **at = t->cell + thread_hash(c->key);

	for (unsigned i = 0; i < THREAD_PROBE; i++)
		if (!at[i] || at[i]->key == c->key) {
			at[i] = c;
			return;
		}
	at[0] = c;
}

struct seg_cell *thread_cell(struct seg_header *h, struct stats_thread *t,
			     uint32_t key, unsigned group)
{
	struct seg_cell *c = old_cell(h, t, key, group);

	if (!c)
		c = new_cell(h, t->arena[t->count - 1], key, group);
	if (!c && grow(h, t) == 0)
		c = new_cell(h, t->arena[t->count - 1], key, group);
	if (c)
		remember(t, c);
	return c;
}

struct seg_use *thread_use(struct seg_header *h, struct stats_thread *t, unsigned slot)
{
	unsigned group = slot / SEG_FILE_GROUP;
	struct seg_arena *a = t->arena[t->count - 1];
	uint32_t at = a->uses[group];

	if (!at) {
		at = arena_alloc(h, a, SEG_FILE_GROUP * sizeof(struct seg_use));
		if (!at && grow(h, t) == 0) {
			a = t->arena[t->count - 1];
			at = arena_alloc(h, a, SEG_FILE_GROUP * sizeof(struct seg_use));
		}
		if (!at)
			return NULL;
		if (a->uses[group])      /* a handler was here */
			at = a->uses[group];
		a->uses[group] = (uint16_t)at;
	}
	return (struct seg_use *)((char *)a + (size_t)at * SEG_UNIT) + slot % SEG_FILE_GROUP;
}
