/* SPDX-License-Identifier: MIT */
/* Which ranges to ask for. Pure functions on ranges of an object, in bytes. */
#ifndef S3_AGENT_PLAN_H
#define S3_AGENT_PLAN_H

#include <stdint.h>

#define PLAN_PAGE 4096
#define PLAN_PART_MOST (8ll << 20)      /* the usual part of AWS's tools; s3clients.md 8.1 */
#define PLAN_PART_LEAST (4ll << 20)     /* where nothing was measured */
#define PLAN_PART_SLOW (512ll << 10)    /* where little moves */
#define PLAN_MERGE_MOST (512ll << 10)   /* geesefs's read-merge; s3clients.md 2.4 */

struct range {
	int64_t off, end;
	int64_t wanted;                 /* somebody waits for what lies before this */
	int64_t part;                   /* the length of its parts, a power of two; 0: plan_part says */
};

/* What was measured of an endpoint; 0: nothing yet. */
struct plan_link {
	int64_t first_byte;             /* nanoseconds until an answer begins */
	int64_t rate;                   /* bytes a second of one connection */
};

/* The hole between two ranges that is cheaper to fetch than to skip. */
int64_t plan_merge(const struct plan_link *l);

/*
 * The smallest part that is worth a request of its own: what moves in twice the
 * time an answer takes to begin, and in 10 ms, below which a server spends more
 * on the request than on the bytes (radosgw: a quarter more for parts of 2 MiB
 * than of 8, twice as much for 1 MiB).
 */
int64_t plan_least(const struct plan_link *l);

/*
 * Joins the ranges r[0..n), sorted by off, that overlap or are no more than
 * `hole` apart. Returns how many are left.
 */
unsigned plan_join(struct range *r, unsigned n, int64_t hole);

/* Widens a range to whole pages, within [low, high). */
struct range plan_round(struct range r, int64_t low, int64_t high);

/*
 * The first part of a range that `parallel` connections are to share: all of
 * it, or a share of at least `least`; the last parts of what is longer than
 * all can take at once get smaller, so that none is waited for alone. It ends
 * where a multiple of its size does, as objects are stored and were uploaded.
 */
int64_t plan_part(struct range r, unsigned parallel, int64_t least);

/* Likewise, of parts of r.part. */
int64_t plan_given(struct range r);

#endif
