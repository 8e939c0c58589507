/* SPDX-License-Identifier: MIT */
/* Tags of objects: what is written again as a whole, or copied by parts, would lose them. */
#ifndef S3_AGENT_TAGS_H
#define S3_AGENT_TAGS_H

#include "s3.h"

/* Whether the answer to a HEAD says that the object has some. */
int tags_told(const struct s3_request *head);

/*
 * Asks for them: done has them as x-amz-tagging does, without AWS's own, for as
 * long as the call; "" for none. version: "" or the id. Never from here.
 */
void tags_get(struct s3_bucket *b, const char *key, const char *version,
	      void (*done)(void *arg, const char *tags, int err), void *arg);

#endif
