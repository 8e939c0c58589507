/* SPDX-License-Identifier: MIT */
/* Attributes of files without a kernel file; see object_at.h. */
#include "object_at.h"

#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "files/guard.h"
#include "files/place.h"
#include "object_number.h"
#include "base/real.h"

#define OPS(at) ((at)->m->be->object)

int at_give(void *to, const void *from, size_t n)
{
	int r = guard_arm() < 0 ? -EAGAIN : guard_copy(to, from, n);

	if (r == -EAGAIN) {
		memcpy(to, from, n);
		r = 0;
	}
	return r;
}

void statx_to_stat(const struct statx *x, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_dev = makedev(x->stx_dev_major, x->stx_dev_minor);
	st->st_rdev = makedev(x->stx_rdev_major, x->stx_rdev_minor);
	st->st_ino = x->stx_ino;
	st->st_mode = x->stx_mode;
	st->st_nlink = x->stx_nlink;
	st->st_uid = x->stx_uid;
	st->st_gid = x->stx_gid;
	st->st_size = (off_t)x->stx_size;
	st->st_blksize = x->stx_blksize;
	st->st_blocks = (blkcnt_t)x->stx_blocks;
	st->st_atim = (struct timespec){ x->stx_atime.tv_sec, x->stx_atime.tv_nsec };
	st->st_mtim = (struct timespec){ x->stx_mtime.tv_sec, x->stx_mtime.tv_nsec };
	st->st_ctim = (struct timespec){ x->stx_ctime.tv_sec, x->stx_ctime.tv_nsec };
}

int at_look(const struct object_at *at, struct statx *st)
{
	memset(st, 0, sizeof(*st));
	return OPS(at)->stat(at, st);
}

/* What the program is told. */
static int told(const struct object_at *at, struct statx *st)
{
	int r = at_look(at, st);

	st->stx_ino = number_told(at, st->stx_ino);
	return r;
}

int at_statx(const struct object_at *at, struct statx *out)
{
	struct statx st;
	int r = told(at, &st);

	return r < 0 ? r : at_give(out, &st, sizeof(st));
}

int at_stat(const struct object_at *at, struct stat *out)
{
	struct statx x;
	struct stat st;
	int r = told(at, &x);

	if (r < 0)
		return r;
	statx_to_stat(&x, &st);
	return at_give(out, &st, sizeof(st));
}

static int exists(const struct object_at *at)
{
	struct statx st;

	return OPS(at)->stat(at, &st);
}

static int get_statfs(const struct object_at *at, struct statfs *st)
{
	int r = exists(at);

	memset(st, 0, sizeof(*st));
	st->f_bsize = st->f_frsize = 4096;
	st->f_namelen = NAME_MAX;
	return r < 0 || !OPS(at)->statfs ? r : OPS(at)->statfs(at->m, st);
}

int at_statfs(const struct object_at *at, struct statfs *out)
{
	struct statfs st;
	int r = get_statfs(at, &st);

	return r < 0 ? r : at_give(out, &st, sizeof(st));
}

int at_statvfs(const struct object_at *at, struct statvfs *out)
{
	struct statvfs v = { 0 };
	struct statfs st;
	int r = get_statfs(at, &st);

	v.f_bsize = (unsigned long)st.f_bsize;
	v.f_frsize = (unsigned long)st.f_frsize;
	v.f_blocks = st.f_blocks;
	v.f_bfree = st.f_bfree;
	v.f_bavail = st.f_bavail;
	v.f_files = st.f_files;
	v.f_ffree = v.f_favail = st.f_ffree;
	memcpy(&v.f_fsid, &st.f_fsid, sizeof(st.f_fsid));
	v.f_flag = (unsigned long)st.f_flags & ~0x20ul;     /* ST_VALID is the kernel's own */
	v.f_namemax = (unsigned long)st.f_namelen;
	return r < 0 ? r : at_give(out, &v, sizeof(v));
}

static int set_attr(const struct object_at *at, const struct object_attr *set)
{
	int r;

	if (OPS(at)->setattr)
		return OPS(at)->setattr(at, set);
	r = exists(at);
	return r < 0 ? r : -EPERM;
}

int at_chmod(const struct object_at *at, mode_t mode)
{
	struct object_attr set = { .set = OBJECT_MODE, .mode = mode & 07777 };

	return set_attr(at, &set);
}

int at_chown(const struct object_at *at, uid_t uid, gid_t gid)
{
	struct object_attr set = { .set = OBJECT_OWNER, .uid = uid, .gid = gid };

	return set_attr(at, &set);
}

