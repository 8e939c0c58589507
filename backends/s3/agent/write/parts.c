/* SPDX-License-Identifier: MIT */
/* Plans of multipart uploads; see parts.h. */
#include "parts.h"

#include <stdlib.h>

static const struct {
	int n;
	int64_t len;
} growing[] = {
	{ 1000, PART_USUAL },
	{ 3000, 32ll << 20 },
	{ 2000, 128ll << 20 },
	{ PARTS_MOST, 1232ll << 20 },
};

struct part parts_fixed(int n, int64_t fixed)
{
	int64_t off = 0;
	int left = n - 1;

	if (fixed > 0)
		return (struct part){ left * fixed, fixed, 0 };
	for (size_t i = 0; ; i++) {
		if (left < growing[i].n)
			return (struct part){ off + left * growing[i].len, growing[i].len, 0 };
		off += growing[i].n * growing[i].len;
		left -= growing[i].n;
	}
}

struct plan {
	struct part *part;
	int64_t n;                      /* goes on counting beyond PARTS_MOST */
	int64_t sent, copied;           /* how long parts are to be */
};

/* [from, upto) in pieces of `len` and a little, or, if they are copied, a little less. */
static void cut(struct plan *p, int64_t from, int64_t upto, int copied)
{
	int64_t all = upto - from, len = copied ? p->copied : p->sent;
	int64_t n = copied ? (all + len - 1) / len : all / len;

	if (n < 1)
		n = 1;
	for (int64_t i = 0; i < n && p->n + i < PARTS_MOST; i++) {
		int64_t at = all / n * i;

		p->part[p->n + i] = (struct part){ from + at, (i == n - 1 ? all : at + all / n) - at, copied };
	}
	p->n += n;
}

/* Copies clean ranges of at least `least`; *pos is where the parts end so far. */
static void clean(struct plan *p, int64_t *pos, int64_t from, int64_t upto, int64_t least)
{
	/* what is sent before it is not the last part, and has to be long enough */
	if (from > *pos && from - *pos < PART_LEAST)
		from = *pos + PART_LEAST;
	if (upto - from < least)
		return;
	if (from > *pos)
		cut(p, *pos, from, 0);
	cut(p, from, upto, 1);
	*pos = upto;
}

static void plan_with(struct plan *p, int64_t size, const struct extents *dirty, int64_t copy_end, int64_t least)
{
	int64_t pos = 0, at = 0;

	p->n = 0;
	for (size_t i = 0; i <= dirty->n && at < copy_end; i++) {
		int64_t from = i < dirty->n ? dirty->e[i].from : copy_end;

		clean(p, &pos, at, from < copy_end ? from : copy_end, least);
		if (i < dirty->n)
			at = dirty->e[i].upto;
	}
	if (pos < size)
		cut(p, pos, size, 0);
}

static int64_t bytes_of(const struct extents *s)
{
	int64_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->e[i].upto - s->e[i].from;
	return n;
}

static void plan_fixed(struct plan *p, int64_t size, const struct extents *dirty, int64_t copy_end, int64_t fixed)
{
	p->n = (size + fixed - 1) / fixed;
	for (int64_t i = 0; i < p->n && p->n <= PARTS_MOST; i++) {
		int64_t off = i * fixed, upto = off + fixed < size ? off + fixed : size;

		p->part[i] = (struct part){ off, upto - off, upto <= copy_end && !extents_meet(dirty, off, upto) };
	}
}

static int64_t more(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Some eight copies of a file go on in parallel. */
static int64_t copied_at_once(int64_t size)
{
	int64_t len = size / 8 < PART_COPIED_MOST ? size / 8 : PART_COPIED_MOST;

	return more(more(len, PART_COPIED), size / 4000);
}

struct part *parts_plan(int64_t size, const struct extents *dirty, int64_t copy_end, int64_t fixed, int *count)
{
	struct plan p = { .part = calloc(PARTS_MOST, sizeof(*p.part)) };

	if (!p.part)
		abort();
	if (copy_end > size)
		copy_end = size;
	if (fixed > 0)
		plan_fixed(&p, size, dirty, copy_end, fixed);
	else
		for (int64_t least = PART_LEAST; least <= more(size, PART_LEAST); least *= 2) {
			p.sent = more(PART_USUAL, (bytes_of(dirty) + more(size - copy_end, 0)) / 4000);
			p.sent = more(p.sent, least == PART_LEAST ? 0 : size / 9000);
			p.copied = copied_at_once(size);
			plan_with(&p, size, dirty, copy_end, least);
			if (p.n <= PARTS_MOST)
				break;
		}
	*count = p.n <= PARTS_MOST ? (int)p.n : 0;
	return p.part;
}
