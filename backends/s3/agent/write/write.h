/* SPDX-License-Identifier: MIT */
/*
 * Writing: what guest.c calls for a handle that writes, and for names. How a
 * description that writes works is in s3/proto.h (writing) and s3/journal.h.
 *
 * `done` and `opened` are called once, from the loop, perhaps before the
 * function returns. err is 0 or -errno. Strings are copied.
 */
#ifndef S3_AGENT_WRITE_H
#define S3_AGENT_WRITE_H

#include "s3/journal.h"
#include "read/object.h"
#include "request/s3.h"

struct stage;                           /* a staged file; counted */

typedef void write_done(void *arg, int err);

/*
 * Looks through the spool: uploads of an agent that is gone are aborted, staged
 * files without anything in them removed. After loop_init, before guests.
 */
void write_init(void);
/* Gives back what is kept for the next write. */
void write_idle(void);
const char *write_spool(void);          /* the directory, for struct s3_welcome */

/*
 * S3_OPEN, where the flags have O_WRONLY, O_RDWR or O_TRUNC, or where
 * write_new says that the name is not in the bucket yet: opens or joins
 * the staged file for the description (ofd->id). The stage is counted for the
 * caller. -EEXIST -EISDIR -ENOENT -ENOTDIR -EROFS -ELOOP (a symbolic link) -ENFILE ...
 */
void write_open(struct s3_bucket *b, const char *name, const char *description, int flags, mode_t mode,
		void (*opened)(void *arg, struct stage *st, int err), void *arg);

/* S3_ATTACH with a spool name. -ENOENT: it is published or dropped. */
int write_attach(const char *spool, const char *description, struct stage **out);

/* How many files are closed and not published yet; they keep the agent from ending. */
unsigned write_held(void);

void stage_put(struct stage *st);       /* S3_DROP, or the guest is gone */
const char *stage_spool(const struct stage *st);
void stage_attr(const struct stage *st, struct s3_attr *attr);  /* as fstat tells */
struct s3_journal *stage_journal(const struct stage *st);
/* What S3_READ of the handle reads: the opened version, or NULL: there is none, zeros. Not counted. */
struct object *stage_base(const struct stage *st);

/*
 * A read of the base found it replaced; `version`: journal->published before it.
 * Done, perhaps at once, with 0 if a publication of ours did that and there is
 * another base now, else -ESTALE.
 */
void write_replaced(struct stage *st, uint64_t version, write_done *done, void *arg);

/* S3_WROTE: answered when there is room. */
void write_wrote(struct stage *st, int64_t off, int64_t len, write_done *done, void *arg);
/* S3_PUBLISH; flags: S3_LAST. The stage may be put meanwhile. */
void write_publish(struct stage *st, const char *description, unsigned flags, write_done *done, void *arg);
/* S3_ABANDON */
void write_abandon(struct stage *st, const char *description);

/* Names that are staged and not in the bucket yet: 1 and *attr (NULL is fine), or 0. */
int write_pending(struct s3_bucket *b, const char *name, struct s3_attr *attr);
/*
 * Likewise, or only as the empty object by which O_EXCL took the name: nobody
 * here has seen anything else, and mkstemp's file is read by its name. For
 * S3_STAT and S3_OPEN.
 */
int write_new(struct s3_bucket *b, const char *name, struct s3_attr *attr);
/*
 * While a file is open to write here, its name has the inode number that fstat
 * of it tells: programs ask whether their file was moved. For S3_STAT.
 */
void write_ino(struct s3_bucket *b, const char *name, struct s3_attr *attr);
/* Those in a directory, for S3_LIST, by their last component. */
void write_pending_each(struct s3_bucket *b, const char *dir,
			void (*each)(void *arg, const char *name, uint64_t ino), void *arg);

/* S3_REMOVE ... S3_SETXATTR; st NULL: of the name. */
void write_remove(struct s3_bucket *b, const char *name, unsigned flags, write_done *done, void *arg);
void write_rename(struct s3_bucket *b, const char *from, const char *to, unsigned flags,
		  write_done *done, void *arg);
void write_mkdir(struct s3_bucket *b, const char *name, mode_t mode, write_done *done, void *arg);
void write_symlink(struct s3_bucket *b, const char *name, const char *text, write_done *done, void *arg);
void write_setattr(struct s3_bucket *b, const char *name, const struct s3_attr *attr, unsigned set,
		   write_done *done, void *arg);
void write_setxattr(struct s3_bucket *b, const char *name, struct stage *st, const char *key,
		    const void *value, ssize_t len, int flags, write_done *done, void *arg);

#endif
