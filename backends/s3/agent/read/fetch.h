/* SPDX-License-Identifier: MIT */
/*
 * One range of one version of an object on its way into a chunk of the cache.
 * Fetches wait in two queues, those somebody waits for before those made
 * ahead, so that connections stay few; each holds its chunk until it ends.
 */
#ifndef S3_AGENT_FETCH_H
#define S3_AGENT_FETCH_H

#include "s3/proto.h"
#include "cache.h"
#include "plan.h"
#include "request/s3.h"

#define FETCH_MOST 256                  /* requests at a time, whatever connections= says */

struct object_read;

struct fetch {
	struct s3_request req;
	char match[S3_ETAG_MAX], version[S3_VERSION_MAX];
	struct chunk *c;                /* NULL: no bytes are wanted */
	int64_t size;                   /* the object's; -1: not known yet */
	/* the owner's */
	void *owner;
	int (*head)(struct fetch *f);   /* the answer begins: size, etag; -errno ends it; or NULL */
	void (*grew)(struct fetch *f);  /* c->filled did; c may be let go of here */
	void (*done)(struct fetch *f, int err);   /* then f is gone; what is in c stays held until this returns */
	struct object_read *waiting;
	/* fetch.c's */
	struct fetch *prev, *next;
	unsigned char urgent, running;
	struct look *look;              /* fetch_disk.c's: it is looked for on disk */
	uint32_t from_disk;             /* bytes */
	char key[];
};

/*
 * A fetch of [off, off + len) of the version that attr says; NULL without
 * memory. Its callbacks are the caller's to set. If attr is NULL, it is of the
 * current version, and has no chunk until fetch_take, in `head`, gives it one
 * for what there is of the version that its attr says: 0 or -ENOMEM.
 */
struct fetch *fetch_new(struct s3_bucket *b, const char *key, const struct s3_attr *attr,
			int64_t off, int64_t len);
int fetch_take(struct fetch *f, const struct s3_attr *attr);
/* Before it is started: memory for all of it, because there will be as much. */
void fetch_expect(struct fetch *f);
/* Before `head`: makes it one of the version that attr says, which begins before its end. 0 or -ENOMEM. */
int fetch_pin(struct fetch *f, const struct s3_attr *attr);

void fetch_start(struct fetch *f, int urgent);
void fetch_urgent(struct fetch *f);     /* somebody waits now */
void fetch_cancel(struct fetch *f);     /* f is gone, done is not called; its chunk is released, not freed */
void fetch_unwanted(struct fetch *f);   /* what it brings is not kept */
unsigned fetch_running(void);           /* waiting ones included */
unsigned fetch_connections(const struct s3_bucket *b);  /* requests it may have at a time */

/* It is complete and right: to be kept on disk, if the bucket has one. fetch_disk.c */
void fetch_keep(struct fetch *f);

/* Memory for what the server has not begun to answer is taken while there is nothing else to do. */
void fetch_init(void);

/* What was measured lately. */
const struct plan_link *fetch_link(void);

#endif
