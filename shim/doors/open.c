/* SPDX-License-Identifier: MIT */
/* The doors that open a file by name. */
#include <string.h>
#include <sys/syscall.h>

#include "door.h"
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
	int fd;

	if ((flags & (O_TRUNC | O_PATH)) != O_TRUNC)
		fd = REAL(openat)(p->dirfd, p->path, flags, mode);
	else if (p->mount->flags & BE_SHRINK)
		fd = open_then_truncate(p, flags, mode);
	else
		fd = SHRINKING(shrink_begin_at(p), REAL(openat)(p->dirfd, p->path, flags, mode));
	if (fd < 0 && errno == EINVAL && (flags & O_DIRECT) && p->mount->be == &be_mem)
		return open_place(p, flags & ~O_DIRECT, mode);
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

int open_at(enum call call, int dirfd, const char *path, int flags, mode_t mode)
{
	struct place *p = NULL;
	uint64_t t0 = stats_begin();
	struct file *f;
	int fd = -1, r = 0;

	if (!mounts_count) {
		fd = door_fresh(REAL(openat)(dirfd, path, flags, mode));
		if (fd >= 0 && stats_on)
			file_attach(fd, flags, &mount_none, path);
	} else {
		int follow = !(flags & O_NOFOLLOW) &&
			     (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);

		r = place_get(&p, dirfd, path, follow);
		if (r < 0) {
			REAL(openat)(AT_FDCWD, NOWHERE, flags, mode);
			door_refused(r);
		} else if (p->mount->be->object) {
			fd = (int)OBJECT_ROW(call, object_open(p, flags, mode));
		} else {
			fd = door_fresh(open_place(p, flags, mode));
		}
		if (fd >= 0 && !p->mount->be->object) {
			int saved = errno;

			p->mount = mount_opened(p, fd);
			file_attach(fd, flags, p->mount, *p->virt ? p->virt : NULL);
			errno = saved;
		}
	}
	f = fd >= 0 ? fdtab_get(fd) : NULL;
	if (t0)
		stats_end(call, p ? p->mount->id : 0, f ? f->stat_slot : STATS_NO_FILE,
			  t0, 0, 0, fd < 0 ? errno : 0);
	place_put(p);
	return fd;
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

/* A place of ours under restrictions that the kernel has checked for sense. */
static int open_how_at(const struct place *p, int dirfd, const char *path,
		       struct open_how *how, size_t size)
{
	if (p->mount->be->object && (how->resolve & ~(uint64_t)RESOLVE_NO_SYMLINKS)) {
		errno = ENOSYS;         /* as on a kernel without the call */
		return -1;
	}
	if (how->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
		return door_fresh(real_openat2(dirfd, path, how, size));
	if ((how->resolve & RESOLVE_NO_SYMLINKS) && p->links) {
		errno = ELOOP;
		return -1;
	}
	return open_at(CALL_openat2, dirfd, path, (int)how->flags, (mode_t)how->mode);
}

/*
 * A symbol only since glibc 2.43; before, programs come through syscall(2).
 * With plain flags it is openat with stricter checks, which a first native
 * try on nothing makes; a confined lookup (RESOLVE_*) is the kernel's alone.
 */
EXPORT int openat2(int dirfd, const char *path, struct open_how *how, size_t size)
{
	struct place *p = NULL;
	int fd, r;

	if (!mounts_count)
		return door_fresh(real_openat2(dirfd, path, how, size));
	r = place_get(&p, dirfd, path, 1);
	if (r < 0) {
		errno = -r;
		return -1;
	}
	if (!p->translated) {
		fd = door_fresh(SHRINKING(shrink_begin_at(p), real_openat2(dirfd, path, how, size)));
		if (fd >= 0)
			file_attach(fd, O_RDWR, mount_opened(p, fd), *p->virt ? p->virt : NULL);
	} else {
		int saved = errno;

		/* on an empty path it fails with ENOENT only after `how` was accepted */
		fd = real_openat2(AT_FDCWD, "", how, size);
		if (fd < 0 && errno == ENOENT) {
			errno = saved;
			fd = open_how_at(p, dirfd, path, how, size);
		}
	}
	place_put(p);
	return fd;
}
