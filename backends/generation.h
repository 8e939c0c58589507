/* SPDX-License-Identifier: MIT */
/*
 * What the processes of a user tell each other about their files, in a page
 * set that all of them map: each inode has, by its numbers modulo
 * GENERATIONS, a generation and a lock.
 *
 * The generation says when what a process learnt about a file is void: it is
 * odd while a call that may shorten the file is under way and another even
 * number after it; for uring's readahead= a write makes another one, too. Who
 * copies from a mapping looks before and after the copy. The lock keeps such
 * calls apart, and from mem's writers. Its holder may be killed: the lock is
 * then taken over, and an odd generation made even.
 * Sharing one between inodes costs a little waiting and nothing else.
 *
 * Any thread, any process, and signal handlers.
 */
#ifndef BACKENDS_GENERATION_H
#define BACKENDS_GENERATION_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GENERATIONS 4096

struct generation {
	_Atomic uint64_t count;
	_Atomic uint64_t owner;        /* pid namespace << 32 | thread id; 0: free */
	uint64_t pad[6];
};

struct generations {
	struct generation of[GENERATIONS];
};

struct generation *generation_of(struct generations *all, dev_t dev, ino_t ino);

/* What a window calls an era: the generation, never 0; odd ones match nothing. */
static inline uint64_t generation_era(const struct generation *g)
{
	return atomic_load_explicit(&g->count, memory_order_acquire) + 2;
}

/* Whether no truncation came between: what was copied in `era` is what the file held. */
static inline int generation_still(const struct generation *g, uint64_t era)
{
	atomic_thread_fence(memory_order_acquire);
	return generation_era(g) == era;
}

/*
 * Takes the lock, also from a dead owner; gives up after some 50 ms (the owner
 * is stopped), or at once if a signal handler interrupted the owner itself:
 * returns whether it is held. Makes an odd generation even.
 */
int generation_lock(struct generation *g);
void generation_unlock(struct generation *g);

/* An odd generation: even again, if whoever made it so is dead. */
void generation_repair(struct generation *g);

/* Around a call that may shorten the file; what begin returns goes to end. */
int generation_begin(struct generation *g);
void generation_end(struct generation *g, int held);

/* Something was written to the file: another generation, odd if it was. */
static inline void generation_touch(struct generation *g)
{
	atomic_fetch_add(&g->count, 2);
}

/* In a fork child: the thread's id is another, and so may its namespace be. */
void generation_fork_child(void);

/*
 * Makes `path` a directory that only its owner, this user, may enter, if it is
 * not one yet. 0; -EPERM if another user owns it or could enter; another -errno.
 */
int private_directory(const char *path);

/*
 * Maps a file of `size` bytes, made if need be, all of whose pages are there,
 * in a private directory: zeros at first. Stays mapped, and shared with fork
 * children. NULL and -errno in *error if it cannot be had. No cancellation point.
 */
void *private_map(const char *path, size_t size, int *error);

#endif
