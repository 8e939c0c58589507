/* SPDX-License-Identifier: MIT */
/*
 * Files in shared memory. Names, sizes, positions and new pages are the
 * tmpfs's own; pread and pwrite within the pages a file already has are copies
 * through a shared mapping, without a system call.
 *
 * Times stay true because the first read and the first write of a file in
 * each clock tick go through the kernel: its timestamps are no finer than
 * that. A reader is kept
 * from a truncation by the slot's generation, before and after its copy; a
 * writer by the slot's lock. What cannot be copied is the kernel's to do.
 */
#include <errno.h>
#include <string.h>

#include "backend.h"
#include "files/guard.h"
#include "mem_store.h"
#include "base/real.h"
#include "base/rlimit.h"
#include "stats/stats.h"
#include "window.h"

/* The kernel moves no more in one call (MAX_RW_COUNT in include/linux/fs.h). */
#define RW_MAX 0x7ffff000

struct mem_file {
	struct window window;
	struct generation *generation;
	_Atomic uint64_t *looked;        /* the store's */
	_Atomic uint64_t read_stamp;     /* of the last read through the kernel; 0: none */
	_Atomic uint64_t write_stamp;
};

_Static_assert(sizeof(struct mem_file) <= BE_FILE_PRIVATE, "mem_file does not fit");

static struct mem_file *mem(struct file *f)
{
	return (struct mem_file *)f->priv;
}

static int mem_mount(struct mount *m)
{
	mem_store_root(m->root, m->rule->target);
	return 0;
}

static int mem_start(struct mount *m)
{
	int r = mem_store_make(m->root);

	if (r < 0 && m->priv)      /* a fork child that has become another user */
		return 0;
	if (r < 0) {
		stats_note("mem: %s: %s", m->root, strerror(-r));
		return r;
	}
	/* without it a truncation would pass other processes by */
	if (!m->priv)
		m->priv = mem_store_map(m->root, &r);
	return m->priv ? 0 : r;
}

static void mem_opened(struct file *f, int fd)
{
	struct mem_control *c = f->mount->priv;

	mem(f)->generation = generation_of(&c->generations, f->dev, f->ino);
	mem(f)->looked = &c->looked;
	(void)fd;
	mem(f)->window.writable = (f->flags & O_ACCMODE) == O_RDWR;
}

static void mem_closed(struct file *f)
{
	window_free(&mem(f)->window);
}

/* Changes with the kernel's clock, and when somebody looked at a file's times. */
static inline uint64_t stamp_now(const struct mem_file *mf)
{
	return coarse_tick() + atomic_load_explicit(mf->looked, memory_order_relaxed);
}

/* Whether the kernel has done one of these since then. */
static inline int told(const _Atomic uint64_t *stamp, uint64_t now)
{
	return atomic_load_explicit(stamp, memory_order_relaxed) == now;
}

/*
 * A new tick: the kernel does this call, and what another program may have
 * done past us is looked at. errno is kept.
 */
__attribute__((noinline, cold))
static void new_tick(struct file *f, int fd, _Atomic uint64_t *stamp, uint64_t now)
{
	struct mem_file *mf = mem(f);
	int saved = errno, flags;
	uint64_t era = generation_era(mf->generation);

	atomic_store_explicit(stamp, now, memory_order_relaxed);
	if (atomic_load_explicit(&mf->window.map, memory_order_relaxed) && !(era & 1))
		window_refresh(&mf->window, fd, era);
	flags = REAL(fcntl)(fd, F_GETFL);
	if (flags >= 0)
		f->flags = (f->flags & ~O_APPEND) | (flags & O_APPEND);
	errno = saved;
}

/* Whether [off, off + n) can be copied in this era. */
static inline int covers(struct file *f, int fd, uint64_t era, off_t off, size_t n)
{
	return window_ready(&mem(f)->window, mem(f)->generation, &f->hint, fd, era, off, n);
}

/* The era in which [off, off + n) can be read by a copy; 0 if it cannot. */
__attribute__((always_inline))
static inline uint64_t readable(struct file *f, int fd, off_t off, size_t n)
{
	struct mem_file *mf = mem(f);
	uint64_t era, now = stamp_now(mf);

	if (n > RW_MAX || (f->flags & O_ACCMODE) == O_WRONLY)
		return 0;
	if (__builtin_expect(!told(&mf->read_stamp, now), 0)) {
		new_tick(f, fd, &mf->read_stamp, now);
		return 0;
	}
	era = generation_era(mf->generation);
	return covers(f, fd, era, off, n) ? era : 0;
}

static ssize_t mem_pread(struct file *f, int fd, void *buf, size_t n, off_t off)
{
	uint64_t era = readable(f, fd, off, n);

	if (!era || guard_copy(buf, window_at(&mem(f)->window, off), n) < 0 ||
	    !generation_still(mem(f)->generation, era))
		return BE_NATIVE;
	return (ssize_t)n;
}

static ssize_t mem_preadv(struct file *f, int fd, const struct iovec *iov, int cnt,
			  off_t off, int rwf)
{
	ssize_t n = iov_bytes(iov, cnt);
	uint64_t era = off >= 0 && !rwf && n > 0 ? readable(f, fd, off, (size_t)n) : 0;

	if (!era || window_read(&mem(f)->window, iov, cnt, off) < 0 ||
	    !generation_still(mem(f)->generation, era))
		return BE_NATIVE;
	return n;
}

/*
 * How many bytes a write of n would add to a file, at `off` or, if that is
 * -1, at its position or its end.
 */
