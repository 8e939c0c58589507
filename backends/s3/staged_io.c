/* SPDX-License-Identifier: MIT */
/* Reads and writes of a staged file; see staged.h and journal.h. */
#include "staged_private.h"

#include <errno.h>
#include <string.h>

#include "base/real.h"

/* ---- vectors */

static int64_t total(const struct iovec *iov, int cnt)
{
	int64_t n = 0;

	while (cnt--)
		n += (int64_t)iov++->iov_len;
	return n;
}

/* At most S3_SLICE vectors that are [skip, skip + n) of iov; *n becomes what they have. */
#define S3_SLICE 64
static int slice(const struct iovec *iov, int cnt, int64_t skip, int64_t *n, struct iovec out[S3_SLICE])
{
	int64_t left = *n;
	int used = 0;

	for (; cnt > 0 && left > 0 && used < S3_SLICE; iov++, cnt--) {
		int64_t len = (int64_t)iov->iov_len - skip;

		if (len <= 0) {
			skip = -len;
			continue;
		}
		out[used].iov_base = (char *)iov->iov_base + skip;
		out[used].iov_len = (size_t)(len < left ? len : left);
		left -= (int64_t)out[used++].iov_len;
		skip = 0;
	}
	*n -= left;
	return used;
}

/* ---- reading */

/* Where bytes at off come from, and in *upto how far that is so. */
static int from_base(const struct staged *s, int64_t off, int64_t end, int64_t *upto)
{
	int64_t base_end = atomic_load(&s->journal->base_end), at = off - off % S3_BLOCK;
	int base = off < base_end && !is_here(s, off);

	if (base && end > base_end)
		end = base_end;
	while ((at += S3_BLOCK) < end && (at < base_end && !is_here(s, at)) == base)
		;
	*upto = at < end ? at : end;
	return base;
}

static ssize_t read_piece(struct staged *s, const struct staged_owner *o, const struct iovec *iov, int cnt,
			  int64_t skip, int64_t off, int64_t end)
{
	struct iovec part[S3_SLICE];
	int64_t upto, n;
	int base = from_base(s, off, end, &upto), used;
	ssize_t r;

	n = upto - off;
	used = slice(iov, cnt, skip, &n, part);
	if (!base)
		r = REAL(preadv)(fd_of(s), part, used, off);
	else
		return o->base(o->arg, part[0].iov_base, part[0].iov_len, off);
	return r < 0 ? -errno : r;
}

ssize_t staged_preadv(struct staged *s, const struct staged_owner *o, const struct iovec *iov, int cnt, off_t off)
{
	int64_t size = atomic_load(&s->journal->size), end = off + total(iov, cnt), at = off;
	ssize_t r = 0;

	if (end > size)
		end = size;
	r = staged_map(s, end);
	if (r < 0)
		return r;
	while (at < end && (r = read_piece(s, o, iov, cnt, at - off, at, end)) > 0)
		at += r;
	size = atomic_load(&s->journal->size);
	if (at > size)
		at = size;
	return at > off ? at - off : r < 0 ? r : 0;
}

/* ---- writing */

/* How many bytes of blocks of [off, upto) are not here. */
static int64_t missing(const struct staged *s, int64_t off, int64_t upto)
{
	int64_t ready = atomic_load(&s->journal->ready), n = 0;

	if (upto > ready) {
		int64_t from = off > ready ? off : ready;

		n = upto - from + S3_BLOCK;
		upto = from;
	}
	EACH_GROUP(s, off, upto, n += __builtin_popcountll(bits & ~atomic_load(&b->here)) * (int64_t)S3_BLOCK);
	return n;
}

