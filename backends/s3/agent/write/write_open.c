/* SPDX-License-Identifier: MIT */
/* Opening to write, and coming back to what was opened; see write.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "defer.h"
#include "multi.h"
#include "names/names.h"
#include "object_ops.h"
#include "options.h"
#include "publish.h"
#include "request/meta.h"

#define ROOM_AT_FIRST (64 << 10)
#define USUAL_MODE 0644                 /* not stored */

struct opening {
	struct opening *next;
	struct s3_bucket *b;
	char name[S3_NAME_MAX], key[S3_NAME_MAX], parent[S3_NAME_MAX];
	char description[S3_ID];
	int flags;
	mode_t mode;
	void (*opened)(void *arg, struct stage *st, int err);
	void *arg;
	int going;
	struct s3_attr attr;
	struct s3_request r;
	char mode_text[16];
	int asked;
};

static struct opening *openings;        /* those of one key one after the other */

static void start(struct opening *o);

static struct opening *next_of(const struct opening *o)
{
	struct opening *other = openings;

	while (other && (other == o || other->b != o->b || strcmp(other->key, o->key)))
		other = other->next;
	return other;
}

static void end(struct opening *o, struct stage *st, int err)
{
	struct opening **at = &openings, *next;

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	o->opened(o->arg, st, err);
	next = next_of(o);
	free(o);
	if (next && !next->going)
		start(next);
}

/* ---- there is a staged file */

static void describe(struct opening *o, struct stage *st)
{
	int err = stage_describe(st, o->description);

	if (err)
		stage_put(st);
	end(o, err ? NULL : st, err);
}

