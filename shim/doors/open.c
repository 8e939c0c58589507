/* SPDX-License-Identifier: MIT */
/* The doors that open a file by name. */
#include <string.h>
#include <sys/syscall.h>

#include "door.h"
#include "files/place_walk.h"
#include "files/shrink.h"

static int wants_mode(int flags)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

/*
 * O_TRUNC on a mount that must be told of a truncation: the inode is only
 * known once it is open.
 */
static int open_then_truncate(const struct place *p, int flags, mode_t mode)
{
	int fd = REAL(openat)(p->dirfd, p->path, flags & ~O_TRUNC, mode);
	struct shrink s;
	struct stat st;
	int r;

	if (fd < 0 || REAL(fstat)(fd, &st) < 0)
		return fd;
	if (S_ISDIR(st.st_mode)) {             /* the kernel says what is wrong with that */
		REAL(close)(fd);
		return REAL(openat)(p->dirfd, p->path, flags, mode);
	}
	if (!S_ISREG(st.st_mode))
		return fd;
	s = shrink_begin(p->mount, st.st_dev, st.st_ino);
	if ((flags & O_ACCMODE) == O_RDONLY) {
		char proc[32];

		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
		r = REAL(truncate)(proc, 0);
	} else {
		r = REAL(ftruncate)(fd, 0);
	}
	shrink_end(&s);
	if (r < 0) {
		int saved = errno;

		REAL(close)(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* mem files accept O_DIRECT on kernels whose tmpfs does not (before 6.6). */
static int open_place(const struct place *p, int flags, mode_t mode)
{
	int fd, saved = errno;

	if ((flags & (O_TRUNC | O_PATH)) != O_TRUNC)
		fd = REAL(openat)(p->dirfd, p->path, flags, mode);
	else if (p->mount->flags & BE_SHRINK)
		fd = open_then_truncate(p, flags, mode);
	else
		fd = SHRINKING(shrink_begin_at(p), REAL(openat)(p->dirfd, p->path, flags, mode));
	if (fd < 0 && errno == EINVAL && (flags & O_DIRECT) && p->mount->be == &be_mem) {
		errno = saved;
		return open_place(p, flags & ~O_DIRECT, mode);
	}
	return fd;
}

/* The rule of a file that was opened under the name the program gave. */
static struct mount *mount_opened(struct place *p, int fd)
{
	if (p->mount->rule || p->translated)
		return p->mount;
	/* a symbolic link may have led under a rule that serves files in place */
	return place_of_fd(fd, p->virt);
}

/*
 * The end of a call that opened fd, or failed with errno: a file is met, the call
 * is in the statistics; p, NULL without rules, is given back.
 */
static int opened(enum call call, struct place *p, int fd, int flags, const char *path, uint64_t t0)
{
	int saved = errno;
	struct file *f;

	if (fd >= 0 && !p) {
		if (stats_on)
			file_attach(fd, flags, &mount_none, path);
	} else if (fd >= 0 && !p->mount->be->object) {
		p->mount = mount_opened(p, fd);
		file_attach(fd, flags, p->mount, *p->virt ? p->virt : NULL);
	}
	f = fd >= 0 ? fdtab_get(fd) : NULL;
	if (t0)
		stats_end(call, p ? p->mount->id : 0, f ? f->stat_slot : STATS_NO_FILE,
			  t0, 0, 0, fd < 0 ? saved : 0);
	place_put(p);
	errno = saved;
	return fd;
}

/* Opens it at its place, which *p is then, if there are rules. */
static int open_in_place(enum call call, struct place **p, int dirfd, const char *path, int flags, mode_t mode)
{
	int follow = !(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
	int r = mounts_count ? place_get(p, dirfd, path, follow) : 0;

	if (r < 0) {
		REAL(openat)(AT_FDCWD, NOWHERE, flags, mode);
		door_refused(r);
		return -1;
	}
	if (*p && (*p)->mount->be->object)
		return (int)OBJECT_ROW(call, object_open(*p, flags, mode));
	return door_fresh(*p ? open_place(*p, flags, mode) : REAL(openat)(dirfd, path, flags, mode));
}

int open_at(enum call call, int dirfd, const char *path, int flags, mode_t mode)
{
	struct place *p = NULL;
	uint64_t t0 = stats_begin();
	int fd = open_in_place(call, &p, dirfd, path, flags, mode);

	return opened(call, p, fd, flags, path, t0);
}

#define MODE_ARGUMENT(flags)                                                  \
	mode_t mode = 0;                                                      \
	if (wants_mode(flags)) {                                              \
		va_list ap_;                                                  \
		va_start(ap_, flags);                                         \
		mode = va_arg(ap_, mode_t);                                   \
		va_end(ap_);                                                  \
	}

EXPORT int open(const char *path, int flags, ...)
{
	MODE_ARGUMENT(flags)
	return open_at(CALL_open, AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int dirfd, const char *path, int flags, ...)
{
	MODE_ARGUMENT(flags)
	return open_at(CALL_openat, dirfd, path, flags, mode);
}

EXPORT int creat(const char *path, mode_t mode)
{
	return open_at(CALL_creat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* The fortified twins abort when a mode is missing: libc's say so themselves. */
EXPORT int __open_2(const char *path, int flags)
{
	return wants_mode(flags) ? REAL(__open_2)(path, flags)
				 : open_at(CALL_open, AT_FDCWD, path, flags, 0);
}

EXPORT int __openat_2(int dirfd, const char *path, int flags)
{
	return wants_mode(flags) ? REAL(__openat_2)(dirfd, path, flags)
				 : open_at(CALL_openat, dirfd, path, flags, 0);
}

TWIN_OF(open64, open)
TWIN_OF(__open, open)
TWIN_OF(__open64, open)
TWIN_OF(openat64, openat)
TWIN_OF(creat64, creat)
TWIN_OF(__open64_2, __open_2)
TWIN_OF(__openat64_2, __openat_2)

static int real_openat2(int dirfd, const char *path, struct open_how *how, size_t size)
{
	return (int)REAL(syscall)(SYS_openat2, dirfd, path, how, size);
}

/*
 * Whether a lookup that is confined to dirfd, which the kernel does by itself, may
 * miss a prefix below: the disk may have something else there.
 */
static int misses_prefix(const struct place *p, int dirfd, uint64_t resolve)
{
	struct place *in = NULL;
	const char *rel, *base;
	int r = 0, in_root;

	if (place_get(&in, dirfd, "-", PLACE_PARENT) == 0) {    /* any name there */
		place_pop(in->virt);
		base = *in->virt ? in->virt : "/";
		r = resolve & RESOLVE_IN_ROOT ? mount_is_ancestor(base)
					      : p->mount->rootlen && p->mount != mount_find(base, &rel, &in_root);
	}
	place_put(in);
	return r;
}

/* At *p, under restrictions that the kernel has checked for sense. */
static int open_how_at(struct place **p, int dirfd, const char *path, struct open_how *how, size_t size)
{
	int is_confined = (how->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0, fd;

	if (((*p)->mount->be->object && (how->resolve & ~(uint64_t)RESOLVE_NO_SYMLINKS)) ||
	    (is_confined && misses_prefix(*p, dirfd, how->resolve))) {
		errno = ENOSYS;         /* as on a kernel without the call */
		return -1;
	}
	if (is_confined || !(*p)->translated) {
		fd = door_fresh(SHRINKING(shrink_begin_at(*p), real_openat2(dirfd, path, how, size)));
		if (fd >= 0 && is_confined)
			(*p)->mount = place_of_fd(fd, (*p)->virt);
		return fd;
	}
	if ((how->resolve & RESOLVE_NO_SYMLINKS) && (*p)->links) {
		errno = ELOOP;
		return -1;
	}
	place_put(*p);
	*p = NULL;
	return open_in_place(CALL_openat2, p, dirfd, path, (int)how->flags, (mode_t)how->mode);
}

/*
 * A symbol only since glibc 2.43; before, programs come through syscall(2).
 * With plain flags it is openat with stricter checks, which a first native
 * try on nothing makes; a confined lookup (RESOLVE_*) is the kernel's alone.
 */
EXPORT int openat2(int dirfd, const char *path, struct open_how *how, size_t size)
{
	struct place *p = NULL;
	uint64_t t0 = stats_begin();
	int saved = errno, fd, r = mounts_count ? place_get(&p, dirfd, path, 1) : 0;

	if (r < 0) {
		errno = -r;
		return -1;
	}
	/* on an empty path it fails with ENOENT only after `how` was accepted */
	fd = mounts_redirect ? real_openat2(AT_FDCWD, "", how, size) : -1;
	if (!p) {
		fd = door_fresh(real_openat2(dirfd, path, how, size));
	} else if (!mounts_redirect) {
		fd = door_fresh(SHRINKING(shrink_begin_at(p), real_openat2(dirfd, path, how, size)));
	} else if (fd < 0 && errno == ENOENT) {
		errno = saved;
		fd = open_how_at(&p, dirfd, path, how, size);
	}
	return opened(CALL_openat2, p, fd, fd >= 0 ? (int)how->flags : 0, path, t0);
}
