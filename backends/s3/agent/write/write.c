/* SPDX-License-Identifier: MIT */
/* Descriptions that write: room, publishing, the end; see write.h. Opening is in write_open.c, names in change*.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "request/meta.h"
#include "defer.h"
#include "multi.h"
#include "names/names.h"
#include "object_ops.h"
#include "options.h"
#include "publish.h"

#define BEHIND_MOST (256ll << 20)       /* not uploaded yet of a file whose writer goes on */

const char *write_spool(void)
{
	return spool_dir();
}

const char *stage_spool(const struct stage *st)
{
	return st->j->id;
}

struct s3_journal *stage_journal(const struct stage *st)
{
	return st->j;
}

struct object *stage_base(const struct stage *st)
{
	return st->base;
}

void stage_attr(const struct stage *st, struct s3_attr *attr)
{
	const struct s3_journal *j = st->j;

	*attr = (struct s3_attr){ .size = j->size, .mtime_sec = j->mtime_sec, .mtime_nsec = j->mtime_nsec,
		.mode = j->mode, .uid = j->uid, .gid = j->gid, .ino = j->ino };
}

void stage_meta(const struct stage *st, struct meta *m)
{
	struct s3_attr attr;

	stage_attr(st, &attr);
	if (st->preserve)
		meta_load(m, st->preserve);
	meta_set(m, META_STAMP, NULL);
	if (!(st->j->set & OBJECT_TIMES))
		meta_set(m, "x-amz-meta-mtime", NULL);
	meta_attr(m, &attr, st->j->set);
	meta_rule(m, st->b, st->j->key);
}

void stage_keep(struct stage *st, const char *name, const char *value)
{
	char *more;

	if (!*value)
		return;
	if (asprintf(&more, "%s%s: %s\n", st->preserve ? st->preserve : "", name, value) < 0)
		abort();
	free(st->preserve);
	st->preserve = more;
}

/* ---- room */

struct delayed {
	struct delayed *next;
	write_done *done;
	void *arg;
};

void write_progress(struct stage *st)
{
	while (st->delayed && (multi_error(st) || multi_behind(st) <= BEHIND_MOST)) {
		struct delayed *d = st->delayed;
		int err = multi_error(st);

		st->delayed = d->next;
		d->done(d->arg, err);
		free(d);
	}
}

static void delay(struct stage *st, write_done *done, void *arg)
{
	struct delayed *d = malloc(sizeof(*d));

	if (!d)
		abort();
	*d = (struct delayed){ st->delayed, done, arg };
	st->delayed = d;
}

void write_pace(struct stage *st, write_done *done, void *arg)
{
	if (multi_behind(st) > BEHIND_MOST)
		delay(st, done, arg);
	else
		done(arg, 0);
}

void write_wrote(struct stage *st, int64_t off, int64_t len, write_done *done, void *arg)
{
	struct extents fresh = { 0 };
	int err = multi_error(st);

	if (err)
		multi_abort(st);        /* told now; the next publish begins anew */
	if (!err)
		err = stage_room(st, off, len);
	if (!err && !st->publish) {
		stage_collect(st, &fresh);
		multi_stream(st, &fresh);
	}
	extents_free(&fresh);
	if (err)
		done(arg, err);
	else
		write_pace(st, done, arg);
}

/* ---- the end of a description */

void write_settle(struct stage *st, int err)
{
	if (stage_descriptions(st) || st->held)
		return;
	multi_abort(st);
	if (st->j->removed || (!err && !stage_is_changed(st)))
		stage_drop(st);
	else
		stage_detach(st);
}

struct last {
	struct stage *st;
	char description[S3_ID];
	write_done *done;
	void *arg;
};

static void last_done(void *arg, int err)
{
	struct last *l = arg;

	if (!err && stage_descriptions(l->st) == 1 && stage_is_changed(l->st) && !l->st->j->removed) {
		publish(l->st, last_done, l);   /* its attributes were set meanwhile */
		return;
	}
	stage_undescribe(l->st, l->description);
	write_settle(l->st, err);
	l->done(l->arg, err);
	stage_put(l->st);
	free(l);
}

