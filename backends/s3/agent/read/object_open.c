/* SPDX-License-Identifier: MIT */
/*
 * Opening the current version of an object: one GET of its first bytes says
 * its size and etag, and a small object is there as a whole. Of a bucket with
 * a disk cache it says which version is known, and if that is the current one
 * no bytes come, and the object is that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "names/names.h"
#include "options.h"
#include "object_private.h"

#define FIRST_BYTES (128 << 10)         /* s3clients.md 8.1 */

/* An open that has no answer yet. */
struct opening {
	struct s3_bucket *b;
	char *key;
	void (*opened)(void *arg, struct object *o, int err);
	void *arg;
	struct s3_request head;
	struct s3_attr last;            /* what it was lately; etag "": not known */
};

static void open_end(struct opening *w, struct object *o, int err)
{
	w->opened(w->arg, o, err);
	free(w->key);
	free(w);
}

/* The object an answer is about; NULL without memory. */
static struct object *object_of(const struct opening *w, const struct s3_request *r)
{
	struct s3_attr a;

	names_attr(r, w->key, &a);
	return object_known(w->b, w->key, &a);
}

/* It is what it was: only its date may be another. NULL if that is not so, or without memory. */
static struct object *object_as_it_was(struct opening *w, const struct s3_request *r)
{
	const char *date = r->http ? http_got(r->http, "last-modified") : NULL;
	const char *etag = r->http ? http_got(r->http, "etag") : NULL;

	if (r->status != 304 || !*w->last.etag || (etag && strcmp(etag, w->last.etag)))
		return NULL;
	if (date && s3_date(date) >= 0)
		w->last.mtime_sec = s3_date(date);
	return object_known(w->b, w->key, &w->last);
}

static void head_done(struct s3_request *r, int err)
{
	struct opening *w = r->arg;
	struct object *o = err ? NULL : object_of(w, r);

	open_end(w, o, o || err ? err : -ENOMEM);
}

/* Where no bytes can be had: an empty object, or no memory for them. */
static void open_by_head(struct opening *w)
{
	w->head = (struct s3_request){ .bucket = w->b, .method = "HEAD", .key = w->key, .body_fd = -1,
		.first = -1, .last = -1, .done = head_done, .arg = w };
	s3_start(&w->head);
}

static void unwanted(struct fetch *f, int err)
{
	(void)f;
	(void)err;
}

static void let_go(struct fetch *f)
{
	f->head = NULL;
	f->done = unwanted;
	cache_free(f->c);
	f->c = NULL;
}

/* Takes the bytes for the object, unless it has some of them. */
static void adopt(struct fetch *f, struct object *o)
{
	const struct chunk *has = index_floor(&o->index, FIRST_BYTES - 1);

	if (has || !o->attr.size || o->gone) {
		let_go(f);
		return;
	}
	f->size = o->attr.size;
	strcpy(f->match, o->attr.etag);
	if (f->c->len > f->size)
		f->c->len = (uint32_t)f->size;
	cache_shrink(f->c, f->c->len);
	object_verify_by(o, &f->req);
	object_adopt(o, f);
}

static void open_head(struct fetch *f)
{
	struct opening *w = f->owner;
	struct object *o = object_of(w, &f->req);

	if (o) {
		adopt(f, o);
		disk_remember(w->b, w->key, &o->attr);
	}
	else
		let_go(f);
	open_end(w, o, o ? 0 : -ENOMEM);
}

/* It ended before it began. */
static void open_failed(struct fetch *f, int err)
{
	struct opening *w = f->owner;
	int empty = f->req.status == 416;
	struct object *o;

	cache_free(f->c);
	f->c = NULL;
	if (empty)
		open_by_head(w);
	else if ((o = object_as_it_was(w, &f->req)))
		open_end(w, o, 0);
	else
		open_end(w, NULL, err ? err : -EIO);
}

static void open_by_get(struct opening *w)
{
	struct fetch *f = fetch_new(w->b, w->key, NULL, 0, FIRST_BYTES);

	if (!f) {
		open_by_head(w);
		return;
	}
	f->owner = w;
	f->head = open_head;
	f->done = open_failed;
	if (*w->last.etag)
		s3_header(&f->req, "if-none-match", w->last.etag);
	fetch_start(f, 1);
}

static void open_again(void *arg, const struct s3_attr *last)
{
	struct opening *w = arg;

	if (last)
		w->last = *last;
	open_by_get(w);
}

void object_open(struct s3_bucket *b, const char *key,
		 void (*opened)(void *arg, struct object *o, int err), void *arg)
{
	struct opening *w = calloc(1, sizeof *w);

	if (!w || !(w->key = strdup(key))) {
		free(w);
		opened(arg, NULL, -ENOMEM);
		return;
	}
	w->b = b;
	w->opened = opened;
	w->arg = arg;
	/* attributes of the object's own may change and its bytes not */
	if (b->disk && b->option[S3_OPT_META] == S3_META_LIST)
		disk_last(b, key, open_again, w);
	else
		open_by_get(w);
}
