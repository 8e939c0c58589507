/* SPDX-License-Identifier: MIT */
/* The rows on names of files without a kernel file; see object.h. */
#include "object_name.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "files/cwd.h"
#include "files/fdtab.h"
#include "map_image.h"
#include "object.h"
#include "object_at.h"
#include "object_pin.h"

/* the functions here take what their doors have */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define OPS(p) ((p)->mount->be->object)

int object_name_stat(struct mount *m, const char *name, struct statx *st)
{
	struct object_at at = { m, NULL, name };

	return m->be->object->stat(&at, st);
}

int object_name_pass(struct mount *m, const char *name)
{
	struct object_at at = { m, NULL, name };
	struct statx st;
	int r = m->be->object->stat(&at, &st);

	if (r < 0)
		return r;
	return S_ISDIR(st.stx_mode) ? at_access(&at, X_OK, AT_EACCESS) : -ENOTDIR;
}

int object_parent_name(const char *name, char *parent)
{
	size_t n = strlen(name);

	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	while (n && name[n - 1] == '/')
		n--;
	while (n && name[n - 1] != '/')
		n--;
	while (n && name[n - 1] == '/')
		n--;
	memcpy(parent, name, n);
	parent[n] = 0;
	return 0;
}

int object_name_parent(struct mount *m, const char *name)
{
	char parent[PATH_MAX];
	int r = object_parent_name(name, parent);

	return r < 0 ? r : object_name_pass(m, parent);
}

static ssize_t link_text(const struct object_at *at, char *buf, size_t n)
{
	struct statx st;
	int r;

	if (at->m->be->object->readlink)
		return at->m->be->object->readlink(at, buf, n);
	r = at->m->be->object->stat(at, &st);
	return r < 0 ? r : -EINVAL;
}

ssize_t object_link_text(struct mount *m, const char *name, char *buf, size_t n)
{
	struct object_at at = { m, NULL, name };

	return m->flags & BE_NO_LINKS ? -EINVAL : link_text(&at, buf, n);
}

int object_name_trim(char *name)
{
	size_t n = strlen(name), was = n;

	while (n && (name[n - 1] == '/' || (n > 1 && name[n - 1] == '.' && name[n - 2] == '/')))
		n--;
	name[n] = 0;
	return n != was;
}

