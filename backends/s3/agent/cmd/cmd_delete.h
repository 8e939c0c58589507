/* SPDX-License-Identifier: MIT */
/* Objects removed a thousand at a time, by DeleteObjects; what it cannot be asked for, or does not do, one by one. */
#ifndef S3_AGENT_CMD_DELETE_H
#define S3_AGENT_CMD_DELETE_H

#include "cmd.h"

#define DELETE_MOST 1000                /* keys of a request; S3's limit */

/* Keys of a bucket that are to be removed; the keys are the batch's, malloc'ed. */
struct delete_batch {
	struct s3_bucket *b;
	char *key[DELETE_MOST];
	unsigned char failed[DELETE_MOST];
	unsigned n;
	/* called for each when it is over: err 0, or -errno and why; NULL is fine */
	void (*told)(void *arg, const char *key, int err, const char *why);
	void *arg;
};

/* Takes the key, malloc'ed; removes what there is first if it is full or of another bucket. */
void delete_add(struct delete_batch *d, struct s3_bucket *b, char *key);
/* Removes all in it, waits, and empties it. */
void delete_now(struct delete_batch *d);

/* The document of a request for n keys, malloc'ed; *len of it. Those that XML cannot hold are left out. */
char *delete_text(char *const *key, unsigned n, size_t *len);
/* Whether XML can hold it: UTF-8, without control characters but tab, newline and return. */
int delete_can(const char *key);

/* The answer: calls failed(arg, key) for each that was not removed. 0, or -EBADMSG for what is no such answer, ... */
int delete_answer(const char *text, size_t n, void (*failed)(void *arg, const char *key), void *arg);

#endif
