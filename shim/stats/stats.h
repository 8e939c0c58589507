/* SPDX-License-Identifier: MIT */
/*
 * Recording: what every door calls around libc or a back end. The data live
 * in one segment per process in shared memory (stats_layout.h), made at the
 * first recorded call, never in the constructor; each thread writes blocks of
 * its own without locks, so that SIGKILL loses nothing and readers need no
 * help. Nothing here fails visibly: without room, calls are counted coarsely;
 * without a segment, not at all.
 */
#ifndef SHIM_STATS_H
#define SHIM_STATS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "calls.h"
#include "conf/conf.h"
#include "stats_clock.h"

#define STATS_NO_FILE 0u

/* Nonzero while calls are recorded. Set once by stats_init. */
extern int stats_on;

/* The same, until no segment can be made. */
extern int stats_recording;

/*
 * Called once before main, cheap: remembers where segments go and the rules'
 * names, opens nothing. Rule 0 is "calls under no rule"; rule i+1 is
 * c->rules[i].
 */
void stats_init(const struct conf *c);

/* In a fork child, before its first recorded call: it gets a segment of its own. */
void stats_fork_child(void);

/* The end of a thread: its block is kept and given to the next new thread. */
void stats_thread_exit(void);

/*
 * The start of a call: a time stamp for stats_end, 0 when statistics are
 * off. Leaves errno alone.
 */
static inline uint64_t stats_begin(void)
{
	return __atomic_load_n(&stats_recording, __ATOMIC_RELAXED) ? clock_now() : 0;
}

/*
 * The end of a call that began at `t0` (nothing happens if that is 0).
 * `size` is what the program asked for (its size class), `done` the bytes
 * that moved, `error` an errno value or 0. `file` is a slot of stats_file or
 * STATS_NO_FILE. Leaves errno alone; async-signal-safe; allocates only
 * shared memory.
 */
void stats_end(enum call call, unsigned rule, unsigned file, uint64_t t0,
	       size_t size, size_t done, int error);

/*
 * What is no time, or a time taken otherwise: `value` as if it were the ns of a
 * call without bytes. Nothing happens unless recording.
 */
void stats_value(enum call call, unsigned rule, uint64_t value);

/*
 * The slot of a file in the top list, found by (dev, ino) or taken and named
 * `path` (copied, cut from the left if too long). STATS_NO_FILE when
 * statistics are off or the list is full. Leaves errno alone.
 */
unsigned stats_file(dev_t dev, ino_t ino, const char *path);

/*
 * One line for the reader, kept once however often it is said: why io_uring
 * is not used, why a mapping is off. printf-like; cut at 160 bytes. Leaves
 * errno alone. May be called before the segment exists; the first 8 such
 * lines wait for it.
 */
void stats_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
