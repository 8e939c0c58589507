/* SPDX-License-Identifier: MIT */
/*
 * A store of the mem back end: a directory on tmpfs, /dev/shm/shim-mem-UID/
 * NAME/files, and beside it `control`, shared by every process that uses the
 * store: how full it is, and the generations of its files. Their locks also
 * make overlapping writes whole, as the kernel's inode lock does.
 */
#ifndef BACKENDS_MEM_STORE_H
#define BACKENDS_MEM_STORE_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "generation.h"

struct mem_control {
	_Atomic uint64_t used;         /* no fewer bytes than the store holds, since the last count */
	_Atomic uint64_t looked;       /* times that attributes were looked at or set */
	uint64_t pad[510];
	struct generations generations;
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

#endif
