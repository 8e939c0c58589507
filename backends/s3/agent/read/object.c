/* SPDX-License-Identifier: MIT */
/*
 * Objects, their chunks and fetches, and the plan of a round of the loop; see
 * object.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "disk.h"
#include "options.h"
#include "loop/loop.h"
#include "object_private.h"

#define KEEP_LAST (1u << 20)

static struct object *objects;

static void plan(void *object);

void object_plan_soon(struct object *o)
{
	if (!o->planning)
		loop_soon(plan, o);
	o->planning = 1;
}

void object_plan(struct object *o, const struct range *want, unsigned n)
{
	if (!n || o->gone || o->aheads + n > PLANNED)
		return;
	memcpy(o->ahead + o->aheads, want, n * sizeof *want);
	o->aheads += n;
	object_plan_soon(o);
}

#define NAME_MOST (sizeof(struct s3_bucket *) + S3_NAME_MAX + S3_ETAG_MAX + sizeof(int64_t))

/* The name of a version; NUL-separated. */
static size_t name_of(char *out, const struct s3_bucket *b, const char *key, const struct s3_attr *a)
{
	size_t n = sizeof b;

	memcpy(out, &b, n);
	n += (size_t)(stpcpy(out + n, key) - (out + n)) + 1;
	n += (size_t)(stpcpy(out + n, a->etag) - (out + n)) + 1;
	memcpy(out + n, &a->size, sizeof a->size);
	return n + sizeof a->size;
}

static void object_free(struct object *o)
{
	if (!o->gone)
		HASH_DEL(objects, o);
	object_verify_end(o);
	free(o->key);
	free(o);
}

/* Its users and its chunks keep an object. */
static void drop_if_unused(struct object *o)
{
	if (!o->refs && !o->index.n && !o->planning)
		object_free(o);
}

static struct object *object_new(struct s3_bucket *b, const char *key, const struct s3_attr *attr,
				 const char *name, size_t n)
{
	struct object *o = calloc(1, sizeof *o + n);

	if (!o || !(o->key = strdup(key))) {
		free(o);
		return NULL;
	}
	o->bucket = b;
	o->attr = *attr;
	o->name_len = n;
	memcpy(o->name, name, n);
	HASH_ADD(hh, objects, name, (unsigned)n, o);
	return o;
}

/* The one of this name, and the name. */
static struct object *find(char name[NAME_MOST], size_t *n, struct s3_bucket *b, const char *key, const struct s3_attr *attr)
{
	struct object *o;

	*n = name_of(name, b, key, attr);
	HASH_FIND(hh, objects, name, *n, o);
	return o;
}

struct object *object_kept(struct s3_bucket *b, const char *key, const struct s3_attr *attr)
{
	char name[NAME_MOST];
	size_t n;

	return find(name, &n, b, key, attr);
}

struct object *object_known(struct s3_bucket *b, const char *key, const struct s3_attr *attr)
{
	char name[NAME_MOST];
	size_t n;
	struct object *o = find(name, &n, b, key, attr);

	if (!o)
		o = object_new(b, key, attr, name, n);
	if (o)
		o->refs++;
	return o;
}

const struct s3_attr *object_attr(const struct object *o)
{
	return &o->attr;
}

/* The rest of a fetch costs less than the connection that ending it would. */
static int is_nearly_done(const struct chunk *c)
{
	const struct fetch *f = c->fetch;

	return f->running && c->len - c->filled <= KEEP_LAST;
}

/* Nobody will read on: what was only fetched ahead need not come. */
static void cancel_fetches(struct object *o)
{
	struct chunk *c = index_above(&o->index, -1), *next;

	for (; c; c = next) {
		next = index_above(&o->index, c->off);
		if (!c->fetch || is_nearly_done(c))
			continue;
		index_remove(&o->index, c);
		cache_hold(c);
		fetch_cancel(c->fetch);
		cache_free(c);
	}
}

struct object *object_hold(struct object *o)
{
	o->refs++;
	return o;
}

/* What follows is not done at once: we may be in the middle of an answer. */
void object_put(struct object *o)
{
	--o->refs;
	object_open_learn(o);
	if (!o->refs)
		object_plan_soon(o);
}

/* The cache uses its memory again. */
static void chunk_gone(struct chunk *c)
{
	struct object *o = c->owner;

	index_remove(&o->index, c);
	if (c->ahead)
		stream_halve(&o->streams);
	drop_if_unused(o);
}

void object_init(void)
{
	cache_gone = chunk_gone;
}

void object_spoil(struct object *o, int err)
{
	if (!o->gone)
		HASH_DEL(objects, o);
	o->gone = err;
	if (err == -EIO)
		disk_drop(o->bucket, o->key, &o->attr);
}

static void on_grew(struct fetch *f)
{
	struct object *o = f->owner;

	if (f->c->filled == f->c->len && object_verify(o))
		object_spoil(o, -EIO);
	object_reads_grew(f);
}

static void on_failed(struct fetch *f, struct object *o, int err)
{
	if (err == -ESTALE)
		object_spoil(o, err);
	index_remove(&o->index, f->c);
	object_reads_failed(f, err);
	cache_free(f->c);
	f->c = NULL;
	drop_if_unused(o);
}

static void on_done(struct fetch *f, int err)
{
	struct object *o = f->owner;

	if (err)
		on_failed(f, o, err);
	else if (!o->gone)
		fetch_keep(f);
	object_reads_retry();
}

/* A listing does not say the version; the first answer does, and then it can be asked for. */
static int on_head(struct fetch *f)
{
	struct object *o = f->owner;

	if (!o->attr.version[0])
		memcpy(o->attr.version, f->req.version, sizeof o->attr.version);
	object_verify_by(o, &f->req);
	return 0;
}

void object_adopt(struct object *o, struct fetch *f)
{
	f->owner = f->c->owner = o;
	f->head = on_head;
	f->grew = on_grew;
	f->done = on_done;
	index_insert(&o->index, f->c);
}

static int by_off(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

/* The ranges of this round: what is read, and what is fetched ahead. */
static unsigned gather(struct object *o, struct range *out)
{
	unsigned n = o->aheads;
	struct object_read *r;

	memcpy(out, o->ahead, n * sizeof *out);
	o->aheads = 0;
	DL_FOREACH(o->fresh, r) {
		int64_t end = object_wanted(r);

		if (n == 2 * PLANNED)
			break;
		out[n++] = (struct range){ r->off, end, end, 0 };
	}
	qsort(out, n, sizeof *out, by_off);
	return plan_join(out, n, plan_merge(fetch_link()));
}

/* Nobody uses it now: nothing more is fetched. */
static void rest(struct object *o)
{
	cancel_fetches(o);
	memset(&o->streams, 0, sizeof o->streams);
	o->aheads = 0;
}

static void plan(void *object)
{
	struct object *o = object;
	struct range range[2 * PLANNED];
	int refused = 0;

	if (o->refs) {
		unsigned n = gather(o, range);

		for (unsigned i = 0; i < n; i++)
			refused |= !object_fill(o, range[i]);
		if (refused)
			stream_halve(&o->streams);
		object_reads_settle(o, refused);
	}
	if (!o->refs)
		rest(o);
	o->planning = 0;
	if (o->fresh)
		object_plan_soon(o);
	drop_if_unused(o);
}
