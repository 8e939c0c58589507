/* SPDX-License-Identifier: MIT */
/* Which ranges to ask for; see plan.h. */
#include "plan.h"

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
	return x < low ? low : x > high ? high : x;
}

/* What a connection moves in the time an answer takes to begin. */
static int64_t in_flight(const struct plan_link *l)
{
	return (int64_t)((double)l->first_byte * (double)l->rate / 1e9);
}

/* A third of it: a request costs the server too, but so do bytes that nobody wants. */
int64_t plan_merge(const struct plan_link *l)
{
	return clamp(in_flight(l) / 3, 0, PLAN_MERGE_MOST);
}

/* Twice: then two thirds of the time bytes move. */
int64_t plan_least(const struct plan_link *l)
{
	return l->rate ? clamp(in_flight(l) * 2, PLAN_PART_LEAST / 2, PLAN_PART_MOST) : PLAN_PART_LEAST;
}

unsigned plan_join(struct range *r, unsigned n, int64_t hole)
{
	unsigned last = 0;

	for (unsigned i = 1; i < n; i++) {
		if (r[i].off > r[last].end + hole) {
			r[++last] = r[i];
			continue;
		}
		r[last].end = r[i].end > r[last].end ? r[i].end : r[last].end;
		r[last].wanted = r[i].wanted > r[last].wanted ? r[i].wanted : r[last].wanted;
	}
	return n ? last + 1 : 0;
}

struct range plan_round(struct range r, int64_t low, int64_t high)
{
	r.off = clamp(r.off & ~(int64_t)(PLAN_PAGE - 1), low, high);
	r.end = clamp((r.end + PLAN_PAGE - 1) & ~(int64_t)(PLAN_PAGE - 1), low, high);
	return r;
}

int64_t plan_part(struct range r, unsigned parallel, int64_t least)
{
	int64_t len = r.end - r.off, part = (len + parallel - 1) / parallel;

	part = clamp(part, least, PLAN_PART_MOST);
	part = (part + PLAN_PAGE - 1) & ~(int64_t)(PLAN_PAGE - 1);
	/* a rest too small for a request goes along */
	if (len - part < least / 2 && len <= PLAN_PART_MOST)
		part = len;
	return part < len ? part : len;
}
