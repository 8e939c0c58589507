/* SPDX-License-Identifier: MIT */
/*
 * Which descriptors of this process are files of ours. Numbers below
 * FDTAB_FLAT lie in a flat index that is read with one load and changed with
 * one exchange; the rest, which few programs reach, in a uthash table.
 *
 * A table belongs to one process. A vfork child runs in its parent's memory
 * with descriptors of its own: it may look, and fdtab_ours() tells the doors
 * that it must not change anything.
 */
#ifndef SHIM_FDTAB_H
#define SHIM_FDTAB_H

#include "backend.h"

#define FDTAB_FLAT 65536

extern struct file *_Atomic fdtab_flat[FDTAB_FLAT];

/* The slow half of fdtab_get. */
struct file *fdtab_get_high(int fd);

/*
 * The file behind fd, or NULL if it is not ours. The pointer is borrowed:
 * good for its mount and statistics slot for ever (files are never unmapped),
 * for the back end's state only while it is pinned (pin.h).
 */
static inline struct file *fdtab_get(int fd)
{
	if (__builtin_expect((unsigned)fd >= FDTAB_FLAT, 0))
		return fdtab_get_high(fd);
	return atomic_load_explicit(&fdtab_flat[fd], memory_order_acquire);
}

/* A zeroed file with one reference, the caller's; NULL without memory. */
struct file *fdtab_new(void);

/* One more reference to f if fd still means f: 1, else 0. Pairs with fdtab_put. */
int fdtab_ref(struct file *f, int fd);

/* Drops a reference; the last one calls the back end's closed(). */
void fdtab_put(struct file *f);

/*
 * Frees the files that were closed while pinned and are not any more; cheap to
 * ask for by fdtab_retired.
 */
void fdtab_reap(void);
extern struct file *_Atomic fdtab_retired;

/*
 * fd now means f (the caller's reference goes with it), or nothing if f is
 * NULL. What it meant before is dropped.
 */
void fdtab_set(int fd, struct file *f);

/* Takes fd out of the table and leaves its file, with its reference, as it is. fd >= 0. */
void fdtab_drop(int fd);

/* The first descriptor below FDTAB_FLAT from `from` up that is ours, or -1. */
int fdtab_next(int from);

/* fd no longer means anything: it was closed, or reused by a call of libc's. */
static inline void fdtab_forget(int fd)
{
	if (__builtin_expect(fdtab_get(fd) != NULL, 0))
		fdtab_set(fd, NULL);
}

/* Forgets every descriptor from first to last, both included. */
void fdtab_forget_range(unsigned first, unsigned last);

/*
 * Whether the running process owns the table. 0 in a vfork child, and in one
 * made by a raw clone; both then use the kernel's files directly. Costs a
 * system call.
 */
int fdtab_ours(void);

/*
 * Nonzero after fdtab_ours() said no, until it says yes again: descriptors
 * may then mean other files than the table says. A vfork child has its parent
 * thread's, which waits for it; the other threads go on as they were.
 */
extern __thread unsigned char fdtab_lent;

/*
 * The process whose memory this is: the parent's pid in a vfork child, and
 * what a mount was started for.
 */
pid_t fdtab_owner(void);

/* Once before main, and in a fork child: the calling process owns the table. */
void fdtab_own(void);

/* Around fork(2), in the parent before and in both after. */
void fdtab_fork_lock(void);
void fdtab_fork_unlock(void);

#endif
