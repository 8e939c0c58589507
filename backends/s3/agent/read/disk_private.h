/* SPDX-License-Identifier: MIT */
/* What disk_store.c and disk_block.c share; nobody else includes it. */
#ifndef S3_AGENT_DISK_PRIVATE_H
#define S3_AGENT_DISK_PRIVATE_H

#include "disk_store.h"

#define DISK_NAME 64

struct disk_store {
	int dir;
	_Atomic int64_t most;
};

/* The name of a file: by number, or `last`. */
void disk_name(char out[DISK_NAME], const struct disk_id *id, int64_t block);
#define DISK_LAST (-1)

/* A regular file of ours in the directory, no link; flags as for open. A descriptor or -errno. */
int disk_file(const struct disk_store *s, const char *name, int flags);

/* It is not what it should be. */
void disk_remove(const struct disk_store *s, const char *name);

/*
 * Holds the directory for a writer of so many more bytes, after room was made
 * for them: a descriptor to close, or -errno.
 */
int disk_enter(struct disk_store *s, int64_t more);

#endif