/* Completes the block at off from the opened version, if it is not here. */
static int complete(struct staged *s, const struct staged_owner *o, int64_t off)
{
	struct s3_journal *j = s->journal;
	int64_t at = off - off % S3_BLOCK, n = atomic_load(&j->base_end) - at;
	char block[S3_BLOCK];
	ssize_t got = 0, r;

	if (n <= 0 || is_here(s, at))
		return 0;
	if (n > S3_BLOCK)
		n = S3_BLOCK;
	for (; got < n; got += r) {
		r = o->base(o->arg, block + got, (size_t)(n - got), at + got);
		if (r <= 0)
			return r < 0 ? (int)r : -EIO;
	}
	r = REAL(pwrite)(fd_of(s), block, (size_t)n, at);
	if (r != n)
		return r < 0 ? -errno : -ENOSPC;
	mark(&s3_blocks_of(&s->marks, at)->here, bits_of(at, at + 1));
	return 0;
}

/* The first and last block of [off, upto), where that leaves something of them. */
static int complete_ends(struct staged *s, const struct staged_owner *o, int64_t off, int64_t upto)
{
	int64_t base_end = atomic_load(&s->journal->base_end);
	int r = 0;

	if (off % S3_BLOCK)
		r = complete(s, o, off);
	if (r == 0 && upto % S3_BLOCK && upto < base_end)
		r = complete(s, o, upto);
	return r;
}

/* Takes the room for [off, upto), asking for it. */
static int make_room(struct staged *s, const struct staged_owner *o, int64_t off, int64_t upto)
{
	struct s3_journal *j = s->journal;
	int64_t want = missing(s, off, upto);

	for (int tries = 0; tries < 4; tries++) {
		int r;

		if (atomic_load(&j->room) >= want && atomic_load(&j->ready) >= upto) {
			atomic_fetch_sub(&j->room, want);
			return 0;
		}
		r = o->wrote(o->arg, off, upto - off);
		if (r < 0)
			return r;
		want = missing(s, off, upto);
	}
	return -ENOSPC;
}

static void wrote(struct staged *s, int64_t off, int64_t upto)
{
	struct s3_journal *j = s->journal;

	EACH_GROUP(s, off, upto, {
		mark(&b->here, bits);
		mark(&b->changed, bits);
	});
	if (upto > atomic_load(&j->size))
		atomic_store(&j->size, upto);
	staged_changed(j);
}

ssize_t staged_write(struct staged *s, const struct staged_owner *o, const struct iovec *iov, int cnt,
			int64_t off, int64_t n)
{
	int r = staged_map(s, off + n + S3_BLOCK);
	ssize_t done;

	if (r == 0)
		r = make_room(s, o, off, off + n);
	if (r == 0)
		r = complete_ends(s, o, off, off + n);
	if (r < 0)
		return r;
	done = REAL(pwritev)(fd_of(s), iov, cnt, off);
	if (done < 0)
		return -errno;
	if (done < n) {         /* its last block was to be whole */
		r = complete_ends(s, o, off, off + done);
		if (r < 0)
			return r;
		done = REAL(pwritev)(fd_of(s), iov, cnt, off);
		if (done < 0)
			return -errno;
	}
	wrote(s, off, off + done);
	return done;
}

static ssize_t append(struct staged *s, const struct staged_owner *o, const struct iovec *iov, int cnt,
		      off_t *off, int64_t n)
{
	int64_t at = *off < 0 ? atomic_load(&s->journal->size) : *off;

	*off = at;
	if (n == 0)
		return 0;
	if (at >= S3_STAGED_MOST)
		return -EFBIG;
	if (n > S3_STAGED_MOST - at) {
		struct iovec part[S3_SLICE];

		n = S3_STAGED_MOST - at;
		cnt = slice(iov, cnt, 0, &n, part);
		return staged_write(s, o, part, cnt, at, n);
	}
	return staged_write(s, o, iov, cnt, at, n);
}

ssize_t staged_pwritev(struct staged *s, const struct staged_owner *o, const struct iovec *iov, int cnt, off_t *off)
{
	int held = staged_lock(s);
	ssize_t r = append(s, o, iov, cnt, off, total(iov, cnt));

	staged_unlock(s->journal, held);
	return r;
}
