/* SPDX-License-Identifier: MIT */
/*
 * Local files. A lone synchronous call gains nothing from a ring, so by
 * default it stays libc's; engine=ring sends every transfer at an offset, and
 * every sync, through the thread's ring, to measure that. Transfers at the file
 * position stay libc's: the ring moves the position without its lock, and two
 * writers would overwrite each other. map=on serves reads of cached pages from a
 * shared mapping; readahead= those of sequential readers with O_DIRECT from a buffer
 * (ahead.h). What the ring or the mapping cannot do, libc does.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "ahead.h"
#include "backend.h"
#include "generation.h"
#include "files/guard.h"
#include "base/real.h"
#include "ring.h"
#include "stats/stats.h"
#include "window.h"

#define RW_MAX 0x7ffff000     /* MAX_RW_COUNT in the kernel's include/linux/fs.h */

struct uring_file {
	struct window window;
	struct generation *generation; /* NULL: nothing is mapped, or read ahead */
	_Atomic uint64_t checked;      /* the tick of the last read through the kernel */
	struct ahead ahead;
};

_Static_assert(sizeof(struct uring_file) <= BE_FILE_PRIVATE, "uring_file does not fit");

/* Of all files that this user's processes read under map=on or readahead=; NULL until mapped. */
static struct generations *_Atomic generations;

static struct uring_file *uring(struct file *f)
{
	return (struct uring_file *)f->priv;
}

static long long option(const struct file *f, enum uring_option o)
{
	return f->mount->rule->value[o];
}

/*
 * Maps the generations unless they are. NULL: what another process does to a file
 * would go unseen, so nothing may be read from a mapping, or ahead.
 */
static struct generations *generations_get(void)
{
	struct generations *all = atomic_load_explicit(&generations, memory_order_acquire), *none = NULL;
	char path[64];
	int n, r;

	if (all)
		return all;
	n = snprintf(path, sizeof(path), "/dev/shm/shim-uring-%u", (unsigned)geteuid());
	r = private_directory(path);
	strcpy(path + n, "/control");
	if (r == 0)
		all = private_map(path, sizeof(*all), &r);
	if (!all) {
		stats_note("uring: map=on, readahead=: %s: %s: plain calls", path, strerrordesc_np(-r));
		return NULL;
	}
	if (atomic_compare_exchange_strong(&generations, &none, all))
		return all;
	REAL(munmap)(all, sizeof(*all));
	return none;
}

static int uring_mount(struct mount *m)
{
	if (m->rule->value[URING_MAP])
		m->flags |= BE_PIN | BE_SHRINK | BE_SHRINK_ALL;
	if (m->rule->value[URING_READAHEAD])
		m->flags |= BE_PIN | BE_SHRINK | BE_SHRINK_ALL | BE_WROTE;
	if (m->rule->value[URING_ENGINE])
		m->flags |= BE_TASK;
	if (m->rule->value[URING_ORDER] == URING_ORDER_FD)
		m->flags |= BE_AIO_ORDER;
	return 0;
}

static void uring_opened(struct file *f, int fd)
{
	int wanted = option(f, URING_MAP) || option(f, URING_READAHEAD);
	struct generations *all = wanted ? generations_get() : NULL;

	(void)fd;
	if (all)
		uring(f)->generation = generation_of(all, f->dev, f->ino);
}

static inline int is_mapped(struct file *f)
{
	return uring(f)->generation && option(f, URING_MAP);
}

static void uring_closed(struct file *f)
{
	window_free(&uring(f)->window);
	ahead_free(&uring(f)->ahead, (size_t)option(f, URING_READAHEAD));
}

/* A result of the ring as an op's: what a plain call may do better is left to it. */
static ssize_t ring_result(int r)
{
	switch (r) {
	case -EAGAIN: case -EINVAL: case -EOPNOTSUPP: case -ECANCELED: case -EINTR:
	case -EFBIG:            /* with the signal that goes with it */
		return BE_NATIVE;
	default:
		return r;
	}
}

/* The calls on the ring are cancellation points, as libc's are. */
static struct io_uring_sqe *begin(struct io_uring **ring)
{
	pthread_testcancel();
	*ring = ring_acquire();
	return *ring ? io_uring_get_sqe(*ring) : NULL;
}

static ssize_t finish(struct io_uring *ring)
{
	int r = ring_wait_one(ring);

	ring_release();
	return ring_result(r);
}

static ssize_t ring_transfer(int write, int fd, const struct iovec *iov, int cnt,
			     off_t off, int rwf)
{
	struct io_uring *ring;
	struct io_uring_sqe *sqe;

	if (cnt < 0 || off < 0)
		return BE_NATIVE;
	sqe = begin(&ring);
	if (!sqe)
		return BE_NATIVE;
	if (write)
		io_uring_prep_writev2(sqe, fd, iov, (unsigned)cnt, (uint64_t)off, rwf);
	else
		io_uring_prep_readv2(sqe, fd, iov, (unsigned)cnt, (uint64_t)off, rwf);
	return finish(ring);
}

/*
 * A program without the library may have cut the file: once a tick its size is
 * asked for, and the read goes to the kernel, which keeps the access time.
 */
static int is_checked(struct uring_file *uf, int fd)
{
	uint64_t now = coarse_tick(), era;

	if (__builtin_expect(atomic_load_explicit(&uf->checked, memory_order_relaxed) == now, 1))
		return 1;
	era = generation_era(uf->generation);
	if (atomic_load_explicit(&uf->window.map, memory_order_relaxed) && !(era & 1))
		window_refresh(&uf->window, fd, era);
	atomic_store_explicit(&uf->checked, now, memory_order_relaxed);
	return 0;
}

