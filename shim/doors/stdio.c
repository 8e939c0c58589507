/* SPDX-License-Identifier: MIT */
/*
 * The doors of stdio. A stream is libc's own, also on a file without a kernel
 * file (streams.h); here it is only opened by the right name, and its
 * descriptor becomes ours for the calls a program makes on fileno().
 */
#include <string.h>

#include "aio/aio_queue.h"
#include "door.h"
#include "process.h"
#include "files/shrink.h"
#include "streams.h"

#define MODE_MAX 80

/* fopen's mode as open(2) flags; -1 if libc should judge it. */
static int mode_flags(const char *mode)
{
	int flags = *mode == 'r' ? 0 : *mode == 'w' ? O_CREAT | O_TRUNC :
		    *mode == 'a' ? O_CREAT | O_APPEND : -1;
	int access = *mode == 'r' ? O_RDONLY : O_WRONLY;

	if (flags < 0)
		return -1;
	/* glibc looks at the first seven letters, and no further than a comma */
	for (int i = 1; i < 7 && mode[i] && mode[i] != ','; i++)
		switch (mode[i]) {
		case '+': access = O_RDWR; break;
		case 'x': flags |= O_EXCL; break;
		case 'e': flags |= O_CLOEXEC; break;
		}
	return flags | access;
}

