/* SPDX-License-Identifier: MIT */
/* What object.c and object_open.c share; nobody else includes it. */
#ifndef S3_AGENT_OBJECT_PRIVATE_H
#define S3_AGENT_OBJECT_PRIVATE_H

#include <uthash.h>

#include "cache.h"
#include "fetch.h"
#include "index.h"
#include "object.h"
#include "plan.h"
#include "stream.h"

#define PLANNED 64                      /* ranges planned at a time */

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
	struct range ahead[PLANNED];    /* ... with these */
	unsigned aheads;
	char planning;
	size_t name_len;
	char name[];                    /* what tells it apart: bucket, key, etag, size */
};

/* Makes a fetch the object's: readers find what it brings. */
void object_adopt(struct object *o, struct fetch *f);

#endif
