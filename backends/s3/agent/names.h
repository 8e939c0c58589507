/* SPDX-License-Identifier: MIT */
/*
 * The namespace made of keys: attributes and listings with a time to live,
 * directories that are common prefixes or markers, and an escape for what no
 * path can name.
 */
#ifndef S3_AGENT_NAMES_H
#define S3_AGENT_NAMES_H

#include "../proto.h"
#include "s3.h"

/*
 * The key of a name below the mount ("" or "/a/b"), with the bucket's prefix;
 * -ENAMETOOLONG, or -ENOENT for an escape that means nothing.
 */
int names_key(const struct s3_bucket *b, const char *name, char key[S3_NAME_MAX]);

/* Attributes of a name: from what is kept, or one round trip. */
void names_stat(struct s3_bucket *b, const char *name,
		void (*got)(void *arg, const struct s3_attr *attr, int err), void *arg);

/* What is kept and fresh: 1 and *attr, 0 nothing, -ENOENT kept as absent. */
int names_kept(struct s3_bucket *b, const char *name, struct s3_attr *attr);

/* What a GET, HEAD or our own write learnt; attr NULL: there is none. */
void names_learn(struct s3_bucket *b, const char *name, const struct s3_attr *attr);
/* Forgets a name, its directory's listing, and all below it. */
void names_forget(struct s3_bucket *b, const char *name);

/* A whole directory, sorted as the server does, in one call. */
struct names_list {
	unsigned n;
	struct { const char *name; unsigned char type; uint64_t ino; } *entry;
};
void names_list(struct s3_bucket *b, const char *name,
		void (*got)(void *arg, const struct names_list *l, int err), void *arg);

#endif
