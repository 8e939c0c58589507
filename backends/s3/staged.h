/* SPDX-License-Identifier: MIT */
/*
 * The library's side of a staged file (journal.h): reads and writes of a file
 * that is open for writing. No call of the agent's but through the two
 * functions of the owner, and those only where bytes of the object are wanted
 * or the spool needs room.
 *
 * Any thread of any process; results >= 0 or -errno.
 */
#ifndef BACKENDS_S3_STAGED_H
#define BACKENDS_S3_STAGED_H

#include <sys/stat.h>
#include <sys/uio.h>

#include "journal.h"

struct staged {
	_Atomic int fd;                 /* ID.data; -1: not open */
	int hidden;
	struct s3_journal *journal;     /* mapped, */
	struct s3_marks marks;          /* and what of its map was needed so far */
};

/* What a staged file asks of whoever has the handle. */
struct staged_owner {
	/* n bytes of the opened version at off (S3_READ), short at its end */
	ssize_t (*base)(void *arg, void *buf, size_t n, int64_t off);
	/* S3_WROTE: 0 or -errno */
	int (*wrote)(void *arg, int64_t off, int64_t len);
	void *arg;
};

/* Opens `id` of the spool directory, its descriptor hidden or not; -ENOENT: it is over, published or dropped. */
int staged_open(struct staged *s, const char *dir, const char *id, int hidden);
void staged_close(struct staged *s);

ssize_t staged_preadv(struct staged *s, const struct staged_owner *o, const struct iovec *iov, int cnt, off_t off);
/* *off -1: at the end, and *off becomes where that was. */
ssize_t staged_pwritev(struct staged *s, const struct staged_owner *o, const struct iovec *iov, int cnt, off_t *off);
int staged_truncate(struct staged *s, const struct staged_owner *o, off_t len);
/* fallocate(2): mode 0, KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE; others EOPNOTSUPP. */
int staged_allocate(struct staged *s, const struct staged_owner *o, int mode, off_t off, off_t len);

/* Size, times, mode, owner, ino; nlink 0 if the name is gone. */
void staged_stat(const struct staged *s, struct statx *st);
/* chmod, chown, utimens of the open file: part of what is published. */
struct object_attr;
int staged_setattr(struct staged *s, const struct object_attr *set);
/* Whether there is anything that was not published yet. */
int staged_is_changed(const struct staged *s);

#endif
