/* SPDX-License-Identifier: MIT */
/* Publishing: its beginning, its end and the way; see publish.h. */
#include "publish_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "copy.h"
#include "loop/log.h"
#include "multi.h"
#include "names/names.h"
#include "object_ops.h"
#include "options.h"
#include "request/tags.h"

#define COPY_WORTH (8ll << 20)          /* so many bytes copied by the server are worth an upload */

struct waiter {
	struct waiter *next;
	uint64_t changes;
	write_done *done;
	void *arg;
};

static void begin(struct publish *p);

/* ---- the end */

static void free_run(struct publish *p)
{
	if (p->body.st)
		body_free(&p->body);
	free(p->complete);
	p->complete = NULL;
}

/* Takes those out who are served by what was published, all if it failed. */
static struct waiter *served(struct publish *p, int err)
{
	struct waiter *out = NULL, **end_of_out = &out, **at = &p->waiting, *w;

	while ((w = *at)) {
		if (!err && w->changes > p->changes) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->next = NULL;
		*end_of_out = w;
		end_of_out = &w->next;
	}
	return out;
}

/* Tells them; the others go on. */
void publish_end(struct publish *p, int err)
{
	struct stage *st = p->st;
	struct waiter *w = served(p, err), *next;

	free_run(p);
	if (err == -ENOENT)             /* of the bucket or the upload: to who ends a file it would say that it is over */
		err = -EIO;
	st->j->error = err;
	if (err)
		multi_abort(st);
	for (; w; w = next) {
		next = w->next;
		w->done(w->arg, err);
		free(w);
	}
	if (p->waiting) {
		begin(p);
		return;
	}
	st->publish = NULL;
	free(p);
	stage_put(st);
}

void publish_learn(struct s3_bucket *b, const char *name, const struct s3_attr *attr)
{
	struct s3_attr seen = *attr;

	/* what a listing would tell */
	if (!names_meta_object(b)) {
		seen.mode = S_IFREG | 0644;
		seen.uid = geteuid();
		seen.gid = getegid();
	}
	names_wrote(b, name, &seen);
}

void publish_ended(struct publish *p)
{
	struct stage *st = p->st;
	struct s3_journal *j = st->j;
	struct s3_attr attr = { .size = p->size, .mtime_sec = p->mtime, .mode = j->mode, .uid = j->uid, .gid = j->gid };

	snprintf(attr.etag, sizeof(attr.etag), "%s", p->etag);
	snprintf(attr.version, sizeof(attr.version), "%s", p->version);
	attr.ino = names_ino(st->b, j->key, attr.etag);
	if (names_meta_object(st->b) && meta_get(&p->meta, "x-amz-meta-mtime")) {
		attr.mtime_sec = j->mtime_sec;
		attr.mtime_nsec = j->mtime_nsec;
	}
	multi_over(st);
	stage_based(st, &attr);
	if (p->body.p)
		object_give(st->base, p->body.p, (size_t)p->size);
	free(st->preserve);
	st->preserve = meta_save(&p->meta);
	st->kept = 1;
	j->must = S3_MUST_BASE;
	j->published = p->changes;
	atomic_store(&j->pending, 0);
	if (!atomic_load(&j->removed))
		publish_learn(st->b, j->name, &attr);
	publish_end(p, 0);
}

void publish_damaged(struct publish *p)
{
	log_say(LOG_ERROR, "%s/%s: the server stored other bytes than it was sent", p->st->b->name, p->st->j->key);
	p->st->j->must = S3_MUST_ANY;
	publish_end(p, -EIO);
}

/* ---- requests */

void publish_request(struct publish *p, const char *method, void (*done)(struct s3_request *, int))
{
	s3_prepare(&p->r, p->st->b, method, p->st->j->key, done, p);
}

void publish_result(struct publish *p, const struct s3_request *r, const char *etag)
{
	snprintf(p->etag, sizeof(p->etag), "%s", etag);
	snprintf(p->version, sizeof(p->version), "%s", r->version);
	p->mtime = s3_answered(r);
}

void publish_copied(void *arg, const struct s3_attr *attr, int err)
{
	struct publish *p = arg;

	if (err) {
		publish_end(p, err == -ENOENT ? -ESTALE : err);         /* what was to be copied onto itself */
		return;
	}
	snprintf(p->etag, sizeof(p->etag), "%s", attr->etag);
	snprintf(p->version, sizeof(p->version), "%s", attr->version);
	p->mtime = attr->mtime_sec;
	publish_ended(p);
}

