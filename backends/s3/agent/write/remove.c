/* SPDX-License-Identifier: MIT */
/* Removals under a condition; see remove.h. */
#include "remove.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct removal {
	struct s3_request r;
	char key[S3_NAME_MAX], etag[S3_ETAG_MAX];
	write_done *done;
	void *arg;
};

static void end(struct removal *v, int err)
{
	v->done(v->arg, err == -ENOENT ? 0 : err);
	free(v);
}

static void request(struct removal *v, const char *method, void (*done)(struct s3_request *r, int err))
{
	s3_prepare(&v->r, v->r.bucket, method, v->key, done, v);
}

static void removed(struct s3_request *r, int err)
{
	end(r->arg, err);
}

static void looked(struct s3_request *r, int err)
{
	struct removal *v = r->arg;

	if (!err && strcmp(r->etag, v->etag))
		err = -ESTALE;
	if (err) {
		end(v, err);
		return;
	}
	r->bucket->remove_if_match = 0;
	request(v, "DELETE", removed);
	s3_start(&v->r);
}

static void look(struct removal *v)
{
	request(v, "HEAD", looked);
	s3_start(&v->r);
}

/* Refused; or it is another, or was removed by an attempt whose answer never came. */
static void tried(struct s3_request *r, int err)
{
	if (r->status == 412 || err == -EOPNOTSUPP || err == -EINVAL)
		look(r->arg);
	else
		end(r->arg, err);
}

void remove_version(struct s3_bucket *b, const char *key, const char *etag, write_done *done, void *arg)
{
	struct removal *v = calloc(1, sizeof(*v));

	if (!v)
		abort();
	v->done = done;
	v->arg = arg;
	v->r.bucket = b;
	snprintf(v->key, sizeof(v->key), "%s", key);
	snprintf(v->etag, sizeof(v->etag), "%s", etag);
	if (*v->etag && !b->remove_if_match) {
		look(v);
		return;
	}
	request(v, "DELETE", *v->etag ? tried : removed);
	if (*v->etag)
		s3_header(&v->r, "if-match", v->etag);
	s3_start(&v->r);
}
