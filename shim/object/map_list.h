/* SPDX-License-Identifier: MIT */
/*
 * The list of this process's mappings, for object_map.c and map_end.c. The
 * functions that say "locked" want list_lock held; the others take it.
 */
#ifndef SHIM_MAP_LIST_H
#define SHIM_MAP_LIST_H

#include <stdint.h>

#include "backend.h"
#include "files/hide.h"

/* A file that is mapped, and the duplicate of its placeholder that counts for the mappings. */
struct holder {
	struct file *f;                /* one reference */
	_Atomic int fd;
	unsigned pieces;               /* mappings, and those who look at it */
	_Atomic int shared;            /* a fork has told its image */
	struct holder *next;
};

struct piece {
	uintptr_t from;                /* 0: not mapped yet */
	size_t len;                    /* whole pages */
	off_t off;                     /* in the file */
	int writes;                    /* stores through it may change the file */
	int based;                     /* so that they are found */
	struct holder *h;
	struct piece *next;
};

extern struct piece *list_pieces;
extern struct holder *list_holders;

/* With all signals blocked: a handler may call munmap. */
void list_lock(void);
void list_unlock(void);

/* A mapping to be of the file f behind fd; NULL without memory or descriptors. */
struct piece *list_new(struct file *f, int fd, off_t off, size_t len, int writes);

/* One more of a holder the caller has. */
struct piece *list_again(struct holder *h, off_t off, size_t len, int writes);

/* Locked: the mapping is there now. */
void list_activate(struct piece *p, uintptr_t from);

/* Locked: takes p out. */
void list_remove(struct piece *p);

/* Locked: takes out what lies in [from, from + len), cut to that, and returns it. */
struct piece *list_take(uintptr_t from, size_t len);

/* The lowest mapping in [from, to), cut to that, as a copy whose holder is kept for the caller; 0: none. */
int list_next(uintptr_t from, uintptr_t to, struct piece *out);

/* [from, from + len) has a base now. */
void list_based(uintptr_t from, size_t len);

/* Whether that was the last: it is out of the list then, to be freed. */
int list_put_holder(struct holder *h);

void list_free_holder(struct holder *h);
void list_free_piece(struct piece *p);

#endif
