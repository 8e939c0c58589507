/* SPDX-License-Identifier: MIT */
/* The calls on an open file of ours; see file.h. */
#include <errno.h>

#include "fdtab.h"
#include "file.h"
#include "guard.h"
#include "pin.h"
#include "real.h"

#define IOV_LOCAL 8

typedef ssize_t rw_op(struct file *, int, const struct iovec *, int, off_t, int);

/*
 * Keeps the back end's memory while its op runs. 0: the descriptor means
 * another file by now, or this is a vfork child; the kernel knows which.
 */
static inline int enter(struct file *f, int fd, enum pin *pin)
{
	*pin = PIN_NONE;
	if (!(f->mount->flags & BE_PIN))
		return 1;
	if (atomic_load_explicit(&fdtab_lent, memory_order_relaxed) && !fdtab_ours())
		return 0;
	*pin = pin_take(f, fd);
	return *pin != PIN_NONE;
}

static inline void leave(struct file *f, enum pin pin)
{
	if (pin != PIN_NONE)
		pin_drop(f, pin);
}

/* One transfer by the back end; BE_NATIVE, or what the program gets. */
static ssize_t transfer(struct file *f, rw_op *op, int fd, const struct iovec *iov,
			int cnt, off_t off, int rwf)
{
	int saved = errno;
	enum pin pin;
	ssize_t r;

	if (!enter(f, fd, &pin))
		return BE_NATIVE;
	r = op(f, fd, iov, cnt, off, rwf);
	leave(f, pin);
	errno = saved;
	return r == BE_NATIVE ? r : ret_errno(r);
}

/* The program's vector: a pinning back end reads it, so it gets a checked copy. */
static ssize_t transferv(struct file *f, rw_op *op, int fd, const struct iovec *iov,
			 int cnt, off_t off, int rwf)
{
	struct iovec copy[IOV_LOCAL];

	if (f->mount->flags & BE_PIN) {
		if (cnt < 1 || cnt > IOV_LOCAL || guard_arm() < 0 ||
		    guard_copy(copy, iov, (size_t)cnt * sizeof(*iov)) < 0)
			return BE_NATIVE;
		iov = copy;
	}
	return transfer(f, op, fd, iov, cnt, off, rwf);
}

/* A call with one buffer: the back end's op if it has one and wants it, else libc's. */
#define ONE(op, buf, n, off, native) do {                                     \
	rw_op *op_ = f->mount->be->op;                                        \
	if (op_ && (off) >= -1) {                                             \
		struct iovec iov_ = { (void *)(buf), n };                     \
		ssize_t r_ = transfer(f, op_, fd, &iov_, 1, off, 0);          \
		if (r_ != BE_NATIVE)                                          \
			return r_;                                            \
	}                                                                     \
	return native;                                                        \
} while (0)

#define MANY(op, off, flags, native) do {                                     \
	rw_op *op_ = f->mount->be->op;                                        \
	if (op_ && (off) >= -1) {                                             \
		ssize_t r_ = transferv(f, op_, fd, iov, cnt, off, flags);     \
		if (r_ != BE_NATIVE)                                          \
			return r_;                                            \
	}                                                                     \
	return native;                                                        \
} while (0)

/* A call with one buffer at an offset, by the op made for it; else BE_NATIVE. */
#define FAST(op, buf, n, off) ({                                              \
	ssize_t fast_ = BE_NATIVE;                                            \
	enum pin pin_;                                                        \
	if ((off) >= 0 && enter(f, fd, &pin_)) {                              \
		fast_ = f->mount->be->op(f, fd, buf, n, off);                 \
		leave(f, pin_);                                               \
	}                                                                     \
	fast_; })

/* -1 means "here" to the ops and is an error to these four: let libc say so. */
static inline off_t at(off_t off)
{
	return off < 0 ? -2 : off;
}

ssize_t file_read(struct file *f, int fd, void *buf, size_t n)
{
	ONE(preadv, buf, n, (off_t)-1, REAL(read)(fd, buf, n));
}

ssize_t file_write(struct file *f, int fd, const void *buf, size_t n)
{
	ONE(pwritev, buf, n, (off_t)-1, REAL(write)(fd, buf, n));
}

ssize_t file_pread(struct file *f, int fd, void *buf, size_t n, off_t off)
{
	if (f->mount->be->pread) {
		ssize_t r = FAST(pread, buf, n, off);

		return r == BE_NATIVE ? REAL(pread)(fd, buf, n, off) : ret_errno(r);
	}
	ONE(preadv, buf, n, at(off), REAL(pread)(fd, buf, n, off));
}

ssize_t file_pwrite(struct file *f, int fd, const void *buf, size_t n, off_t off)
{
	if (f->mount->be->pwrite) {
		ssize_t r = FAST(pwrite, buf, n, off);

		return r == BE_NATIVE ? REAL(pwrite)(fd, buf, n, off) : ret_errno(r);
	}
	ONE(pwritev, buf, n, at(off), REAL(pwrite)(fd, buf, n, off));
}

