/* SPDX-License-Identifier: MIT */
/* Reads and writes of a staged file; see staged.h and journal.h. */
#include "staged.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "files/hide.h"
#include "object_ops.h"
#include "base/real.h"

/* ---- marks */

static void mark(_Atomic uint64_t *word, uint64_t bits)
{
	if ((atomic_load_explicit(word, memory_order_relaxed) & bits) != bits)
		atomic_fetch_or(word, bits);
}

/* Bits of the group at off for blocks [off, upto). */
static uint64_t bits_of(int64_t off, int64_t upto)
{
	int64_t group = off - off % S3_GROUP;
	int first = (int)((off - group) / S3_BLOCK);
	int last = (int)(((upto - group < S3_GROUP ? upto - group : S3_GROUP) - 1) / S3_BLOCK);

	return (~0ull >> (63 - last)) & (~0ull << first);
}

/* Calls do_(blocks, bits) for each group of [off, upto). */
#define EACH_GROUP(j, off, upto, do_) do {                                              \
	for (int64_t at_ = (off); at_ < (upto); at_ += S3_GROUP - at_ % S3_GROUP) {     \
		struct s3_blocks *b = s3_blocks_of(j, at_);                             \
		uint64_t bits = bits_of(at_, upto);                                     \
		do_;                                                                    \
	}                                                                               \
} while (0)

static int is_here(struct s3_journal *j, int64_t off)
{
	return off < atomic_load(&j->ready) && (atomic_load(&s3_blocks_of(j, off)->here) & bits_of(off, off + 1));
}

/* How many bytes of blocks of [off, upto) are not here. */
static int64_t missing(struct s3_journal *j, int64_t off, int64_t upto)
{
	int64_t ready = atomic_load(&j->ready), n = 0;

	if (upto > ready) {
		int64_t from = off > ready ? off : ready;

		n = upto - from + S3_BLOCK;
		upto = from;
	}
	EACH_GROUP(j, off, upto, n += __builtin_popcountll(bits & ~atomic_load(&b->here)) * (int64_t)S3_BLOCK);
	return n;
}

/* ---- the lock */

static void changed(struct s3_journal *j)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	atomic_store(&j->mtime_sec, now.tv_sec);
	atomic_store(&j->mtime_nsec, (uint32_t)now.tv_nsec);
	atomic_fetch_and(&j->set, ~(uint32_t)OBJECT_TIMES);
	atomic_fetch_add(&j->changes, 1);
}

static int fd_of(const struct staged *s)
{
	return atomic_load(&s->fd);
}

/* The holder of the lock was killed: perhaps before it marked what it changed, or made the file longer. */
static void mend(struct staged *s)
{
	struct s3_journal *j = s->journal;
	int64_t size = atomic_load(&j->size), ready = atomic_load(&j->ready);

	if (REAL(ftruncate)(fd_of(s), size) < 0)
		return;
	EACH_GROUP(j, 0, size < ready ? size : ready, mark(&b->changed, bits));
	changed(j);
}

/* 1: held; 0: a signal handler inside its own thread's call, which goes on without. */
static int lock(struct staged *s)
{
	pthread_mutex_t *m = &s->journal->lock;
	int r = pthread_mutex_lock(m);

	if (r == EOWNERDEAD) {
		mend(s);
		r = pthread_mutex_consistent(m);
	}
	return r == 0;
}

static void unlock(struct s3_journal *j, int held)
{
	if (held)
		pthread_mutex_unlock(&j->lock);
}

/* ---- open */

