/* SPDX-License-Identifier: MIT */
/*
 * Multipart uploads of staged files. One begins while the program still writes,
 * if it writes a new file from its start on (multi_stream), or when the file
 * is published; parts that change after they were sent are sent again.
 * Errors are -errno.
 */
#ifndef S3_AGENT_MULTI_H
#define S3_AGENT_MULTI_H

#include "request/meta.h"
#include "request/sum.h"
#include "parts.h"
#include "stage.h"

#define MULTI_FROM (16ll << 20)         /* files below it are one PutObject */
#define MULTI_SENDING 6                 /* parts of a file on their way */
#define MULTI_MEMORY (96ll << 20)       /* held by parts of all files */

/*
 * After stage_collect, which said what changed: marks parts to be sent again,
 * begins an upload if it is worth it, and sends what is complete.
 */
void multi_stream(struct stage *st, const struct extents *changed);

/* The length of all parts but the last: part= of the rule, or what the service wants; 0: they need not be equal. */
int64_t multi_fixed(const struct s3_bucket *b);

/* Bytes that could be sent and are not yet. */
int64_t multi_behind(const struct stage *st);
/* -errno that the upload met while the program writes, 0 none. */
int multi_error(const struct stage *st);

/*
 * Sends all there is to be sent of `size` bytes, with an upload in progress if
 * that fits; then calls done(arg, err). meta is kept until then.
 */
void multi_send(struct stage *st, int64_t size, const struct meta *meta,
		void (*done)(void *arg, int err), void *arg);

/* The body of CompleteMultipartUpload, malloc'ed; "" if there is no upload. */
char *multi_complete_text(const struct stage *st);
/* The checksum of the parts of an upload. */
enum sum_crc multi_kind(const struct stage *st);
/* That of the whole, where all its parts have one: 1, or 0. full: and the upload was begun so that Complete may have it. */
int multi_sum(const struct stage *st, uint64_t *sum, int *full);
/* 0, or -EIO: what Complete says of the object is not what was sent. */
int multi_proof(const struct stage *st, const char *etag, const char *crc, const char *type);
/* Whether the upload was begun without this metadata. */
int multi_lacks(const struct stage *st, const struct meta *meta);

/* What the object will have as META_STAMP, no other. */
const char *multi_stamp(const struct stage *st);

/* The upload is complete: forgets it. */
void multi_over(struct stage *st);
/* Ends it, aborting the upload in the bucket too. */
void multi_abort(struct stage *st);

/* The UploadId that CreateMultipartUpload answered; 0, -EIO without one, -EBADMSG. */
int multi_upload_id(const struct s3_request *r, char id[S3_UPLOAD_MAX]);

/* Aborts an upload, whoever began it; done may be NULL. */
void multi_abort_id(struct s3_bucket *b, const char *key, const char *id, write_done *done, void *arg);

/* How many aborts are on their way: who ends the process waits for them. */
unsigned multi_aborting(void);

#endif