static void leave(struct stage *st, const char *description)
{
	stage_undescribe(st, description);
	if (!stage_descriptions(st) && stage_is_changed(st) && !st->j->removed && !st->held)
		st->j->lost = 1;
	write_settle(st, 0);
}

void write_publish(struct stage *st, const char *description, unsigned flags, write_done *done, void *arg)
{
	struct last *l;

	if (!(flags & S3_LAST)) {
		publish(st, done, arg);
		return;
	}
	/* what others write is published when they close it, and never if they were killed */
	if ((flags & S3_READER) && (stage_descriptions(st) > 1 || st->orphan)) {
		leave(st, description);
		done(arg, 0);
		return;
	}
	if (defer_close(st, description)) {
		done(arg, 0);
		return;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		abort();
	l->st = stage_get(st);
	snprintf(l->description, sizeof(l->description), "%s", description);
	l->done = done;
	l->arg = arg;
	publish(st, last_done, l);
}

void write_abandon(struct stage *st, const char *description)
{
	st->orphan = stage_is_changed(st);
	leave(st, description);
}

/* ---- a base that was replaced */

struct replaced {
	struct stage *st;
	uint64_t version;
	write_done *done;
	void *arg;
};

static void waited(void *arg, int err)
{
	struct replaced r = *(struct replaced *)arg;

	(void)err;                      /* told to who publishes */
	free(arg);
	r.done(r.arg, r.st->j->published != r.version ? 0 : -ESTALE);
}

void write_replaced(struct stage *st, uint64_t version, write_done *done, void *arg)
{
	struct replaced *r = malloc(sizeof(*r));

	if (!r)
		abort();
	*r = (struct replaced){ st, version, done, arg };
	publish_wait(st, waited, r);
}

/* ---- what is not in the bucket yet */

static struct stage *staged(struct s3_bucket *b, const char *name)
{
	char key[S3_NAME_MAX];
	struct stage *st = names_key(b, name, key) < 0 ? NULL : stage_find(b, key);

	return st && !st->j->removed ? st : NULL;
}

int write_pending(struct s3_bucket *b, const char *name, struct s3_attr *attr)
{
	struct stage *st = staged(b, name);

	if (!st || !st->j->pending)
		return 0;
	if (attr)
		stage_attr(st, attr);
	return 1;
}

int write_new(struct s3_bucket *b, const char *name, struct s3_attr *attr)
{
	struct stage *st = staged(b, name);

	if (!st || !(st->j->pending || st->taken))
		return 0;
	if (attr)
		stage_attr(st, attr);
	return 1;
}

void write_ino(struct s3_bucket *b, const char *name, struct s3_attr *attr)
{
	char key[S3_NAME_MAX];
	struct stage *st = S_ISDIR(attr->mode) || names_key(b, name, key) < 0 ? NULL : stage_find(b, key);

	if (st && !st->j->removed)
		attr->ino = st->j->ino;
}

struct search {
	struct s3_bucket *b;
	const char *dir;
	void (*each)(void *arg, const char *name, uint64_t ino);
	void *arg;
};

static void if_below(void *arg, struct stage *st)
{
	struct search *s = arg;
	size_t n = strlen(s->dir);
	const char *name = st->j->name;

	if (st->at && st->b == s->b && st->j->pending && !st->j->removed && !strncmp(name, s->dir, n) &&
	    name[n] == '/' && !strchr(name + n + 1, '/'))
		s->each(s->arg, name + n + 1, st->j->ino);
}

void write_pending_each(struct s3_bucket *b, const char *dir,
			void (*each)(void *arg, const char *name, uint64_t ino), void *arg)
{
	struct search s = { b, dir, each, arg };

	stage_each(if_below, &s);
}