ssize_t file_readv(struct file *f, int fd, const struct iovec *iov, int cnt)
{
	MANY(preadv, (off_t)-1, 0, REAL(readv)(fd, iov, cnt));
}

ssize_t file_writev(struct file *f, int fd, const struct iovec *iov, int cnt)
{
	MANY(pwritev, (off_t)-1, 0, REAL(writev)(fd, iov, cnt));
}

ssize_t file_preadv(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off)
{
	MANY(preadv, at(off), 0, REAL(preadv)(fd, iov, cnt, off));
}

ssize_t file_pwritev(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off)
{
	MANY(pwritev, at(off), 0, REAL(pwritev)(fd, iov, cnt, off));
}

ssize_t file_preadv2(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off, int flags)
{
	MANY(preadv, off, flags, REAL(preadv2)(fd, iov, cnt, off, flags));
}

ssize_t file_pwritev2(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off, int flags)
{
	MANY(pwritev, off, flags, REAL(pwritev2)(fd, iov, cnt, off, flags));
}

int file_fstat(struct file *f, int fd, struct stat *st)
{
	const struct backend *be = f->mount->be;
	enum pin pin;

	if (be->fstat && enter(f, fd, &pin)) {
		int saved = errno, r = be->fstat(f, fd, st);

		leave(f, pin);
		errno = saved;
		if (r != BE_NATIVE)
			return (int)ret_errno(r);
	}
	return REAL(fstat)(fd, st);
}

/* A native call that may shorten the file, between the back end's brackets. */
#define SHRINKING(f, call) ({                                                 \
	struct mount *m_ = (f)->mount;                                        \
	int saved_ = errno;                                                   \
	int token_ = m_->be->shrink_begin ? m_->be->shrink_begin(m_, (f)->ino) : 0; \
	errno = saved_;                                                       \
	int r_ = (call);                                                      \
	saved_ = errno;                                                       \
	if (m_->be->shrink_end)                                               \
		m_->be->shrink_end(m_, (f)->ino, token_);                     \
	errno = saved_;                                                       \
	r_; })

int file_ftruncate(struct file *f, int fd, off_t len)
{
	return SHRINKING(f, REAL(ftruncate)(fd, len));
}

int file_fallocate(struct file *f, int fd, int mode, off_t off, off_t len)
{
	if (mode & ~FALLOC_FL_KEEP_SIZE)
		return SHRINKING(f, REAL(fallocate)(fd, mode, off, len));
	if (len > 0 && file_room(f, (size_t)len) < 0)
		return -1;
	return REAL(fallocate)(fd, mode, off, len);
}

int file_posix_fallocate(struct file *f, int fd, off_t off, off_t len)
{
	int saved = errno;

	if (len > 0 && file_room(f, (size_t)len) < 0) {
		errno = saved;
		return ENOSPC;
	}
	return REAL(posix_fallocate)(fd, off, len);
}

/* BE_NATIVE, 0 or -1 with errno. */
static int sync_by_backend(struct file *f, int fd, int data_only)
{
	const struct backend *be = f->mount->be;
	int saved = errno, r;
	enum pin pin;

	if (!be->sync || !enter(f, fd, &pin))
		return BE_NATIVE;
	r = be->sync(f, fd, data_only);
	leave(f, pin);
	errno = saved;
	return r == BE_NATIVE ? r : (int)ret_errno(r);
}

int file_fsync(struct file *f, int fd)
{
	int r = sync_by_backend(f, fd, 0);

	return r == BE_NATIVE ? REAL(fsync)(fd) : r;
}

int file_fdatasync(struct file *f, int fd)
{
	int r = sync_by_backend(f, fd, 1);

	return r == BE_NATIVE ? REAL(fdatasync)(fd) : r;
}

int file_room(struct file *f, size_t n)
{
	struct mount *m = f->mount;
	int saved = errno;
	int r = m->be->room ? m->be->room(m, n) : 0;

	errno = saved;
	return (int)ret_errno(r);
}

void file_attach(int fd, int flags, struct mount *m, const char *name)
{
	int saved = errno;
	struct place *p = NULL;
	struct file *f;
	struct stat st;

	if ((!m->rule && (mounts_count || !stats_on)) || (flags & O_PATH) ||
	    REAL(fstat)(fd, &st) < 0 || !S_ISREG(st.st_mode) || !fdtab_ours())
		goto out;
	f = fdtab_new();
	if (!f)
		goto out;
	if (!name || *name != '/') {
		if (place_get(&p, AT_FDCWD, "", 0) == 0 && place_of_fd(fd, p->virt) && *p->virt)
			name = p->virt;
	}
	f->mount = m;
	f->flags = flags;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->stat_slot = stats_file(st.st_dev, st.st_ino, name ? name : "?");
	place_put(p);
	if (m->be->opened)
		m->be->opened(f, fd);
	fdtab_set(fd, f);
out:
	errno = saved;
}
