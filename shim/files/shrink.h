/* SPDX-License-Identifier: MIT */
/*
 * Native calls that may take bytes away from a file: the back end that copies
 * from such files (struct mount's `shrink`) is told before and after.
 */
#ifndef SHIM_SHRINK_H
#define SHIM_SHRINK_H

#include "place.h"

struct shrink {
	struct mount *mount;     /* NULL: nobody wants to know */
	dev_t dev;
	ino_t ino;
	int token;
};

/*
 * Before a call on the file dev, ino of mount m, or on what a place names, if
 * that is a regular file. What begin returned goes to shrink_end. errno is kept.
 */
struct shrink shrink_begin(const struct mount *m, dev_t dev, ino_t ino);
struct shrink shrink_begin_at(const struct place *p);
void shrink_end(const struct shrink *s);

/* The value of `call` between the two; `begin` is one of the above. */
#define SHRINKING(begin, call) ({                                             \
	struct shrink shrink_ = begin;                                            \
	__typeof__(call) result_ = (call);                                    \
	shrink_end(&shrink_);                                                 \
	result_; })

#endif
