/* SPDX-License-Identifier: MIT */
/*
 * Opening the current version of an object: one GET of its first bytes says
 * its size and etag, and a small object is there as a whole. How many bytes is
 * a guess: as far as readers went in the bucket's objects lately, so that who
 * reads whole objects does not wait for a second answer. Of a bucket with a
 * disk cache it says which version is known, and if that is the current one no
 * bytes come, and the object is that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "names/names.h"
#include "options.h"
#include "object_private.h"

#define FIRST_BYTES (128ll << 10)       /* s3clients.md 8.1 */
#define DRAINED (256ll << 10)           /* so much that nobody wants costs less than the connection */

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

static int let_go(struct fetch *f)
{
	f->head = NULL;
	f->done = unwanted;
	return f->req.upto > DRAINED ? -ECANCELED : 0;
}

/* Takes the bytes for the object, unless it has some of them. */
static int adopt(struct fetch *f, struct object *o)
{
	o->asked = f->req.last + 1;
	if (!o->attr.size || o->gone || index_floor(&o->index, f->req.upto - 1) || fetch_take(f))
		return let_go(f);
	f->size = o->attr.size;
	strcpy(f->match, o->attr.etag);
	object_verify_by(o, &f->req);
	object_adopt(o, f);
	return 0;
}

/* Whether the disk knows which version a key was: attributes of the object's own may change, and its bytes not. */
static int is_remembered(const struct s3_bucket *b)
{
	return b->disk && b->option[S3_OPT_META] == S3_META_LIST;
}

static int open_head(struct fetch *f)
{
	struct opening *w = f->owner;
	struct object *o = object_of(w, &f->req);
	int err = o ? adopt(f, o) : let_go(f);

	if (o && is_remembered(w->b))
		disk_remember(w->b, w->key, &o->attr);
	open_end(w, o, o ? 0 : -ENOMEM);
	return err;
}

/* It ended before it began. */
static void open_failed(struct fetch *f, int err)
{
	struct opening *w = f->owner;
	int empty = f->req.status == 416;
	struct object *o;

	if (empty)
		open_by_head(w);
	else if ((o = object_as_it_was(w, &f->req)))
		open_end(w, o, 0);
	else
		open_end(w, NULL, err ? err : -EIO);
}

static int64_t power_below(int64_t n)
{
	return 1ll << (63 - __builtin_clzll((unsigned long long)n));
}

/* No more than is worth a request of its own: what is behind that comes by others at the same time. */
static int64_t guess(const struct s3_bucket *b)
{
	int64_t most = smaller(plan_least(fetch_link()), (int64_t)cache_size() / 8);

	return b->habit > FIRST_BYTES ? larger(smaller(b->habit, power_below(most)), FIRST_BYTES) : FIRST_BYTES;
}

/* An object that came as a whole says nothing; one that was read far less than it came, that it was too much. */
void object_open_learn(struct object *o)
{
	struct s3_bucket *b = o->bucket;
	int64_t came = smaller(o->asked, o->attr.size);

	if (came > 0 && o->attr.size > FIRST_BYTES) {
		if (o->reach >= came)
			b->habit = larger(b->habit, smaller(o->reach, OPEN_MOST));
		else if (!o->refs && o->reach < came / 2)
			b->habit /= 8;
	}
	if (!o->refs)
		o->asked = o->reach = 0;
}

static void open_by_get(struct opening *w)
{
	struct fetch *f = fetch_new(w->b, w->key, NULL, 0, guess(w->b));

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
	if (is_remembered(b))
		disk_last(b, key, open_again, w);
	else
		open_by_get(w);
}