static void join(struct opening *o, struct stage *st)
{
	if ((o->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		end(o, NULL, -EEXIST);
	else
		describe(o, stage_get(st));
}

/* A new one; attr: of the object there is. */
static void made(struct opening *o, const struct s3_attr *attr)
{
	struct timespec now;
	struct stage *st;
	struct s3_journal *j;
	int err = stage_make(o->b, o->name, o->key, &st);

	if (err) {
		end(o, NULL, err);
		return;
	}
	j = st->j;
	clock_gettime(CLOCK_REALTIME, &now);
	j->mode = attr ? attr->mode : (S_IFREG | (o->mode & 07777));
	j->uid = attr ? attr->uid : geteuid();
	j->gid = attr ? attr->gid : getegid();
	j->mtime_sec = now.tv_sec;
	j->mtime_nsec = (uint32_t)now.tv_nsec;
	if ((j->mode & 07777) != USUAL_MODE)
		j->set = OBJECT_MODE;
	j->changes = 1;
	j->must = attr ? S3_MUST_ANY : S3_MUST_ABSENT;
	j->pending = !attr;
	stage_room(st, 0, ROOM_AT_FIRST);
	describe(o, st);
}

/* The version that is there is what the file begins as; fresh: we have just made it, empty. */
static void based(struct opening *o, struct object *obj, const struct s3_attr *attr, int fresh)
{
	struct stage *st;
	struct s3_journal *j;
	int err = stage_make(o->b, o->name, o->key, &st);

	if (err) {
		object_put(obj);
		end(o, NULL, err);
		return;
	}
	j = st->j;
	st->base = obj;
	st->copy_end = attr->size;
	j->base = *attr;
	j->size = j->base_end = attr->size;
	j->mode = attr->mode & S_IFMT ? attr->mode : S_IFREG | USUAL_MODE;
	j->uid = attr->mode & S_IFMT ? attr->uid : geteuid();
	j->gid = attr->mode & S_IFMT ? attr->gid : getegid();
	j->mtime_sec = attr->mtime_sec;
	j->mtime_nsec = attr->mtime_nsec;
	j->must = S3_MUST_BASE;
	st->kept = st->taken = fresh;
	if (fresh && (j->mode & 07777) != USUAL_MODE)
		j->set = OBJECT_MODE;
	err = ftruncate(st->f.data, attr->size) < 0 ? -errno : spool_ready(&st->f, attr->size);
	if (err) {
		stage_drop(st);
		stage_put(st);
		end(o, NULL, err);
		return;
	}
	stage_room(st, 0, ROOM_AT_FIRST);
	describe(o, st);
}

/* ---- what is there */

static void opened(void *arg, struct object *obj, int err)
{
	struct opening *o = arg;
	struct s3_attr attr;

	if (err) {
		end(o, NULL, err);
		return;
	}
	attr = *object_attr(obj);
	/* a GET tells no more than the stat did, but which version it is */
	attr.mode = o->attr.mode;
	attr.uid = o->attr.uid;
	attr.gid = o->attr.gid;
	based(o, obj, &attr, 0);
}

/* ---- O_EXCL: the name is taken at once, empty */

static void took(struct s3_request *r, int err)
{
	struct opening *o = r->arg;
	signed char *heeded = &o->b->if_none_match;

	if (err == -EOPNOTSUPP && *heeded != 0) {
		*heeded = 0;
		start(o);
		return;
	}
	if (r->status == 412 && o->asked) {     /* our own object refuses it: the condition holds */
		*heeded = 1;
		err = 0;
	} else if (r->status == 412) {
		*heeded = 1;
		err = -EEXIST;
	} else if (!err && o->asked) {
		*heeded = 0;
	}
	if (!err && !o->asked) {
		o->attr = (struct s3_attr){ .mode = S_IFREG | (o->mode & 07777), .uid = geteuid(), .gid = getegid(),
			.mtime_sec = time(NULL) };
		snprintf(o->attr.etag, sizeof(o->attr.etag), "%s", r->etag);
		snprintf(o->attr.version, sizeof(o->attr.version), "%s", r->version);
		o->attr.ino = names_ino(o->b, o->key, o->attr.etag);
		if (*heeded < 0) {
			o->asked = 1;
			s3_start(r);
			return;
		}
	}
	if (err) {
		end(o, NULL, err == -ESTALE ? -EEXIST : err);
		return;
	}
	publish_learn(o->b, o->name, &o->attr);
	based(o, object_known(o->b, o->key, &o->attr), &o->attr, 1);
}

static void take(struct opening *o)
{
	s3_prepare(&o->r, o->b, "PUT", o->key, took, o);
	s3_header(&o->r, "content-type", meta_content_type(o->key));
	if ((o->mode & 07777) != USUAL_MODE) {
		snprintf(o->mode_text, sizeof(o->mode_text), "%u", S_IFREG | (o->mode & 07777));
		s3_header(&o->r, "x-amz-meta-mode", o->mode_text);
	}
	if (o->b->if_none_match != 0)
		s3_header(&o->r, "if-none-match", "*");
	s3_start(&o->r);
}

/* Nothing heeds a condition there: look as late as can be. */
static void nobody_there(struct s3_request *r, int err)
{
	struct opening *o = r->arg;

	if (err == -ENOENT)
		take(o);
	else
		end(o, NULL, err ? err : -EEXIST);
}

static void take_or_look(struct opening *o)
{
	if (o->b->if_none_match != 0) {
		take(o);
		return;
	}
	s3_prepare(&o->r, o->b, "HEAD", o->key, nobody_there, o);
	s3_start(&o->r);
}

/* ---- the name */

static void got_parent(void *arg, const struct s3_attr *attr, int err)
{
	struct opening *o = arg;

	if (!err && !S_ISDIR(attr->mode))
		err = -ENOTDIR;
	if (err)
		end(o, NULL, err);
	else if ((o->flags & O_EXCL) && o->b->option[S3_OPT_EXCLUSIVE] == S3_EXCLUSIVE_OPEN)
		take_or_look(o);
	else
		made(o, NULL);
}

static void absent(struct opening *o)
{
	if (!(o->flags & O_CREAT)) {
		end(o, NULL, -ENOENT);
		return;
	}
	names_parent(o->name, o->parent);
	names_stat(o->b, o->parent, got_parent, o);
}

static void got(void *arg, const struct s3_attr *attr, int err)
{
	struct opening *o = arg;

	if (err == -ENOENT)
		absent(o);
	else if (err)
		end(o, NULL, err);
	else if ((o->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		end(o, NULL, -EEXIST);
	else if (S_ISDIR(attr->mode))
		end(o, NULL, -EISDIR);
	else if (S_ISLNK(attr->mode))
		end(o, NULL, -ELOOP);
	else if (o->flags & O_TRUNC)
		made(o, attr);
	else {
		o->attr = *attr;
		object_open(o->b, o->key, opened, o);
	}
}

/* What was closed before and is held back is published by itself, so that it does not go with what comes now. */
static void released(void *arg, int err)
{
	struct opening *o = arg;

	if (err)
		end(o, NULL, err);
	else
		start(o);
}

static int is_only_read(const struct opening *o)
{
	return (o->flags & O_ACCMODE) == O_RDONLY && !(o->flags & O_TRUNC);
}

static void start(struct opening *o)
{
	struct stage *st = stage_find(o->b, o->key);

	o->going = 1;
	o->asked = 0;
	if (st && st->held && !is_only_read(o))
		defer_release(st, released, o);
	else if (st)
		join(o, st);
	else
		names_stat(o->b, o->name, got, o);
}

void write_open(struct s3_bucket *b, const char *name, const char *description, int flags, mode_t mode,
		void (*done)(void *arg, struct stage *st, int err), void *arg)
{
	struct opening *o;
	char key[S3_NAME_MAX];
	int r = names_key(b, name, key);

	if (r >= 0 && !b->option[S3_OPT_WRITE])
		r = -EROFS;
	if (r < 0) {
		done(arg, NULL, r);
		return;
	}
	o = calloc(1, sizeof(*o));
	if (!o)
		abort();
	o->b = b;
	snprintf(o->name, sizeof(o->name), "%s", name);
	snprintf(o->key, sizeof(o->key), "%s", key);
	snprintf(o->description, sizeof(o->description), "%.32s", description);
	o->flags = flags;
	o->mode = mode;
	o->opened = done;
	o->arg = arg;
	o->next = openings;
	openings = o;
	if (!next_of(o))
		start(o);
}

/* ---- what was opened before */

int write_attach(const char *spool, const char *description, struct stage **out)
{
	struct stage *st = stage_find_id(spool);
	int err = 0;

	if (st)
		stage_get(st);
	else
		err = stage_load(spool, &st);
	if (!err)
		err = stage_describe(st, description);
	if (err && st)
		stage_put(st);
	*out = err ? NULL : st;
	return err;
}

/* Of an agent that is gone: its upload can't be gone on with, and what has nothing in it is not kept. */
static void clean(void *arg, const char *id)
{
	struct stage *st;

	(void)arg;
	if (stage_load(id, &st) < 0)
		return;
	if (*st->j->upload)
		multi_abort(st);
	if (st->j->removed || (!stage_is_changed(st) && !stage_descriptions(st)))
		stage_drop(st);
	else if (st->j->closed)
		defer_resume(stage_get(st));
	stage_put(st);
}

/* Where nothing can be written all can still be read. */
void write_init(void)
{
	int r = spool_init();

	if (r == 0)
		spool_each(clean, NULL);
	else
		spool_failed(r);
	spool_keep_spares();
}

void write_idle(void)
{
	spool_drop_spares();
}
