/* SPDX-License-Identifier: MIT */
/* What cmd_check.c and cmd_check_write.c share; nobody else includes it. */
#ifndef S3_AGENT_CMD_CHECK_H
#define S3_AGENT_CMD_CHECK_H

#include "cmd.h"

struct check {
	struct s3_bucket *b;
	char prefix[S3_NAME_MAX];       /* "" or ending in / */
	int failed;                     /* lines that did */

	/* of the listing */
	unsigned listed;
	int more;                       /* ... than one page */
	char key[S3_NAME_MAX];          /* the largest there that can be read; "" */
	int64_t size;
	char etag[S3_ETAG_MAX];
};

/* The lines of the page: what is worth knowing, what is so, what is not but need not be, and what should be. */
void check_note(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_ok(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_no(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_fail(struct check *c, const char *what, const char *advice, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Where requests go, as whom, and what goes with them. cmd_check_rule.c */
void check_describe(const struct check *c);

/* A request of the bucket, key NULL, or of an object; not repeated for its status. */
void check_request(struct s3_request *r, struct check *c, const char *method, const char *key);

/* It failed with err: says so, why, and what to do; `action` is S3's name of what was not allowed. */
void check_refused(struct check *c, const char *what, const struct s3_request *r, int err, const char *action);

/* How soon its first byte comes, and how fast all of it. */
void check_speed(struct check *c, const char *key, int64_t size);

/* What only writing shows; leaves nothing behind. cmd_check_write.c */
void check_writing(struct check *c);

/* An object of a name that nobody else has. */
struct probe {
	struct check *c;
	char key[S3_NAME_MAX + 40], copy[S3_NAME_MAX + 48], source[3 * S3_NAME_MAX];
	char etag[S3_ETAG_MAX];
	char got[256];                  /* of the object's bytes, or of a header */
	size_t n;
};

/* Whether it says that a condition does not hold. */
int check_is_refused(int err);

/* Uploads in parts, which leave an object of one of CHECK_PART bytes. cmd_check_parts.c */
#define CHECK_PART (8u << 20)
void check_multipart(struct probe *p);

#endif