static int map_journal(struct staged *s, const char *path)
{
	int fd = REAL(openat)(AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	void *p;

	if (fd < 0)
		return -errno;
	p = REAL(mmap)(NULL, (size_t)S3_JOURNAL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REAL(close)(fd);
	if (p == MAP_FAILED)
		return -errno;
	s->journal = p;
	return s->journal->magic == S3_JOURNAL_MAGIC ? 0 : -EIO;
}

int staged_open(struct staged *s, const char *dir, const char *id, int hidden)
{
	char path[PATH_MAX];
	int fd, r;

	s->fd = -1;
	s->journal = NULL;
	snprintf(path, sizeof(path), "%.3000s/%.64s.journal", dir, id);
	r = map_journal(s, path);
	snprintf(path, sizeof(path), "%.3000s/%.64s.data", dir, id);
	fd = r < 0 ? -1 : REAL(openat)(AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (r == 0 && fd < 0)
		r = -errno;
	if (r == 0 && hidden)
		r = hide_fd(fd, &s->fd);
	else if (r == 0)
		s->fd = fd;
	s->hidden = hidden;
	if (r < 0 && fd >= 0)
		REAL(close)(fd);
	if (r < 0)
		staged_close(s);
	return r;
}

void staged_close(struct staged *s)
{
	if (s->hidden)
		hide_close(&s->fd);
	else if (s->fd >= 0)
		REAL(close)(s->fd);
	s->fd = -1;
	if (s->journal)
		REAL(munmap)(s->journal, (size_t)S3_JOURNAL_BYTES);
	s->journal = NULL;
}

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
static int from_base(struct s3_journal *j, int64_t off, int64_t end, int64_t *upto)
{
	int64_t base_end = atomic_load(&j->base_end), at = off - off % S3_BLOCK;
	int base = off < base_end && !is_here(j, off);

	if (base && end > base_end)
		end = base_end;
	while ((at += S3_BLOCK) < end && (at < base_end && !is_here(j, at)) == base)
		;
	*upto = at < end ? at : end;
	return base;
}

static ssize_t read_piece(struct staged *s, const struct staged_owner *o, const struct iovec *iov, int cnt,
			  int64_t skip, int64_t off, int64_t end)
{
	struct iovec part[S3_SLICE];
	int64_t upto, n;
	int base = from_base(s->journal, off, end, &upto), used;
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
	while (at < end && (r = read_piece(s, o, iov, cnt, at - off, at, end)) > 0)
		at += r;
	size = atomic_load(&s->journal->size);
	if (at > size)
		at = size;
	return at > off ? at - off : r < 0 ? r : 0;
}

/* ---- writing */

/* Completes the block at off from the opened version, if it is not here. */
static int complete(struct staged *s, const struct staged_owner *o, int64_t off)
{
	struct s3_journal *j = s->journal;
	int64_t at = off - off % S3_BLOCK, n = atomic_load(&j->base_end) - at;
	char block[S3_BLOCK];
	ssize_t got = 0, r;

	if (n <= 0 || is_here(j, at))
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
	mark(&s3_blocks_of(j, at)->here, bits_of(at, at + 1));
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
static int make_room(struct s3_journal *j, const struct staged_owner *o, int64_t off, int64_t upto)
{
	int64_t want = missing(j, off, upto);

	for (int tries = 0; tries < 4; tries++) {
		int r;

		if (atomic_load(&j->room) >= want && atomic_load(&j->ready) >= upto) {
			atomic_fetch_sub(&j->room, want);
			return 0;
		}
		r = o->wrote(o->arg, off, upto - off);
		if (r < 0)
			return r;
		want = missing(j, off, upto);
	}
	return -ENOSPC;
}

static void wrote(struct s3_journal *j, int64_t off, int64_t upto)
{
	EACH_GROUP(j, off, upto, {
		mark(&b->here, bits);
		mark(&b->changed, bits);
	});
	if (upto > atomic_load(&j->size))
		atomic_store(&j->size, upto);
	changed(j);
}

static ssize_t write_at(struct staged *s, const struct staged_owner *o, const struct iovec *iov, int cnt,
			int64_t off, int64_t n)
{
	struct s3_journal *j = s->journal;
	int r = make_room(j, o, off, off + n);
	ssize_t done;

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
	wrote(j, off, off + done);
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
		return write_at(s, o, part, cnt, at, n);
	}
	return write_at(s, o, iov, cnt, at, n);
}

ssize_t staged_pwritev(struct staged *s, const struct staged_owner *o, const struct iovec *iov, int cnt, off_t *off)
{
	int held = lock(s);
	ssize_t r = append(s, o, iov, cnt, off, total(iov, cnt));

	unlock(s->journal, held);
	return r;
}

/* ---- size */

static void forget(struct s3_journal *j, int64_t len, int64_t size)
{
	int64_t ready = atomic_load(&j->ready), from = (len + S3_BLOCK - 1) / S3_BLOCK * S3_BLOCK;

	if (size > ready)
		size = ready;
	EACH_GROUP(j, from, size, atomic_fetch_and(&b->here, ~bits));
}

static int shrink(struct staged *s, int64_t len, int64_t size)
{
	struct s3_journal *j = s->journal;

	atomic_store(&j->size, len);
	if (len < atomic_load(&j->base_end))
		atomic_store(&j->base_end, len);
	for (int64_t cut = atomic_load(&j->cut); len < cut; )
		if (atomic_compare_exchange_weak(&j->cut, &cut, len))
			break;
	if (REAL(ftruncate)(fd_of(s), len) < 0)
		return -errno;
	forget(j, len, size);
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
		changed(j);
	return r;
}

int staged_truncate(struct staged *s, const struct staged_owner *o, off_t len)
{
	int held = lock(s), r = resize(s, len);

	(void)o;
	unlock(s->journal, held);
	return r;
}

static int zeros(struct staged *s, const struct staged_owner *o, int64_t off, int64_t upto)
{
	static const char none[16 * S3_BLOCK];
	ssize_t r = 0;

	for (; off < upto; off += r) {
		int64_t n = upto - off < (int64_t)sizeof(none) ? upto - off : (int64_t)sizeof(none);
		struct iovec v = { (void *)(uintptr_t)none, (size_t)n };

		r = write_at(s, o, &v, 1, off, n);
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
	held = lock(s);
	r = allocate(s, o, mode, off, off + len);
	unlock(s->journal, held);
	return r;
}

/* ---- attributes */

void staged_stat(const struct staged *s, struct statx *st)
{
	const struct s3_journal *j = s->journal;

	st->stx_size = (uint64_t)atomic_load(&j->size);
	st->stx_blocks = (st->stx_size + 511) / 512;
	st->stx_mode = (uint16_t)atomic_load(&j->mode);
	st->stx_uid = atomic_load(&j->uid);
	st->stx_gid = atomic_load(&j->gid);
	st->stx_ino = j->ino;
	st->stx_nlink = !atomic_load(&j->removed);
	st->stx_mtime.tv_sec = atomic_load(&j->mtime_sec);
	st->stx_mtime.tv_nsec = atomic_load(&j->mtime_nsec);
	st->stx_atime = st->stx_ctime = st->stx_mtime;
}

static void set_mtime(struct s3_journal *j, struct timespec t)
{
	if (t.tv_nsec == UTIME_OMIT)
		return;
	if (t.tv_nsec == UTIME_NOW)
		clock_gettime(CLOCK_REALTIME, &t);
	atomic_store(&j->mtime_sec, t.tv_sec);
	atomic_store(&j->mtime_nsec, (uint32_t)t.tv_nsec);
	atomic_fetch_or(&j->set, OBJECT_TIMES);
}

int staged_setattr(struct staged *s, const struct object_attr *set)
{
	struct s3_journal *j = s->journal;
	int held = lock(s);

	atomic_fetch_add(&j->changes, 1);
	if (set->set & OBJECT_MODE)
		atomic_store(&j->mode, (atomic_load(&j->mode) & S_IFMT) | (set->mode & 07777));
	if ((set->set & OBJECT_OWNER) && set->uid != (uid_t)-1)
		atomic_store(&j->uid, set->uid);
	if ((set->set & OBJECT_OWNER) && set->gid != (gid_t)-1)
		atomic_store(&j->gid, set->gid);
	if (set->set & OBJECT_TIMES)
		set_mtime(j, set->times[1]);
	atomic_fetch_or(&j->set, (uint32_t)set->set & (OBJECT_MODE | OBJECT_OWNER));
	unlock(j, held);
	return 0;
}

int staged_is_changed(const struct staged *s)
{
	return atomic_load(&s->journal->changes) != s->journal->published || atomic_load(&s->journal->pending);
}
