/* SPDX-License-Identifier: MIT */
/* The spool directory; see spool.h. */
#include "spool_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/shared_lock.h"
#include "loop/log.h"

static char dir[PATH_MAX];
static int usable;

/* Makes the directories of a path, ours alone. */
static int make_path(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		if (mkdir(path, 0700) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
			return -errno;
		*p = '/';
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int spool_init(void)
{
	const char *own = getenv("SHIM_AGENT_SPOOL"), *cache = getenv("XDG_CACHE_HOME");
	struct stat st;
	int r;

	if (own && *own == '/')
		snprintf(dir, sizeof(dir), "%.3000s", own);
	else if (cache && *cache == '/')
		snprintf(dir, sizeof(dir), "%.3000s/shim/spool", cache);
	else
		snprintf(dir, sizeof(dir), "/var/tmp/shim-s3-%d", (int)getuid());
	r = make_path(dir);
	if (r < 0)
		return r;
	if (lstat(dir, &st) < 0)
		return -errno;
	usable = S_ISDIR(st.st_mode) && st.st_uid == getuid() && !(st.st_mode & 077);
	return usable ? 0 : -EPERM;
}

/* What is wrong with the directory is nothing a program should take for its file's. */
int spool_failed(int err)
{
	log_say(LOG_ERROR, "spool %s: %s: nothing can be written (SHIM_AGENT_SPOOL names another place)", dir,
		strerror(-err));
	return err == -ENOENT || err == -ENOTDIR || err == -EACCES || err == -EPERM || err == -EEXIST || err == -ELOOP ?
	       -EIO : err;
}

const char *spool_dir(void)
{
	return dir;
}

const char *spool_path(char path[PATH_MAX], const char *id, const char *suffix)
{
	snprintf(path, PATH_MAX, "%.3000s/%.64s.%s", dir, id, suffix);
	return path;
}

static int open_part(const char *id, const char *suffix, int flags)
{
	char path[PATH_MAX];
	int fd = open(spool_path(path, id, suffix), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

	return fd < 0 ? -errno : fd;
}

static int open_both(struct spool_file *f, const char *id, int flags)
{
	*f = (struct spool_file){ .data = -1 };
	f->fd = open_part(id, "journal", flags);
	if (f->fd < 0)
		return f->fd;
	if (flock(f->fd, LOCK_EX | LOCK_NB) < 0)
		return -EBUSY;
	f->data = open_part(id, "data", flags);
	return f->data < 0 ? f->data : 0;
}

/* Pages are touched here and there: to read on after a fault would be work for nothing. */
static void *map_part(int fd, off_t at, size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, n, MADV_RANDOM);
	return p;
}

static int map(struct spool_file *f)
{
	f->j = map_part(f->fd, 0, S3_MAP_AT);
	return f->j ? 0 : -errno;
}

static int map_marks(struct spool_file *f, int64_t upto)
{
	for (int w = 0; w < s3_windows_below(upto); w++) {
		if (!f->marks.window[w])
			f->marks.window[w] = map_part(f->fd, s3_window_at(w), s3_window_bytes(w));
		if (!f->marks.window[w])
			return -errno;
	}
	return 0;
}

static int lay_out(struct spool_file *f)
{
	int r = ftruncate(f->fd, S3_JOURNAL_BYTES) < 0 ? -errno : spool_ready(f, 1);

	if (r == 0)
		r = map(f);
	return r == 0 ? map_marks(f, SPOOL_PAGE_SPAN) : r;
}

/* A journal that is all zeros becomes a staged file's. */
static void fill(struct spool_file *f, const char *id, uint64_t ino)
{
	shared_lock_init(&f->j->lock);
	snprintf(f->j->id, sizeof(f->j->id), "%s", id);
	f->j->cut = INT64_MAX;
	f->j->ino = ino;
	f->j->made = time(NULL);
	f->j->ready = SPOOL_PAGE_SPAN;
	atomic_thread_fence(memory_order_release);
	f->j->magic = S3_JOURNAL_MAGIC;
}

int spool_new_id(char id[S3_ID], uint64_t *number)
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	snprintf(id, S3_ID, "%016llx%016llx", (unsigned long long)random[0], (unsigned long long)random[1]);
	*number = random[1];
	return 0;
}

static int make(struct spool_file *f, char id[S3_ID], uint64_t *number)
{
	int r;

	do {                            /* who looks through the spool may take it for a rest */
		r = spool_new_id(id, number);
		if (r < 0)
			return r;
		r = open_both(f, id, O_CREAT | O_EXCL);
		if (r == -EBUSY)
			close(f->fd);
	} while (r == -EBUSY);
	if (r == 0)
		r = lay_out(f);
	if (r < 0) {
		spool_close(f);
		spool_remove(id);
	}
	return r;
}

int spool_make(struct spool_file *f)
{
	uint64_t number;
	char id[S3_ID];
	int r = usable ? 0 : spool_init();

	if (r == 0 && !spare_take(f, id, &number))
		r = make(f, id, &number);
	if (r < 0)
		return spool_failed(r);
	fill(f, id, number | 1);
	return 0;
}

int spool_borrow(struct spool_file *f, int data)
{
	void *p = mmap(NULL, S3_MAP_AT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t number;
	int r;

	*f = (struct spool_file){ .data = data, .fd = -1 };
	if (p == MAP_FAILED)
		return -errno;
	f->j = p;
	r = spool_new_id(f->j->id, &number);
	if (r < 0)
		return r;
	f->j->cut = INT64_MAX;
	f->j->made = time(NULL);
	return 0;
}

/* -ENODATA: its maker was killed before anything could be written to it; -EIO: of another layout. */
static int open_journal(struct spool_file *f)
{
	struct stat st;
	int r;

	if (fstat(f->fd, &st) < 0)
		return -errno;
	if (st.st_size != S3_JOURNAL_BYTES)
		return st.st_size ? -EIO : -ENODATA;
	r = map(f);
	if (r < 0)
		return r;
	if (f->j->magic != S3_JOURNAL_MAGIC)
		return f->j->magic ? -EIO : -ENODATA;
	return map_marks(f, f->j->ready);
}

int spool_open(struct spool_file *f, const char *id)
{
	int r = open_both(f, id, 0), rest = r == -ENOENT && f->fd >= 0;  /* half removed */

	if (r == 0)
		r = open_journal(f);
	if (r == -ENODATA || rest) {
		spool_remove(id);
		r = -ENOENT;
	}
	if (r < 0)
		spool_close(f);
	return r;
}

void spool_close(struct spool_file *f)
{
	for (int w = 0; w < S3_WINDOWS; w++)
		if (f->marks.window[w])
			munmap(f->marks.window[w], s3_window_bytes(w));
	if (f->j)
		munmap(f->j, S3_MAP_AT);
	if (f->data >= 0)
		close(f->data);
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct spool_file){ .data = -1, .fd = -1 };
}

void spool_remove(const char *id)
{
	static const char *const suffixes[] = { "data", "journal" };
	char path[PATH_MAX];

	for (int i = 0; i < 2; i++)
		unlink(spool_path(path, id, suffixes[i]));
}

void spool_each(void (*each)(void *arg, const char *id), void *arg)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *dot = strrchr(e->d_name, '.');

		if (dot && dot - e->d_name == S3_ID - 1 && !strcmp(dot, ".journal")) {
			*dot = 0;
			each(arg, e->d_name);
		}
	}
	if (d)
		closedir(d);
}

int spool_ready(struct spool_file *f, int64_t upto)
{
	int64_t pages = (upto + SPOOL_PAGE_SPAN - 1) / SPOOL_PAGE_SPAN;
	int r;

	if (f->j && upto <= f->j->ready)
		return 0;
	if (upto > S3_STAGED_MOST)
		return -EFBIG;
	r = posix_fallocate(f->fd, 0, S3_MAP_AT + pages * 4096);
	if (r)
		return -r;
	if (!f->j)
		return 0;
	r = map_marks(f, pages * SPOOL_PAGE_SPAN);
	if (r == 0)
		atomic_store(&f->j->ready, pages * SPOOL_PAGE_SPAN);
	return r;
}

int64_t spool_taken(const struct spool_file *f)
{
	struct stat st;

	return fstat(f->data, &st) < 0 ? 0 : (int64_t)st.st_blocks * 512;
}

int64_t spool_free(void)
{
	struct statvfs st;

	if (statvfs(dir, &st) < 0)
		return 0;
	return ((int64_t)st.f_bavail - (int64_t)st.f_blocks / 20) * (int64_t)st.f_frsize;
}
