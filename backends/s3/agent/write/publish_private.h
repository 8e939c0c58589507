/* SPDX-License-Identifier: MIT */
/*
 * What the files of a publication share: publish.c begins and ends it and
 * chooses the way, publish_put.c sends one PutObject, publish_upload.c an upload,
 * publish_look.c looks and says under which condition.
 */
#ifndef S3_AGENT_PUBLISH_PRIVATE_H
#define S3_AGENT_PUBLISH_PRIVATE_H

#include "body.h"
#include "publish.h"
#include "request/meta.h"

#define PUBLISH_TRIES 3                 /* of what was refused for a reason that may pass */

struct publish {
	struct stage *st;
	struct waiter *waiting;
	uint64_t changes;               /* of the version */
	int64_t size;
	struct meta meta;
	struct s3_request r;
	struct body body;
	enum { PLAIN, ASKING, HOLDING } condition;  /* sent with the last request */
	int asked;                      /* whether the object we have just made is refused */
	int tries;
	int broken;                     /* If-Match does not hold where it should */
	char stamp[80], etag[S3_ETAG_MAX], version[S3_VERSION_MAX];
	int64_t mtime;
	char *complete, sum[SUM_CRC_TEXT];
	void (*found)(struct publish *p);       /* after lookup */
	int error;                      /* that led to a lookup */
};

/* publish.c */
void publish_end(struct publish *p, int err);   /* tells who waits; the others go on */
void publish_ended(struct publish *p);          /* ... all went well: p->etag is the object's */
void publish_send(struct publish *p);           /* by the way that fits */
/* ... but what the server has now are other bytes: the next try replaces them, whatever they are. */
void publish_damaged(struct publish *p);
/* A request of p's for the object's key. */
void publish_request(struct publish *p, const char *method, void (*done)(struct s3_request *, int));
/* The etag, version and time of what was written, by its answer. */
void publish_result(struct publish *p, const struct s3_request *r, const char *etag);
/* As the end of copy_object. */
void publish_copied(void *arg, const struct s3_attr *attr, int err);

/* publish_put.c, publish_upload.c */
void publish_put(struct publish *p);
void publish_upload(struct publish *p);

/* publish_look.c */
/* What has to hold of the object that is replaced. */
enum s3_must publish_must(const struct publish *p);
/* What is known of whether the endpoint heeds the condition that says so: 1, 0, -1 unknown. */
signed char *publish_heeds(struct publish *p);
/* HEAD */
void publish_look(struct publish *p, void (*done)(struct s3_request *r, int err));
/* 0 if the object, by the answer to that, is what it has to be; -ESTALE. */
int publish_is_as_it_must(const struct publish *p, const struct s3_request *r, int err);
/*
 * After err, of a request that may have come through all the same: looks, and
 * ends it, or goes on with `again` if it was refused by a condition that holds.
 */
void publish_lookup(struct publish *p, int err, void (*again)(struct publish *p));

#endif
