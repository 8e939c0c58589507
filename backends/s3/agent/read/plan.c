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

int64_t plan_least(const struct plan_link *l)
{
	int64_t twice = in_flight(l) * 2, brief = l->rate / 100;

	return l->rate ? clamp(twice > brief ? twice : brief, PLAN_PART_SLOW, PLAN_PART_MOST) : PLAN_PART_LEAST;
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
		r[last].part = r[i].part > r[last].part ? r[i].part : r[last].part;
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
	int64_t share = clamp((r.end - r.off + parallel - 1) / parallel, least, PLAN_PART_MOST);

	for (r.part = PLAN_PAGE; r.part < share;)
		r.part *= 2;
	return plan_given(r);
}

int64_t plan_given(struct range r)
{
	int64_t len = r.end - r.off, end = (r.off + r.part + r.part / 2) & ~(r.part - 1);

	if (end - r.off > PLAN_PART_MOST)
		end -= r.part;
	/* a rest too small for a request goes along */
	if (r.end - end < r.part / 4 && len <= PLAN_PART_MOST)
		end = r.end;
	return end < r.end ? end - r.off : len;
}
