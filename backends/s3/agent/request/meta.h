/* SPDX-License-Identifier: MIT */
/*
 * What is stored beside an object's bytes: content type, attributes and
 * extended attributes as s3fs and rclone keep them in x-amz-meta-*, and of an
 * object that is written again its storage class, encryption and tags. What the
 * rule says of these is added where requests are sent (headers.h), and counts.
 */
#ifndef S3_AGENT_META_H
#define S3_AGENT_META_H

#include "s3.h"
#include "s3/proto.h"

/* Tells one of our uploads from any other, where the answer was lost. */
#define META_STAMP "x-amz-meta-shim-upload"

/* Headers to be sent, and the memory of their text. */
struct meta {
	char text[16384];
	size_t used;
	struct http_header h[S3_EXTRA];
	unsigned n;
	int full;                       /* there was more than fits: -E2BIG */
	int beside;                     /* goes with what a copy takes along by itself */
};

/* name in lower case; copied. A second one of a name takes the first one's place; value NULL: takes it away. */
void meta_set(struct meta *m, const char *name, const char *value);
const char *meta_get(const struct meta *m, const char *name);
/* x-amz-meta-mode, -uid and -gid, -mtime of attr; set: OBJECT_*. */
void meta_attr(struct meta *m, const struct s3_attr *attr, unsigned set);
/* What of an answer to HEAD is to be stored again with another version. */
void meta_preserve(struct meta *m, const struct s3_request *head);
/* Likewise, only what CopyObject does not take along by itself: class, encryption, redirection. */
void meta_beside(struct meta *m, const struct s3_request *head);
/* By the rule, for every object that is made; with the content type of the key if there is none yet. */
void meta_rule(struct meta *m, const struct s3_bucket *b, const char *key);
void meta_send(const struct meta *m, struct s3_request *r);

/* "name: value\n"..., malloc'ed, and back. */
char *meta_save(const struct meta *m);
void meta_load(struct meta *m, const char *saved);

const char *meta_content_type(const char *key);

#endif
