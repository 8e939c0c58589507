/* SPDX-License-Identifier: MIT */
/* Objects from bucket to bucket: the service copies, if both are its and one key may do both. */
#include "cmd_task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "write/copy.h"

struct between {
	struct task *t;
	struct s3_request r;
	struct s3_attr version;
	struct meta meta;               /* what a copy does not take along, if it was looked at */
};

static void between_end(struct between *w, int err, const char *why)
{
	struct task *t = w->t;

	free(w);
	task_done(t, err, why);
}

static void copied(void *arg, const struct s3_attr *attr, int err)
{
	(void)attr;
	between_end(arg, err, err == -ESTALE ? "it was replaced while it was copied" : NULL);
}

static void copy(struct between *w)
{
	struct task *t = w->t;

	copy_between(t->from.b, t->from.name, &w->version, t->to.b, t->to.name,
		     w->meta.beside ? &w->meta : NULL, copied, w);
}

static void request(struct between *w, const struct task_end *e, void (*done)(struct s3_request *r, int err))
{
	s3_prepare(&w->r, e->b, "HEAD", e->name, done, w);
	s3_start(&w->r);
}

/* No service has a condition for where a copy goes: it is looked just before. */
static void looked_there(struct s3_request *r, int err)
{
	struct between *w = r->arg;

	if (err == -ENOENT)
		copy(w);
	else
		between_end(w, err ? err : -EEXIST, err ? NULL : "the object is there already");
}

static void has_version(struct between *w)
{
	if (task_options.if_absent)
		request(w, &w->t->to, looked_there);
	else
		copy(w);
}

static void looked(struct s3_request *r, int err)
{
	struct between *w = r->arg;

	if (err) {
		between_end(w, err, NULL);
		return;
	}
	w->version.size = r->size;
	snprintf(w->version.etag, sizeof(w->version.etag), "%s", r->etag);
	memcpy(w->t->etag, w->version.etag, sizeof(w->t->etag));
	r->bucket = w->t->to.b;         /* its rule counts */
	meta_beside(&w->meta, r);
	has_version(w);
}

/* Whether it is one service, for one user. */
static int is_one_service(const struct s3_bucket *a, const struct s3_bucket *b)
{
	return a->creds == b->creds && (!strcmp(a->endpoint, b->endpoint) || (a->default_endpoint && b->default_endpoint));
}

void task_between(struct task *t)
{
	struct between *w;

	if (!is_one_service(t->from.b, t->to.b)) {
		task_relay(t);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		abort();
	w->t = t;
	if (*t->etag) {
		w->version.size = t->size;
		memcpy(w->version.etag, t->etag, sizeof(t->etag));
		has_version(w);
	} else {
		request(w, &t->from, looked);
	}
}
