/* SPDX-License-Identifier: MIT */
/*
 * A directory of pieces of objects, shared by the agents of a user, that
 * outlives them: disk=. Threads may use it at once; nothing here is the loop's.
 *
 *      DIR/HASH-N      1 MiB of an object, from N MiB on: a page of its own with
 *                      what it is of and a checksum of each page, then the pages
 *      DIR/HASH.last   what the key was lately (disk_recall)
 *      DIR/lock        held by whoever writes; in it, how much there is
 *
 * HASH is of endpoint, bucket, key, etag and size, so that a new version of an
 * object has other files. A page is believed if its checksum, which begins with
 * that of the head and the place, says so; what a crash or a disk left of
 * anything is a page that is not there. Files are used in the order of their
 * times of change, which reading moves on; who would exceed the bound removes
 * the oldest until a tenth of it is free.
 */
#ifndef S3_AGENT_DISK_STORE_H
#define S3_AGENT_DISK_STORE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DISK_PAGE 4096
#define DISK_BLOCK (1 << 20)

struct disk_store;

/*
 * Opens the directory, made if it is not there (its parents too), for at most
 * so many bytes. It must be ours, 0700 and no link. NULL with errno.
 */
struct disk_store *disk_store_open(const char *path, int64_t most);
void disk_store_close(struct disk_store *s);
void disk_store_most(struct disk_store *s, int64_t most);       /* at least so many */

/* A version of an object. */
struct disk_id {
	unsigned char hash[32];
	int64_t size;
};

/* By n strings, and a size. */
struct disk_id disk_id_of(const char *const *text, unsigned n, int64_t size);

/*
 * Reads into buf, which has room for whole pages, what there is of [off, off +
 * len) from off on without a gap: how many bytes. off is at a page. *bad: counts
 * files that were not what they should be; they are gone now.
 */
size_t disk_read(struct disk_store *s, const struct disk_id *id, int64_t off, size_t len, void *buf,
		 unsigned *bad);

/*
 * Keeps the whole pages of [off, off + len), the last one of the object
 * counting as whole. 0, or -errno: -ENOSPC; -EBUSY if others write too
 * long; -E2BIG if it is half of what there may be.
 */
int disk_write(struct disk_store *s, const struct disk_id *id, int64_t off, size_t len, const void *p);

/* Removes what is beyond the bound: another agent's may have been larger. */
int disk_trim(struct disk_store *s);

/* Removes all of a version. */
void disk_forget(struct disk_store *s, const struct disk_id *id);

/* A few bytes by name, in one piece or not at all: n, or -errno. At most DISK_NOTE. */
#define DISK_NOTE 1024
int disk_note(struct disk_store *s, const struct disk_id *id, const void *p, size_t n);
int disk_recall(struct disk_store *s, const struct disk_id *id, void *p, size_t room);

#endif