static int valid_ns(const struct timespec *ts)
{
	return ts->tv_nsec == UTIME_NOW || ts->tv_nsec == UTIME_OMIT ||
	       (ts->tv_nsec >= 0 && ts->tv_nsec < 1000000000);
}

int at_utimens(const struct object_at *at, const struct timespec ts[2])
{
	struct object_attr set = { .set = OBJECT_TIMES,
		.times = { { 0, UTIME_NOW }, { 0, UTIME_NOW } } };

	if (ts && at_give(set.times, ts, sizeof(set.times)) < 0)
		return -EFAULT;
	if (!valid_ns(&set.times[0]) || !valid_ns(&set.times[1]))
		return exists(at) ?: -EINVAL;
	return set_attr(at, &set);
}

int at_utimes(const struct object_at *at, const struct timeval tv[2])
{
	struct timeval in[2];
	struct timespec ts[2];

	if (!tv)
		return at_utimens(at, NULL);
	if (at_give(in, tv, sizeof(in)) < 0)
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (in[i].tv_usec < 0 || in[i].tv_usec >= 1000000)
			return -EINVAL;
		ts[i] = (struct timespec){ in[i].tv_sec, in[i].tv_usec * 1000 };
	}
	return at_utimens(at, ts);
}

long at_pathconf(const struct object_at *at, int name)
{
	int r = exists(at);

	if (r < 0)
		return r;
	switch (name) {
	case _PC_LINK_MAX: return OPS(at)->link ? 127 : 1;
	case _PC_NAME_MAX: return NAME_MAX;
	case _PC_PATH_MAX: return PATH_MAX;
	case _PC_PIPE_BUF: return PIPE_BUF;
	case _PC_NO_TRUNC:
	case _PC_CHOWN_RESTRICTED: return 1;
	case _PC_FILESIZEBITS: return 64;
	case _PC_REC_XFER_ALIGN:
	case _PC_REC_MIN_XFER_SIZE:
	case _PC_ALLOC_SIZE_MIN: return 4096;
	default: return -EINVAL;
	}
}

/* A copy of the program's key of an attribute of what exists. */
static int key_of(const struct object_at *at, const char *key, char copy[XATTR_NAME_MAX + 1])
{
	int r = exists(at);
	ssize_t n = r < 0 ? r : place_copy_path(copy, XATTR_NAME_MAX + 1, key);

	return n == -ENAMETOOLONG || n == 0 ? -ERANGE : n < 0 ? (int)n : 0;
}

ssize_t at_getxattr(const struct object_at *at, const char *key, void *value, size_t n)
{
	char copy[XATTR_NAME_MAX + 1];
	int r = key_of(at, key, copy);

	return r < 0 ? r : OPS(at)->getxattr ? OPS(at)->getxattr(at, copy, value, n) : -EOPNOTSUPP;
}

ssize_t at_listxattr(const struct object_at *at, char *list, size_t n)
{
	int r = exists(at);

	return r < 0 ? r : OPS(at)->listxattr ? OPS(at)->listxattr(at, list, n) : 0;
}

int at_setxattr(const struct object_at *at, const char *key, const void *value, size_t n, int flags)
{
	char copy[XATTR_NAME_MAX + 1];
	int r = key_of(at, key, copy);

	return r < 0 ? r : OPS(at)->setxattr ? OPS(at)->setxattr(at, copy, value, n, flags) : -EOPNOTSUPP;
}

int at_removexattr(const struct object_at *at, const char *key)
{
	return at_setxattr(at, key, NULL, 0, 0);
}

static int in_group(gid_t gid)
{
	gid_t list[256];
	int n = getgroups(256, list);

	for (int i = 0; i < n; i++)
		if (list[i] == gid)
			return 1;
	return gid == getegid();
}

/* access(2) by the mode bits, for back ends that have no better. */
static int by_mode(const struct statx *st, int mode, int flags)
{
	uid_t uid = flags & AT_EACCESS ? geteuid() : getuid();
	unsigned bits = st->stx_mode;

	if (uid == 0)
		return (mode & X_OK) && !(bits & 0111) && !S_ISDIR(bits) ? -EACCES : 0;
	if (uid == st->stx_uid)
		bits >>= 6;
	else if (in_group(st->stx_gid))
		bits >>= 3;
	return ((unsigned)mode & bits & 7) == (unsigned)mode ? 0 : -EACCES;
}

int at_access(const struct object_at *at, int mode, int flags)
{
	struct statx st;
	int r;

	if (mode & ~7)
		return -EINVAL;
	if (OPS(at)->access)
		return OPS(at)->access(at, mode, flags);
	r = OPS(at)->stat(at, &st);
	return r < 0 || !mode ? r : by_mode(&st, mode, flags);
}
