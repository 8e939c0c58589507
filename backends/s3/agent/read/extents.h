/* SPDX-License-Identifier: MIT */
/* Sets of bytes of a file: ranges [from, upto), sorted, none touching another. */
#ifndef S3_AGENT_EXTENTS_H
#define S3_AGENT_EXTENTS_H

#include <stddef.h>
#include <stdint.h>

struct extent {
	int64_t from, upto;
};

struct extents {
	struct extent *e;               /* malloc'ed */
	size_t n, room;
};

void extents_free(struct extents *s);
void extents_add(struct extents *s, int64_t from, int64_t upto);
void extents_remove(struct extents *s, int64_t from, int64_t upto);
/* Adds all of `more`. */
void extents_join(struct extents *s, const struct extents *more);
/* Index of the first range that ends after off; n if there is none. */
size_t extents_find(const struct extents *s, int64_t off);
/* Whether any byte of [from, upto) is in it, whether all are. */
int extents_meet(const struct extents *s, int64_t from, int64_t upto);
int extents_cover(const struct extents *s, int64_t from, int64_t upto);

#endif
