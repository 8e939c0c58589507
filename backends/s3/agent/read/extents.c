/* SPDX-License-Identifier: MIT */
/* Sets of bytes; see extents.h. */
#include "extents.h"

#include <stdlib.h>
#include <string.h>

void extents_free(struct extents *s)
{
	free(s->e);
	*s = (struct extents){ 0 };
}

size_t extents_find(const struct extents *s, int64_t off)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (s->e[mid].upto > off)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* Entries [from, upto) become `n` entries whose place is returned. */
static struct extent *replace(struct extents *s, size_t from, size_t upto, size_t n)
{
	size_t now = s->n - (upto - from) + n;

	if (now > s->room) {
		s->room = now + now / 2 + 8;
		s->e = realloc(s->e, s->room * sizeof(*s->e));
		if (!s->e)
			abort();
	}
	memmove(s->e + from + n, s->e + upto, (s->n - upto) * sizeof(*s->e));
	s->n = now;
	return s->e + from;
}

void extents_add(struct extents *s, int64_t from, int64_t upto)
{
	size_t first = extents_find(s, from - 1), last = first;

	if (from >= upto)
		return;
	for (; last < s->n && s->e[last].from <= upto; last++) {
		if (s->e[last].from < from)
			from = s->e[last].from;
		if (s->e[last].upto > upto)
			upto = s->e[last].upto;
	}
	*replace(s, first, last, 1) = (struct extent){ from, upto };
}

void extents_remove(struct extents *s, int64_t from, int64_t upto)
{
	size_t first = extents_find(s, from), last = first, n = 0;
	struct extent keep[2];

	if (from >= upto)
		return;
	for (; last < s->n && s->e[last].from < upto; last++) {
		if (s->e[last].from < from)
			keep[n++] = (struct extent){ s->e[last].from, from };
		if (s->e[last].upto > upto)
			keep[n++] = (struct extent){ upto, s->e[last].upto };
	}
	if (last > first)
		memcpy(replace(s, first, last, n), keep, n * sizeof(*keep));
}

void extents_join(struct extents *s, const struct extents *more)
{
	for (size_t i = 0; i < more->n; i++)
		extents_add(s, more->e[i].from, more->e[i].upto);
}

int extents_meet(const struct extents *s, int64_t from, int64_t upto)
{
	size_t i = extents_find(s, from);

	return from < upto && i < s->n && s->e[i].from < upto;
}

int extents_cover(const struct extents *s, int64_t from, int64_t upto)
{
	size_t i = extents_find(s, from);

	return from >= upto || (i < s->n && s->e[i].from <= from && s->e[i].upto >= upto);
}