/* Whether a symbolic link at the end of a name is followed: not by one who wants to make the file. */
static int follows(const char *mode)
{
	int flags = mode_flags(mode);

	return flags < 0 || (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
}

/* fopen goes to the end to append, and fdopen only if it was not appending. */
static void seek_end(int fd)
{
	struct file *f = object_of(fd);

	if (f)
		OBJECT_RESULT(object_lseek(f, fd, 0, SEEK_END));
	else
		REAL(lseek)(fd, 0, SEEK_END);
}

static int appends_only(int flags)
{
	return (flags & (O_APPEND | O_ACCMODE)) == (O_APPEND | O_WRONLY);
}

static void *closed(int fd, int error)
{
	close(fd);
	errno = error;
	return NULL;
}

/* What libc asks of the descriptor when it makes a stream of it: 0 or -errno. */
static int suits(struct file *f, int fd, int flags)
{
	ssize_t have = object_fcntl(f, fd, F_GETFL, NULL);
	int access = (int)have & O_ACCMODE;

	if (have < 0)
		return (int)have;
	if (access != O_RDWR && access != (flags & O_ACCMODE))
		return -EINVAL;
	if (!(flags & O_APPEND) || (have & O_APPEND))
		return streams_ready();
	have = object_fcntl(f, fd, F_SETFL, (void *)(have | O_APPEND));
	if (have == 0 && appends_only(flags))
		seek_end(fd);
	return have < 0 ? (int)have : streams_ready();
}

/*
 * The mode without what is about a file that is opened otherwise: x; and m, by
 * which libc would read a mapping, through tables of their own.
 */
static void simple_mode(const char *mode, char to[MODE_MAX])
{
	size_t n = 0;

	for (int tail = 0; *mode && n < MODE_MAX - 1; mode++) {
		tail |= *mode == ',';
		if (tail || (*mode != 'x' && *mode != 'm'))
			to[n++] = *mode;
	}
	to[n] = 0;
}

EXPORT FILE *fdopen(int fd, const char *mode)
{
	struct file *f = object_of(fd);
	int flags, saved = errno, r;
	char simple[MODE_MAX];

	if (!f)
		return REAL(fdopen)(fd, mode);
	flags = mode_flags(mode);
	r = flags < 0 ? -EINVAL : suits(f, fd, flags);
	errno = r < 0 ? -r : saved;
	if (r < 0)
		return NULL;
	simple_mode(mode, simple);
	return REAL(fdopen)(fd, simple);
}

/* s, which is on something else, is on fd's file now; fd is closed. */
static FILE *put_on(FILE *s, int fd, int flags)
{
	if (dup3(fd, fileno(s), flags & O_CLOEXEC) < 0) {
		int saved = errno;

		fclose(s);
		return closed(fd, saved);
	}
	close(fd);
	return s;
}

/* fdopen knows no character set. */
static FILE *open_converted(const char *path, const char *mode, int flags)
{
	char simple[MODE_MAX];
	FILE *s;
	int fd;

	simple_mode(mode, simple);
	s = REAL(fopen)("/dev/null", simple);
	if (!s)
		return NULL;
	fd = open_at(CALL_fopen, AT_FDCWD, path, flags, 0666);
	if (fd < 0) {
		int saved = errno;

		REAL(fclose)(s);
		errno = saved;
		return NULL;
	}
	if (appends_only(flags))
		seek_end(fd);
	return put_on(s, fd, flags);
}

static FILE *open_native(const struct place *p, const char *mode)
{
	return *mode == 'w' ? SHRINKING(shrink_begin_at(p), REAL(fopen)(p->path, mode))
			    : REAL(fopen)(p->path, mode);
}

static FILE *open_stream(const struct place *p, const char *path, const char *mode)
{
	int flags = mode_flags(mode), fd;
	FILE *s;

	if (flags < 0 || !(p->translated || p->mount->be->object))
		return open_native(p, mode);
	if (strstr(mode, ",ccs="))
		return open_converted(path, mode, flags);
	fd = open_at(CALL_fopen, AT_FDCWD, path, flags, 0666);
	if (fd < 0)
		return NULL;
	if (appends_only(flags))
		seek_end(fd);
	s = fdopen(fd, mode);
	return s ? s : closed(fd, errno);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
	struct place *p = NULL;
	uint64_t t0 = stats_begin();
	int r = place_get(&p, AT_FDCWD, path, follows(mode)), translated = 0;
	FILE *s = NULL;

	if (r < 0) {
		errno = -r;
	} else {
		translated = p->translated || p->mount->be->object;
		s = open_stream(p, path, mode);
	}
	if (s && !translated) {
		door_fresh(fileno(s));
		file_attach(fileno(s), mode_flags(mode), p->mount, p->virt);
	}
	if (!translated)
		door_path_end(CALL_fopen, p, t0, !s);
	place_put(p);
	return s;
}

TWIN_OF(fopen64, fopen)

static FILE *reopen_at(const struct place *p, const char *mode, FILE *s)
{
	return *mode == 'w' ? SHRINKING(shrink_begin_at(p), REAL(freopen)(p->path, mode, s))
			    : REAL(freopen)(p->path, mode, s);
}

/* libc closes what the stream was on, by a way of its own. */
static FILE *reopen_native(const struct place *p, const char *mode, FILE *s, int fd)
{
	struct file *was = object_hold(fd);
	FILE *r;
	int saved;

	aio_drain((unsigned)fd, (unsigned)fd);
	if (!was)
		door_fresh(fd);
	r = p ? reopen_at(p, mode, s) : REAL(freopen)("/dev/null", mode, s);
	saved = errno;
	if (was) {
		fdtab_forget(fd);
		object_let_go(was, 1);
	}
	errno = saved;
	return r;
}

/* The stream ends up closed, as libc leaves it when it cannot open. */
static FILE *reopen_failed(FILE *s, int fd, int error)
{
	static const struct place nowhere = { .mount = &mount_none, .path = "" };

	reopen_native(&nowhere, "r", s, fd);
	errno = error;
	return NULL;
}

/* The same stream, under the same number if it had one. */
static FILE *reopen_object(const char *path, const char *mode, FILE *s, int old)
{
	char simple[MODE_MAX];
	int flags = mode_flags(mode), saved = errno, fd;

	if (flags < 0)
		return reopen_failed(s, old, EINVAL);
	/* what is still to be written goes before anything is truncated */
	fflush(s);
	fd = streams_ready() < 0 ? (errno = ENOTSUP, -1) : open_at(CALL_freopen, AT_FDCWD, path, flags, 0666);
	if (fd < 0)
		return reopen_failed(s, old, errno);
	simple_mode(mode, simple);
	if (!reopen_native(NULL, simple, s, old))
		return closed(fd, errno);
	if (appends_only(flags))
		seek_end(fd);
	if (old >= 0) {
		s = put_on(s, fd, flags);
	} else {
		REAL(close)(fileno(s));
		s->_fileno = fd;
	}
	if (s)
		errno = saved;
	return s;
}

static FILE *reopen_place(const struct place *p, const char *path, const char *mode, FILE *s, int fd)
{
	FILE *r;

	if (p->mount->be->object)
		return reopen_object(path, mode, s, fd);
	r = reopen_native(p, mode, s, fd);
	if (r) {
		door_fresh(fileno(r));
		file_attach(fileno(r), mode_flags(mode), p->mount, p->virt);
	}
	return r;
}

/* Without a path: the same file, in another mode. */
static FILE *reopen_same(const char *mode, FILE *s, int fd)
{
	char path[32];

	if (!object_of(fd))
		return REAL(freopen)(NULL, mode, s);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return reopen_object(path, mode, s, fd);
}

EXPORT FILE *freopen(const char *path, const char *mode, FILE *s)
{
	int saved = errno, fd = fileno(s), e;
	struct place *p = NULL;
	FILE *r;

	errno = saved;
	if (!path)
		return reopen_same(mode, s, fd);
	e = place_get(&p, AT_FDCWD, path, follows(mode));
	r = e < 0 ? reopen_failed(s, fd, -e) : reopen_place(p, path, mode, s, fd);
	place_put(p);
	if (r)
		errno = saved;
	return r;
}

TWIN_OF(freopen64, freopen)

EXPORT int fclose(FILE *s)
{
	int saved = errno, fd = fileno(s), status;

	aio_drain((unsigned)fd, (unsigned)fd);
	errno = saved;
	/* the stream's own close tells of a file that is no kernel's */
	if (!object_of(fd))
		door_fresh(fd);
	return process_close(s, &status) ? status : REAL(fclose)(s);
}

EXPORT int fcloseall(void)
{
	return REAL(fcloseall)();
}

EXPORT FILE *tmpfile(void)
{
	FILE *s = REAL(tmpfile)();

	if (s)
		door_fresh(fileno(s));
	return s;
}

TWIN_OF(tmpfile64, tmpfile)
