/* SPDX-License-Identifier: MIT */
/* Removing what was copied elsewhere, unless it is another by then. */
#ifndef S3_AGENT_REMOVE_H
#define S3_AGENT_REMOVE_H

#include "write.h"

/*
 * Removes the object if it is the version of this etag, by If-Match; a service
 * that refuses that, also where it holds, is asked by HEAD just before. etag "":
 * whatever it is. done(arg, 0): it is gone, or was; -ESTALE: it is another,
 * and stays. A service that heeds no condition of a removal removes that, too.
 */
void remove_version(struct s3_bucket *b, const char *key, const char *etag, write_done *done, void *arg);

#endif
