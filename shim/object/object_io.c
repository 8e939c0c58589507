/* SPDX-License-Identifier: MIT */
/* Transfers and position of files without a kernel file; see object.h. */
#include <errno.h>
#include <string.h>

#include "files/fdtab.h"
#include "object.h"
#include "object_at.h"
#include "object_at.h"
#include "object_end.h"
#include "object_map.h"
#include "object_pin.h"
#include "ofd.h"
#include "base/pool.h"
#include "base/real.h"

/* the functions here take what their doors have */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define VECTOR_MAX 1024      /* UIO_MAXIOV */
#define SIZE_MOST 17592186040320    /* bytes; ext4's, with blocks of 4 KiB, and above S3's 5 TiB */
#define MOVE_MOST 0x7ffff000ul
#define HERE (-1)            /* an offset: at the position */
#define RWF_KNOWN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND)

struct vector {
	struct iovec v[VECTOR_MAX];
};

static struct pool vectors = POOL_INIT(struct vector, 4);

enum way { IN, OUT };

/* A copy of the program's vector: 0, or -errno. */
static int copy_vector(struct iovec *to, const struct iovec *from, int cnt)
{
	size_t n = (size_t)cnt * sizeof(*from);

	if (cnt < 0 || cnt > VECTOR_MAX)
		return -EINVAL;
	if (at_give(to, from, n) < 0)
		return -EFAULT;
	for (int i = 0; i < cnt; i++)
		if ((ssize_t)to[i].iov_len < 0)
			return -EINVAL;
	return 0;
}

static int may(const struct file *f, enum way way)
{
	if (!(way == IN ? ofd_reads(f->ofd) : ofd_writes(f->ofd)))
		return -EBADF;
	return f->ofd->mode == S_IFDIR ? -EISDIR : 0;
}

static ssize_t transmit(struct file *f, enum way way, const struct iovec *iov, int cnt, off_t *off, int rwf)
{
	const struct object_ops *ops = f->mount->be->object;
	off_t want = *off;

	if (way == IN)
		return ops->preadv ? ops->preadv(f, iov, cnt, *off) : -EINVAL;
	if (!ops->pwritev)
		return -EROFS;
	object_written(f);
	if ((f->ofd->flags & O_APPEND) || (rwf & RWF_APPEND))
		*off = -1;
	else if (want < 0)
		return -EINVAL;
	if (f->ofd->flags & O_DSYNC)
		rwf |= (f->ofd->flags & O_SYNC) == O_SYNC ? RWF_SYNC : RWF_DSYNC;
	return ops->pwritev(f, iov, cnt, off, rwf & (RWF_SYNC | RWF_DSYNC));
}

/* Where the file is mapped: under the lock of its image, which then hears of it. */
static ssize_t move(struct file *f, enum way way, const struct iovec *iov, int cnt, off_t *off, int rwf)
{
	struct image im;
	ssize_t r = image_enter(&im, image_of_file(f), 0);
	int late;

	if (r < 0)
		return r;
	r = transmit(f, way, iov, cnt, off, rwf);
	late = !im.head && r > 0 && way == OUT && image_enter(&im, image_of_file(f), 0) == 0;
	if (__builtin_expect(im.head != NULL, 0)) {
		if (r > 0 && way == IN)
			image_read(&im, f, iov, cnt, *off, (size_t)r);
		else if (r > 0)
			image_wrote(&im, iov, cnt, *off, (size_t)r);
		if (late)
			image_doubt(&im, f);
		image_leave(&im);
	}
	return r;
}

static ssize_t move_here(struct file *f, enum way way, const struct iovec *iov, int cnt, int rwf)
{
	int locked = ofd_lock(f->ofd);
	off_t off = f->ofd->pos;
	ssize_t r = move(f, way, iov, cnt, &off, rwf);

	if (r > 0 || (r == 0 && way == OUT))
		f->ofd->pos = off + r;
	ofd_unlock(f->ofd, locked);
	return r;
}

/* Whether the bytes end where no offset can be; one call moves no more than the kernel's MAX_RW_COUNT. */
static int passes_end(const struct iovec *iov, int cnt, off_t off)
{
	size_t total = 0;

	for (int i = 0; i < cnt && total < MOVE_MOST; i++)
		total += iov[i].iov_len < MOVE_MOST ? iov[i].iov_len : MOVE_MOST;
	return off > INT64_MAX - (off_t)(total < MOVE_MOST ? total : MOVE_MOST);
}