/* The era in which [off, off + n) can be read from the mapping; 0 if it cannot. */
__attribute__((always_inline))
static inline uint64_t readable(struct file *f, int fd, off_t off, size_t n)
{
	struct uring_file *uf = uring(f);
	uint64_t era;

	if (n > RW_MAX || (f->flags & (O_WRONLY | O_DIRECT)) || !is_checked(uf, fd))
		return 0;
	era = generation_era(uf->generation);
	return window_ready(&uf->window, uf->generation, &f->hint, fd, era, off, n) ? era : 0;
}

static ssize_t mapped_pread(struct file *f, int fd, void *buf, size_t n, off_t off)
{
	struct uring_file *uf = uring(f);
	uint64_t era = readable(f, fd, off, n);

	if (!era || guard_copy(buf, window_at(&uf->window, off), n) < 0 ||
	    !generation_still(uf->generation, era))
		return BE_NATIVE;
	return (ssize_t)n;
}

static ssize_t mapped_preadv(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off)
{
	struct uring_file *uf = uring(f);
	ssize_t n = iov_bytes(iov, cnt);
	uint64_t era = n > 0 ? readable(f, fd, off, (size_t)n) : 0;

	if (!era || window_read(&uf->window, iov, cnt, off) < 0 ||
	    !generation_still(uf->generation, era))
		return BE_NATIVE;
	return n;
}

/* A read with O_DIRECT, `off` -1: at the position. */
static ssize_t read_ahead(struct file *f, int fd, void *buf, size_t n, off_t off)
{
	size_t size = (size_t)option(f, URING_READAHEAD);
	struct uring_file *uf = uring(f);

	if (!size || !uf->generation || (f->flags & (O_DIRECT | O_WRONLY)) != O_DIRECT)
		return BE_NATIVE;
	return off < 0 ? ahead_read(&uf->ahead, uf->generation, size, fd, buf, n) :
			 ahead_pread(&uf->ahead, uf->generation, size, fd, buf, n, off);
}

static ssize_t uring_preadv(struct file *f, int fd, const struct iovec *iov, int cnt,
			    off_t off, int rwf)
{
	if (is_mapped(f) && off >= 0 && !rwf) {
		ssize_t r = mapped_preadv(f, fd, iov, cnt, off);

		if (r != BE_NATIVE)
			return r;
	}
	if (option(f, URING_READAHEAD) && cnt == 1 && !rwf) {   /* or nobody has looked whether iov can be read */
		ssize_t r = read_ahead(f, fd, iov->iov_base, iov->iov_len, off);

		if (r != BE_NATIVE)
			return r;
	}
	if (option(f, URING_ENGINE) == URING_ENGINE_RING)
		return ring_transfer(0, fd, iov, cnt, off, rwf);
	return BE_NATIVE;
}

/* One buffer: from the mapping, or as the vector op would. */
static ssize_t uring_pread(struct file *f, int fd, void *buf, size_t n, off_t off)
{
	struct iovec iov = { buf, n };
	ssize_t r = BE_NATIVE;

	if (is_mapped(f))
		r = mapped_pread(f, fd, buf, n, off);
	if (r == BE_NATIVE)
		r = read_ahead(f, fd, buf, n, off);
	if (r != BE_NATIVE)
		return r;
	if (option(f, URING_ENGINE) == URING_ENGINE_RING)
		return ring_transfer(0, fd, &iov, 1, off, 0);
	return BE_NATIVE;
}

static ssize_t uring_pwritev(struct file *f, int fd, const struct iovec *iov, int cnt,
			     off_t off, int rwf)
{
	if (option(f, URING_ENGINE) == URING_ENGINE_RING)
		return ring_transfer(1, fd, iov, cnt, off, rwf);
	return BE_NATIVE;
}

static int uring_sync(struct file *f, int fd, int data_only)
{
	struct io_uring *ring;
	struct io_uring_sqe *sqe;

	if (option(f, URING_ENGINE) != URING_ENGINE_RING)
		return BE_NATIVE;
	sqe = begin(&ring);
	if (!sqe)
		return BE_NATIVE;
	io_uring_prep_fsync(sqe, fd, data_only ? IORING_FSYNC_DATASYNC : 0);
	return (int)finish(ring);
}

/* Without generations nobody copies; but they may come into being meanwhile. */
static int uring_shrink_begin(struct mount *m, dev_t dev, ino_t ino)
{
	struct generations *all = generations_get();

	(void)m;
	return all ? generation_begin(generation_of(all, dev, ino)) : -1;
}

static void uring_shrink_end(struct mount *m, dev_t dev, ino_t ino, int held)
{
	(void)m;
	if (held >= 0)
		generation_end(generation_of(atomic_load(&generations), dev, ino), held);
}

static void uring_wrote(struct mount *m, dev_t dev, ino_t ino)
{
	int saved = errno;
	struct generations *all = generations_get();

	(void)m;
	errno = saved;
	if (all)
		generation_touch(generation_of(all, dev, ino));
}

static void uring_fork_child(void)
{
	generation_fork_child();
	ahead_fork_child();
}

const struct backend be_uring = {
	.name = "uring",
	.flags = BE_AIO_RING,
	.mount = uring_mount,
	.fork_child = uring_fork_child,
	.opened = uring_opened,
	.closed = uring_closed,
	.preadv = uring_preadv,
	.pwritev = uring_pwritev,
	.pread = uring_pread,
	.sync = uring_sync,
	.shrink_begin = uring_shrink_begin,
	.shrink_end = uring_shrink_end,
	.wrote = uring_wrote,
};
