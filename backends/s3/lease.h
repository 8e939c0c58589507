/* SPDX-License-Identifier: MIT */
/*
 * Pieces of the cache that the agent told of a file: what was asked for, and
 * what came with it. Later reads are served from them without a call, as long as
 * their memory was not used again, which link_read finds out.
 *
 * Any thread and signal handler, without locks: whoever finds an entry being
 * changed does without it.
 */
#ifndef BACKENDS_S3_LEASE_H
#define BACKENDS_S3_LEASE_H

#include "proto.h"

#define LEASES 16               /* of an open file */

struct lease {
	_Atomic uint32_t sequence;      /* odd while it is changed */
	_Atomic uint32_t serial;        /* the link's whose cache it is in */
	_Atomic uint32_t chunk, generation;
	_Atomic uint64_t at, len;
	_Atomic int64_t off;
};

struct leases {
	struct lease lease[LEASES];
	_Atomic unsigned next;
};

void lease_add(struct leases *all, unsigned serial, const struct s3_piece *p);

/* The piece that has the byte at `off`: 1, or 0. */
int lease_find(struct leases *all, unsigned serial, int64_t off, struct s3_piece *p);

/* It was not what it said. */
void lease_remove(struct leases *all, const struct s3_piece *p);

#endif
