/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a staged file on their way into the bucket: up to BODY_HELD of them
 * are brought into memory, so that what is sent is what the checksum is of,
 * whatever the program does meanwhile; longer ones, and those that may be, are
 * read from the spool a second time as they are sent. Bytes that only the opened
 * version has are fetched.
 */
#ifndef S3_AGENT_BODY_H
#define S3_AGENT_BODY_H

#include "stage.h"
#include "request/checksum.h"

#define BODY_HELD (32ll << 20)

enum body_sum { BODY_CRC = 1, BODY_MD5 = 2 };

struct body {
	/* given */
	struct stage *st;               /* counted by body_load */
	int64_t off, len;
	unsigned sums;                  /* enum body_sum: which are wanted */
	enum sum_crc kind;              /* of BODY_CRC */
	int spooled;                    /* may be read twice: -EIO if it is shorter or other bytes then */
	void (*done)(struct body *b, int err);
	void *arg;
	/* known in done, and until body_free */
	unsigned char *p;               /* NULL: from the spool */
	uint64_t sum;                   /* its CRC */
	unsigned char digest[16];       /* its MD5 */
	char crc[SUM_CRC_TEXT], md5[SUM_MD5_TEXT]; /* as headers have them */

	struct s3_request *get;
	int err;
};

/* Whether the program may have changed what is sent since the checksum was made. */
static inline int body_may_be_torn(const struct body *b)
{
	return b->spooled && !b->p;
}

/* Calls done later. */
void body_load(struct body *b);
/*
 * What was asked for with the checksum of `kind` was answered with it, or not,
 * or refused (told -1): learns whether the endpoint has any. CRC32C comes
 * first, then CRC64NVME is asked for, and then none.
 */
void body_told(struct s3_bucket *b, enum sum_crc kind, int told);
/* As the body of a request, with its checksums as headers. */
void body_send(struct body *b, struct s3_request *r);
void body_free(struct body *b);

/* Bytes of memory all of them hold. */
int64_t body_held(void);

#endif
