/* SPDX-License-Identifier: MIT */
/* What has to hold of the object that is replaced, and whether it does; see publish.h. */
#include "publish_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "options.h"

static int last_wins(const struct publish *p)
{
	return p->st->b->option[S3_OPT_CONFLICT] == S3_CONFLICT_LAST;
}

/* What has to hold of the object that is replaced. */
enum s3_must publish_must(const struct publish *p)
{
	return last_wins(p) ? S3_MUST_ANY : p->st->j->must;
}

signed char *publish_heeds(struct publish *p)
{
	return publish_must(p) == S3_MUST_BASE ? &p->st->b->if_match : &p->st->b->if_none_match;
}

/* 0 if the object is what it has to be. */
int publish_is_as_it_must(const struct publish *p, const struct s3_request *r, int err)
{
	if (err && err != -ENOENT)
		return err;
	switch (publish_must(p)) {
	case S3_MUST_ABSENT:
		return err == -ENOENT ? 0 : -ESTALE;
	case S3_MUST_BASE:
		return err || strcmp(r->etag, p->st->j->base.etag) ? -ESTALE : 0;
	default:
		return 0;
	}
}

void publish_look(struct publish *p, void (*done)(struct s3_request *r, int err))
{
	publish_request(p, "HEAD", done);
	s3_start(&p->r);
}

/* ---- whether a request whose answer was lost, or was refused when it was repeated, came through */

static void looked_up(struct s3_request *r, int err)
{
	struct publish *p = r->arg;
	const char *stamp = err ? NULL : http_got(r->http, META_STAMP);

	if (stamp && !strcmp(stamp, p->stamp)) {
		snprintf(p->etag, sizeof(p->etag), "%s", r->etag);
		snprintf(p->version, sizeof(p->version), "%s", r->version);
		p->mtime = r->mtime;
		publish_ended(p);
		return;
	}
	/* it did not */
	if (!err && p->error == -ESTALE && publish_must(p) == S3_MUST_BASE && !strcmp(r->etag, p->st->j->base.etag) &&
	    !p->broken) {
		p->broken = 1;          /* a condition that holds was refused: not one to rely on */
		p->st->b->if_match = 0;
		p->tries++;
		p->found(p);
		return;
	}
	publish_end(p, p->error);
}

void publish_lookup(struct publish *p, int err, void (*again)(struct publish *p))
{
	if (publish_must(p) == S3_MUST_BASE && !strcmp(p->r.code, "NoSuchKey"))
		err = -ESTALE;          /* said of If-Match where there is nothing */
	p->error = err;
	p->found = again;
	publish_look(p, looked_up);
}
