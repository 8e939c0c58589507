/* SPDX-License-Identifier: MIT */
/*
 * What a name without a kernel file cannot be used for: the calls that hand one
 * to the kernel to keep. A missing name is said to be missing.
 */
#include <errno.h>

#include "object.h"
#include "object_name.h"

/* The name's own error, or this one if it is there. */
static ssize_t refuse(const struct place *p, int error)
{
	ssize_t r = object_access(p, p->path, F_OK);

	return r < 0 ? r : error;
}

#pragma GCC diagnostic ignored "-Wunused-parameter"

ssize_t object_name_to_handle_at(const struct place *p, int dirfd, const char *path,
				 struct file_handle *handle, int *mount_id, int flags)
{
	return refuse(p, -EOPNOTSUPP);
}

ssize_t object_fanotify_mark(const struct place *p, int fan, unsigned flags, uint64_t mask,
			     int dirfd, const char *path)
{
	return refuse(p, -ENODEV);      /* as of a file system that cannot be watched */
}

ssize_t object_acct(const struct place *p, const char *path)
{
	return refuse(p, -EACCES);
}

ssize_t object_swapon(const struct place *p, const char *path, int flags)
{
	return refuse(p, -EINVAL);
}

ssize_t object_swapoff(const struct place *p, const char *path)
{
	return refuse(p, -EINVAL);
}

ssize_t object_chroot(const struct place *p, const char *path)
{
	return refuse(p, -EPERM);
}

ssize_t object_mount(const struct place *p, const char *source, const char *path, const char *type,
		     unsigned long flags, const void *data)
{
	return refuse(p, -EPERM);
}

ssize_t object_umount(const struct place *p, const char *path)
{
	return refuse(p, -EINVAL);      /* nothing is mounted there */
}

ssize_t object_umount2(const struct place *p, const char *path, int flags)
{
	return refuse(p, -EINVAL);
}

ssize_t object___xmknod(const struct place *p, int ver, const char *path, mode_t mode, dev_t *dev)
{
	return ver == 0 ? object_mknod(p, path, mode, *dev) : -EINVAL;
}

ssize_t object___xmknodat(const struct place *p, int ver, int dirfd, const char *path, mode_t mode,
			  dev_t *dev)
{
	return object___xmknod(p, ver, path, mode, dev);
}

int object_bind(const struct place *p)
{
	ssize_t r = object_mknod(p, p->path, S_IFSOCK | 0777, 0);

	return r == -EEXIST ? -EADDRINUSE : r < 0 ? (int)r : -EPERM;
}

int object_connect(const struct place *p)
{
	return (int)refuse(p, -ECONNREFUSED);
}
