/* SPDX-License-Identifier: MIT */
/* Streams of readers; see stream.h. */
#include "stream.h"

#include <string.h>

#define PACE_NS 50000000

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t page_up(int64_t off)
{
	return (off + PLAN_PAGE - 1) & ~(int64_t)(PLAN_PAGE - 1);
}

/*
 * Forward: from where the last one began to just behind its end, or to the end
 * of what was fetched ahead. A skip of no more than the ask itself still fits.
 */
static int is_forward(const struct stream *s, int64_t off, int64_t end)
{
	int64_t reach = s->way > 0 && s->window ? max(s->end, s->ahead) : s->end;

	return off >= s->end - (s->end - s->off) / 2 && off <= reach + (end - off);
}

static int is_backward(const struct stream *s, int64_t off, int64_t end)
{
	return off < s->off && end >= s->off - (end - off) && end <= s->end;
}

static int is_stride(const struct stream *s, int64_t off)
{
	return s->step && off - s->off == s->step;
}

static void go(struct stream *s, int way, int64_t off, int64_t end)
{
	if (s->way != way) {
		s->way = way;
		s->hits = 0;
		s->window = 0;
	}
	if (!s->hits++) {
		s->ahead = way < 0 ? off : end;
		s->passed = off;
	}
	s->step = way ? 0 : s->step;
}

static void recognise(struct stream *s, int64_t len, int64_t expected)
{
	if (s->window || !s->hits)
		return;
	s->window = min(max(STREAM_FIRST, 2 * len), STREAM_START);
	if (s->way > 0 && !s->off)
		s->window = max(s->window, expected);
}

/*
 * Whose place a new one takes: the oldest of those not recognised if there are
 * two, so that stray reads only push out each other.
 */
static struct stream *victim(struct streams *all)
{
	struct stream *oldest = all->s, *stray = NULL;
	unsigned strays = 0;

	for (unsigned i = 0; i < STREAMS; i++) {
		struct stream *s = &all->s[i];

		if (s->used < oldest->used)
			oldest = s;
		if (s->used && !s->window) {
			strays++;
			if (!stray || s->used < stray->used)
				stray = s;
		}
	}
	return oldest->used && strays > 1 ? stray : oldest;
}

static struct stream *begin(struct streams *all, int64_t off, int64_t end)
{
	struct stream *s = victim(all);
	int64_t before = all->last;

	memset(s, 0, sizeof *s);
	/* the ask before this one may be the first of a stride */
	s->step = all->asks ? off - before : 0;
	/* much from the start on: there will be more */
	if (!off && end >= STREAM_FIRST)
		go(s, 1, off, end);
	return s;
}

static struct stream *find(struct streams *all, int64_t off, int64_t end)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		struct stream *s = &all->s[i];
		int way = is_forward(s, off, end) ? 1 : is_backward(s, off, end) ? -1 : 0;

		if (!s->used || (!way && !is_stride(s, off)))
			continue;
		go(s, way, off, end);
		return s;
	}
	return begin(all, off, end);
}

/* The rest of an ask that was answered in part. */
static struct stream *rest(struct streams *all, int64_t off, int64_t end)
{
	for (unsigned i = 0; i < STREAMS; i++)
		if (all->s[i].used && off >= all->s[i].off && end <= all->s[i].end)
			return &all->s[i];
	return NULL;
}

struct stream *stream_ask(struct streams *all, int64_t off, int64_t end)
{
	struct stream *s = rest(all, off, end);

	if (s) {
		s->used = ++all->asks;
		return s;
	}
	s = find(all, off, end);

	s->off = all->last = off;
	s->end = end;
	s->used = ++all->asks;
	recognise(s, end - off, all->expected);
	return s;
}

int64_t stream_most(struct stream *s, const struct plan_link *l, uint64_t now)
{
	uint64_t took = now - s->since;

	if (!s->since || (took > PACE_NS && s->way <= 0)) {
		s->since = now;
		s->from = s->off;
	} else if (took > PACE_NS) {
		s->rate = (int64_t)((double)(s->off - s->from) * 1e9 / (double)took);
		s->since = now;
		s->from = s->off;
	}
	return max(STREAM_ENOUGH, (int64_t)(4 * (double)l->first_byte * (double)s->rate / 1e9));
}

void stream_stalled(struct stream *s, int64_t most)
{
	if (s->window && s->hits > 1)
		s->window = min(s->window * 4, max(most, STREAM_FIRST));
}

void stream_halve(struct streams *all)
{
	for (unsigned i = 0; i < STREAMS; i++)
		if (all->s[i].window)
			all->s[i].window = max(all->s[i].window / 2, STREAM_FIRST);
}

/* The parts that keep a large window full; 0: a small one, which is worth a request only when half of it is used up. */
static int64_t part_of(int64_t window)
{
	int64_t part = STREAM_LARGE / 4;

	while (8 * part <= window && part < PLAN_PART_MOST)
		part *= 2;
	return window < STREAM_LARGE ? 0 : part;
}

static unsigned neighbours(struct stream *s, int64_t size, int64_t window, struct range *out)
{
	if (s->way > 0) {
		int64_t part = part_of(window), from = max(s->ahead, s->end), upto = s->end + window;

		upto = min(part ? upto & ~(part - 1) : page_up(upto), size);
		if (from >= upto || (upto - from < (part ? part : window / 2) && upto < size))
			return 0;
		*out = (struct range){ from, upto, 0, part };
		s->ahead = upto;
	} else {
		int64_t upto = min(s->ahead, s->off), from = max(s->off - window, 0) & ~(int64_t)(PLAN_PAGE - 1);

		if (from >= upto || (s->off - upto > window / 2 && from > 0))
			return 0;
		*out = (struct range){ from, upto, 0, 0 };
		s->ahead = from;
	}
	return 1;
}

static unsigned strides(const struct stream *s, int64_t size, int64_t window, struct range *out)
{
	int64_t len = s->end - s->off, at = s->off;
	unsigned n = 0;

	while (n < STREAM_STRIDES && (n + 1) * len <= window) {
		at += s->step;
		if (at < 0 || at >= size)
			break;
		out[n++] = (struct range){ at, min(at + len, size), 0, 0 };
	}
	return n;
}

unsigned stream_ahead(struct stream *s, int64_t size, int64_t most, struct range out[STREAM_STRIDES])
{
	int64_t window = min(s->window, most);

	if (!window)
		return 0;
	return s->way ? neighbours(s, size, window, out) : strides(s, size, window, out);
}

int64_t stream_leash(const struct stream *s)
{
	return s->way > 0 ? min(s->window / 2, 4ll << 20) : 0;
}