static size_t added(int fd, int append, off_t off, size_t n)
{
	struct stat st;
	size_t inside;

	if (own_fstat(fd, &st) < 0)
		return n;
	if (append)
		off = st.st_size;
	else if (off < 0)
		off = REAL(lseek)(fd, 0, SEEK_CUR);
	if (off < 0 || off >= st.st_size)
		return n;
	inside = (uint64_t)(st.st_size - off) < n ? (size_t)(st.st_size - off) : n;
	if (st.st_blocks * 512 >= st.st_size)     /* no holes */
		return n - inside;
	return n - inside + hole_bytes(fd, off, inside);
}

static int mem_room(struct file *f, int fd, off_t off, size_t n)
{
	struct mount *m = f->mount;
	struct mem_control *c = m->priv;
	uint64_t limit = (uint64_t)m->rule->value[MEM_SIZE], used;

	if (!limit)
		return 0;
	n = added(fd, off < 0 && (f->flags & O_APPEND), off, n);
	if (!n || (n <= limit && atomic_fetch_add(&c->used, n) + n <= limit))
		return 0;
	/* files were removed, or written over: count again */
	if (mem_store_count(m->root, &used) < 0)
		return -ENOSPC;
	if (used + n > limit) {
		atomic_store(&c->used, used);
		return -ENOSPC;
	}
	atomic_store(&c->used, used + n);
	return 0;
}

static ssize_t kernel_pwritev(struct file *f, int fd, const struct iovec *iov, int cnt,
			      off_t off, int rwf, size_t n)
{
	int saved = errno;
	ssize_t r = mem_room(f, fd, f->flags & O_APPEND ? -1 : off, n);

	errno = saved;
	if (r < 0)
		return r;
	r = rwf ? REAL(pwritev2)(fd, iov, cnt, off, rwf) :
	    off < 0 ? REAL(writev)(fd, iov, cnt) : REAL(pwritev)(fd, iov, cnt, off);
	return r < 0 ? -errno : r;
}

/* Whether this write may be a copy, as far as the file and the call tell. */
static inline int mappable(const struct file *f, off_t off, int rwf, size_t n)
{
	return off >= 0 && !rwf && !(f->flags & O_APPEND) &&
	       ((const struct mem_file *)f->priv)->window.writable &&
	       n <= RW_MAX && (uint64_t)off + n <= rlimit_fsize();
}

/* With the lock held: no truncation of ours is under way. */
static ssize_t write_locked(struct file *f, int fd, const struct iovec *iov, int cnt,
			    off_t off, int rwf, size_t n)
{
	struct mem_file *mf = mem(f);
	uint64_t era = generation_era(mf->generation), now = stamp_now(mf);
	ssize_t r;

	if (__builtin_expect(!told(&mf->write_stamp, now), 0))
		new_tick(f, fd, &mf->write_stamp, now);
	else if (mappable(f, off, rwf, n) && covers(f, fd, era, off, n) &&
		 window_write(&mf->window, iov, cnt, off) == 0)
		return (ssize_t)n;
	r = kernel_pwritev(f, fd, iov, cnt, off, rwf, n);
	if (r > 0 && mappable(f, off, rwf, n))
		window_wrote(&mf->window, era, off, (size_t)r);
	return r;
}

static ssize_t mem_pwritev(struct file *f, int fd, const struct iovec *iov, int cnt,
			   off_t off, int rwf)
{
	struct mem_file *mf = mem(f);
	ssize_t n = iov_bytes(iov, cnt), r;

	if (n <= 0 || (f->flags & O_ACCMODE) == O_RDONLY)
		return BE_NATIVE;
	if (!generation_lock(mf->generation))
		return kernel_pwritev(f, fd, iov, cnt, off, rwf, (size_t)n);
	r = write_locked(f, fd, iov, cnt, off, rwf, (size_t)n);
	generation_unlock(mf->generation);
	return r;
}

static ssize_t mem_pwrite(struct file *f, int fd, const void *buf, size_t n, off_t off)
{
	struct iovec iov = { (void *)buf, n };

	return mem_pwritev(f, fd, &iov, 1, off, 0);
}

/* Whoever looks at the times sees the next call change them. */
static void mem_looked_at(struct mount *m)
{
	struct mem_control *c = m->priv;

	if (c)
		atomic_fetch_add_explicit(&c->looked, 1, memory_order_relaxed);
}

static struct generation *generation_in(struct mount *m, dev_t dev, ino_t ino)
{
	struct mem_control *c = m->priv;

	return generation_of(&c->generations, dev, ino);
}

static int mem_shrink_begin(struct mount *m, dev_t dev, ino_t ino)
{
	return generation_begin(generation_in(m, dev, ino));
}

static void mem_shrink_end(struct mount *m, dev_t dev, ino_t ino, int held)
{
	generation_end(generation_in(m, dev, ino), held);
}

const struct backend be_mem = {
	.name = "mem",
	.flags = BE_PIN | BE_SHRINK | BE_AIO_NOW,
	.mount = mem_mount,
	.start = mem_start,
	.fork_child = generation_fork_child,
	.opened = mem_opened,
	.closed = mem_closed,
	.preadv = mem_preadv,
	.pwritev = mem_pwritev,
	.pread = mem_pread,
	.pwrite = mem_pwrite,
	.looked_at = mem_looked_at,
	.shrink_begin = mem_shrink_begin,
	.shrink_end = mem_shrink_end,
	.room = mem_room,
};
