/* SPDX-License-Identifier: MIT */
/* The size of a staged file, and what is allocated and zeroed; see staged.h and journal.h. */
#include "staged_private.h"

#include <errno.h>
#include <fcntl.h>

#include "base/real.h"

static void forget(struct staged *s, int64_t len, int64_t size)
{
	int64_t ready = atomic_load(&s->journal->ready), from = (len + S3_BLOCK - 1) / S3_BLOCK * S3_BLOCK;

	if (size > ready)
		size = ready;
	EACH_GROUP(s, from, size, atomic_fetch_and(&b->here, ~bits));
}

static int shrink(struct staged *s, int64_t len, int64_t size)
{
	struct s3_journal *j = s->journal;
	int r = staged_map(s, size);

	if (r < 0)
		return r;
	atomic_store(&j->size, len);
	if (len < atomic_load(&j->base_end))
		atomic_store(&j->base_end, len);
	for (int64_t cut = atomic_load(&j->cut); len < cut; )
		if (atomic_compare_exchange_weak(&j->cut, &cut, len))
			break;
	if (REAL(ftruncate)(fd_of(s), len) < 0)
		return -errno;
	forget(s, len, size);
	return 0;
}

static int resize(struct staged *s, int64_t len)
{
	struct s3_journal *j = s->journal;
	int64_t size = atomic_load(&j->size);
	int r = 0;

	if (len > S3_STAGED_MOST)
		return -EFBIG;
	if (len < size)
		r = shrink(s, len, size);
	else if (len > size && REAL(ftruncate)(fd_of(s), len) < 0)
		r = -errno;
	else
		atomic_store(&j->size, len);
	if (r == 0)
		staged_changed(j);
	return r;
}

int staged_truncate(struct staged *s, const struct staged_owner *o, off_t len)
{
	int held = staged_lock(s), r = resize(s, len);

	(void)o;
	staged_unlock(s->journal, held);
	return r;
}

static int zeros(struct staged *s, const struct staged_owner *o, int64_t off, int64_t upto)
{
	static const char none[16 * S3_BLOCK];
	ssize_t r = 0;

	for (; off < upto; off += r) {
		int64_t n = upto - off < (int64_t)sizeof(none) ? upto - off : (int64_t)sizeof(none);
		struct iovec v = { (void *)(uintptr_t)none, (size_t)n };

		r = staged_write(s, o, &v, 1, off, n);
		if (r <= 0)
			return r < 0 ? (int)r : -ENOSPC;
	}
	return 0;
}

static int allocate(struct staged *s, const struct staged_owner *o, int mode, int64_t off, int64_t upto)
{
	int64_t size = atomic_load(&s->journal->size);
	int keep = mode & FALLOC_FL_KEEP_SIZE, r;

	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		r = zeros(s, o, off, upto < size ? upto : size);
	else
		r = o->wrote(o->arg, off, upto - off);
	return r == 0 && !keep && upto > size ? resize(s, upto) : r;
}

int staged_allocate(struct staged *s, const struct staged_owner *o, int mode, off_t off, off_t len)
{
	int held, r;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (off + len > S3_STAGED_MOST)
		return -EFBIG;
	held = staged_lock(s);
	r = allocate(s, o, mode, off, off + len);
	staged_unlock(s->journal, held);
	return r;
}
