/* SPDX-License-Identifier: MIT */
/*
 * Copies that the server makes: of a range into a part of an upload, and of
 * whole objects, by parts beyond 5 GiB. The source has to be the version it is
 * said to be (x-amz-copy-source-if-match), else -ESTALE. Where that is refused
 * although it holds (Swift, of objects made by parts), HEAD tells instead.
 */
#ifndef S3_AGENT_COPY_H
#define S3_AGENT_COPY_H

#include "request/meta.h"
#include "write.h"

/* An etag as answers have it in XML, where some services leave its quotes out. */
void copy_etag(char out[S3_ETAG_MAX], const char *value);

#define COPY_WHOLE (5ll << 30)          /* the largest CopyObject */

/* UploadPartCopy; done is called later. */
struct copy_range *copy_range(struct s3_bucket *b, const char *key, const char *upload, int number,
			      struct s3_bucket *from_b, const char *from, const struct s3_attr *version, int64_t off,
			      int64_t len, void (*done)(void *arg, const char *etag, int err), void *arg);
void copy_range_cancel(struct copy_range *c);

/*
 * Copies the version of `from` to `key`. meta NULL: with all that is stored
 * beside it, for which it is looked at first; one by meta_beside: likewise, of
 * which that is known; else with that instead. Tags stay, the ACL is the
 * rule's. attr is the new one's, as far as known.
 */
void copy_object(struct s3_bucket *b, const char *from, const struct s3_attr *version, const char *key,
		 const struct meta *meta,
		 void (*done)(void *arg, const struct s3_attr *attr, int err), void *arg);

/* Likewise from another bucket of the same service, which b's credentials may read. */
void copy_between(struct s3_bucket *from_b, const char *from, const struct s3_attr *version, struct s3_bucket *b,
		  const char *key, const struct meta *meta,
		  void (*done)(void *arg, const struct s3_attr *attr, int err), void *arg);
/*
 * The process is about to end: copies by parts go no further (-ECANCELED), and their uploads are aborted.
 * How many are just being begun, so that there is nothing to abort yet.
 */
unsigned copy_stop(void);

#endif
