/* SPDX-License-Identifier: MIT */
/*
 * What the commands of `shim s3` are about: s3://BUCKET/KEY, the key as it is,
 * with the options of the first rule for that bucket; s3://BUCKET?OPTIONS, with
 * these; or a path under a rule, where a program would find it.
 */
#ifndef S3_AGENT_CMD_TARGET_H
#define S3_AGENT_CMD_TARGET_H

#include "cmd.h"
#include "cmd_progress.h"
#include "names/names.h"

struct cmd_target {
	const char *word;               /* as it was given */
	struct s3_bucket *bucket;       /* without a prefix, of s3:// */
	int by_key;                     /* s3:// */
	int directory;                  /* ends in a slash, or is a bucket or a rule's root */
	char key[S3_NAME_MAX];          /* the whole one; of a directory with its slash, "" of a bucket */
	char name[S3_NAME_MAX];         /* below the bucket's prefix, "" or "/a/b" */
};

/* 0, or an exit status after a message. */
int target_get(const char *word, struct cmd_target *t);

/* Whether it is a path that no rule for s3 has. */
int target_is_local(const char *word);

/* What the keys of all that is in it begin with: the key and a slash, "" of a bucket. 0, -ENOTDIR of @s3file=, ... */
int target_prefix(const struct cmd_target *t, char prefix[S3_NAME_MAX]);

/* Whether its rule says write=off; after a message. */
int target_is_fixed(const struct cmd_target *t);

/* A line for what failed with err: r's message (NULL: what is known of earlier requests), or errno's. Returns CMD_FAILED. */
int target_failed(const struct cmd_target *t, const struct s3_request *r, int err);

/* After getopt's '?' or ':'. Returns CMD_USAGE. */
int option_wrong(void);

/* A request for a key of the target's bucket, method "GET" or "HEAD", to be added to. */
void target_request(struct s3_request *r, const struct cmd_target *t, const char *method, const char *key);

/* names_stat and names_list, waited for; each(arg, entry) ends it by returning nonzero. 0 or -errno. */
int target_attr(const struct cmd_target *t, struct s3_attr *attr);
int target_list(const struct cmd_target *t, const char *name,
		int (*each)(void *arg, const struct names_entry *e), void *arg);

#endif
