/* SPDX-License-Identifier: MIT */
/* Size, allocation and writing back of files without a kernel file; see object.h. */
#include <errno.h>

#include "files/fdtab.h"
#include "object.h"
#include "object_at.h"
#include "object_map.h"
#include "object_pin.h"
#include "ofd.h"

/* the functions here take what their doors have */
#pragma GCC diagnostic ignored "-Wunused-parameter"

off_t object_size(struct file *f)
{
	struct object_at at = { f->mount, f, NULL };
	struct statx st;
	int r = f->mount->be->object->stat(&at, &st);

	return r < 0 ? r : (off_t)st.stx_size;
}

static ssize_t set_size(struct file *f, off_t len)
{
	struct object_at at = { f->mount, f, NULL };
	const struct object_ops *ops = f->mount->be->object;

	if (len < 0)
		return -EINVAL;
	if (f->ofd->flags & O_PATH)
		return -EBADF;
	if (!ofd_writes(f->ofd) || f->ofd->mode == S_IFDIR)
		return -EINVAL;
	if (!ops->truncate)
		return -EROFS;
	return IMAGE_TOLD(image_of_file(f), f, ops->truncate(&at, len), image_resize(im_, len));
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
	off_t size = object_size(f);

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
	if (!ofd_writes(f->ofd))
		return -EBADF;
	if (!ops->allocate)
		return -EOPNOTSUPP;
	return IMAGE_TOLD(image_of_file(f), f, allocate_mapped(im_, f, mode, off, len),
			  allocated(im_, f, mode, off, len));
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
	size = object_size(f);
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
	off64_t end;

	return PINNED(f, fd, advise(f, off >= 0 && n >= 0 && !__builtin_add_overflow(off, n, &end) && !(flags & ~7u)));
}

ssize_t object_readahead(struct file *f, int fd, off64_t off, size_t n)
{
	return PINNED(f, fd, !ofd_reads(f->ofd) ? -EBADF : advise(f, f->ofd->mode == S_IFREG));
}

/* Returns the error itself, as libc's does. */
ssize_t object_posix_fadvise(struct file *f, int fd, off_t off, off_t len, int advice)
{
	return -PINNED(f, fd, advise(f, len >= 0 && advice >= 0 && advice <= POSIX_FADV_NOREUSE));
}
