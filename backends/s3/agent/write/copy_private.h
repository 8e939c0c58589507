/* SPDX-License-Identifier: MIT */
/* What copy.c and copy_object.c share. */
#ifndef S3_AGENT_COPY_PRIVATE_H
#define S3_AGENT_COPY_PRIVATE_H

#include "copy.h"

struct copy_source {
	char text[3 * S3_NAME_MAX];
};

/* "/bucket/key?versionId=...", encoded. 0 or -ENAMETOOLONG. */
int copy_source_of(struct copy_source *s, const struct s3_bucket *b, const char *key, const struct s3_attr *version);
/* As headers; from: whose rule has its key; etag: of the version, must live as long as the request. */
void copy_add_source(struct s3_request *r, const struct copy_source *s, const struct s3_bucket *from, const char *etag);
/* Whether a condition was refused that may hold. */
int copy_is_doubtful(const struct s3_request *r);
/* The answer to a HEAD of the source after that: 1: it holds, so such conditions are not used any more for b. */
int copy_holds(const struct s3_request *r, int err, const char *etag, struct s3_bucket *b);
/* The etag of the copy; -ESTALE: the source has changed. */
int copy_result(const struct s3_request *r, int err, char etag[S3_ETAG_MAX]);

#endif