/* `iov` is ours. */
static ssize_t transfer(struct file *f, enum way way, const struct iovec *iov, int cnt, off_t off, int rwf)
{
	int r = may(f, way);

	if (r < 0)
		return r;
	if (off != HERE && passes_end(iov, cnt, off))
		return -EINVAL;
	if (rwf & ~RWF_KNOWN)
		return -EOPNOTSUPP;
	return off == HERE ? move_here(f, way, iov, cnt, rwf) : move(f, way, iov, cnt, &off, rwf);
}

static ssize_t one(struct file *f, int fd, enum way way, const void *buf, size_t n, off_t off)
{
	struct iovec iov = { (void *)buf, n };

	if ((ssize_t)n < 0)
		return -EFAULT;
	return PINNED(f, fd, transfer(f, way, &iov, 1, off, 0));
}

static int is_empty(const struct iovec *iov, int cnt)
{
	for (int i = 0; i < cnt; i++)
		if (iov[i].iov_len)
			return 0;
	return 1;
}

/* The kernel looks at the descriptor first, then at the vector, and then whether there is anything to do. */
static ssize_t copied(struct file *f, enum way way, const struct iovec *iov, int cnt, off_t off, int rwf)
{
	struct vector *copy;
	ssize_t r = may(f, way);

	if (r == -EBADF)
		return r;
	copy = pool_get(&vectors);
	if (!copy)
		return -ENOMEM;
	r = copy_vector(copy->v, iov, cnt);
	if (r == 0 && !is_empty(copy->v, cnt))
		r = transfer(f, way, copy->v, cnt, off, rwf);
	pool_put(&vectors, copy);
	return r;
}

static ssize_t many(struct file *f, int fd, enum way way, const struct iovec *iov, int cnt, off_t off, int rwf)
{
	return PINNED(f, fd, copied(f, way, iov, cnt, off, rwf));
}

ssize_t object_read(struct file *f, int fd, void *buf, size_t n)
{
	return one(f, fd, IN, buf, n, HERE);
}

ssize_t object_write(struct file *f, int fd, const void *buf, size_t n)
{
	return one(f, fd, OUT, buf, n, HERE);
}

ssize_t object_pread(struct file *f, int fd, void *buf, size_t n, off_t off)
{
	return off < 0 ? -EINVAL : one(f, fd, IN, buf, n, off);
}

ssize_t object_pwrite(struct file *f, int fd, const void *buf, size_t n, off_t off)
{
	return off < 0 ? -EINVAL : one(f, fd, OUT, buf, n, off);
}

ssize_t object_readv(struct file *f, int fd, const struct iovec *iov, int cnt)
{
	return many(f, fd, IN, iov, cnt, HERE, 0);
}

ssize_t object_writev(struct file *f, int fd, const struct iovec *iov, int cnt)
{
	return many(f, fd, OUT, iov, cnt, HERE, 0);
}

ssize_t object_preadv(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off)
{
	return off < 0 ? -EINVAL : many(f, fd, IN, iov, cnt, off, 0);
}

ssize_t object_pwritev(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off)
{
	return off < 0 ? -EINVAL : many(f, fd, OUT, iov, cnt, off, 0);
}

ssize_t object_preadv2(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off, int rwf)
{
	return off < -1 ? -EINVAL : many(f, fd, IN, iov, cnt, off, rwf);
}

ssize_t object_pwritev2(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off, int rwf)
{
	return off < -1 ? -EINVAL : many(f, fd, OUT, iov, cnt, off, rwf);
}

static off_t seek_hole(struct file *f, off_t off, int whence)
{
	off_t size;

	if (f->mount->be->object->seek)
		return f->mount->be->object->seek(f, off, whence);
	size = object_size(f);
	if (size < 0)
		return size;
	return off < 0 || off >= size ? -ENXIO : whence == SEEK_DATA ? off : size;
}

static off_t target_of(struct file *f, off_t off, int whence)
{
	off_t base = 0;

	switch (whence) {
	case SEEK_SET: break;
	case SEEK_CUR: base = f->ofd->pos; break;
	case SEEK_END: base = object_size(f); break;
	case SEEK_DATA:
	case SEEK_HOLE: return seek_hole(f, off, whence);
	default: return -EINVAL;
	}
	if (base < 0)
		return base;
	if (__builtin_add_overflow(base, off, &base) || base < 0 || base > SIZE_MOST)
		return -EINVAL;
	return base;
}

static off_t seek(struct file *f, off_t off, int whence)
{
	int locked;
	off_t r;

	if (f->ofd->flags & O_PATH)
		return -EBADF;
	locked = ofd_lock(f->ofd);
	r = target_of(f, off, whence);
	if (r >= 0)
		f->ofd->pos = r;
	ofd_unlock(f->ofd, locked);
	return r;
}

ssize_t object_lseek(struct file *f, int fd, off_t off, int whence)
{
	return PINNED(f, fd, seek(f, off, whence));
}
