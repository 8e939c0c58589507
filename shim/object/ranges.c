/* SPDX-License-Identifier: MIT */
/* Sets of offsets; see ranges.h. */
#include "ranges.h"

#include <errno.h>
#include <string.h>

/* Replaces the ranges [at, at + old) by the n of `by`. */
static int splice(struct ranges *s, unsigned at, unsigned old, const struct range *by, unsigned n)
{
	if (s->n - old + n > RANGES_MAX)
		return -ENOMEM;
	memmove(s->r + at + n, s->r + at + old, (s->n - at - old) * sizeof(*by));
	memcpy(s->r + at, by, n * sizeof(*by));
	s->n += n - old;
	return 0;
}

int ranges_add(struct ranges *s, off_t from, off_t to)
{
	struct range all = { from, to };
	unsigned at = 0, end;

	if (from >= to)
		return 0;
	while (at < s->n && s->r[at].to < from)
		at++;
	for (end = at; end < s->n && s->r[end].from <= to; end++) {
		all.from = all.from < s->r[end].from ? all.from : s->r[end].from;
		all.to = all.to > s->r[end].to ? all.to : s->r[end].to;
	}
	return splice(s, at, end - at, &all, 1);
}

int ranges_cut(struct ranges *s, off_t from, off_t to)
{
	struct range left[2];
	unsigned at = 0, end, n = 0;

	if (from >= to)
		return 0;
	while (at < s->n && s->r[at].to <= from)
		at++;
	for (end = at; end < s->n && s->r[end].from < to; end++) {
		if (s->r[end].from < from)
			left[n++] = (struct range){ s->r[end].from, from };
		if (s->r[end].to > to)
			left[n++] = (struct range){ to, s->r[end].to };
	}
	return splice(s, at, end - at, left, n);
}

int ranges_next(const struct ranges *s, off_t from, off_t to, struct range *out)
{
	for (unsigned i = 0; i < s->n && s->r[i].from < to; i++) {
		if (s->r[i].to <= from)
			continue;
		out->from = s->r[i].from > from ? s->r[i].from : from;
		out->to = s->r[i].to < to ? s->r[i].to : to;
		return out->from < out->to;
	}
	return 0;
}

int ranges_gap(const struct ranges *s, off_t from, off_t to, struct range *out)
{
	out->from = from;
	out->to = to;
	for (unsigned i = 0; i < s->n && s->r[i].from < to; i++) {
		if (s->r[i].to <= out->from)
			continue;
		if (s->r[i].from > out->from) {
			out->to = s->r[i].from;
			break;
		}
		out->from = s->r[i].to;
	}
	return out->from < out->to;
}
