/* SPDX-License-Identifier: MIT */
/*
 * So many bytes a second: a token bucket. What is taken may be owed afterwards,
 * so that a piece of any size passes, and the next one waits longer. Times are
 * loop_now()'s, in nanoseconds. Pure logic.
 */
#ifndef S3_AGENT_RATE_H
#define S3_AGENT_RATE_H

#include <stddef.h>
#include <stdint.h>

struct rate {
	uint64_t limit;                 /* bytes a second, above 0 */
	double have;                    /* bytes; below 0: owed */
	uint64_t filled;                /* when; both 0 at first: nothing is there yet */
};

/* Whether something is there. */
int rate_may(struct rate *r, uint64_t now);

void rate_take(struct rate *r, size_t n);

/* When enough will be there that it is worth waking somebody. */
uint64_t rate_when(const struct rate *r);

/* What one of those who share it takes in his turn. */
size_t rate_turn(const struct rate *r);

#endif
