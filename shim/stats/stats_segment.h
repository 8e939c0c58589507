/* SPDX-License-Identifier: MIT */
/*
 * This process' segment: found or made, mapped, and given memory page by
 * page. Private to the recording (stats.c).
 *
 *	segment_setup   before main
 *	segment_make    at the first recorded call of a process
 *	segment_arena, segment_reserve   whenever a thread needs room
 *	segment_drop    in a fork child, before segment_make
 *
 * segment_arena and segment_reserve may be called from any thread and from a
 * signal handler; the others by one thread at a time. errno may change.
 */
#ifndef SHIM_STATS_SEGMENT_H
#define SHIM_STATS_SEGMENT_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/real.h"
#include "stats_layout.h"

struct conf;

/*
 * Remembers `c` (which must stay) and the tree the environment names, if it
 * is a valid name.
 */
void segment_setup(const struct conf *c, const char *tree);

/*
 * Continues the segment of this process' previous image or of a dead process
 * of its tree, else makes one, in the name of `pid`. NULL if there is no
 * trustworthy directory or no room. No descriptor stays open.
 */
struct seg_header *segment_make(pid_t pid);

/* The address of arena `i`, whose memory is not reserved by this; NULL if it cannot be mapped. */
struct seg_arena *segment_arena(unsigned i);

/*
 * Sees to it that `len` bytes at `addr`, which is `off` in the file, can be
 * touched without SIGBUS. 0, or -1 if the file system is full.
 */
int segment_reserve(void *addr, uint64_t off, size_t len);

/*
 * Forgets the segment but not its tree. Returns the header and the files
 * behind it, still mapped (*len bytes, for munmap), or NULL; the arenas
 * beyond are unmapped.
 */
struct seg_header *segment_drop(size_t *len);

#endif
