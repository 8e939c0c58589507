/* SPDX-License-Identifier: MIT */
/*
 * The source of a move goes once its copy is there, unless it is another by
 * then. Services that heed no condition of a removal remove it all the same;
 * of those that refuse one, also where it holds, HEAD is asked.
 */
#include "cmd_task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct removal {
	struct s3_request r;
	struct task *t;
	void (*over)(struct task *t, int err, const char *why);
};

static void end(struct removal *v, int err, const char *why)
{
	v->over(v->t, err == -ENOENT ? 0 : err, why);
	free(v);
}

static void request(struct removal *v, const char *method, void (*done)(struct s3_request *r, int err))
{
	v->r = (struct s3_request){ .bucket = v->t->from.b, .method = method, .key = v->t->from.name, .first = -1,
		.body_fd = -1, .done = done, .arg = v };
}

static void removed(struct s3_request *r, int err)
{
	end(r->arg, err, NULL);
}

static void looked(struct s3_request *r, int err)
{
	struct removal *v = r->arg;

	if (!err && strcmp(r->etag, v->t->etag)) {
		end(v, -ESTALE, "it was replaced meanwhile, and stays");
	} else if (err) {
		end(v, err, NULL);
	} else {
		request(v, "DELETE", removed);
		s3_start(&v->r);
	}
}

static void tried(struct s3_request *r, int err)
{
	struct removal *v = r->arg;

	if (!err || err == -ENOENT || err == -EACCES) {
		end(v, err, NULL);
		return;
	}
	request(v, "HEAD", looked);
	s3_start(&v->r);
}

static void remove_object(struct removal *v)
{
	request(v, "DELETE", *v->t->etag ? tried : removed);
	v->r.no_status = *v->t->etag != 0;
	if (*v->t->etag)
		s3_header(&v->r, "if-match", v->t->etag);
	s3_start(&v->r);
}

void task_remove_source(struct task *t, void (*over)(struct task *t, int err, const char *why))
{
	struct removal *v;

	if (!t->from.b) {
		int r = t->kind == TASK_DIR ? 0 : unlink(t->from.name);

		over(t, r < 0 ? -errno : 0, NULL);
		return;
	}
	v = calloc(1, sizeof(*v));
	if (!v)
		abort();
	v->t = t;
	v->over = over;
	remove_object(v);
}