/* ---- which way */

static int64_t copyable(const struct stage *st, int64_t size)
{
	int n;
	struct part *part = st->base ? parts_plan(size, &st->dirty, st->copy_end, multi_fixed(st->b), &n) : NULL;
	int64_t bytes = 0;

	for (int i = 0; part && i < n; i++)
		bytes += part[i].copied ? part[i].len : 0;
	free(part);
	return bytes;
}

static int only_attributes(const struct publish *p)
{
	const struct stage *st = p->st;

	return st->base && !st->dirty.n && p->size == st->j->base.size && st->copy_end >= p->size;
}

/* To the nanosecond; and another mode is no change of the bytes. An upload that was begun before the last change can't have it. */
static void keep_time(struct publish *p)
{
	struct s3_attr attr;

	stage_attr(p->st, &attr);
	if (names_meta_object(p->st->b))
		meta_attr(&p->meta, &attr, OBJECT_TIMES);
}

void publish_send(struct publish *p)
{
	struct stage *st = p->st;
	int same, parts;

	memset(&p->meta, 0, sizeof(p->meta));
	stage_meta(st, &p->meta);
	same = only_attributes(p);
	parts = !same && (st->multi || p->size > MULTI_FROM || copyable(st, p->size) >= COPY_WORTH);
	if (!parts)
		keep_time(p);
	if (p->meta.full)
		publish_end(p, -E2BIG);
	else if (same)
		copy_object(st->b, st->j->key, &st->j->base, st->j->key, &p->meta, publish_copied, p);
	else if (parts)
		publish_upload(p);
	else
		publish_put(p);
}

static void got_tags(void *arg, const char *tags, int err)
{
	struct publish *p = arg;

	if (err) {
		publish_end(p, err);
		return;
	}
	stage_keep(p->st, "x-amz-tagging", tags);
	publish_send(p);
}

static void looked(struct s3_request *r, int err)
{
	struct publish *p = r->arg;
	int keeps = !err && p->st->base && !p->st->kept, tagged = keeps && tags_told(r);
	struct meta *kept;

	if (keeps) {
		kept = calloc(1, sizeof(*kept));
		if (!kept)
			abort();
		meta_preserve(kept, r);
		free(p->st->preserve);
		p->st->preserve = meta_save(kept);
		p->st->kept = 1;
		free(kept);
	}
	err = publish_is_as_it_must(p, r, err);
	if (err)
		publish_end(p, err);
	else if (tagged)
		tags_get(p->st->b, p->st->j->key, r->version, got_tags, p);
	else
		publish_send(p);
}

static void begin(struct publish *p)
{
	static unsigned long runs;
	struct stage *st = p->st;
	struct extents fresh = { 0 };
	int same;

	p->tries = p->broken = p->asked = 0;
	p->changes = atomic_load(&st->j->changes);
	same = p->changes == st->j->published && !atomic_load(&st->j->pending);
	if (same || atomic_load(&st->j->removed)) {
		st->j->published = p->changes;
		publish_end(p, 0);
		return;
	}
	stage_collect(st, &fresh);
	stage_freeze(st);
	multi_stream(st, &fresh);
	extents_free(&fresh);
	p->size = atomic_load(&st->j->size);
	snprintf(p->stamp, sizeof(p->stamp), "%.32s-%llx-%lx", st->j->id, (unsigned long long)p->changes, ++runs);
	if ((st->base && !st->kept && st->j->must == S3_MUST_BASE) ||
	    (publish_must(p) != S3_MUST_ANY && *publish_heeds(p) <= 0))
		publish_look(p, looked);
	else
		publish_send(p);
}

static void wait_for(struct publish *p, uint64_t changes, write_done *done, void *arg)
{
	struct waiter *w = calloc(1, sizeof(*w)), **at;

	if (!w)
		abort();
	*w = (struct waiter){ NULL, changes, done, arg };
	for (at = &p->waiting; *at; at = &(*at)->next)
		;
	*at = w;
}

void publish(struct stage *st, write_done *done, void *arg)
{
	struct publish *p = st->publish;
	int first = !p;

	if (!p)
		p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	p->st = st;
	st->publish = p;
	wait_for(p, atomic_load(&st->j->changes), done, arg);
	if (!first)
		return;
	stage_get(st);
	begin(p);
}

void publish_wait(struct stage *st, write_done *done, void *arg)
{
	if (st->publish)
		wait_for(st->publish, 0, done, arg);
	else
		done(arg, 0);
}
