/* SPDX-License-Identifier: MIT */
/*
 * A set of offsets as sorted ranges that do not touch, in a fixed size: for
 * shared memory. Bytes; [from, to). No locks, no memory of its own.
 */
#ifndef SHIM_RANGES_H
#define SHIM_RANGES_H

#include <sys/types.h>

#define RANGES_MAX 500

struct range {
	off_t from, to;
};

struct ranges {
	unsigned n;
	struct range r[RANGES_MAX];
};

/* Adds or removes a range: 0, or -ENOMEM with the set as it was. */
int ranges_add(struct ranges *s, off_t from, off_t to);
int ranges_cut(struct ranges *s, off_t from, off_t to);

/*
 * The first piece of [from, to) that is in the set (ranges_next) or is not
 * (ranges_gap): 1 and *out, or 0.
 */
int ranges_next(const struct ranges *s, off_t from, off_t to, struct range *out);
int ranges_gap(const struct ranges *s, off_t from, off_t to, struct range *out);

/* For every piece `it` of [low, high) in the set. */
#define RANGES_EACH(set_, low, high, it)                                      \
	for (struct range it = { 0, (low) }; ranges_next(set_, it.to, high, &it);)

#endif
