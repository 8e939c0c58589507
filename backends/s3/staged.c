/* SPDX-License-Identifier: MIT */
/* Staged files: opened, locked, and their attributes; see staged.h and journal.h. */
#include "staged_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "files/hide.h"
#include "object_ops.h"
#include "base/real.h"

/* ---- the lock */

void staged_changed(struct s3_journal *j)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	atomic_store(&j->mtime_sec, now.tv_sec);
	atomic_store(&j->mtime_nsec, (uint32_t)now.tv_nsec);
	atomic_fetch_and(&j->set, ~(uint32_t)OBJECT_TIMES);
	atomic_fetch_add(&j->changes, 1);
}

/* The holder of the lock was killed: perhaps before it marked what it changed, or made the file longer. */
static void mend(struct staged *s)
{
	struct s3_journal *j = s->journal;
	int64_t size = atomic_load(&j->size), ready = atomic_load(&j->ready);

	if (REAL(ftruncate)(fd_of(s), size) < 0)
		return;
	if (staged_map(s, size) < 0)
		return;
	EACH_GROUP(s, 0, size < ready ? size : ready, mark(&b->changed, bits));
	staged_changed(j);
}

int staged_lock(struct staged *s)
{
	pthread_mutex_t *m = &s->journal->lock;
	int r = pthread_mutex_lock(m);

	if (r == EOWNERDEAD) {
		mend(s);
		r = pthread_mutex_consistent(m);
	}
	return r == 0;
}

void staged_unlock(struct s3_journal *j, int held)
{
	if (held)
		pthread_mutex_unlock(&j->lock);
}

/* ---- open */

/* Pages are touched here and there: to read on after a fault would be work for nothing. */
static int map_part(int fd, off_t at, size_t n, void **out)
{
	void *p = REAL(mmap)(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);

	if (p == MAP_FAILED)
		return -errno;
	madvise(p, n, MADV_RANDOM);
	*out = p;
	return 0;
}

/* Another thread may have mapped it meanwhile. */
static int map_window(struct staged *s, int fd, int w)
{
	struct s3_blocks *none = NULL;
	void *p;
	int r;

	if (atomic_load(&s->marks.window[w]))
		return 0;
	r = map_part(fd, s3_window_at(w), s3_window_bytes(w), &p);
	if (r == 0 && !atomic_compare_exchange_strong(&s->marks.window[w], &none, p))
		REAL(munmap)(p, s3_window_bytes(w));
	return r;
}

static int open_journal(const char *path)
{
	int fd = REAL(openat)(AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

static int map_journal(struct staged *s, const char *path)
{
	int fd = open_journal(path), r = fd < 0 ? fd : 0;
	void *p;

	if (r == 0)
		r = map_part(fd, 0, S3_MAP_AT, &p);
	if (r == 0) {
		s->journal = p;
		r = s->journal->magic == S3_JOURNAL_MAGIC ? map_window(s, fd, 0) : -EIO;
	}
	if (fd >= 0)
		REAL(close)(fd);
	return r;
}

/* The journal lies beside the data, which we have open; a descriptor more for each file would be for files over 16 GiB. */
static int journal_again(const struct staged *s)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd_of(s));
	n = REAL(readlink)(link, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = 0;
	if (n < 5 || n > PATH_MAX - 10 || strcmp(path + n - 5, ".data"))
		return -ENOENT;
	strcpy(path + n - 5, ".journal");
	return open_journal(path);
}

int staged_map(struct staged *s, int64_t upto)
{
	int all = s3_windows_below(upto), w = 0, r = 0, fd;

	while (w < all && atomic_load(&s->marks.window[w]))
		w++;
	if (w == all)
		return 0;
	fd = journal_again(s);
	if (fd < 0)
		return fd;
	for (; r == 0 && w < all; w++)
		r = map_window(s, fd, w);
	REAL(close)(fd);
	return r;
}

int staged_open(struct staged *s, const char *dir, const char *id, int hidden)
{
	char path[PATH_MAX];
	int fd, r;

	s->fd = -1;
	s->journal = NULL;
	memset(&s->marks, 0, sizeof(s->marks));
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
	for (int w = 0; w < S3_WINDOWS; w++)
		if (atomic_load(&s->marks.window[w]))
			REAL(munmap)(s->marks.window[w], s3_window_bytes(w));
	memset(&s->marks, 0, sizeof(s->marks));
	if (s->journal)
		REAL(munmap)(s->journal, S3_MAP_AT);
	s->journal = NULL;
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
	int held;

	if (set->set == OBJECT_TIMES && set->times[1].tv_nsec == UTIME_OMIT)
		return 0;               /* there is no other time */
	held = staged_lock(s);
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
	staged_unlock(j, held);
	return 0;
}

int staged_is_changed(const struct staged *s)
{
	return atomic_load(&s->journal->changes) != s->journal->published || atomic_load(&s->journal->pending);
}
