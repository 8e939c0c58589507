/* SPDX-License-Identifier: MIT */
/* What a range of an object lacks, asked for in parts; see object_private.h. */
#include "object_private.h"

#define PARALLEL 8                      /* parts of one plan; s3clients.md 8.1 */

void object_drop(struct object *o, struct chunk *c)
{
	index_remove(&o->index, c);
	cache_free(c);
}

/* Asks for one part; 0 without memory. */
static int ask(struct object *o, struct range part, int urgent)
{
	struct fetch *f = fetch_new(o->bucket, o->key, &o->attr, part.off, part.end - part.off);

	if (!f)
		return 0;
	f->c->ahead = !urgent;
	f->c->often = (unsigned char)object_is_large(o);
	object_adopt(o, f);
	fetch_start(f, urgent);
	return 1;
}

/* What is fetched ahead may hold half of the cache. */
static int ahead_allowed(int64_t len)
{
	return cache_held() + (uint64_t)len <= cache_size() / 2;
}

/* Fetches a gap in parts; 0 without memory. */
static int fill(struct object *o, struct range gap)
{
	int64_t least = plan_least(fetch_link());
	unsigned parallel = fetch_connections(o->bucket);

	parallel = parallel < PARALLEL ? parallel : PARALLEL;
	while (gap.off < gap.end) {
		struct range part = { gap.off, gap.off + (gap.part ? plan_given(gap) : plan_part(gap, parallel, least)), 0, 0 };
		int urgent = part.off < gap.wanted;

		if ((!urgent && !ahead_allowed(part.end - part.off)) || !ask(o, part, urgent))
			return 0;
		gap.off = part.end;
	}
	return 1;
}

int64_t object_covered(const struct object *o, int64_t off)
{
	const struct chunk *c;

	while ((c = index_floor(&o->index, off)) && off < c->off + c->len)
		off = c->off + c->len;
	return off;
}

/* The first gap at or after r->off in a range, rounded to pages within its neighbours; 0 if there is none. */
static int next_gap(const struct object *o, const struct range *r, struct range *gap)
{
	const struct chunk *c, *above;
	int64_t low = 0, high = o->attr.size;

	*gap = *r;
	gap->off = object_covered(o, r->off);
	if (gap->off >= r->end)
		return 0;
	c = index_floor(&o->index, gap->off);
	if (c)
		low = c->off + c->len;
	above = index_above(&o->index, gap->off);
	if (above)
		high = above->off;
	gap->end = smaller(r->end, high);
	*gap = plan_round(*gap, low, high);
	return 1;
}

static void drop_chunks(struct object *o, int64_t off, int64_t end)
{
	struct chunk *c;

	while ((c = index_above(&o->index, off - 1)) && c->off < end) {
		off = c->off + c->len;
		if (!c->held && c->filled == c->len)
			object_drop(o, c);
	}
}

/* What random reads left between gaps is fetched again with them: one request is cheaper than many. */
static void sink_islands(struct object *o, struct range r)
{
	int64_t hole = plan_merge(fetch_link()), upto;
	struct range gap;

	for (; next_gap(o, &r, &gap); r.off = upto) {
		upto = object_covered(o, gap.end);
		if (upto < r.end && upto - gap.end <= hole)
			drop_chunks(o, gap.end, upto);
	}
}

int object_fill(struct object *o, struct range r)
{
	struct range gap;

	sink_islands(o, r);
	while (next_gap(o, &r, &gap)) {
		if (!fill(o, gap))
			return 0;
		r.off = gap.end;
	}
	return 1;
}
