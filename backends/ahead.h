/* SPDX-License-Identifier: MIT */
/*
 * Reading ahead of who reads a file with O_DIRECT in small blocks, one after the
 * other: a private buffer in parts, which the kernel fills, by its asynchronous
 * I/O, while one is consumed by copies. Any thread may consume
 * either; one that finds another at it calls the kernel, as does a signal handler.
 *
 * What is in the buffer holds in the generation (generation.h) in which it was asked
 * for, and for ahead_old_ns, one second. A fork child finds the buffer empty.
 *
 * A ring is not used: the requests of one belong to the thread that submitted them,
 * and their ends would interrupt its calls.
 */
#ifndef BACKENDS_AHEAD_H
#define BACKENDS_AHEAD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "generation.h"

/* How long; another value only in tests. */
extern uint64_t ahead_old_ns;

/* One open file's. Zeroed is none. */
struct ahead {
	struct ahead_buffer *_Atomic buffer;
	_Atomic off_t next;          /* where the last read ended */
	_Atomic unsigned run;        /* reads so far that began where the one before ended */
};

/*
 * A read of n bytes at `off`, or at the position, by fd, which is open for reading
 * with O_DIRECT: n, or BE_NATIVE, which is whenever they are not all in the buffer,
 * that is also for errors, at the end of the file, and where n is more than a
 * quarter of `size`, what the buffer has. `size` is the same for all calls on `a`. Callers
 * keep the file (BE_PIN). ahead_read may also give a short read's length or -errno: another
 * process moved the position meanwhile. errno is kept.
 */
ssize_t ahead_pread(struct ahead *a, struct generation *g, size_t size, int fd, void *buf, size_t n, off_t off);
ssize_t ahead_read(struct ahead *a, struct generation *g, size_t size, int fd, void *buf, size_t n);

/* Waits for what the kernel is at, and gives the memory back. No other user may be left. */
void ahead_free(struct ahead *a, size_t size);

/* What the parent has in the kernel is not ours. */
void ahead_fork_child(void);

#endif
