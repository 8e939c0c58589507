/* SPDX-License-Identifier: MIT */
/*
 * A store of the mem back end: a directory on tmpfs, /dev/shm/shim-mem-UID/
 * NAME/files, and beside it `control`, shared by every process that uses the
 * store. In it each inode has, by its number modulo MEM_SLOTS, a generation
 * and a writers' lock.
 *
 * The generation says when what a process learnt about a file is void: it is
 * odd while a call that may shorten the file is under way and another even
 * number after it. The lock makes overlapping writes whole, as the kernel's
 * inode lock does, and keeps them apart from truncations. Its holder may be
 * killed: the lock is then taken over, and an odd generation made even.
 * Sharing a slot between inodes costs a little waiting and nothing else.
 */
#ifndef BACKENDS_MEM_STORE_H
#define BACKENDS_MEM_STORE_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#define MEM_SLOTS 4096

struct mem_slot {
	_Atomic uint64_t generation;
	_Atomic uint64_t owner;        /* pid namespace << 32 | thread id; 0: free */
	uint64_t pad[6];
};

struct mem_control {
	_Atomic uint64_t used;         /* no fewer bytes than the store holds, since the last count */
	_Atomic uint64_t looked;       /* times that attributes were looked at or set */
	uint64_t pad[510];
	struct mem_slot slot[MEM_SLOTS];
};

/* The longest path of a store's file directory, with its NUL. */
#define MEM_ROOT_MAX 256

/* Writes the file directory of store `name` ("" is "default") of this user. */
void mem_store_root(char root[MEM_ROOT_MAX], const char *name);

/*
 * Makes the store if it is not there. 0; -EPERM if another user owns a
 * directory on the way or could write to it; another -errno.
 */
int mem_store_make(const char *root);

/* Maps the control file beside `root`; NULL and -errno in *error if it cannot be had. */
struct mem_control *mem_store_map(const char *root, int *error);

/*
 * The bytes that the files under `root` occupy now, into *used; -errno if they
 * could not be counted. Async-signal-safe.
 */
int mem_store_count(const char *root, uint64_t *used);

struct mem_slot *mem_slot_of(struct mem_control *c, ino_t ino);

/*
 * Takes the lock, also from a dead owner; gives up after some 50 ms (the owner
 * is stopped), or at once if a signal handler interrupted the owner itself:
 * returns whether it is held. Repairs the generation.
 */
int mem_lock(struct mem_slot *s);
void mem_unlock(struct mem_slot *s);

/* In a fork child: the thread's id is another. */
void mem_store_fork_child(void);

#endif