int object_name_of(const struct place *p, char *name, enum object_name kind)
{
	struct statx st;
	int r;

	if (strlen(p->name) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(name, p->name);
	if (!object_name_trim(name) || !*name || kind == OBJECT_NEWDIR)
		return 0;
	if (kind == OBJECT_CREATE)
		return -EISDIR;
	r = object_name_stat(p->mount, name, &st);
	if (r < 0)
		return r;
	if (kind == OBJECT_NEW)
		return -EEXIST;
	return S_ISDIR(st.stx_mode) ? 0 : -ENOTDIR;
}

int object_at_of(const struct place *p, int flags, struct object_at *at, char *name)
{
	*at = (struct object_at){ p->mount, p->file, name };
	if (p->file)
		return p->magic || (flags & AT_EMPTY_PATH) ? 0 : -ENOENT;
	return object_name_of(p, name, OBJECT_ANY);
}

/* The flags that the kernel knows, and expr if `flags` has no other. */
#define AT_FLAGS (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)
#define STAT_FLAGS (AT_FLAGS | AT_NO_AUTOMOUNT)
#define STATX_FLAGS (STAT_FLAGS | AT_STATX_SYNC_TYPE)
#define CHECKED(flags, known, expr) ((flags) & ~(known) ? -EINVAL : (expr))

#define ROW(name, params, flags, expr)                                        \
	ssize_t object_##name(const struct place *p, OBJECT_PARAMS params)    \
	{                                                                     \
		return ABOUT(p, flags, expr);                                 \
	}

ROW(stat, (const char *path, struct stat *st), 0, at_stat(at, st))
ROW(lstat, (const char *path, struct stat *st), 0, at_stat(at, st))
ROW(fstatat, (int dirfd, const char *path, struct stat *st, int flags), flags, CHECKED(flags, STAT_FLAGS, at_stat(at, st)))
ROW(statx, (int dirfd, const char *path, int flags, unsigned mask, struct statx *st), flags, CHECKED(flags, STATX_FLAGS, (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	(mask & STATX__RESERVED) ? -EINVAL : at_statx(at, st)))
ROW(__xstat, (int ver, const char *path, struct stat *st), 0, at_stat(at, st))
ROW(__lxstat, (int ver, const char *path, struct stat *st), 0, at_stat(at, st))
ROW(__fxstatat, (int ver, int dirfd, const char *path, struct stat *st, int flags), flags, CHECKED(flags, STAT_FLAGS, at_stat(at, st)))
ROW(statfs, (const char *path, struct statfs *st), 0, at_statfs(at, st))
ROW(statvfs, (const char *path, struct statvfs *st), 0, at_statvfs(at, st))
ROW(pathconf, (const char *path, int name), 0, at_pathconf(at, name))
ROW(access, (const char *path, int mode), 0, at_access(at, mode, 0))
/* libc looks at no other bits here */
ROW(eaccess, (const char *path, int mode), 0, at_access(at, mode & 7, AT_EACCESS))
ROW(euidaccess, (const char *path, int mode), 0, at_access(at, mode & 7, AT_EACCESS))
ROW(faccessat, (int dirfd, const char *path, int mode, int flags), flags, CHECKED(flags, AT_FLAGS | AT_EACCESS, at_access(at, mode, flags)))
ROW(chmod, (const char *path, mode_t mode), 0, at_chmod(at, mode))
ROW(chown, (const char *path, uid_t uid, gid_t gid), 0, at_chown(at, uid, gid))
ROW(lchown, (const char *path, uid_t uid, gid_t gid), 0, at_chown(at, uid, gid))
ROW(fchownat, (int dirfd, const char *path, uid_t uid, gid_t gid, int flags), flags, CHECKED(flags, AT_FLAGS, at_chown(at, uid, gid)))
ROW(utimes, (const char *path, const struct timeval tv[2]), 0, at_utimes(at, tv))
ROW(lutimes, (const char *path, const struct timeval tv[2]), 0, at_utimes(at, tv))
ROW(futimesat, (int dirfd, const char *path, const struct timeval tv[2]), 0, at_utimes(at, tv))
ROW(utimensat, (int dirfd, const char *path, const struct timespec ts[2], int flags), flags, CHECKED(flags, AT_FLAGS, at_utimens(at, ts)))
ROW(getxattr, (const char *path, const char *key, void *val, size_t n), 0, at_getxattr(at, key, val, n))
ROW(lgetxattr, (const char *path, const char *key, void *val, size_t n), 0, at_getxattr(at, key, val, n))
ROW(setxattr, (const char *path, const char *key, const void *val, size_t n, int flags), 0, at_setxattr(at, key, val, n, flags))
ROW(lsetxattr, (const char *path, const char *key, const void *val, size_t n, int flags), 0, at_setxattr(at, key, val, n, flags))
ROW(listxattr, (const char *path, char *list, size_t n), 0, at_listxattr(at, list, n))
ROW(llistxattr, (const char *path, char *list, size_t n), 0, at_listxattr(at, list, n))
ROW(removexattr, (const char *path, const char *key), 0, at_removexattr(at, key))
ROW(lremovexattr, (const char *path, const char *key), 0, at_removexattr(at, key))

/* A link's own mode cannot be set. */
static ssize_t chmod_no_link(const struct object_at *at, mode_t mode)
{
	struct statx st;
	int r = at_look(at, &st);

	return r < 0 ? r : S_ISLNK(st.stx_mode) ? -EOPNOTSUPP : at_chmod(at, mode);
}

ROW(lchmod, (const char *path, mode_t mode), 0, chmod_no_link(at, mode))
ROW(fchmodat, (int dirfd, const char *path, mode_t mode, int flags), flags, CHECKED(flags, AT_SYMLINK_NOFOLLOW, chmod_no_link(at, mode)))

ssize_t object_utime(const struct place *p, const char *path, const struct utimbuf *t)
{
	struct timespec ts[2];

	if (!t)
		return ABOUT(p, 0, at_utimens(at, NULL));
	ts[0] = (struct timespec){ t->actime, 0 };
	ts[1] = (struct timespec){ t->modtime, 0 };
	return ABOUT(p, 0, at_utimens(at, ts));
}

/* The kernel has nothing to watch. */
ssize_t object_inotify_add_watch(const struct place *p, int wd, const char *path, uint32_t mask)
{
	struct stat st;
	ssize_t r = ABOUT(p, 0, at_stat(at, &st));

	return r < 0 ? r : -ENOSYS;
}

static int change_directory(const struct object_at *at)
{
	const char *name = at->f ? at->f->ofd->name : at->name;
	struct statx st;
	int r = at_look(at, &st);

	if (r == 0)
		r = S_ISDIR(st.stx_mode) ? at_access(at, X_OK, AT_EACCESS) : -ENOTDIR;
	return r < 0 ? r : cwd_enter(at->m, name);
}

ssize_t object_chdir(const struct place *p, const char *path)
{
	return ABOUT(p, 0, change_directory(at));
}

static ssize_t change_to_open(struct file *f)
{
	struct object_at at = { f->mount, f, NULL };

	if (f->ofd->mode != S_IFDIR)
		return -ENOTDIR;
	return f->ofd->gone ? -ENOENT : change_directory(&at);
}

ssize_t object_fchdir(struct file *f, int fd)
{
	return PINNED(f, fd, change_to_open(f));
}

ssize_t object_readlink(const struct place *p, char *buf, size_t n)
{
	char text[PATH_MAX];
	ssize_t len;

	if (p->file && p->file->ofd->mode != S_IFLNK)
		return p->magic ? -EINVAL : -ENOENT;
	len = ABOUT(p, AT_EMPTY_PATH, link_text(at, text, sizeof(text)));
	if (len < 0)
		return len;
	if (!n)
		return -EINVAL;
	if ((size_t)len > n)
		len = (ssize_t)n;
	return at_give(buf, text, (size_t)len) < 0 ? -EFAULT : len;
}

static int set_size(const struct object_at *at, off_t len)
{
	struct statx st;
	struct image_of of;
	int r = at_look(at, &st);

	if (r < 0)
		return r;
	if (S_ISDIR(st.stx_mode))
		return -EISDIR;
	if (!at->m->be->object->truncate)
		return -EROFS;
	of = (struct image_of){ at->m->be->name, at->m->rule->target,
				makedev(st.stx_dev_major, st.stx_dev_minor), st.stx_ino };
	return (int)IMAGE_TOLD(of, at->f, at->m->be->object->truncate(at, len), image_resize(im_, len));
}

int object_truncate(const struct place *p, off_t len)
{
	return len < 0 ? -EINVAL : (int)ABOUT(p, 0, set_size(at, len));
}
