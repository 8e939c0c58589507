/* SPDX-License-Identifier: MIT */
/*
 * A staged file: what is written to an object before it is published. All
 * descriptions of one agent that write to an object share one. It is two files
 * of the spool directory, which guests and agent have open:
 *
 *      ID.data      the bytes that were written, each at its place
 *      ID.journal   what must outlive everybody: struct s3_journal, and behind
 *                   it what is known of each 4 KiB block
 *
 * Bytes are changed by guests only, under `lock`; the agent never takes it and
 * never writes to ID.data. What the program reads is:
 *
 *      a block that is `here`           ID.data
 *      any other, below base_end        the version of the object that was opened
 *      any other                        zeros (ID.data has a hole)
 *
 * so a guest that writes to part of a block that is not here completes it
 * first. Every change also marks its blocks `changed`, after the bytes are in
 * ID.data; the agent takes these marks away before it reads, so that whatever
 * changes during an upload is uploaded again. ID.data is at least `size` long.
 *
 * The journal is made as long as its whole map, sparse. Only marks of bytes
 * below `ready` may be touched, whose pages are allocated: a full disk is
 * ENOSPC to the writer and never SIGBUS.
 */
#ifndef BACKENDS_S3_JOURNAL_H
#define BACKENDS_S3_JOURNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "proto.h"

#define S3_JOURNAL_MAGIC 0x7368696d2d733302ull   /* with the layout's version */
#define S3_STAGED_MOST (5ll << 40)               /* EFBIG beyond: the largest object S3 has */
#define S3_BLOCK 4096
#define S3_DESCRIPTIONS 64                       /* that write to one object at a time; ENFILE */
#define S3_ID 33                                 /* of a description (object_ops.h) or staged file, with the NUL */
#define S3_UPLOAD_MAX 1024                       /* an upload's id */

/* Of 64 blocks. */
struct s3_blocks {
	_Atomic uint64_t here, changed;
};
#define S3_GROUP (64ll * S3_BLOCK)

struct s3_journal {
	uint64_t magic;
	char id[S3_ID];
	char target[S3_NAME_MAX];       /* of the rule: bucket/prefix?options */
	char name[S3_NAME_MAX];         /* below it; the agent's, it follows renames */

	/* the guests', under lock; the agent reads them */
	pthread_mutex_t lock;           /* robust, error-checking */
	_Atomic int64_t size;
	_Atomic int64_t base_end;       /* only becomes less */
	_Atomic int64_t cut;            /* the least size since the agent last set it to INT64_MAX */
	_Atomic uint64_t changes;       /* counts them; last of what a change does */
	_Atomic int64_t mtime_sec;      /* of the last change, or as set */
	_Atomic uint32_t mtime_nsec;
	_Atomic uint32_t mode, uid, gid;
	_Atomic uint32_t set;           /* OBJECT_* that were set by the program and are to be stored */

	/* what S3_WROTE gives */
	_Atomic int64_t room;           /* bytes, in blocks that are not here yet */
	_Atomic int64_t ready;          /* marks of bytes below it may be touched */

	/* the agent's; guests may look */
	uint64_t ino;                   /* of the staged file, no other's */
	struct s3_attr base;            /* the version opened or published last; etag "": there is none */
	_Atomic int pending;            /* the name is not in the bucket before this is published */
	_Atomic int removed;            /* the name is gone: nothing will be published */
	_Atomic int lost;               /* a holder was killed: kept for shim s3 recover */
	enum s3_must { S3_MUST_ANY, S3_MUST_ABSENT, S3_MUST_BASE } must; /* what publishing replaces, or it is a conflict */
	int closed;                     /* ... by its program, and is published soon: the next agent does it */
	int error;                      /* -errno of the last try to publish, 0 */
	uint64_t published;             /* `changes` as they were in the version published last */
	int64_t made;                   /* time(2) */
	char key[S3_NAME_MAX];
	char upload[S3_UPLOAD_MAX];     /* a multipart upload in progress, "" none */
	char description[S3_DESCRIPTIONS][S3_ID];
};

#define S3_MAP_AT 65536                  /* of the journal: struct s3_blocks[] */
#define S3_JOURNAL_BYTES (S3_MAP_AT + (S3_STAGED_MOST / S3_GROUP) * (off_t)sizeof(struct s3_blocks))
_Static_assert(sizeof(struct s3_journal) <= S3_MAP_AT, "the map follows the journal");

/*
 * The map is mapped in windows, each twice as long as the one before, as far as
 * the file reaches: the first one, a MiB, is for 16 GiB of a file.
 */
#define S3_WINDOW (1ll << 20)
#define S3_WINDOW_GROUPS (S3_WINDOW / (int64_t)sizeof(struct s3_blocks))
#define S3_WINDOW_SPAN (S3_WINDOW_GROUPS * S3_GROUP)
#define S3_WINDOWS 9
_Static_assert(((1 << S3_WINDOWS) - 1) * S3_WINDOW_SPAN >= S3_STAGED_MOST, "they are enough");

struct s3_marks {
	_Atomic(struct s3_blocks *) window[S3_WINDOWS];
};

/* The window in which the marks of off are. */
static inline int s3_window_of(int64_t off)
{
	return 63 - __builtin_clzll((unsigned long long)(off / S3_WINDOW_SPAN) + 1);
}

static inline size_t s3_window_bytes(int window)
{
	return (size_t)(S3_WINDOW << window);
}

/* Where it begins in the journal. */
static inline off_t s3_window_at(int window)
{
	return S3_MAP_AT + ((1ll << window) - 1) * S3_WINDOW;
}

/* How many windows the marks of bytes below upto need. */
static inline int s3_windows_below(int64_t upto)
{
	return upto > 0 ? s3_window_of(upto - 1) + 1 : 0;
}

/* off is in a window that is mapped. */
static inline struct s3_blocks *s3_blocks_of(const struct s3_marks *m, int64_t off)
{
	int w = s3_window_of(off);

	return atomic_load(&m->window[w]) + (off / S3_GROUP - ((1ll << w) - 1) * S3_WINDOW_GROUPS);
}

#endif
