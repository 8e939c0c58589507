/* SPDX-License-Identifier: MIT */
/* Marks and the lock of a staged file: what staged*.c share; see journal.h. */
#ifndef BACKENDS_S3_STAGED_PRIVATE_H
#define BACKENDS_S3_STAGED_PRIVATE_H

#include "staged.h"

static inline void mark(_Atomic uint64_t *word, uint64_t bits)
{
	if ((atomic_load_explicit(word, memory_order_relaxed) & bits) != bits)
		atomic_fetch_or(word, bits);
}

/* Bits of the group at off for blocks [off, upto). */
static inline uint64_t bits_of(int64_t off, int64_t upto)
{
	int64_t group = off - off % S3_GROUP;
	int first = (int)((off - group) / S3_BLOCK);
	int last = (int)(((upto - group < S3_GROUP ? upto - group : S3_GROUP) - 1) / S3_BLOCK);

	return (~0ull >> (63 - last)) & (~0ull << first);
}

/* Calls do_(blocks, bits) for each group of [off, upto). */
#define EACH_GROUP(s, off, upto, do_) do {                                              \
	for (int64_t at_ = (off); at_ < (upto); at_ += S3_GROUP - at_ % S3_GROUP) {     \
		struct s3_blocks *b = s3_blocks_of(&(s)->marks, at_);                   \
		uint64_t bits = bits_of(at_, upto);                                     \
		do_;                                                                    \
	}                                                                               \
} while (0)

static inline int is_here(const struct staged *s, int64_t off)
{
	return off < atomic_load(&s->journal->ready) &&
	       (atomic_load(&s3_blocks_of(&s->marks, off)->here) & bits_of(off, off + 1));
}

static inline int fd_of(const struct staged *s)
{
	return atomic_load(&s->fd);
}

/* staged.c */
/* Before any mark of bytes below upto is looked at: 0 or -ENOMEM. */
int staged_map(struct staged *s, int64_t upto);
/* 1: held; 0: a signal handler inside its own thread's call, which goes on without. */
int staged_lock(struct staged *s);
void staged_unlock(struct s3_journal *j, int held);
/* After every change, under the lock: counts it, and it is the time of the file. */
void staged_changed(struct s3_journal *j);

/* staged_io.c: writes iov, which is n bytes, at off, under the lock; short as pwritev may be, or -errno. */
ssize_t staged_write(struct staged *s, const struct staged_owner *o, const struct iovec *iov, int cnt,
		     int64_t off, int64_t n);

#endif
