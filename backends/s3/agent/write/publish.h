/* SPDX-License-Identifier: MIT */
/*
 * A staged file becomes the object: as a whole, under the condition that what
 * it replaces is what was opened.
 *
 *      begin     what changed is taken note of; later changes are another version's
 *      look      HEAD, where the condition or what is stored beside the bytes asks for it
 *      send      one PutObject; or the parts of an upload, HEAD, Complete;
 *                or a copy onto itself, if only attributes changed
 *      end       those are told who came before it began; for the others it begins again
 *
 * Where the endpoint is not known to heed a condition, the first request is
 * sent with one that cannot hold: what refuses it does. Nothing is left behind
 * by that, and where it is not refused the object is written as it
 * would be on an endpoint without conditions, after HEAD.
 */
#ifndef S3_AGENT_PUBLISH_H
#define S3_AGENT_PUBLISH_H

#include "stage.h"

/* Publishes what was changed up to now; done may be called from here. */
void publish(struct stage *st, write_done *done, void *arg);

/* One is in progress (st->publish): done when that is over, however it ends; it may be called from here. */
void publish_wait(struct stage *st, write_done *done, void *arg);

/* What the names are to know of a file we wrote. */
void publish_learn(struct s3_bucket *b, const char *name, const struct s3_attr *attr);

#endif
