/* SPDX-License-Identifier: MIT */
/*
 * The mappings this process has of files without a kernel file: which
 * addresses, of which file, from where. A mapping keeps the open file
 * description alive, by a hidden duplicate of the placeholder, until it is
 * unmapped. The bytes are map_image.h's.
 *
 * A call about addresses that are not ours costs a load or two and takes no
 * lock: malloc makes it. Ours hold the list's lock, with signals blocked, over
 * the kernel's call, and never over a call of the back end. All functions
 * return >= 0 or -errno (a pointer as ssize_t), and may change errno.
 */
#ifndef SHIM_OBJECT_MAP_H
#define SHIM_OBJECT_MAP_H

#include <stdatomic.h>
#include <stdint.h>

#include "backend.h"
#include "base/hidden.h"
#include "map_image.h"

/* Between the lowest and the highest address that was ever ours: empty while we have no mapping. */
extern _Atomic uintptr_t map_low, map_high;

/* Whether [addr, addr + len) may be ours. Any thread, any time. */
static inline int map_near(const void *addr, size_t len)
{
	uintptr_t a = (uintptr_t)addr;

	if (__builtin_expect(!atomic_load_explicit(&map_high, memory_order_relaxed), 1))
		return 0;
	return a < atomic_load_explicit(&map_high, memory_order_acquire) &&
	       (a + len > atomic_load_explicit(&map_low, memory_order_acquire) || a + len < a);
}

/* mmap(2) of f. */
ssize_t object_mmap(struct file *f, void *addr, size_t len, int prot, int flags, int fd, off_t off);

/* The calls of these names where map_near says so. */
int map_unmap(void *addr, size_t len);
ssize_t map_fixed(void *addr, size_t len, int prot, int flags, int fd, off_t off);
ssize_t map_move(void *addr, size_t len, size_t new_len, int flags, void *new_addr);
int map_sync(void *addr, size_t len, int flags);

/* PROT_WRITE is about to be given. */
int map_writable(void *addr, size_t len);

/* Whether one of our mappings lies in it. */
int map_has(const void *addr, size_t len);

/* f, one descriptor of which is being closed, or which is to be synced: writes back what was stored. */
int map_sync_file(struct file *f);

/* The same with every file mapped: before exec, and at the end. */
int object_map_sync_all(void);

/* The process ends: writes back, and its mappings count no more. */
void object_map_exit(void);

/* The description ends, and f is its last file: what is left of the image goes. */
void object_map_ended(struct file *f);

/* The same for one whose holders are dead. */
void object_map_lost(struct mount *m, struct ofd *o);

/* Exec is about to end our mappings, in process pid; 0: it did not. */
void object_map_mark(pid_t pid);

/* Around fork, in the parent before and in both after. */
void object_map_fork_lock(void);
void object_map_fork_unlock(void);

#endif
