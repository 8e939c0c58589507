/* SPDX-License-Identifier: MIT */
/* The doors with two names, or with a name that goes back to the program. */
#include <string.h>

#include "door.h"
#include "object/object_name.h"
#include "files/shrink.h"
#include "base/user.h"

/*
 * The other place is for the kernel to judge, and of this one, if it has no
 * kernel file, nothing is wrong but that: the root stands for it.
 */
static int one_object(struct place *p)
{
	struct statx st;

	if (!p)
		return 0;
	p->dirfd = AT_FDCWD;
	p->path = "/";
	return *p->virt ? 0 : object_name_stat(p->mount, p->name, &st);
}

/* 0 if the directory that p's last component is in can be passed, else -errno. */
static int parent_error(const struct place *p)
{
	char parent[PATH_MAX * 2];
	size_t n = strlen(p->path);
	struct stat st;

	if (p->name)
		return object_name_parent(p->mount, p->name);
	if (n >= sizeof(parent))
		return 0;
	while (n > 1 && p->path[n - 1] == '/')
		n--;
	while (n && p->path[n - 1] != '/')
		n--;
	memcpy(parent, p->path, n);
	strcpy(parent + n, ".");
	if (REAL(fstatat)(p->dirfd, parent, &st, 0) < 0)
		return -errno;
	return st.st_nlink ? 0 : -ENOENT;       /* removed, and reached by a descriptor */
}

