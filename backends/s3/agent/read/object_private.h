/* SPDX-License-Identifier: MIT */
/* What object*.c share; nobody else includes it. */
#ifndef S3_AGENT_OBJECT_PRIVATE_H
#define S3_AGENT_OBJECT_PRIVATE_H

#include <uthash.h>

#include "cache.h"
#include "request/checksum.h"
#include "fetch.h"
#include "index.h"
#include "object.h"
#include "plan.h"
#include "stream.h"

#define PLANNED 64                      /* ranges planned at a time */
#define OPEN_MOST (16ll << 20)          /* expected to be read */

/* What an object was uploaded in: from the end of the one before on. */
struct object_part {
	int64_t end;
	unsigned char sum[CHECKSUM_MOST];
};

struct object {
	UT_hash_handle hh;
	struct s3_bucket *bucket;
	char *key;
	struct s3_attr attr;
	unsigned refs;
	int gone;                       /* -ESTALE once the server said so */
	struct index index;
	struct streams streams;
	struct object_read *fresh;      /* to be planned in this round */
	struct object_read *unsure;     /* at the end, whose checksum is asked for */
	struct range ahead[PLANNED];    /* ... with these */
	unsigned aheads;
	char planning;
	int64_t reach;                  /* readers were told of all before this */
	int64_t asked;                  /* object_open.c's: bytes that opening it asked for; 0: none */
	/* object_verify.c's: the checksum of part `at` as far as `summed`, and what those of the parts should be */
	enum { VERIFY_NOT, VERIFY_ASKED, VERIFY_NONE, VERIFY_ON } verify;
	struct checksum sum;
	int64_t summed;
	struct object_part *part;       /* NULL: it is over */
	unsigned parts, at;
	size_t name_len;
	char name[];                    /* what tells it apart: bucket, key, etag, size */
};

/* The cache cannot hold it with anything else: what was read in turn is not kept. */
static inline int object_is_large(const struct object *o)
{
	return o->attr.size >= (int64_t)cache_size() / 2;
}

/* Makes a fetch the object's: readers find what it brings. */
void object_adopt(struct object *o, struct fetch *f);

/* Plans in the next round of the loop what is listed in o->fresh and o->ahead. */
void object_plan_soon(struct object *o);
/* ... and n ranges with it; forgotten if there are too many. */
void object_plan(struct object *o, const struct range *want, unsigned n);

/* object_read.c: the reads of an object */
int64_t object_read_end(const struct object_read *r);   /* of what it asks for, in the object */
int64_t object_wanted(const struct object_read *r);     /* of what is planned for it at once */
void object_reads_grew(struct fetch *f);        /* f->c->filled did: those that wait for it are answered */
void object_reads_failed(struct fetch *f, int err);
void object_reads_settle(struct object *o, int refused);   /* the fresh ones, after a plan; refused: memory was */
void object_reads_retry(void);                  /* there may be memory again */
void object_reads_sure(struct object *o);       /* its checksum is known, or that there is none */

/* object_open.c: a user is done; how far it was read is what is expected of the bucket's next. */
void object_open_learn(struct object *o);

/* object_fill.c: asks for what a range lacks. 0 without memory. */
int object_fill(struct object *o, struct range r);
/* Where the chunks that follow each other from off on end. */
int64_t object_covered(const struct object *o, int64_t off);
/* A chunk that nobody holds is the cache's again. */
void object_drop(struct object *o, struct chunk *c);

static inline int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/*
 * The object's checksum, if the answer to a request for all of it tells one,
 * or if it is asked for by a HEAD, which is worth it to who reads all.
 */
void object_verify_by(struct object *o, const struct s3_request *r);
void object_verify_ask(struct object *o);

/* A chunk is complete. -EIO: the bytes, or those of a part, are not those that were stored. */
int object_verify(struct object *o);
void object_verify_end(struct object *o);

/* What object_verify.c and object_parts.c tell each other: the parts, malloc'ed; and that no answer is waited for. */
void object_verify_on(struct object *o, enum checksum_kind kind, struct object_part *part, unsigned n);
void object_verify_asked(struct object *o);

/* Asks for the parts whose checksums make this one; object_verify_asked follows. 0 without memory. */
int object_parts_ask(struct object *o, enum checksum_kind kind, const unsigned char should[CHECKSUM_MOST]);

/* No new reader finds it; its reads that need the server, or all if it is -EIO, get `err`. */
void object_spoil(struct object *o, int err);

#endif
