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
#include <string.h>
#include <sys/types.h>

#include "creds/creds.h"
#include "http/http.h"
#include "creds/sigv4.h"

#define S3_QUERY 8                      /* parameters of a request */
#define S3_WHY 300                      /* a message of s3_bucket_get */
#define S3_EXTRA 40                     /* headers of a request besides the signature's */

#define S3_LATELY 64                    /* answers whose first bytes are compared */

/* What hedge= needs to know; s3_hedge.c. */
struct s3_hedging {
	int64_t first[S3_LATELY];       /* nanoseconds to the first byte */
	unsigned n;                     /* so many were written there */
	int64_t late;                   /* beyond this it is late; 0: not known */
	int64_t budget;                 /* hundredths of a request */
};

/* Where requests for a bucket go, and what is signed. */
struct s3_aim {
	char base[320];                 /* scheme://host[:port] */
	char host[300];                 /* as curl sends it */
	char root[600];                 /* encoded: what stands before the key's slash; "" or /bucket */
};

/* A bucket as a rule or command names it; made once, lives as long as the agent. */
struct s3_bucket {
	const char *target;             /* what s3_bucket_get was given */
	char *name, *prefix;            /* prefix without a leading /, "" or ending in / */
	char *endpoint;                 /* scheme://host[:port][/path] */
	char *region;                   /* never NULL */
	int default_endpoint;           /* AWS's own of the region, not named by anybody */
	int virtual_host;               /* else path style */
	struct headers *headers;        /* that the rule asks for */
	struct express *express;        /* the sessions of a directory bucket, or NULL */
	struct creds *creds;
	struct http_site site;
	const long long *option;        /* of the rule, by enum s3_option of options.h */
	const char *text;               /* ... and those that are text: text + option[], if that is not 0 */
	const char *disk;               /* disk= of the rule, or NULL */
	struct disk_store *store;       /* read/disk.c's */
	uint64_t timeout;               /* timeout= in nanoseconds */
	unsigned retries;
	struct s3_aim aim;
	long skew;                      /* seconds to add to our clock */
	/* what the endpoint was seen to do; -1 not known, 0, 1 */
	signed char if_match, if_none_match;    /* conditions of PutObject hold */
	signed char copy_if_match;              /* x-amz-copy-source-if-match works */
	signed char remove_if_match;            /* DeleteObject takes conditions; 1 is never known */
	signed char checksums, versions;
	unsigned char sum;                      /* enum sum_crc: the checksum meant by `checksums`, or asked about next */
	signed char full_sums;                  /* an upload may be asked for a checksum of the whole */
	signed char etag_md5, etag_parts;       /* an ETag is the MD5 of the bytes; of an upload, of its parts' MD5s */
	unsigned char news;                     /* new objects published while if_none_match is not known */
	unsigned throttled;             /* SlowDowns seen lately, less answers since */
	int64_t habit;                  /* how far into objects their readers went lately, in bytes; read/'s */
	unsigned habits;                /* objects in a row that were read so far */
	unsigned no_sums;               /* HEADs in a row that told no checksum */
	struct s3_hedging hedging;
	int64_t tokens;                 /* of the retry budget; below 0: owed */
	uint64_t filled;                /* when */
};

/*
 * What stands after "s3://" in a TARGET, "bucket[/prefix][?key=value&...]", as
 * a bucket; *why says what is wrong with it. 0 or -EINVAL. The same text gives
 * the same bucket.
 */
int s3_bucket_get(const char *target, struct s3_bucket **out, char why[S3_WHY]);

struct s3_request {
	/* given */
	struct s3_bucket *bucket;
	const struct s3_bucket *from_bucket;    /* of a copy's source; NULL: the same */
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
	int chain;                      /* signed with the chain's credentials where the bucket has sessions */
	int once;                       /* is not to be repeated after an answer that never came */
	int no_status;                  /* done sees every status >= 300 as its errno without a retry */
	unsigned patience_ms;           /* no byte for so long: the next attempt, or ETIMEDOUT; 0: the bucket's */

	/*
	 * Called with the bytes of a 2xx answer to a GET only, in order, `at` the
	 * place in the object; a retry goes on where the last attempt ended, with
	 * If-Match. NULL: the body is collected in `text` for done (at most 8 MiB).
	 * Both of these end the request by returning -errno, -ECANCELED if that is
	 * no failure; they may start and cancel other requests, but not cancel this one.
	 */
	int (*data)(struct s3_request *r, int64_t at, const void *p, size_t n);
	int (*head)(struct s3_request *r);                /* a 2xx answer begins, once: attributes below are known */
	void (*done)(struct s3_request *r, int err);      /* 0 or -errno; r is the caller's again */
	void *arg;

	/* known from head on */
	int status;
	int64_t size;                   /* of the whole object, by Content-Range or Content-Length; -1.
	                                   In done also of a 416 that says it */
	int64_t from, upto;             /* what the answer has: upto exclusive */
	char etag[80], version[64];
	int64_t mtime;                  /* Last-Modified, seconds */
	const struct http *http;        /* its headers and times, until done returns */

	/* known in done */
	char code[64];                  /* S3's error code: NoSuchKey, ... */
	char message[512];              /* one line for people: what, where, why */
	char *text;                     /* the collected body, NUL-terminated; s3.c frees it after done */
	size_t text_len;
	unsigned attempts;

	struct s3_try *try;             /* s3.c's */
};

/* Makes it a request without a range or a body, whatever it was; done and arg may be set later. */
static inline void s3_prepare(struct s3_request *r, struct s3_bucket *b, const char *method, const char *key,
			      void (*done)(struct s3_request *r, int err), void *arg)
{
	*r = (struct s3_request){ .bucket = b, .method = method, .key = key, .first = -1, .last = -1, .body_fd = -1,
		.done = done, .arg = arg };
}

void s3_start(struct s3_request *r);            /* done is called later, never from here */
void s3_cancel(struct s3_request *r);           /* done is not called */
void s3_header(struct s3_request *r, const char *name, const char *value);
void s3_param(struct s3_request *r, const char *name, const char *value);

/* Whether it has one; names in lower case. */
static inline int s3_has_header(const struct s3_request *r, const char *name)
{
	for (unsigned i = 0; i < r->headers; i++)
		if (!strcmp(r->header[i].name, name))
			return 1;
	return 0;
}

static inline int s3_has_param(const struct s3_request *r, const char *name)
{
	for (unsigned i = 0; i < r->nquery; i++)
		if (!strcmp(r->query[i].name, name))
			return 1;
	return 0;
}

/* S3's error code, or a status if that is "" or unknown, as -errno: NoSuchKey -ENOENT, 403 -EACCES, ... */
int s3_errno(const char *code, int status);

/* A date of HTTP in seconds since 1970, or -1. */
int64_t s3_date(const char *text);

/* When the server answered, by its clock; by ours if it does not say. */
int64_t s3_answered(const struct s3_request *r);

#endif
