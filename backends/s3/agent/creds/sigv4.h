/* SPDX-License-Identifier: MIT */
/*
 * AWS Signature Version 4, and the encodings it rests on. For the loop's
 * thread: signing keys are kept, one for each day, region and secret.
 */
#ifndef S3_AGENT_SIGV4_H
#define S3_AGENT_SIGV4_H

#include <stddef.h>
#include <time.h>

#include "http/http.h"

#define SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"
#define SIGV4_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGV4_PARAMS 32                 /* of a query */
#define SIGV4_SECRET_MAX 1024           /* AWS's have 40 bytes, the longest of other makers some hundred */
#define SIGV4_REGION_MAX 128            /* region or service */

struct sigv4_key {                      /* credentials, not owned */
	const char *id, *secret, *token;/* token may be NULL */
	int session;                    /* of S3 Express's CreateSession: the token has another header */
};

/* A query parameter, not encoded; value NULL is "". */
struct sigv4_param {
	const char *name, *value;
};

/*
 * Percent-encodes by S3's rule (all but A-Za-z0-9-_.~; `/` too unless `path`).
 * Returns the length without the NUL, or -ENAMETOOLONG; 3 * n + 1 is always enough room.
 */
long sigv4_encode(char *out, size_t room, const char *in, size_t n, int path);

/* "name=value&..." sorted and encoded, for both the URL and the signature. Length or -ENAMETOOLONG. */
long sigv4_query(char *out, size_t room, const struct sigv4_param *p, size_t n);

/* Hex of SHA-256. */
void sigv4_sha256(char out[65], const void *p, size_t n);

/*
 * Signs h: adds x-amz-date, x-amz-content-sha256 (`payload`, hex or
 * SIGV4_UNSIGNED; for a service "s3..."), x-amz-security-token and authorization.
 * All headers h has and Host are signed. `path` and `query` are encoded as in
 * the URL. The strings added live in buf, the token too; 400 bytes, the token and
 * the names of the headers are enough. 0, -ENOBUFS, or -EINVAL for a region or secret that cannot be one;
 * after an error h is not to be sent.
 */
int sigv4_sign(struct http *h, const char *host, const char *path, const char *query,
	       const char *payload, const struct sigv4_key *key, const char *region,
	       const char *service, time_t now, char *buf, size_t room);

/* Wipes the keys that are kept. */
void sigv4_forget(void);

#endif
