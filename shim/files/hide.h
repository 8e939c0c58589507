/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of our own in the program's table: out of its way, at the top of
 * the first few thousand numbers, close-on-exec, and safe from its close loops. The doors of dup.c
 * ask here: a hidden number is closed for the program (EBADF), close_range and
 * closefrom go around it, and a dup2 onto it moves ours away first.
 */
#ifndef SHIM_HIDE_H
#define SHIM_HIDE_H

#include <stdatomic.h>

/*
 * Moves fd out of the way and stores the number in *slot, where it may change
 * later, while the slot must stay put; fd itself is closed. 0, or -errno with
 * fd still open (EMFILE). Any thread.
 */
int hide_fd(int fd, _Atomic int *slot);

/* The same with a duplicate of fd, which stays as it is. */
int hide_copy(int fd, _Atomic int *slot);

/* Closes a hidden descriptor; *slot becomes -1. -1 is fine. */
void hide_close(_Atomic int *slot);

/* Bounds of the hidden numbers: low > high while there are none. */
extern _Atomic int hide_low, hide_high;

int hide_has_slowly(int fd);

/* Whether there are any. */
static inline int hide_any(void)
{
	return atomic_load_explicit(&hide_high, memory_order_relaxed) >= 0;
}

/* Whether fd is ours. */
static inline int hide_has(int fd)
{
	if (__builtin_expect(fd < atomic_load_explicit(&hide_low, memory_order_relaxed), 1))
		return 0;
	return hide_has_slowly(fd);
}

/* Makes room for a dup2 onto fd: 0 or -errno. */
int hide_move(int fd);

/* The first hidden number from `from` up, or -1. */
int hide_next(int from);

/*
 * In the child of a fork: forgets those that it has not. The kernel copies the
 * descriptors before the memory, so another thread may have made one in between.
 */
void hide_fork_child(void);

#endif
