/* SPDX-License-Identifier: MIT */
/*
 * The disk cache on the loop's side: which directory a bucket has, what is
 * written to it, one thing after the other in a thread of loop_work, and what
 * keys were lately. Nobody waits for a write, and none fails: what cannot be
 * kept is asked for again.
 */
#ifndef S3_AGENT_DISK_H
#define S3_AGENT_DISK_H

#include "cache.h"
#include "disk_store.h"
#include "request/s3.h"
#include "s3/proto.h"

/* The bucket's directory; NULL: none, or it cannot be used, which the log said. */
struct disk_store *disk_of(struct s3_bucket *b);

/* A version of an object; 0 if its etag does not tell its bytes: weak, or none. */
int disk_version(const struct s3_bucket *b, const char *key, const char *etag, int64_t size, struct disk_id *id);

/* Keeps a complete chunk of a version; holds it meanwhile. */
void disk_keep(struct s3_bucket *b, const struct disk_id *id, struct chunk *c);

/* The bytes are not those of the version: what was kept, or will have been, goes. */
void disk_drop(struct s3_bucket *b, const char *key, const struct s3_attr *attr);

/* What a key is by the last answer of the server, and what was remembered, NULL if nothing; told later. */
void disk_remember(struct s3_bucket *b, const char *key, const struct s3_attr *attr);
void disk_last(struct s3_bucket *b, const char *key, void (*told)(void *arg, const struct s3_attr *attr), void *arg);

#endif
