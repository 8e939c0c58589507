/* SPDX-License-Identifier: MIT */
/* Names and layout of staged files: what spool.c and spool_spare.c share. Results are >= 0 or -errno. */
#ifndef S3_AGENT_SPOOL_PRIVATE_H
#define S3_AGENT_SPOOL_PRIVATE_H

#include "spool.h"

/* Bytes of a file whose marks fill a page of the journal. */
#define SPOOL_PAGE_SPAN (S3_GROUP * (4096 / (int64_t)sizeof(struct s3_blocks)))

/* ID.data or ID.journal. */
const char *spool_path(char path[PATH_MAX], const char *id, const char *suffix);

/* A name that nobody has had, and a number beside it. */
int spool_new_id(char id[S3_ID], uint64_t *number);

/* One that was kept, with its name and a number: whether there is one. Its journal is zeros. */
int spare_take(struct spool_file *f, char id[S3_ID], uint64_t *number);

#endif