/* 0 if what the place names is there, else -errno. */
static int look_at(const struct place *p, int follow)
{
	struct statx x;
	struct stat st;

	if (p->name)
		return object_name_stat(p->mount, p->name, &x);
	return REAL(fstatat)(p->dirfd, p->path, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* What the kernel says of two names on different file systems: EXDEV after what is wrong with either. */
static int apart(const struct place *a, int afollow, const struct place *b)
{
	int r = parent_error(a), link = afollow != PLACE_PARENT;

	if (r == 0 && link)
		r = look_at(a, afollow > 0);
	if (r == 0)
		r = parent_error(b);
	if (r == 0 && link) {
		r = look_at(b, 0);
		r = r == 0 ? -EEXIST : r == -ENOENT ? 0 : r;
	}
	return r < 0 ? r : -EXDEV;
}

static int two_places(struct place **a, struct place **b, int adir, const char *apath,
		      int afollow, int bdir, const char *bpath)
{
	int r = place_get(a, adir, apath, afollow);

	if (r == 0)
		r = place_get(b, bdir, bpath, PLACE_PARENT);
	/* two stores may share a tmpfs; to the program they are two file systems */
	if (r == 0 && (*a)->mount != (*b)->mount && *(*a)->virt && *(*b)->virt &&
	    ((*a)->translated || (*b)->translated))
		r = apart(*a, afollow, *b);
	if (r == 0 && (*a)->mount != (*b)->mount)
		r = one_object((*a)->name ? *a : (*b)->name ? *b : NULL);
	return r;
}

/* `call` with adir, apath, bdir and bpath resolved. */
#define TWO(name, adir, apath, afollow, bdir, bpath, call, ours) ({           \
	struct place *a_ = NULL, *b_ = NULL;                                  \
	uint64_t t0_ = stats_begin();                                         \
	int v_ = -1, r_ = 0;                                                  \
	if (mounts_count) {                                                   \
		r_ = two_places(&a_, &b_, adir, apath, afollow, bdir, bpath); \
		if (r_ == 0) {                                                \
			adir = a_->dirfd, apath = a_->path;                   \
			bdir = b_->dirfd, bpath = b_->path;                   \
		}                                                             \
	}                                                                     \
	if (r_ < 0)                                                           \
		errno = -r_;                                                  \
	else                                                                  \
		v_ = a_ && b_ && a_->mount == b_->mount && a_->mount->be->object ? \
		     (int)OBJECT_RESULT(ours) : call;                         \
	door_path_end(CALL_##name, b_ ? b_ : a_, t0_, v_ < 0);                \
	place_put(a_);                                                        \
	place_put(b_);                                                        \
	v_; })

EXPORT int rename(const char *from, const char *to)
{
	int fd = AT_FDCWD, td = AT_FDCWD;

	return TWO(rename, fd, from, PLACE_PARENT, td, to, REAL(renameat)(fd, from, td, to),
		   object_rename(a_, b_, 0));
}

EXPORT int renameat(int fd, const char *from, int td, const char *to)
{
	return TWO(renameat, fd, from, PLACE_PARENT, td, to, REAL(renameat)(fd, from, td, to),
		   object_rename(a_, b_, 0));
}

EXPORT int renameat2(int fd, const char *from, int td, const char *to, unsigned flags)
{
	return TWO(renameat2, fd, from, PLACE_PARENT, td, to, REAL(renameat2)(fd, from, td, to, flags),
		   object_rename(a_, b_, flags));
}

EXPORT int link(const char *from, const char *to)
{
	int fd = AT_FDCWD, td = AT_FDCWD;

	return TWO(link, fd, from, 0, td, to, REAL(linkat)(fd, from, td, to, 0),
		   object_link(a_, b_, 0));
}

EXPORT int linkat(int fd, const char *from, int td, const char *to, int flags)
{
	return TWO(linkat, fd, from, flags & AT_SYMLINK_FOLLOW, td, to,
		   REAL(linkat)(fd, from, td, to, flags), object_link(a_, b_, flags));
}

EXPORT int symlink(const char *target, const char *path)
{
	return ON_PLACE(symlink, int, AT_FDCWD, path, PLACE_PARENT, REAL(symlinkat)(target, p->dirfd, p->path),
		   object_symlink(target, p));
}

EXPORT int symlinkat(const char *target, int dirfd, const char *path)
{
	return ON_PLACE(symlinkat, int, dirfd, path, PLACE_PARENT, REAL(symlinkat)(target, p->dirfd, p->path),
		   object_symlink(target, p));
}

/* The links of /proc name the file that serves; the program knows it by another path. */
static ssize_t read_link(const struct place *p, char *buf, size_t n)
{
	struct file *f;
	struct place *q;
	ssize_t r;

	if (!mounts_redirect || strncmp(p->virt, "/proc/", 6))
		return REAL(readlinkat)(p->dirfd, p->path, buf, n);
	f = objects_on ? place_magic_file(p->virt) : NULL;
	if (place_get(&q, AT_FDCWD, "", 0) < 0)
		return REAL(readlinkat)(p->dirfd, p->path, buf, n);
	r = REAL(readlinkat)(p->dirfd, p->path, q->real, sizeof(q->real) - 1);
	if (r >= 0) {
		q->real[r] = 0;
		if (f)
			object_path(f, q->real);
		if (f || (objects_on && object_elsewhere(q->real, (size_t)r)) || place_unreal(q->real, sizeof(q->real)) > 0) {
			r = (ssize_t)strnlen(q->real, n);
			if (user_put(buf, q->real, (size_t)r) < 0) {
				errno = EFAULT;
				r = -1;
			}
		} else {
			r = REAL(readlinkat)(p->dirfd, p->path, buf, n);
		}
	}
	place_put(q);
	return r;
}

EXPORT ssize_t readlink(const char *path, char *buf, size_t n)
{
	return ON_PLACE(readlink, ssize_t, AT_FDCWD, path, 0, read_link(p, buf, n), object_readlink(p, buf, n));
}

EXPORT ssize_t readlinkat(int dirfd, const char *path, char *buf, size_t n)
{
	return ON_PLACE(readlinkat, ssize_t, dirfd, path, 0, read_link(p, buf, n), object_readlink(p, buf, n));
}

EXPORT ssize_t __readlink_chk(const char *path, char *buf, size_t n, size_t len)
{
	return n > len ? REAL(__readlink_chk)(path, buf, n, len) : readlink(path, buf, n);
}

EXPORT ssize_t __readlinkat_chk(int dirfd, const char *path, char *buf, size_t n, size_t len)
{
	return n > len ? REAL(__readlinkat_chk)(dirfd, path, buf, n, len)
		       : readlinkat(dirfd, path, buf, n);
}

EXPORT int truncate(const char *path, off_t len)
{
	if (len < 0)            /* said before anything of the path */
		return REAL(truncate)(path, len);
	return ON_PLACE(truncate, int, AT_FDCWD, path, 1,
			SHRINKING(shrink_begin_at(p), REAL(truncate)(p->path, len)),
			object_truncate(p, len));
}

TWIN_OF(truncate64, truncate)

/* getcwd's contract: a NULL buf is allocated, of `n` bytes or as many as needed. */
static char *give_path(const char *path, char *buf, size_t n)
{
	size_t need = strlen(path) + 1;

	if ((buf || n) && need > n) {
		errno = ERANGE;
		return NULL;
	}
	if (!buf)
		buf = malloc(n ? n : need);
	return buf ? memcpy(buf, path, need) : NULL;
}

/* A directory without a kernel directory may be gone while it is the working directory. */
static int is_gone(const char *path)
{
	struct stat st;

	return objects_on && stat(path, &st) < 0;
}

EXPORT char *getcwd(char *buf, size_t n)
{
	struct place *p;
	char *cwd;

	if (!mounts_redirect || (buf && !n) || place_get(&p, AT_FDCWD, "", 0) < 0)
		return REAL(getcwd)(buf, n);
	cwd = REAL(getcwd)(p->real, PATH_MAX);
	if (cwd && place_unreal(p->real, sizeof(p->real)) > 0)
		cwd = is_gone(p->real) ? NULL : give_path(p->real, buf, n);
	else
		cwd = REAL(getcwd)(buf, n);
	place_put(p);
	return cwd;
}

EXPORT char *__getcwd_chk(char *buf, size_t n, size_t len)
{
	return n > len ? REAL(__getcwd_chk)(buf, n, len) : getcwd(buf, n);
}

EXPORT char *getwd(char *buf)
{
	/* of PATH_MAX bytes, says its manual page */
	return mounts_redirect && (uintptr_t)buf ? getcwd(buf, PATH_MAX) : REAL(getwd)(buf);
}

EXPORT char *__getwd_chk(char *buf, size_t len)
{
	return len < PATH_MAX ? REAL(__getwd_chk)(buf, len) : getwd(buf);
}

EXPORT char *get_current_dir_name(void)
{
	const char *pwd = getenv("PWD");
	struct stat a, b;

	if (!mounts_redirect)
		return REAL(get_current_dir_name)();
	/* $PWD is believed when it names the same directory, as libc does */
	if (pwd && *pwd && stat(".", &a) == 0 && stat(pwd, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return strdup(pwd);
	return getcwd(NULL, 0);
}
