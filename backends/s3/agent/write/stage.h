/* SPDX-License-Identifier: MIT */
/*
 * Staged files as the agent has them: who uses one, what of it is not in the
 * bucket, and its name. What write*.c, publish.c and multi.c share.
 */
#ifndef S3_AGENT_STAGE_H
#define S3_AGENT_STAGE_H

#include <uthash.h>

#include "read/extents.h"
#include "spool.h"
#include "write.h"

struct multi;
struct publish;

struct stage {
	UT_hash_handle hh;              /* by bucket and key; only while it is what an open joins */
	struct stage *prev, *next;      /* of all */
	unsigned refs;
	struct s3_bucket *b;
	char *at;                       /* what it is found by */
	struct spool_file f;
	struct s3_journal *j;           /* f.j */
	struct object *base;            /* counted; NULL: none */
	struct extents dirty;           /* differs from the base, of what was collected */
	int64_t copy_end;               /* beyond it nothing of the base can be copied */
	struct extents later;           /* collected since publishing began; also in dirty */
	int64_t later_cut;
	int64_t given;                  /* bytes of room */
	int dropped;                    /* to be removed from the spool */
	int orphan;                     /* of what is not published some is of who was killed */
	int taken;                      /* read by its name: the object is the empty one by which O_EXCL took that, or was renamed over */
	int kept;                       /* `preserve` is known */
	char *preserve;                 /* of the base: header lines "name: value\n" to be stored again */
	struct multi *multi;            /* an upload in progress */
	struct publish *publish;        /* a publication in progress, and who waits for it */
	struct held *held;              /* closed, and to be published soon: defer.c */
	struct delayed *delayed;        /* write.c's: writers that wait for uploads */
};

/* The one that an open of this key joins, or NULL. */
struct stage *stage_find(struct s3_bucket *b, const char *key);
/* The one of this id, of those in memory. */
struct stage *stage_find_id(const char *id);
void stage_each(void (*each)(void *arg, struct stage *st), void *arg);

/* A new one of a key, with one reference: 0 or -errno. */
int stage_make(struct s3_bucket *b, const char *name, const char *key, struct stage **out);
/* Likewise, of an open file (spool_borrow): no open joins it, it is to be published as it is. The file is the stage's. */
int stage_of_file(struct s3_bucket *b, const char *key, int data, struct stage **out);
/* One that is in the spool; -EADDRINUSE if it is in memory, -EIO if it is damaged. */
int stage_load(const char *id, struct stage **out);
struct stage *stage_get(struct stage *st);

int stage_describe(struct stage *st, const char *description);  /* 0 or -ENFILE */
void stage_undescribe(struct stage *st, const char *description);
unsigned stage_descriptions(const struct stage *st);

/* Another name; the caller has seen to it that nobody has it. */
void stage_rename(struct stage *st, const char *name, const char *key);
/* It has nothing of an object: it is new, or is to replace whatever has its next name (over). */
void stage_unbase(struct stage *st, int over);
/* No open joins it any more. */
void stage_detach(struct stage *st);
/* ... and when nobody has it, it is removed from the spool. */
void stage_drop(struct stage *st);

/* Whether it differs from what was published. */
int stage_is_changed(const struct stage *st);

/*
 * Takes the marks of what changed over into st->dirty, and into *fresh if that
 * is not NULL. What is read after this has all of it.
 */
void stage_collect(struct stage *st, struct extents *fresh);

/* From now on what is collected is `later`: not in the version that is about to be published. */
void stage_freeze(struct stage *st);
/* That version is the base now. */
void stage_based(struct stage *st, const struct s3_attr *attr);

/* What is stored beside its bytes. */
struct meta;
void stage_meta(const struct stage *st, struct meta *m);
/* Adds a header to what of the base is kept; value "": nothing. */
void stage_keep(struct stage *st, const char *name, const char *value);

/* Nobody has it any more, after err: nothing of it is kept that is in the bucket, or is to be nowhere. write.c */
void write_settle(struct stage *st, int err);

/* Some of an upload got through, or it failed: writers that wait may go on. write.c */
void write_progress(struct stage *st);
/* Calls done(arg, err), late if uploads of what was written are far behind; err: what they met meanwhile. write.c */
void write_pace(struct stage *st, write_done *done, void *arg);

/* Gives room for a write: 0, -ENOSPC, -EFBIG. */
int stage_room(struct stage *st, int64_t off, int64_t len);

#endif
