/* SPDX-License-Identifier: MIT */
/*
 * The spool directory: $XDG_CACHE_HOME/shim/spool, or /var/tmp/shim-s3-UID if
 * that is not set, or SHIM_AGENT_SPOOL; ours alone, mode 0700. Staged files are in
 * it (s3/journal.h). Results are >= 0 or -errno.
 */
#ifndef S3_AGENT_SPOOL_H
#define S3_AGENT_SPOOL_H

#include "s3/journal.h"

struct spool_file {
	int data, fd;                   /* ID.data, ID.journal */
	struct s3_journal *j;           /* mapped, and its map below `ready` */
	struct s3_marks marks;
};

/* Makes the directory; spool_make tries again if that failed. */
int spool_init(void);
/* Logs why nothing can be staged; what a program is to be told. */
int spool_failed(int err);
const char *spool_dir(void);

/*
 * A new one, its journal filled in as far as it is empty; one there is. Both
 * are locked; -EBUSY: another agent has it. What is left of one that was cut
 * short while it was made or removed is removed: -ENOENT.
 */
int spool_make(struct spool_file *f);
int spool_open(struct spool_file *f, const char *id);
void spool_close(struct spool_file *f);
/*
 * Not of the directory: the data is an open file, the spool_file's from now on,
 * which is only read; the journal is in memory, without marks of blocks. Nothing
 * of it is left when the process ends.
 */
int spool_borrow(struct spool_file *f, int data);
/* Both files; what has them open goes on. */
void spool_remove(const char *id);
/*
 * A small one that nobody has any more, instead of being closed and removed: kept
 * for spool_make, once the process has said that it goes on. Whether it was.
 */
int spool_spare(struct spool_file *f);
void spool_keep_spares(void);
void spool_drop_spares(void);
/* Calls each(arg, id) for every staged file there is. */
void spool_each(void (*each)(void *arg, const char *id), void *arg);

/* Marks of bytes below upto may be touched from now on: 0, -ENOSPC, -EFBIG, -ENOMEM. */
int spool_ready(struct spool_file *f, int64_t upto);
/* Bytes of the disk that its data take. */
int64_t spool_taken(const struct spool_file *f);
/* Bytes that may still be given out: of the disk a twentieth stays free. */
int64_t spool_free(void);

#endif
