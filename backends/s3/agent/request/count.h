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

/* A request was settled, with err: 0 or -errno. Its message becomes a note. */
void count_request(const struct s3_request *r, int err);

/* A line for people. */
void count_note(const char *text);

#endif
