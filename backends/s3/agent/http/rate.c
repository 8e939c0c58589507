/* SPDX-License-Identifier: MIT */
/* A token bucket; see rate.h. */
#include "rate.h"

#define SECOND 1e9
#define SAVED 8                         /* most that is there: what comes in this part of a second */
#define WORTH 200                       /* ... and what somebody is woken for */
#define TURNS 100                       /* a second, if the pieces are not too small for that */
#define TURN_LEAST (16u << 10)          /* what libcurl hands over at once */
#define TURN_MOST (1u << 20)

int rate_may(struct rate *r, uint64_t now)
{
	double most = (double)r->limit / SAVED;

	if (r->filled && now > r->filled)
		r->have += (double)(now - r->filled) * (double)r->limit / SECOND;
	if (r->have > most)
		r->have = most;
	r->filled = now;
	return r->have > 0;
}

void rate_take(struct rate *r, size_t n)
{
	r->have -= (double)n;
}

uint64_t rate_when(const struct rate *r)
{
	double lacks = (double)r->limit / WORTH - r->have;

	return r->filled + 1 + (lacks > 0 ? (uint64_t)(lacks * SECOND / (double)r->limit) : 0);
}

size_t rate_turn(const struct rate *r)
{
	uint64_t n = r->limit / TURNS;

	return (size_t)(n < TURN_LEAST ? TURN_LEAST : n > TURN_MOST ? TURN_MOST : n);
}
