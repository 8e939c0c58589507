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

struct mapping;

/* Zeroed is empty. */
struct window {
	struct mapping *_Atomic map;
	_Atomic uint64_t size;     /* of the file, as it was in era `era` */
	_Atomic uint64_t era;      /* 0: size is not known */
	_Atomic unsigned misses;
	atomic_flag busy;
	char writable;
};

/*
 * Whether [off, off + n) lies within the size known in `era` and only on known
 * pages. Then the copies below may be used.
 */
int window_covers(const struct window *w, uint64_t era, off_t off, size_t n);

/*
 * Starts fetching the beginning of [off, off + n) into the cache, while the
 * caller finds out whether it may be copied. A hint: never faults.
 */
void window_prefetch(const struct window *w, off_t off, size_t n);

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
 * whether the range is covered now.
 */
int window_learn(struct window *w, int fd, uint64_t era, off_t off, size_t n);

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
