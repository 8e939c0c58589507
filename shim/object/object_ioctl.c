/* SPDX-License-Identifier: MIT */
/*
 * ioctl, and the calls that want a socket, on files without a kernel file: what
 * a regular file or a directory says, not what the placeholder would.
 */
#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "object.h"
#include "object_ioctl.h"
#include "object_pin.h"
#include "base/real.h"
#include "base/user.h"

/* the functions here take what their doors have */
#pragma GCC diagnostic ignored "-Wunused-parameter"

static int put_int(void *to, off_t value)
{
	int v = (int)value;

	return user_put(to, &v, sizeof(v));
}

/* What is told of the file, by FIONREAD and its like. */
static ssize_t tell(struct file *f, unsigned long request, void *arg)
{
	struct object_at at = { f->mount, f, NULL };
	struct statx st;
	off_t size;
	int r = f->mount->be->object->stat(&at, &st);

	if (r < 0)
		return r;
	switch (request) {
	case FIONREAD:
		return put_int(arg, (off_t)st.stx_size - f->ofd->pos);
	case FIGETBSZ:
		return put_int(arg, st.stx_blksize);
	}
	size = (off_t)st.stx_blocks * 512;
	return user_put(arg, &size, sizeof(size));
}

static ssize_t nonblocking(struct file *f, const int *arg)
{
	int on = 0;

	if (user_get(&on, arg, sizeof(on)) < 0)
		return -EFAULT;
	if (on)
		f->ofd->flags |= O_NONBLOCK;
	else
		f->ofd->flags &= ~O_NONBLOCK;
	return 0;
}

static ssize_t asynchronous(const int *arg)
{
	int on = 0;

	if (user_get(&on, arg, sizeof(on)) < 0)
		return -EFAULT;
	return on ? -ENOTTY : 0;
}

/* A file to be a copy of `from`: not here. */
static ssize_t clone_of(struct file *f, int from)
{
	const struct file *g = object_of(from);

	if (!g)
		return REAL(fcntl)(from, F_GETFD) < 0 ? -EBADF : -EXDEV;
	return g->mount == f->mount ? -EOPNOTSUPP : -EXDEV;
}

static ssize_t clone_range(struct file *f, const void *arg)
{
	struct file_clone_range range = { 0 };

	return user_get(&range, arg, sizeof(range)) < 0 ? -EFAULT : clone_of(f, (int)range.src_fd);
}

static ssize_t control(struct file *f, int fd, unsigned long request, void *arg)
{
	int regular = f->ofd->mode == S_IFREG;

	if (f->ofd->flags & O_PATH)
		return -EBADF;
	switch (request) {
	case FIOCLEX:
	case FIONCLEX:
		return REAL(ioctl)(fd, request) < 0 ? -errno : 0;
	case FIONBIO:
		return nonblocking(f, arg);
	case FIOASYNC:
		return asynchronous(arg);
	case FIONREAD:
		return regular ? tell(f, request, arg) : -ENOTTY;
	case FIGETBSZ:
	case FIOQSIZE:
		return tell(f, request, arg);
	case FICLONE:
		return clone_of(f, (int)(intptr_t)arg);
	case FICLONERANGE:
		return clone_range(f, arg);
	case FIBMAP:
		return regular ? -EINVAL : -ENOTTY;
	}
	return -ENOTTY;
}

ssize_t object_ioctl(struct file *f, int fd, unsigned long request, void *arg)
{
	return PINNED(f, fd, control(f, fd, request, arg));
}

/* ---- what is for others ---- */

ssize_t object_epoll_ctl(struct file *f, int epfd, int op, int fd, struct epoll_event *ev)
{
	return REAL(fcntl)(epfd, F_GETFD) < 0 || (f->ofd->flags & O_PATH) ? -EBADF : -EPERM;
}

static ssize_t no_socket(const struct file *f)
{
	return f->ofd->flags & O_PATH ? -EBADF : -ENOTSOCK;
}

ssize_t object_listen(struct file *f, int fd, int backlog)
{
	return no_socket(f);
}

ssize_t object_shutdown(struct file *f, int fd, int how)
{
	return no_socket(f);
}

ssize_t object_getsockopt(struct file *f, int fd, int level, int name, void *value, socklen_t *len)
{
	return no_socket(f);
}

ssize_t object_setsockopt(struct file *f, int fd, int level, int name, const void *value, socklen_t len)
{
	return no_socket(f);
}

ssize_t object_send(struct file *f, int fd, const void *buf, size_t n, int flags)
{
	return no_socket(f);
}

ssize_t object_recv(struct file *f, int fd, void *buf, size_t n, int flags)
{
	return no_socket(f);
}
