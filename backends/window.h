/* SPDX-License-Identifier: MIT */
/*
 * A shared mapping of a file for serving reads and writes by memcpy, and
 * which of its pages may be touched: known to be allocated (a hole would be
 * filled by reading it) and in memory. Used by mem and by uring's map=on.
 *
 * A mapping is only replaced by a larger one and unmapped when the last
 * descriptor is gone, so that a copy under way is never cut off; callers pin
 * the file. Any thread; a busy lock makes a caller go to the kernel instead.
 */
#ifndef BACKENDS_WINDOW_H
#define BACKENDS_WINDOW_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "generation.h"

#define WINDOW_PAGE 4096ul

/* The pages' bits follow the mapping in one reservation of their own. */
struct mapping {
	char *addr;
	size_t len;
	struct mapping *older;
	size_t bits_len;
	_Atomic uint64_t known[];
};

/* Zeroed is empty. */
struct window {
	struct mapping *_Atomic map;
	_Atomic uint64_t size;     /* of the file, as it was in era `era` */
	_Atomic uint64_t era;      /* 0: size is not known */
	_Atomic unsigned misses;
	atomic_flag busy;
	char writable;
};

/* The rare half of window_covers: pages in more than one word of bits. */
int window_pages_known(const struct mapping *m, size_t first, size_t last);

/*
 * Whether [off, off + n) lies within the size known in `era` and only on known
 * pages. Then the copies below may be used.
 */
static inline int window_covers(const struct window *w, uint64_t era, off_t off, size_t n)
{
	size_t first = (size_t)off / WINDOW_PAGE, last = ((size_t)off + n - 1) / WINDOW_PAGE;
	const struct mapping *m;
	uint64_t mask;

	if (atomic_load_explicit(&w->era, memory_order_acquire) != era || !n ||
	    (uint64_t)off + n > atomic_load_explicit(&w->size, memory_order_relaxed))
		return 0;
	m = atomic_load_explicit(&w->map, memory_order_acquire);
	if (!m || (uint64_t)off + n > m->len)
		return 0;
	if (first / 64 != last / 64)
		return window_pages_known(m, first, last);
	mask = ~0ull >> (63 - (last - first)) << first % 64;
	return (~atomic_load_explicit(&m->known[first / 64], memory_order_relaxed) & mask) == 0;
}

/* Where offset `off` is in memory, once covered. */
static inline char *window_at(const struct window *w, off_t off)
{
	return atomic_load_explicit(&w->map, memory_order_acquire)->addr + off;
}

/*
 * Copies between the window and the vector, from offset `off`. 0, or -errno
 * when part may have been copied and the kernel is to be asked.
 */
int window_read(const struct window *w, const struct iovec *iov, int cnt, off_t off);
int window_write(const struct window *w, const struct iovec *iov, int cnt, off_t off);

/*
 * Learns about the file behind fd for an access to [off, off + n): its size
 * in `era`, a mapping of it all, which pages around are there. Only after a
 * few misses: a file that is read once is not worth a mapping. Returns
 * whether the range is covered now, and then leaves where byte 0 is in *hint.
 * In an odd era, of g, nothing is learnt, but g repaired. errno is kept.
 */
int window_learn(struct window *w, struct generation *g, const char *_Atomic *hint, int fd,
		 uint64_t era, off_t off, size_t n);

/* Whether [off, off + n) is covered in `era`, after learning if need be. */
static inline int window_ready(struct window *w, struct generation *g, const char *_Atomic *hint,
			       int fd, uint64_t era, off_t off, size_t n)
{
	return __builtin_expect(window_covers(w, era, off, n), 1) ||
	       window_learn(w, g, hint, fd, era, off, n);
}

/* Looks at the file's size again, in `era`. */
void window_refresh(struct window *w, int fd, uint64_t era);

/* The kernel just wrote [off, off + n) in `era`: pages known, size no smaller. */
void window_wrote(struct window *w, uint64_t era, off_t off, size_t n);

/*
 * How much of [off, off + n) lies in pages that are not there, in bytes; n if
 * that cannot be told. The range is within the file.
 */
size_t hole_bytes(int fd, off_t off, size_t n);

/* Unmaps everything. No other user may be left. */
void window_free(struct window *w);

/*
 * The kernel's clock as it ticks for timestamps (CLOCK_REALTIME_COARSE), in
 * ns; never 0.
 */
uint64_t coarse_tick(void);

/* The bytes of a vector; -EINVAL if they do not fit. */
ssize_t iov_bytes(const struct iovec *iov, int cnt);

#endif
