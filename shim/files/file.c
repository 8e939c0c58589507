/* SPDX-License-Identifier: MIT */
/* The calls on an open file of ours; see file.h. */
#include <errno.h>
#include <pthread.h>

#include "fdtab.h"
#include "file.h"
#include "guard.h"
#include "pin.h"
#include "base/real.h"
#include "shrink.h"
#include "wrote.h"

#define IOV_LOCAL 8

typedef ssize_t rw_op(struct file *, int, const struct iovec *, int, off_t, int);

/*
 * Keeps the file and its back end's memory while an op runs; only then may
 * the mount be looked at, for the number may be closed and mean a file of
 * another rule at any moment. 0: it does already, or this is a vfork child;
 * the kernel knows which. All that comes here is a cancellation point, also
 * where no call of libc's follows.
 */
static inline int enter(struct file *f, int fd, enum pin *pin)
{
	pthread_testcancel();
	*pin = PIN_NONE;
	if (__builtin_expect(mounts_task, 0) && !fdtab_ours())
		return 0;
	if (!mounts_pin)
		return 1;
	if (__builtin_expect(fdtab_lent, 0) && !fdtab_ours())
		return 0;
	*pin = pin_take(f, fd);
	return *pin != PIN_NONE;
}

static inline void leave(struct file *f, enum pin pin)
{
	if (pin != PIN_NONE)
		pin_drop(f, pin);
}

enum direction { IN, OUT };

static rw_op *op_of(const struct file *f, enum direction way)
{
	return way == IN ? f->mount->be->preadv : f->mount->be->pwritev;
}

/* The program's vector: a pinning back end reads it, so it gets a checked copy. */
static const struct iovec *checked(const struct file *f, const struct iovec *iov, int cnt,
				   struct iovec copy[IOV_LOCAL])
{
	if (!(f->mount->flags & BE_PIN))
		return iov;
	if (cnt < 1 || cnt > IOV_LOCAL || guard_arm() < 0 ||
	    guard_copy(copy, iov, (size_t)cnt * sizeof(*iov)) < 0)
		return NULL;
	return copy;
}

/* A transfer by the back end, `ours` if the vector is: BE_NATIVE, or what the program gets. */
static ssize_t transfer(struct file *f, enum direction way, int fd, const struct iovec *iov,
			int cnt, off_t off, int rwf, int ours)
{
	struct iovec copy[IOV_LOCAL];
	int saved = errno;
	ssize_t r = BE_NATIVE;
	enum pin pin;
	rw_op *op;

	if (off < -1 || !enter(f, fd, &pin))
		return BE_NATIVE;
	op = op_of(f, way);
	if (op && !ours)
		iov = checked(f, iov, cnt, copy);
	if (op && iov)
		r = op(f, fd, iov, cnt, off, rwf);
	leave(f, pin);
	errno = saved;
	return r == BE_NATIVE ? r : ret_errno(r);
}

/* Whether a back end has anything to say about transfers; a hint, before the pin. */
static inline int has_ops(const struct file *f)
{
	return f->mount->be->preadv != NULL;
}

#define ONE(way, buf, n, off, native) do {                                    \
	if (has_ops(f)) {                                                     \
		struct iovec iov_ = { (void *)(buf), n };                     \
		ssize_t r_ = transfer(f, way, fd, &iov_, 1, off, 0, 1);       \
		if (r_ != BE_NATIVE)                                          \
			return r_;                                            \
	}                                                                     \
	return native;                                                        \
} while (0)

#define MANY(way, off, flags, native) do {                                    \
	if (has_ops(f)) {                                                     \
		ssize_t r_ = transfer(f, way, fd, iov, cnt, off, flags, 0);   \
		if (r_ != BE_NATIVE)                                          \
			return r_;                                            \
	}                                                                     \
	return native;                                                        \
} while (0)

/* One buffer at an offset: by the op made for it, else by the vector's. */
#define FAST(op, way, buf, n, off, native) do {                               \
	enum pin pin_;                                                        \
	if (f->mount->be->op && (off) >= 0 && enter(f, fd, &pin_)) {          \
		__typeof__(f->mount->be->op) op_ = f->mount->be->op;          \
		ssize_t r_ = op_ ? op_(f, fd, buf, n, off) : BE_NATIVE;       \
		leave(f, pin_);                                               \
		return r_ == BE_NATIVE ? native : ret_errno(r_);              \
	}                                                                     \
	ONE(way, buf, n, at(off), native);                                    \
} while (0)

