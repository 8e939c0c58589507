/* SPDX-License-Identifier: MIT */
/* Bytes of a version that need no request; see object.h. */
#include <string.h>

#include "object_private.h"

#define GIVEN_MOST (256u << 10)         /* who writes more is less likely to read it again at once */

void object_give(struct object *o, const void *bytes, size_t n)
{
	struct chunk *c;

	if (!n || n > GIVEN_MOST || (int64_t)n != o->attr.size || o->gone || o->index.n || !(c = cache_get(n)))
		return;
	memcpy(cache_room(c, 0, n), bytes, n);
	c->len = c->filled = c->used = (uint32_t)n;     /* not fetched, so not of use either */
	c->owner = o;
	index_insert(&o->index, c);
	cache_release(c);
}

void object_inherit(struct object *o, const struct object *from)
{
	const struct chunk *c = index_floor(&from->index, 0);

	if (c && c->filled == from->attr.size && !from->gone)
		object_give(o, cache_read(c), c->filled);
}
