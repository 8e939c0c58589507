/* SPDX-License-Identifier: MIT */
/*
 * One S3 request, until it is settled: signed, sent, its status and length
 * checked, repeated with full jitter while a budget lasts, redirected within
 * the endpoint's own domain, its clock corrected, and its errors turned into
 * errno.
 */
#ifndef S3_AGENT_S3_H
#define S3_AGENT_S3_H

#include <stdint.h>
#include <sys/types.h>

#include "creds.h"
#include "http.h"
#include "sigv4.h"

#define S3_QUERY 8                      /* parameters of a request */
#define S3_EXTRA 40                     /* headers of a request besides the signature's */

/* A bucket as a rule or command names it; made once, lives as long as the agent. */
struct s3_bucket {
	char *name, *prefix;            /* prefix without a leading /, "" or ending in / */
	char *endpoint;                 /* scheme://host[:port] */
	char *region;
	int virtual_host;               /* else path style */
	int requester_pays;
	struct creds *creds;
	struct http_site site;
	struct s3_options *options;     /* of the rule: options.h of this folder */
	long skew;                      /* seconds to add to our clock */
	char *host;                     /* as signed */
	/* what the endpoint was seen to do; -1 not known, 0, 1 */
	signed char conditional_put, checksums, versions;
	unsigned throttled;             /* SlowDowns seen lately */
};

/*
 * "bucket/prefix?key=value&..." -> a bucket; *why says what is wrong with it.
 * 0 or -EINVAL. The same text gives the same bucket.
 */
int s3_bucket_get(const char *target, struct s3_bucket **out, char why[200]);

struct s3_request {
	/* given */
	struct s3_bucket *bucket;
	const char *method;
	const char *key;                /* not encoded, the whole key; NULL: the bucket itself */
	struct sigv4_param query[S3_QUERY];
	unsigned nquery;
	struct http_header header[S3_EXTRA];
	unsigned headers;
	int64_t first, last;            /* Range, inclusive; first -1: none; last -1: to the end */
	const void *body;               /* or body_fd, as in http.h */
	int body_fd;
	off_t body_off;
	size_t body_len;
	const char *payload;            /* hex of its SHA-256, or NULL: computed of `body`, unsigned of body_fd */
	int once;                       /* is not to be repeated after an answer that never came */
	int no_status;                  /* done sees every status >= 400 as its errno without a retry */

	/*
	 * Called with the bytes of a 2xx answer only, in order, `at` the place in
	 * the object; a retry goes on where the last attempt ended (for a GET) with
	 * If-Match. NULL: the body is collected in `text` for done (at most 8 MiB).
	 */
	int (*data)(struct s3_request *r, int64_t at, const void *p, size_t n);
	int (*head)(struct s3_request *r);                /* a 2xx answer begins: attributes below are known */
	void (*done)(struct s3_request *r, int err);      /* 0 or -errno; r is the caller's again */
	void *arg;

	/* known from head on */
	int status;
	int64_t size;                   /* of the whole object, by Content-Range or Content-Length; -1 */
	int64_t from, upto;             /* what the answer has: upto exclusive */
	char etag[80], version[64];
	int64_t mtime;                  /* Last-Modified, seconds */
	const struct http *http;        /* its headers, until done returns */

	/* known in done */
	char code[64];                  /* S3's error code: NoSuchKey, ... */
	char message[256];              /* one line for people: what, where, why */
	char *text;                     /* the collected body, NUL-terminated; s3.c frees it after done */
	size_t text_len;
	unsigned attempts;

	struct s3_try *try;             /* s3.c's */
};

void s3_start(struct s3_request *r);            /* done is called later, never from here */
void s3_cancel(struct s3_request *r);           /* done is not called */
void s3_header(struct s3_request *r, const char *name, const char *value);
void s3_param(struct s3_request *r, const char *name, const char *value);

/* S3's error code, or a status if code is "", as errno: NoSuchKey -ENOENT, AccessDenied -EACCES, ... */
int s3_errno(const char *code, int status);

#endif
