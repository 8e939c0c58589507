/* SPDX-License-Identifier: MIT */
/*
 * One version of an object, and reading it: what of it is in the cache, what
 * is on its way, the streams that readers are recognised as, and the plan of
 * requests that serves them.
 */
#ifndef S3_AGENT_OBJECT_H
#define S3_AGENT_OBJECT_H

#include "s3/proto.h"
#include "request/s3.h"

struct object;                          /* counted; what is in the cache outlives its users */

/* After cache_init; may be called again once nothing is under way. */
void object_init(void);

/*
 * The version of `key` that has this etag (size and etag from a listing, a HEAD
 * or another process), without a request. Counted; NULL without memory.
 */
struct object *object_known(struct s3_bucket *b, const char *key, const struct s3_attr *attr);
/* Likewise, if something of it is kept; not counted; NULL: nothing is. */
struct object *object_kept(struct s3_bucket *b, const char *key, const struct s3_attr *attr);

/*
 * Opens the current version by fetching its first bytes, one request, and calls
 * opened(arg, object, err), the object counted for the caller, as soon as the
 * answer begins.
 */
void object_open(struct s3_bucket *b, const char *key,
		 void (*opened)(void *arg, struct object *o, int err), void *arg);

/* size, mtime, etag, version; of object_known all that it was given. */
const struct s3_attr *object_attr(const struct object *o);
struct object *object_hold(struct object *o);    /* one more to put */
void object_put(struct object *o);

/*
 * All bytes of the version, by who has just stored them there: readers find
 * them in the cache, if the object is small and has nothing there yet.
 */
void object_give(struct object *o, const void *bytes, size_t n);

/* Likewise, what the cache has of another one with the same bytes. */
void object_inherit(struct object *o, const struct object *from);

/* A read that waits. Zeroed by the caller, whose it is until done; o stays counted for it as long. */
struct object_read {
	struct object *o;
	int64_t off, len;
	uint64_t reader;                /* tells open file descriptions apart */
	/*
	 * The answer: from off on without a gap, perhaps more than len; perhaps
	 * less, then the caller asks for the rest. None at the end of the object.
	 */
	struct s3_piece piece[S3_PIECES];
	unsigned pieces;
	/* 0; -ESTALE: the version is gone; or the request's error. May read again and put, not cancel others. */
	void (*done)(struct object_read *r, int err);
	/* object.c's */
	struct object_read *prev, *next;
	struct fetch *on;               /* what it waits for, */
	int64_t need;                   /* up to here; */
	int64_t leash;
	/* or for a plan, for memory, or for the object's checksum */
	enum { READ_UNLISTED, READ_FRESH, READ_STARVED, READ_UNSURE } listed;
};
void object_read(struct object_read *r);        /* done may be called from here */
void object_read_cancel(struct object_read *r);

#endif
