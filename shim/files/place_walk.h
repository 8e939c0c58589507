/* SPDX-License-Identifier: MIT */
/* What place.c walks a path with; p is a place that place_get is filling in. */
#ifndef SHIM_PLACE_WALK_H
#define SHIM_PLACE_WALK_H

#include "place.h"

/*
 * Walks p->rest from p->virt, `follow` as in place_get; leaves the result in
 * p->real and p->mount. 0 or -errno.
 */
int place_walk(struct place *p, int follow);

/* virt -> p->real, the name the kernel knows it by, and p->mount. 0 or -ENAMETOOLONG. */
int place_translate(struct place *p);

/* Takes the last component off virt. */
void place_pop(char *virt);

/* Appends the n bytes of a component to virt: 0 or -ENAMETOOLONG. */
int place_push(struct place *p, const char *comp, size_t n);

const char *place_skip_slashes(const char *s);

#endif
