/* SPDX-License-Identifier: MIT */
/* Transfers, position and size of files without a kernel file; see object.h. */
#include <errno.h>
#include <string.h>

#include "fdtab.h"
#include "guard.h"
#include "object.h"
#include "object_end.h"
#include "object_map.h"
#include "object_pin.h"
#include "ofd.h"
#include "pool.h"
#include "real.h"

/* the functions here take what their doors have */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define VECTOR_MAX 1024      /* UIO_MAXIOV */
#define SIZE_MOST 17592186040320    /* bytes; ext4's, with blocks of 4 KiB, and above S3's 5 TiB */
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
	if (guard_arm() < 0 || guard_copy(to, from, n) == -EAGAIN)
		memcpy(to, from, n);
	else if (guard_copy(to, from, n) < 0)
		return -EFAULT;
	for (int i = 0; i < cnt; i++)
		if ((ssize_t)to[i].iov_len < 0)
			return -EINVAL;
	return 0;
}

static int may(const struct file *f, enum way way)
{
	int flags = f->ofd->flags, access = flags & O_ACCMODE;

	if ((flags & O_PATH) || access == (way == IN ? O_WRONLY : O_RDONLY))
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

	if (r < 0)
		return r;
	r = transmit(f, way, iov, cnt, off, rwf);
	if (__builtin_expect(im.head != NULL, 0)) {
		if (r > 0 && way == IN)
			image_read(&im, iov, cnt, *off, (size_t)r);
		else if (r > 0)
			image_wrote(&im, iov, cnt, *off, (size_t)r);
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

/* Whether the bytes end where no offset can be. */
static int passes_end(const struct iovec *iov, int cnt, off_t off)
{
	for (int i = 0; i < cnt; i++)
		if (__builtin_add_overflow(off, (off_t)iov[i].iov_len, &off))
			return 1;
	return 0;
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

/* The kernel looks at the descriptor first, then at the vector. */
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
	if (r == 0)
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

/* The size, or -errno. */
static off_t size_of(struct file *f)
{
	struct object_at at = { f->mount, f, NULL };
	struct statx st;
	int r = f->mount->be->object->stat(&at, &st);

	return r < 0 ? r : (off_t)st.stx_size;
}

static off_t seek_hole(struct file *f, off_t off, int whence)
{
	off_t size;

	if (f->mount->be->object->seek)
		return f->mount->be->object->seek(f, off, whence);
	size = size_of(f);
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
	case SEEK_END: base = size_of(f); break;
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

/* The value of expr, under the lock of f's image; `told` if that is 0 and there is one, `im_`. */
#define MAPPED(f, expr, told) ({                                              \
	struct image image_, *im_ = &image_;                                  \
	ssize_t v_ = image_enter(im_, image_of_file(f), 0);                   \
	if (v_ == 0) {                                                        \
		v_ = (expr);                                                  \
		if (im_->head) {                                              \
			if (v_ == 0)                                          \
				told;                                         \
			image_leave(im_);                                     \
		}                                                             \
	}                                                                     \
	v_; })

static ssize_t set_size(struct file *f, off_t len)
{
	struct object_at at = { f->mount, f, NULL };
	const struct object_ops *ops = f->mount->be->object;

	if (len < 0)
		return -EINVAL;
	if (f->ofd->flags & O_PATH)
		return -EBADF;
	if ((f->ofd->flags & O_ACCMODE) == O_RDONLY || f->ofd->mode == S_IFDIR)
		return -EINVAL;
	return ops->truncate ? MAPPED(f, ops->truncate(&at, len), image_resize(im_, len)) : -EROFS;
}

ssize_t object_ftruncate(struct file *f, int fd, off_t len)
{
	return PINNED(f, fd, set_size(f, len));
}

/* What moves bytes about is not followed by an image. */
static int allocate_mapped(const struct image *im, struct file *f, int mode, off_t off, off_t len)
{
	if (im->head && (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)))
		return -EOPNOTSUPP;
	return f->mount->be->object->allocate(f, mode, off, len);
}

static void allocated(struct image *im, struct file *f, int mode, off_t off, off_t len)
{
	off_t size = size_of(f);

	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		image_zero(im, off, off + len);
	if (size >= 0)
		image_resize(im, size);
}

/* Modes that the kernel knows, before it looks at the file. */
static int allocation_known(int mode)
{
	const int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |
			  FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE;

	return !(mode & ~known) && (!(mode & FALLOC_FL_PUNCH_HOLE) ||
		((mode & FALLOC_FL_KEEP_SIZE) && !(mode & FALLOC_FL_ZERO_RANGE)));
}

static ssize_t allocate(struct file *f, int mode, off_t off, off_t len)
{
	const struct object_ops *ops = f->mount->be->object;

	if (f->ofd->flags & O_PATH)
		return -EBADF;
	if (off < 0 || len <= 0)
		return -EINVAL;
	if (!allocation_known(mode))
		return -EOPNOTSUPP;
	if ((f->ofd->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	return ops->allocate ? MAPPED(f, allocate_mapped(im_, f, mode, off, len), allocated(im_, f, mode, off, len)) :
			       -EOPNOTSUPP;
}

ssize_t object_fallocate(struct file *f, int fd, int mode, off_t off, off_t len)
{
	return PINNED(f, fd, allocate(f, mode, off, len));
}

/* Without the op: growing to the size is all there is to do, since there are no holes to fill. */
static ssize_t allocate_or_grow(struct file *f, off_t off, off_t len)
{
	ssize_t r = allocate(f, 0, off, len);
	off_t end, size;

	if (r != -EOPNOTSUPP)
		return r;
	if (__builtin_add_overflow(off, len, &end))
		return -EFBIG;
	size = size_of(f);
	return size < 0 ? size : end > size ? set_size(f, end) : 0;
}

/* Returns the error itself, as libc's does. */
ssize_t object_posix_fallocate(struct file *f, int fd, off_t off, off_t len)
{
	return -PINNED(f, fd, allocate_or_grow(f, off, len));
}

static ssize_t sync_file(struct file *f, int data_only)
{
	const struct object_ops *ops = f->mount->be->object;
	int r;

	if (f->ofd->flags & O_PATH)
		return -EBADF;
	r = map_sync_file(f);
	return r < 0 || !ops->sync ? r : ops->sync(f, data_only);
}

ssize_t object_fsync(struct file *f, int fd)
{
	return PINNED(f, fd, sync_file(f, 0));
}

ssize_t object_fdatasync(struct file *f, int fd)
{
	return PINNED(f, fd, sync_file(f, 1));
}

ssize_t object_syncfs(struct file *f, int fd)
{
	return PINNED(f, fd, sync_file(f, 0));
}

/* Advice is checked and not taken. */
static ssize_t advise(const struct file *f, int valid)
{
	return f->ofd->flags & O_PATH ? -EBADF : valid ? 0 : -EINVAL;
}

ssize_t object_sync_file_range(struct file *f, int fd, off64_t off, off64_t n, unsigned flags)
{
	return PINNED(f, fd, advise(f, off >= 0 && n >= 0 && off + n >= off && !(flags & ~7u)));
}

ssize_t object_readahead(struct file *f, int fd, off64_t off, size_t n)
{
	return PINNED(f, fd, may(f, IN) == -EBADF ? -EBADF : advise(f, f->ofd->mode == S_IFREG));
}

/* Returns the error itself, as libc's does. */
ssize_t object_posix_fadvise(struct file *f, int fd, off_t off, off_t len, int advice)
{
	return -PINNED(f, fd, advise(f, len >= 0 && advice >= 0 && advice <= POSIX_FADV_NOREUSE));
}
