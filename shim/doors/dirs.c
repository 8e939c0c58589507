/* SPDX-License-Identifier: MIT */
/* Directories: the doors, and streams of our own; see dirs.h. */
#include "dirs.h"

#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

#include "door.h"
#include "extras.h"
#include "object/object_dir.h"
#include "base/pool.h"

struct stream {
	pthread_mutex_t lock;
	int fd;
	int ended;             /* the descriptor has no more entries */
	unsigned extra;        /* then: the next of these */
	long pos;              /* where the next entry is */
	size_t at, have;       /* what is left of buf */
	struct extras extras;
	_Alignas(16) char entry[sizeof(struct dirent)];
	_Alignas(16) char buf[32768];
};

static struct pool streams = POOL_INIT(struct stream, 4);

static struct stream *own(DIR *dir)
{
	return pool_has(&streams, dir) ? (struct stream *)dir : NULL;
}

ssize_t dirs_read(int fd, void *buf, size_t n)
{
	struct file *f = object_of(fd);

	if (f)
		return OBJECT_RESULT(object_getdents(f, fd, buf, n));
	return REAL(getdents64)(fd, buf, n);
}

int dirs_own(int fd)
{
	return object_of(fd) != NULL;
}

/* Its first entry is next; what is shown besides may have changed meanwhile. */
static void start(struct stream *s)
{
	s->ended = 0;
	s->extra = 0;
	s->at = s->have = 0;
	extras_find(&s->extras, s->fd);
}

DIR *dirs_stream(int fd)
{
	struct extras x;
	struct stream *s;
	struct stat st;

	if (!extras_find(&x, fd) && !dirs_own(fd))
		return REAL(fdopendir)(fd);
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return NULL;
	}
	s = pool_get(&streams);
	if (!s) {
		errno = ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->fd = fd;
	s->pos = 0;
	start(s);
	return (DIR *)s;
}

/* More entries of the descriptor: 1, 0 at the end, or -1 and errno. */
static int refill(struct stream *s)
{
	int saved = errno;
	ssize_t n = dirs_read(s->fd, s->buf, sizeof(s->buf));

	if (n < 0 && errno == ENOENT) {       /* removed, and so at its end */
		errno = saved;
		n = 0;
	}
	s->at = 0;
	s->have = n > 0 ? (size_t)n : 0;
	s->ended = n == 0;
	return n < 0 ? -1 : n > 0;
}

/* The next of the descriptor's entries that is to be seen, NULL at the end. */
static struct dirent *next_read(struct stream *s)
{
	while (s->at < s->have || refill(s) > 0) {
		struct dirent *e = (struct dirent *)(s->buf + s->at);

		s->at += e->d_reclen;
		s->pos = e->d_off;
		if (!extras_hide(&s->extras, e))
			return e;
	}
	return NULL;
}

static struct dirent *next_extra(struct stream *s)
{
	while (s->extra < s->extras.n) {
		const struct extra *e = &s->extras.e[s->extra++];

		s->pos = LONG_MIN + (long)s->extra;
		if (e->type != DT_UNKNOWN && extras_write(e, s->pos, s->entry, sizeof(s->entry)))
			return (struct dirent *)s->entry;
	}
	return NULL;
}

static struct dirent *next(struct stream *s)
{
	struct dirent *e = s->ended ? NULL : next_read(s);

	return e || !s->ended ? e : next_extra(s);
}

/* The statement `what` on our stream s, or else on libc's. */
#define LOCKED(s, what) do {                                                  \
	pthread_mutex_lock(&(s)->lock);                                       \
	what;                                                                 \
	pthread_mutex_unlock(&(s)->lock);                                     \
} while (0)

EXPORT struct dirent *readdir(DIR *dir)
{
	struct stream *s = own(dir);
	struct dirent *e;

	if (!s)
		return REAL(readdir)(dir);
	LOCKED(s, e = next(s));
	return e;
}

TWIN_OF(readdir64, readdir)

EXPORT int readdir_r(DIR *dir, struct dirent *entry, struct dirent **result)
{
	struct stream *s = own(dir);
	int saved = errno, r;

	if (!s)
		return REAL(readdir_r)(dir, entry, result);
	errno = 0;
	LOCKED(s, *result = next(s); if (*result) memcpy(entry, *result, (*result)->d_reclen));
	r = *result ? 0 : errno;
	if (*result)
		*result = entry;
	errno = saved;
	return r;
}

TWIN_OF(readdir64_r, readdir_r)

static void move(struct stream *s, long pos)
{
	if (pos < LONG_MIN + CONF_RULES_MAX + 1) {
		s->ended = 1;
		s->extra = (unsigned)(pos - LONG_MIN);
	} else {
		lseek(s->fd, pos, SEEK_SET);
		s->ended = 0;
		s->extra = 0;
	}
	s->pos = pos;
	s->at = s->have = 0;
}

