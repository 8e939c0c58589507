/* SPDX-License-Identifier: MIT */
/* The agent's counters; their file is s3/s3_stats.h. */
#ifndef S3_AGENT_COUNT_H
#define S3_AGENT_COUNT_H

#include "s3/s3_stats.h"
#include "s3.h"

/* Never NULL; until count_init they are in memory only. For the loop's thread. */
extern struct s3_stats *count;

/* Goes on with the file `stats` in the directory, or makes it; without one, counts in memory. */
void count_init(int dir);

/* A request was settled, with err: 0 or -errno. */
void count_request(const struct s3_request *r, int err);

/* Told of every request that failed, where somebody wants to know why; NULL at first. */
extern void (*count_failed)(const struct s3_request *r, int err);

/*
 * Something went wrong: a line for people, made one if it is none, the only one
 * of those with the same `what`. again: it is tried once more.
 */
void count_note(const char *what, const char *text, int again);

/* The text of the last one; "" if there was none. */
const char *count_last(void);

#endif