/* -1 means "here" to the ops and is an error to these four: let libc say so. */
static inline off_t at(off_t off)
{
	return off < 0 ? -2 : off;
}

ssize_t file_read(struct file *f, int fd, void *buf, size_t n)
{
	ONE(IN, buf, n, (off_t)-1, REAL(read)(fd, buf, n));
}

ssize_t file_write(struct file *f, int fd, const void *buf, size_t n)
{
	WRITES(f);
	ONE(OUT, buf, n, (off_t)-1, REAL(write)(fd, buf, n));
}

ssize_t file_pread(struct file *f, int fd, void *buf, size_t n, off_t off)
{
	FAST(pread, IN, buf, n, off, REAL(pread)(fd, buf, n, off));
}

ssize_t file_pwrite(struct file *f, int fd, const void *buf, size_t n, off_t off)
{
	WRITES(f);
	FAST(pwrite, OUT, buf, n, off, REAL(pwrite)(fd, buf, n, off));
}

ssize_t file_readv(struct file *f, int fd, const struct iovec *iov, int cnt)
{
	MANY(IN, (off_t)-1, 0, REAL(readv)(fd, iov, cnt));
}

ssize_t file_writev(struct file *f, int fd, const struct iovec *iov, int cnt)
{
	WRITES(f);
	MANY(OUT, (off_t)-1, 0, REAL(writev)(fd, iov, cnt));
}

ssize_t file_preadv(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off)
{
	MANY(IN, at(off), 0, REAL(preadv)(fd, iov, cnt, off));
}

ssize_t file_pwritev(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off)
{
	WRITES(f);
	MANY(OUT, at(off), 0, REAL(pwritev)(fd, iov, cnt, off));
}

ssize_t file_preadv2(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off, int flags)
{
	MANY(IN, off, flags, REAL(preadv2)(fd, iov, cnt, off, flags));
}

ssize_t file_pwritev2(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off, int flags)
{
	WRITES(f);
	MANY(OUT, off, flags, REAL(pwritev2)(fd, iov, cnt, off, flags));
}

static struct shrink begin_shrink(const struct file *f)
{
	return shrink_begin(f->mount, f->dev, f->ino);
}

int file_ftruncate(struct file *f, int fd, off_t len)
{
	return SHRINKING(begin_shrink(f), REAL(ftruncate)(fd, len));
}

int file_fallocate(struct file *f, int fd, int mode, off_t off, off_t len)
{
	if (mode & ~FALLOC_FL_KEEP_SIZE)
		return SHRINKING(begin_shrink(f), REAL(fallocate)(fd, mode, off, len));
	if (len > 0 && file_room(f, fd, off, (size_t)len) < 0)
		return -1;
	return REAL(fallocate)(fd, mode, off, len);
}

int file_posix_fallocate(struct file *f, int fd, off_t off, off_t len)
{
	int saved = errno;

	if (len > 0 && file_room(f, fd, off, (size_t)len) < 0) {
		errno = saved;
		return ENOSPC;
	}
	return REAL(posix_fallocate)(fd, off, len);
}

/* BE_NATIVE, 0 or -1 with errno. */
static int sync_by_backend(struct file *f, int fd, int data_only)
{
	int saved = errno, r;
	enum pin pin;

	if (!has_ops(f) || !enter(f, fd, &pin))
		return BE_NATIVE;
	r = f->mount->be->sync ? f->mount->be->sync(f, fd, data_only) : BE_NATIVE;
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

int file_room(struct file *f, int fd, off_t off, size_t n)
{
	int saved = errno;
	int r = f->mount->be->room ? f->mount->be->room(f, fd, off, n) : 0;

	errno = saved;
	return (int)ret_errno(r);
}

struct file *file_adopt(int fd)
{
	int saved = errno, flags;
	struct place *p;

	if (!mounts_shrink || place_get(&p, AT_FDCWD, "", 0) < 0)
		return NULL;
	flags = REAL(fcntl)(fd, F_GETFL);
	if (flags >= 0) {
		struct mount *m = place_of_fd(fd, p->virt);

		if (m->rule && mount_start(m) == 0)
			file_attach(fd, flags, m, p->virt);
	}
	place_put(p);
	errno = saved;
	return fdtab_get(fd);
}

void file_attach(int fd, int flags, struct mount *m, const char *name)
{
	int saved = errno;
	struct place *p = NULL;
	struct file *f;
	struct stat st;

	if ((!m->rule && (mounts_count || !stats_on)) || (flags & O_PATH) ||
	    own_fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !fdtab_ours())
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
