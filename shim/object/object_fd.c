/* SPDX-License-Identifier: MIT */
/* The rows on a descriptor that are about attributes; see object.h. */
#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include "files/fdtab.h"
#include "object.h"
#include "object_at.h"
#include "object_lock.h"
#include "object_pin.h"
#include "base/real.h"

/* the functions here take what their doors have */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define KERNEL_O_LARGEFILE 0100000     /* libc's is 0 where every file is large */

/* expr about the open file `at`; -EBADF on one opened with O_PATH unless that may. */
#define ABOUT(f, fd, path_ok, expr) ({                                        \
	struct object_at at_ = { (f)->mount, f, NULL }, *at = &at_;           \
	PINNED(f, fd, !(path_ok) && ((f)->ofd->flags & O_PATH) ? -EBADF : (ssize_t)(expr)); })

ssize_t object_fstat(struct file *f, int fd, struct stat *st)
{
	return ABOUT(f, fd, 1, at_stat(at, st));
}

ssize_t object___fxstat(struct file *f, int ver, int fd, struct stat *st)
{
	return ver == 0 || ver == 1 ? object_fstat(f, fd, st) : -EINVAL;
}

ssize_t object_fstatfs(struct file *f, int fd, struct statfs *st)
{
	return ABOUT(f, fd, 1, at_statfs(at, st));
}

ssize_t object_fstatvfs(struct file *f, int fd, struct statvfs *st)
{
	return ABOUT(f, fd, 1, at_statvfs(at, st));
}

ssize_t object_fchmod(struct file *f, int fd, mode_t mode)
{
	return ABOUT(f, fd, 0, at_chmod(at, mode));
}

ssize_t object_fchown(struct file *f, int fd, uid_t uid, gid_t gid)
{
	return ABOUT(f, fd, 0, at_chown(at, uid, gid));
}

ssize_t object_futimens(struct file *f, int fd, const struct timespec ts[2])
{
	struct timespec in[2];

	if (ts && at_give(in, ts, sizeof(in)) < 0)      /* the kernel reads them first */
		return -EFAULT;
	return ABOUT(f, fd, 0, at_utimens(at, ts ? in : NULL));
}

ssize_t object_futimes(struct file *f, int fd, const struct timeval tv[2])
{
	return ABOUT(f, fd, 0, at_utimes(at, tv));
}

ssize_t object_fpathconf(struct file *f, int fd, int name)
{
	return ABOUT(f, fd, 1, at_pathconf(at, name));
}

ssize_t object_fgetxattr(struct file *f, int fd, const char *key, void *value, size_t n)
{
	return ABOUT(f, fd, 0, at_getxattr(at, key, value, n));
}

ssize_t object_fsetxattr(struct file *f, int fd, const char *key, const void *value, size_t n, int flags)
{
	return ABOUT(f, fd, 0, at_setxattr(at, key, value, n, flags));
}

ssize_t object_flistxattr(struct file *f, int fd, char *list, size_t n)
{
	return ABOUT(f, fd, 0, at_listxattr(at, list, n));
}

ssize_t object_fremovexattr(struct file *f, int fd, const char *key)
{
	return ABOUT(f, fd, 0, at_removexattr(at, key));
}

/* Whether the thread may do to the file what its owner may. */
static int owns(struct file *f)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	struct object_at at = { f->mount, f, NULL };
	struct stat st;

	if (at_stat(&at, &st) < 0 || st.st_uid == geteuid())
		return 1;
	return REAL(syscall)(SYS_capget, &head, data) == 0 && data[0].effective & (1u << CAP_FOWNER);
}

static ssize_t set_flags(struct file *f, int flags)
{
	const int may = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;

	if (flags & ~f->ofd->flags & O_NOATIME && !owns(f))
		return -EPERM;
	f->ofd->flags = (f->ofd->flags & ~may) | (flags & may);
	return 0;
}

static ssize_t control(struct file *f, int fd, int cmd, void *arg)
{
	int path = f->ofd->flags & O_PATH, r;

	switch (cmd) {
	case F_GETFL:
		return f->ofd->flags | (path ? 0 : KERNEL_O_LARGEFILE);
	case F_GETFD:
	case F_SETFD:
		break;
	default:
		if (path)
			return -EBADF;
	}
	switch (cmd) {
	case F_SETFL:
		return set_flags(f, (int)(intptr_t)arg);
	case F_GETLEASE:
		return F_UNLCK;
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return -EBADF;
	case F_NOTIFY:
		return f->ofd->mode == S_IFDIR ? -EINVAL : -ENOTDIR;
	case F_GETFD:
	case F_SETFD:
	case F_SETOWN:
	case F_GETOWN_EX:
	case F_SETOWN_EX:
	case F_GETSIG:
	case F_SETSIG:
	case F_GET_RW_HINT:
	case F_SET_RW_HINT:      /* the placeholder keeps them as the file would */
		r = REAL(fcntl)(fd, cmd, arg);
		return r < 0 ? -errno : r;
	}
	return -EINVAL;
}

ssize_t object_fcntl(struct file *f, int fd, int cmd, void *arg)
{
	if (object_is_lock(cmd))
		return object_lock(f, fd, cmd, arg);
	return PINNED(f, fd, control(f, fd, cmd, arg));
}
