/* SPDX-License-Identifier: MIT */
/*
 * One version of an object, and reading it: what of it is in the cache, what
 * is on its way, the streams that readers are recognised as, and the plan of
 * requests that serves them.
 */
#ifndef S3_AGENT_OBJECT_H
#define S3_AGENT_OBJECT_H

#include "../proto.h"
#include "s3.h"

struct object;                          /* counted */

/*
 * The version of `key` that has this etag (size and etag from a listing, a HEAD
 * or another process), without a request. Counted.
 */
struct object *object_known(struct s3_bucket *b, const char *key, const struct s3_attr *attr);

/*
 * Opens the current version by fetching its first bytes, one request, and calls
 * opened(arg, object, err), the object counted for the caller.
 */
void object_open(struct s3_bucket *b, const char *key,
		 void (*opened)(void *arg, struct object *o, int err), void *arg);

const struct s3_attr *object_attr(const struct object *o);
void object_put(struct object *o);

/* A read that waits. Zeroed by the caller, whose it is until done. */
struct object_read {
	struct object *o;
	int64_t off, len;
	uint64_t reader;                /* tells open file descriptions apart */
	struct s3_piece piece[S3_PIECES];   /* the answer: from off on without a gap, perhaps more than len */
	unsigned pieces;
	void (*done)(struct object_read *r, int err);
	struct object_read *next;       /* object.c's */
};
void object_read(struct object_read *r);        /* done may be called from here */
void object_read_cancel(struct object_read *r);

#endif
