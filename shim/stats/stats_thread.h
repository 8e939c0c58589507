/* SPDX-License-Identifier: MIT */
/*
 * A thread's own part of the segment: the arenas it writes alone, and a
 * private index into their cells. Private to the recording.
 *
 * The index lies in memory that a fork child finds zeroed, however it was
 * made (MADV_WIPEONFORK): a thread that was copied along finds no cell and no
 * life in it, and so never writes the parent's segment.
 *
 * Everything here is async-signal-safe. A handler may interrupt any function
 * in the same thread and run it again; the worst is a second cell for one key.
 */
#ifndef SHIM_STATS_THREAD_H
#define SHIM_STATS_THREAD_H

#include <stdint.h>
#include <sys/types.h>

#include "stats_layout.h"

#define THREAD_ARENAS 8u
#define THREAD_HASH 256u              /* entries; a cache, so there may be more cells */
#define THREAD_PROBE 4u

struct stats_thread {
	uint32_t alive;
	uint32_t count;               /* of arenas; the last one has room */
	struct seg_arena *arena[THREAD_ARENAS];
	struct seg_cell *cell[THREAD_HASH + THREAD_PROBE];
} __attribute__((aligned(64)));

static inline unsigned thread_hash(uint32_t key)
{
	return key * 0x9e3779b1u >> 24;
}

/* The cell of `key` if the index knows it, else NULL. */
static inline struct seg_cell *thread_find(const struct stats_thread *t, uint32_t key)
{
	struct seg_cell *const *c = t->cell + thread_hash(key);

	for (unsigned i = 0; i < THREAD_PROBE; i++)
		if (c[i] && c[i]->key == key)
			return c[i];
	return NULL;
}

static inline uint64_t *cell_bins(struct seg_cell *c, unsigned group)
{
	return (uint64_t *)((char *)c + (size_t)c->group[group] * SEG_UNIT);
}

/*
 * A free part of the segment `h`, else a new one; NULL without room. `pid` is
 * the process the segment belongs to. The caller is its owner until
 * thread_release.
 */
struct stats_thread *thread_acquire(struct seg_header *h, pid_t pid);
void thread_release(struct seg_header *h, struct stats_thread *t);

/* The cell of `key`, with memory for bins of `group`; NULL without room. */
struct seg_cell *thread_cell(struct seg_header *h, struct stats_thread *t,
			     uint32_t key, unsigned group);

/* The thread's counters of the file in `slot`; NULL without room. */
struct seg_use *thread_use(struct seg_header *h, struct stats_thread *t, unsigned slot);

/*
 * In a fork child. If a copied thread may still hold one of the indices they
 * are left to it, else they serve again.
 */
void threads_fork_child(int held);

#endif