EXPORT void seekdir(DIR *dir, long pos)
{
	struct stream *s = own(dir);

	if (s)
		LOCKED(s, move(s, pos));
	else
		REAL(seekdir)(dir, pos);
}

EXPORT void rewinddir(DIR *dir)
{
	struct stream *s = own(dir);

	if (s)
		LOCKED(s, move(s, 0); start(s));
	else
		REAL(rewinddir)(dir);
}

EXPORT long telldir(DIR *dir)
{
	struct stream *s = own(dir);
	long pos;

	if (!s)
		return REAL(telldir)(dir);
	LOCKED(s, pos = s->pos);
	return pos;
}

EXPORT int dirfd(DIR *dir)
{
	struct stream *s = own(dir);

	return s ? s->fd : REAL(dirfd)(dir);
}

EXPORT int closedir(DIR *dir)
{
	struct stream *s = own(dir);
	int fd;

	if (s) {
		fd = s->fd;
		pool_put(&streams, s);
		return close(fd);
	}
	if ((uintptr_t)dir)     /* declared never to be NULL; libc says EINVAL */
		door_fresh(REAL(dirfd)(dir));
	return REAL(closedir)(dir);
}

EXPORT DIR *fdopendir(int fd)
{
	return mounts_redirect ? dirs_stream(fd) : REAL(fdopendir)(fd);
}

/* A stream on what `path` at dirfd is, opened by our own door. */
static DIR *open_stream(enum call call, int at, const char *path)
{
	int fd = open_at(call, at, path, O_RDONLY | O_NONBLOCK | O_DIRECTORY | O_CLOEXEC, 0);
	DIR *dir = fd < 0 ? NULL : dirs_stream(fd);

	if (fd >= 0 && !dir) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return dir;
}

EXPORT DIR *opendir(const char *path)
{
	if (mounts_redirect)
		return open_stream(CALL_opendir, AT_FDCWD, path);
	return ON_PLACE(opendir, DIR *, AT_FDCWD, path, 1, REAL(opendir)(p->path), -ENOTDIR);
}

/* The entries of dir that sel takes, in arrays as scandir(3) gives them; n, or -1 and errno. */
static int collect(DIR *dir, struct dirent ***list, int (*sel)(const struct dirent *))
{
	size_t n = 0, room = 0;
	struct dirent *e, *copy, **more;

	for (;;) {
		errno = 0;
		e = readdir(dir);
		if (!e)
			break;
		if (sel && !sel(e))
			continue;
		if (n == room) {
			more = realloc(*list, (room = room ? 2 * room : 16) * sizeof(void *));
			if (!more)
				break;
			*list = more;
		}
		copy = malloc(e->d_reclen);
		if (!copy)
			break;
		(*list)[n++] = memcpy(copy, e, e->d_reclen);
	}
	if (!errno)
		return (int)n;
	while (n)
		free((*list)[--n]);
	return -1;
}

static int scan(DIR *dir, struct dirent ***list, int (*sel)(const struct dirent *),
		int (*cmp)(const struct dirent **, const struct dirent **))
{
	int saved = errno, n, error;
	struct dirent **all = NULL;

	if (!dir)
		return -1;
	n = collect(dir, &all, sel);
	error = n < 0 ? errno : saved;
	closedir(dir);
	if (n > 0 && cmp)
		qsort(all, (size_t)n, sizeof(void *), (int (*)(const void *, const void *))cmp);
	if (n < 0)
		free(all);
	else
		*list = all;
	errno = error;
	return n;
}

EXPORT int scandirat(int at, const char *path, struct dirent ***list,
		     int (*sel)(const struct dirent *),
		     int (*cmp)(const struct dirent **, const struct dirent **))
{
	if (mounts_redirect)
		return scan(open_stream(CALL_scandirat, at, path), list, sel, cmp);
	return ON_PLACE(scandirat, int, at, path, 1,
			REAL(scandirat)(p->dirfd, p->path, list, sel, cmp), -ENOTDIR);
}

TWIN_OF(scandirat64, scandirat)

EXPORT int scandir(const char *path, struct dirent ***list, int (*sel)(const struct dirent *),
		   int (*cmp)(const struct dirent **, const struct dirent **))
{
	if (mounts_redirect)
		return scan(open_stream(CALL_scandir, AT_FDCWD, path), list, sel, cmp);
	return ON_PLACE(scandir, int, AT_FDCWD, path, 1, REAL(scandir)(p->path, list, sel, cmp), -ENOTDIR);
}

TWIN_OF(scandir64, scandir)
