/* SPDX-License-Identifier: MIT */
/* What s3.c shares with s3_answer.c, s3_explain.c, s3_retry.c and bucket.c; nobody else includes it. */
#ifndef S3_AGENT_S3_PRIVATE_H
#define S3_AGENT_S3_PRIVATE_H

#include "loop/loop.h"
#include "s3.h"

#define S3_BUDGET 500                   /* tokens of a bucket; s3_retry.c */
#define S3_ERROR_BODY (64u << 10)       /* of an error's document; the rest is not looked at */
#define S3_TEXT_BODY (8u << 20)         /* of a collected answer */
#define S3_URL 24576                    /* key and parameters, each byte perhaps three */

/* A request on its way, and the attempt that is made now. */
struct s3_try {
	struct s3_request *r;           /* NULL: cancelled */
	struct s3_try *next;            /* of those put by */
	struct s3_bucket *b;
	struct loop_timer timer;        /* of the next attempt, or of how long credentials are waited for */
	struct s3_try *rival;           /* both are on their way, and the first that is answered counts */
	struct loop_timer late;         /* then there will be one */
	int asking;                     /* for credentials */
	uint64_t heard;                 /* when a byte came last, or it began */
	unsigned redirects;
	unsigned paid;                  /* tokens of the budget for this attempt */
	unsigned refused : 1, skewed : 1, stale : 1;   /* each is tried to be mended once */
	unsigned fatal : 1;             /* the answer is wrong in a way that no repetition mends */
	unsigned begun : 1;             /* r->head was called */
	unsigned hedge : 1;             /* it is the second one */
	unsigned keyless : 1;           /* there were no credentials */
	int64_t at;                     /* the next byte of the object for r->data */

	/* of one attempt */
	unsigned good : 1;              /* 2xx and checked: what comes is data */
	int err;                        /* of a check, or of a callback of r */
	const char *why;                /* of a failed check */
	char *text;
	size_t text_len, text_room;
	char region[64], elsewhere[300];   /* of an error's document */
	struct s3_aim moved;            /* aim of a temporary redirect */
	int is_moved;
	struct http http;
	char range[64], hash[65];
	char url[S3_URL], path[4096], query[16384], sign[8192];
};

/* s3_answer.c */
/* The head of an answer: fills in r's attributes and checks it. 0, or -errno with t->why. */
int s3_check_head(struct s3_try *t);
/* The code, message and addresses of an error's document. Nonzero if the text is one. */
int s3_read_error(struct s3_try *t);

/* s3.c */
struct s3_try *s3_try_new(struct s3_request *r);
/* Asks for credentials and sends it. */
void s3_try_send(struct s3_try *t);
/* It is gone, whatever it was about. */
void s3_try_end(struct s3_try *t);

/* s3_hedge.c: hedge=, a second request for what is late */
/* An attempt was sent. */
void s3_hedge_sent(struct s3_try *t);
/* Its answer begins: that of the rival is not waited for. */
void s3_hedge_answered(struct s3_try *t);
/*
 * It came to nothing (-errno, or 0 and the answer's status), which does not
 * matter while there is a rival: then t is gone, and 1 is returned.
 */
int s3_hedge_failed(struct s3_try *t, int err);

/* s3_explain.c */
/*
 * Puts into r->message what went wrong in this attempt, and into the log, and
 * the statistics unless it is an answer as any other. again: it is repeated.
 */
void s3_explain(struct s3_try *t, int err, int again);

/* s3_retry.c: what to do after an attempt that failed */
enum s3_next { S3_GIVE_UP, S3_AGAIN_NOW, S3_AGAIN_LATER };
/* After `err` of the transport (-errno), or 0 and the answer's status. For LATER, *delay is in nanoseconds. */
enum s3_next s3_after(struct s3_try *t, int err, uint64_t *delay);
/* A request was answered. */
void s3_pay_back(struct s3_try *t);
/* How long nothing may come before it is given up, in nanoseconds. */
uint64_t s3_patience(const struct s3_try *t);

/* bucket.c */
/* Sets b->aim from endpoint, region and style. 0 or -EINVAL. */
int s3_aim_set(struct s3_bucket *b);
/* Where a redirect to `url` leads, if that is no foreign host and not from https to http: 0 or -EINVAL. */
int s3_aim_redirected(const struct s3_bucket *b, const char *url, struct s3_aim *to);
/* AWS's endpoint of a region follows it. */
int s3_region_set(struct s3_bucket *b, const char *region);

#endif
