/* SPDX-License-Identifier: MIT */
/*
 * Whether the server stored what it was sent, by what it says of it: the
 * checksum of a part or object where it tells one, else its ETag, where that
 * was seen to be the MD5 of what was sent (of an upload: the MD5 of the parts'
 * MD5s, and how many). 0, or -EIO: it has other bytes.
 */
#ifndef S3_AGENT_PROOF_H
#define S3_AGENT_PROOF_H

#include "body.h"

/* By the answer to PutObject or UploadPart of this body. */
int proof_body(const struct body *b, const struct s3_request *r);

/* Of a whole upload; sum_known: sum is the checksum of all of it. */
struct proof_upload {
	struct s3_bucket *b;
	int n;
	const char *(*etag)(void *arg, int i);  /* of its parts, as the server told them */
	void *arg;
	int sum_known;
	enum sum_crc kind;
	uint64_t sum;
};
/* By what Complete answers: etag, and crc and type ("" if it tells none). */
int proof_upload(const struct proof_upload *u, const char *etag, const char *crc, const char *type);

#endif
