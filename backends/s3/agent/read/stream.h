/* SPDX-License-Identifier: MIT */
/*
 * The streams that the readers of one object are recognised as, by where they
 * ask, not by who they are: forward, backward, or with a stride. What they say
 * should be fetched ahead is a hint; the object bounds it. Pure logic.
 *
 * A window begins small, grows fourfold when its reader had to wait, and halves when
 * memory was refused or bytes went unused (mountpoint-s3's rule, s3clients.md
 * 2.1: a slow reader never earns a large one).
 */
#ifndef S3_AGENT_STREAM_H
#define S3_AGENT_STREAM_H

#include <stdint.h>

#include "plan.h"

#define STREAMS 6                       /* four, and two asks that may become one */
#define STREAM_FIRST (128ll << 10)      /* the smallest window */
#define STREAM_START (1ll << 20)        /* the largest first one */
#define STREAM_ENOUGH (16ll << 20)      /* where the link is near: a guest that is not scheduled for some ms must not stop it */
#define STREAM_LARGE (4ll << 20)        /* a window from here on is kept full by parts of a quarter of it */
#define STREAM_STRIDES 16               /* fetched ahead at most */

struct stream {
	int64_t off, end;               /* the last ask */
	int64_t step;                   /* to it from the ask before, if that is no neighbour */
	int64_t ahead;                  /* fetched or on its way up to here; down to here if backward */
	int64_t window;                 /* 0: not recognised */
	unsigned hits;                  /* asks that fitted, in a row */
	int way;                        /* 1 forward, -1 backward, 0 stride */
	int64_t rate;                   /* bytes a second it goes */
	int64_t from;                   /* ... measured from this place */
	uint64_t since;                 /* ... and time; 0: not yet */
	int64_t passed;                 /* what lies before this was dropped; the object's */
	uint64_t used;
};

struct streams {                        /* zeroed is empty */
	struct stream s[STREAMS];
	uint64_t asks;
	int64_t last;                   /* where the last one was */
	int64_t expected;               /* how far a reader from the start is thought to go */
};

/* The stream an ask for [off, end) belongs to, brought up to date; a new one in the place of the oldest. */
struct stream *stream_ask(struct streams *all, int64_t off, int64_t end);

/*
 * The largest window that can be of use: four times what moves between a
 * request and its first byte, as fast as this reader got its bytes lately. More
 * would only be further from the processor's caches. `now` in nanoseconds.
 */
int64_t stream_most(struct stream *s, const struct plan_link *l, uint64_t now);

/* Its reader had to wait; the window grows, to `most` bytes. */
void stream_stalled(struct stream *s, int64_t most);

/* Memory was refused, or bytes fetched ahead went unused. */
void stream_halve(struct streams *all);

/*
 * The ranges to fetch ahead of it in an object of `size` bytes, in the order
 * they will be asked for; it counts as done. Returns how many, 0 if enough is
 * on its way.
 */
unsigned stream_ahead(struct stream *s, int64_t size, int64_t most, struct range out[STREAM_STRIDES]);

/* How far a guest may go by itself before the agent has to hear of it, in bytes from the ask's end. */
int64_t stream_leash(const struct stream *s);

#endif
