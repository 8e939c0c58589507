/* SPDX-License-Identifier: MIT */
/*
 * Opening the current version of an object: one GET of its first bytes says
 * its size and etag, and a small object is there as a whole. How many bytes is
 * a guess: as far as readers went in the bucket's objects lately, so that who
 * reads whole objects does not wait for a second answer. Where they went further
 * than one request should bring, several ask at the same time, and the first
 * answer says what the others have to be. Of a bucket with a disk cache it says
 * which version is known, and if that is the current one no bytes come, and the
 * object is that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "names/names.h"
#include "options.h"
#include "object_private.h"

#define FIRST_BYTES (128ll << 10)       /* s3clients.md 8.1 */
#define FIRST_PART (4ll << 20)          /* where others are asked for beside it */
#define SURE 2                          /* objects in a row that were read so far: a part that is not there costs a request */
#define PARTS (OPEN_MOST / FIRST_PART)
#define DRAINED (256ll << 10)           /* so much that nobody wants costs less than the connection */

/* An open that has no answer yet. */
struct opening {
	struct s3_bucket *b;
	char *key;
	void (*opened)(void *arg, struct object *o, int err);
	void *arg;
	struct s3_request head;
	struct fetch *more[PARTS];      /* what is behind the first part; NULL: the object's, or over */
	struct object *early;           /* what one of these was the first to tell of */
	struct s3_attr last;            /* what it was lately; etag "": not known */
};

static void unwanted(struct fetch *f, int err)
{
	(void)err;
	fetch_unwanted(f);
}

static int let_go(struct fetch *f)
{
	fetch_unwanted(f);
	f->head = NULL;
	f->done = unwanted;
	return f->req.upto > DRAINED ? -ECANCELED : 0;
}

/* Makes it a part of the object, unless that has bytes of it or ends before. */
static int take_more(struct fetch *f, struct object *o)
{
	const struct chunk *c = index_floor(&o->index, f->req.last);

	if (o->gone || f->req.first >= o->attr.size || (c && c->off + c->len > f->req.first) || fetch_pin(f, &o->attr))
		return 0;
	object_adopt(o, f);
	return 1;
}

/* The other parts are the object's now, or nobody's. */
static void place_more(struct opening *w, struct object *o)
{
	for (unsigned i = 0; i < PARTS; i++) {
		struct fetch *f = w->more[i];

		if (!f || (o && take_more(f, o)))
			continue;
		f->head = let_go;
		f->done = unwanted;
		if (!f->running) {
			fetch_unwanted(f);
			fetch_cancel(f);
		}
	}
	if (w->early)
		object_put(w->early);
}

static void open_end(struct opening *w, struct object *o, int err)
{
	place_more(w, o);
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
	s3_prepare(&w->head, w->b, "HEAD", w->key, head_done, w);
	s3_start(&w->head);
}

/* What a reader is expected to want behind the first bytes is on its way when it comes to ask. */
static void go_on(struct object *o, int64_t from)
{
	struct range rest = { from, smaller(o->bucket->habit, o->attr.size), 0, 0 };

	if (rest.off < rest.end)
		object_plan(o, &rest, 1);
	o->asked = larger(from, rest.end);
}

/* Takes the bytes for the object, unless it has some of them. */
static int adopt(struct fetch *f, struct object *o)
{
	go_on(o, f->req.last + 1);
	if (!o->attr.size || o->gone || index_floor(&o->index, f->req.upto - 1) || fetch_take(f, &o->attr))
		return let_go(f);
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

	fetch_unwanted(f);
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

/* Whether the next object is likely to be read as far as the last ones were, and there is memory for that. */
static int is_sure(const struct s3_bucket *b)
{
	return b->habits >= SURE && b->habit > FIRST_PART && !is_remembered(b) &&
	       cache_held() + 2 * (uint64_t)b->habit <= cache_size() / 4;
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
	if (!o->refs) {
		if (o->asked)
			b->habits = o->reach >= b->habit ? b->habits + 1 : 0;
		o->asked = o->reach = 0;
	}
}

static void forget_more(const struct fetch *f)
{
	struct opening *w = f->owner;

	for (unsigned i = 0; i < PARTS; i++)
		if (w->more[i] == f)
			w->more[i] = NULL;
}

/* It is answered before the first part. */
static int more_head(struct fetch *f)
{
	struct opening *w = f->owner;
	struct object *o = object_of(w, &f->req);

	forget_more(f);
	if (o && w->early)
		object_put(o);
	else
		w->early = o;
	return o && o == w->early && take_more(f, o) ? 0 : let_go(f);
}

static void more_ended(struct fetch *f, int err)
{
	(void)err;
	fetch_unwanted(f);
	forget_more(f);
}

static void ask_more(struct opening *w)
{
	int64_t off = FIRST_PART;

	for (unsigned i = 0; i < PARTS && off < w->b->habit; i++, off += FIRST_PART) {
		struct fetch *f = fetch_new(w->b, w->key, NULL, off, smaller(FIRST_PART, w->b->habit - off));

		if (!f)
			return;
		f->owner = w;
		fetch_expect(f);
		f->head = more_head;
		f->done = more_ended;
		w->more[i] = f;
		fetch_start(f, 0);
	}
}

static void open_by_get(struct opening *w)
{
	const int sure = is_sure(w->b);
	struct fetch *f = fetch_new(w->b, w->key, NULL, 0, sure ? FIRST_PART : guess(w->b));

	if (!f) {
		open_by_head(w);
		return;
	}
	f->owner = w;
	f->head = open_head;
	f->done = open_failed;
	if (*w->last.etag)
		s3_header(&f->req, "if-none-match", w->last.etag);
	if (sure)
		fetch_expect(f);
	fetch_start(f, 1);
	if (sure)
		ask_more(w);
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
