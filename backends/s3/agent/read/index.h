/* SPDX-License-Identifier: MIT */
/* The chunks of one object by their place in it: a treap. They do not overlap. */
#ifndef S3_AGENT_INDEX_H
#define S3_AGENT_INDEX_H

#include "cache.h"

struct index {                          /* zeroed is empty */
	struct chunk *root;
	unsigned n;
};

void index_insert(struct index *x, struct chunk *c);
void index_remove(struct index *x, struct chunk *c);
struct chunk *index_floor(const struct index *x, int64_t off);  /* the last with c->off <= off, or NULL */
struct chunk *index_above(const struct index *x, int64_t off);  /* the first with c->off > off, or NULL */

#endif
