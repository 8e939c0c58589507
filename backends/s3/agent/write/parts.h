/* SPDX-License-Identifier: MIT */
/*
 * How a file is cut into the parts of a multipart upload. Pure functions.
 *
 * A new file has its parts at fixed places, so that they can be uploaded while
 * it is still being written: 1000 of 8 MiB, 3000 of 32, 2000 of 128 and then
 * 4000 of 1232, which is more than 5 TiB; or all of one
 * size, for endpoints that want them so (part=).
 *
 * A file that was changed is cut so that what did not change is copied by the
 * server.
 *
 * The limits are S3's: 10,000 parts of 5 MiB (but for the last) to 5 GiB.
 */
#ifndef S3_AGENT_PARTS_H
#define S3_AGENT_PARTS_H

#include "read/extents.h"

#define PARTS_MOST 10000
#define PART_LEAST (5ll << 20)
#define PART_MOST (5ll << 30)
#define PART_USUAL (8ll << 20)
#define PART_COPIED (16ll << 20)        /* copies longer than that are made in parallel, */
#define PART_COPIED_MOST (512ll << 20)  /* each of so much of a large file */

struct part {
	int64_t off, len;
	int copied;
};

/* The part of number n (from 1 on) of a new file: fixed > 0: all are so long. */
struct part parts_fixed(int n, int64_t fixed);

/*
 * All parts of a file of `size` bytes of which `dirty` and what is at or beyond
 * copy_end cannot be copied. Allocated; *count of them, 0 if it cannot be done
 * with `fixed`.
 */
struct part *parts_plan(int64_t size, const struct extents *dirty, int64_t copy_end, int64_t fixed, int *count);

#endif
