/* SPDX-License-Identifier: MIT */
/*
 * S3 Express: a directory bucket (NAME--ZONE--x-s3) takes requests that are
 * signed with the credentials of a session of five minutes, which CreateSession
 * gives for the chain's. One session serves all requests of the bucket, and the
 * next is there before it ends.
 */
#ifndef S3_AGENT_EXPRESS_H
#define S3_AGENT_EXPRESS_H

#include "s3.h"

struct express;

/* The zone in such a bucket's name; 0, or -EINVAL: it is another bucket's. */
int express_zone(const char *bucket, char zone[32]);

/* For a directory bucket; lives as long as it. */
struct express *express_new(struct s3_bucket *b);

/* As creds_get, creds_cancel and creds_refused; the key is a session's. */
void express_get(struct express *e, void (*got)(void *arg, const struct sigv4_key *key, int err), void *arg);
void express_cancel(struct express *e, void *arg);
void express_refused(struct express *e);

#endif
