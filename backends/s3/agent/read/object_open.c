/* SPDX-License-Identifier: MIT */
/*
 * Opening the current version of an object: one GET of its first bytes says
 * its size and etag, and a small object is there as a whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names/names.h"
#include "object_private.h"

#define FIRST_BYTES (128 << 10)         /* s3clients.md 8.1 */

/* An open that has no answer yet. */
struct opening {
	struct s3_bucket *b;
	char *key;
	void (*opened)(void *arg, struct object *o, int err);
	void *arg;
	struct s3_request head;
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

	if (o)
		adopt(f, o);
	else
		let_go(f);
	open_end(w, o, o ? 0 : -ENOMEM);
}

/* It ended before it began. */
static void open_failed(struct fetch *f, int err)
{
	struct opening *w = f->owner;
	int empty = f->req.status == 416;

	cache_free(f->c);
	f->c = NULL;
	if (empty)
		open_by_head(w);
	else
		open_end(w, NULL, err ? err : -EIO);
}

void object_open(struct s3_bucket *b, const char *key,
		 void (*opened)(void *arg, struct object *o, int err), void *arg)
{
	struct opening *w = calloc(1, sizeof *w);
	struct fetch *f;

	if (!w || !(w->key = strdup(key))) {
		free(w);
		opened(arg, NULL, -ENOMEM);
		return;
	}
	w->b = b;
	w->opened = opened;
	w->arg = arg;
	f = fetch_new(b, key, NULL, 0, FIRST_BYTES);
	if (!f) {
		open_by_head(w);
		return;
	}
	f->owner = w;
	f->head = open_head;
	f->done = open_failed;
	fetch_start(f, 1);
}
