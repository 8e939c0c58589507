/* SPDX-License-Identifier: MIT */
/*
 * What object_map.c and map_end.c share: going through the list of mappings,
 * and what is done where some of them end. No lock of the list is held.
 */
#ifndef SHIM_MAP_END_H
#define SHIM_MAP_END_H

#include "map_image.h"
#include "map_list.h"

#define MAP_PAGE 4096

static inline size_t map_page_up(size_t n)
{
	return (n + MAP_PAGE - 1) & ~(size_t)(MAP_PAGE - 1);
}

/* For each of our mappings in [start, start + n): `what`, with a copy `at` cut to that. */
#define EACH_PIECE(start, n, at, what) do {                                   \
	struct piece at;                                                      \
	uintptr_t a_ = (uintptr_t)(start), end_ = a_ + map_page_up(n);        \
	while (list_next(a_, end_, &at)) {                                    \
		what;                                                         \
		a_ = at.from + at.len;                                        \
		map_let_go(at.h);                                             \
	}                                                                     \
} while (0)

/*
 * With `writes`, gives what was stored in [from, to) of f to the back end, and
 * with `trim` the memory that nobody maps back: 0 or -errno. f is open for
 * both if it `writes`.
 */
int map_write_back(struct file *f, off_t from, off_t to, int writes, int trim);

/* One mapping fewer of this holder; the last may end the description. */
void map_let_go(struct holder *h);

/* What list_take took away: writes it back, and frees the list. */
void map_finish(struct piece *taken);

#endif
