/* SPDX-License-Identifier: MIT */
/*
 * Calls that write to a file of ours: a back end that has read such files ahead
 * (BE_WROTE) is told when one is over.
 */
#ifndef SHIM_WROTE_H
#define SHIM_WROTE_H

#include "mount.h"

struct wrote {
	struct mount *mount;     /* NULL: nobody wants to know */
	dev_t dev;
	ino_t ino;
};

/* Which file it will be: by the end of the call f may be another. f may be NULL. */
static inline struct wrote wrote_begin(const struct file *f)
{
	if (__builtin_expect(!mounts_wrote, 1) || !f || !(f->mount->flags & BE_WROTE))
		return (struct wrote){ NULL, 0, 0 };
	return (struct wrote){ f->mount, f->dev, f->ino };
}

/* errno is kept. */
static inline void wrote_end(const struct wrote *w)
{
	if (w->mount)
		w->mount->be->wrote(w->mount, w->dev, w->ino);
}

/* At the beginning of a block that writes to f: the end is the block's. */
#define WRITES(f) \
	__attribute__((cleanup(wrote_end), unused)) struct wrote wrote_ = wrote_begin(f)

#endif
