/* SPDX-License-Identifier: MIT */
/* Staged files in the agent; see stage.h. */
#include "stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "options.h"
#include "loop/loop.h"
#include "names/names.h"

#define ROOM_FIRST (64ll << 10)         /* given at a time, */
#define ROOM_MOST (8ll << 20)           /* more and more */

static struct stage *joined;            /* by bucket and key */
static struct stage *all;
static int64_t given;                   /* room of all of them */

/* ---- which there are */

static char *place(const struct s3_bucket *b, const char *key)
{
	char *at;

	if (asprintf(&at, "%p/%s", (const void *)b, key) < 0)
		abort();
	return at;
}

struct stage *stage_find(struct s3_bucket *b, const char *key)
{
	char *at = place(b, key);
	struct stage *st;

	HASH_FIND_STR(joined, at, st);
	free(at);
	return st;
}

struct stage *stage_find_id(const char *id)
{
	struct stage *st = all;

	while (st && strcmp(st->j->id, id))
		st = st->next;
	return st;
}

void stage_each(void (*each)(void *arg, struct stage *st), void *arg)
{
	struct stage *st, *next;

	DL_FOREACH_SAFE(all, st, next)
		each(arg, st);
}

static void attach(struct stage *st, const char *key)
{
	st->at = place(st->b, key);
	HASH_ADD_KEYPTR(hh, joined, st->at, strlen(st->at), st);
}

void stage_detach(struct stage *st)
{
	if (!st->at)
		return;
	HASH_DEL(joined, st);
	free(st->at);
	st->at = NULL;
}

static struct stage *add(struct s3_bucket *b, const struct spool_file *f)
{
	struct stage *st = calloc(1, sizeof(*st));

	if (!st)
		abort();
	st->b = b;
	st->f = *f;
	st->j = f->j;
	st->refs = 1;
	DL_PREPEND(all, st);
	return st;
}

static void name_it(struct s3_journal *j, const struct s3_bucket *b, const char *name, const char *key)
{
	snprintf(j->target, sizeof(j->target), "%s", b->target);
	snprintf(j->name, sizeof(j->name), "%s", name);
	snprintf(j->key, sizeof(j->key), "%s", key);
}

int stage_make(struct s3_bucket *b, const char *name, const char *key, struct stage **out)
{
	struct spool_file f;
	struct stage *st;
	int r = spool_make(&f);

	if (r < 0)
		return r;
	name_it(f.j, b, name, key);
	st = add(b, &f);
	attach(st, key);
	*out = st;
	return 0;
}

int stage_of_file(struct s3_bucket *b, const char *key, int data, struct stage **out)
{
	char name[S3_NAME_MAX];
	struct spool_file f;
	int r = spool_borrow(&f, data);

	if (r == 0)
		r = names_of_key(b, key, name);
	if (r < 0) {
		spool_close(&f);
		return r;
	}
	name_it(f.j, b, name, key);
	*out = add(b, &f);
	return 0;
}

/* Everything that is here may differ from the base: it has only what is not. */
static void collect_here(struct stage *st)
{
	int64_t upto = st->j->size < st->j->ready ? st->j->size : st->j->ready;

	for (int64_t at = 0; at < upto; at += S3_BLOCK)
		if (atomic_load(&s3_blocks_of(&st->f.marks, at)->here) >> (at % S3_GROUP / S3_BLOCK) & 1)
			extents_add(&st->dirty, at, at + S3_BLOCK);
}

int stage_load(const char *id, struct stage **out)
{
	struct spool_file f;
	struct s3_bucket *b;
	struct stage *st;
	char why[S3_WHY];
	int r = stage_find_id(id) ? -EADDRINUSE : spool_open(&f, id);

	if (r < 0)
		return r;
	r = s3_bucket_get(f.j->target, &b, why);
	if (r < 0) {
		spool_close(&f);
		return r;
	}
	st = add(b, &f);
	collect_here(st);
	st->copy_end = st->j->base_end;
	st->given = spool_taken(&f) + st->j->room;
	given += st->given;
	if (*st->j->base.etag)
		st->base = object_known(b, st->j->key, &st->j->base);
	if (!stage_find(b, st->j->key) && !st->j->removed && !st->j->lost)
		attach(st, st->j->key);
	*out = st;
	return 0;
}

struct stage *stage_get(struct stage *st)
{
	st->refs++;
	return st;
}

static void close_removed(void *arg)
{
	spool_close(arg);
}

/* The last close of a file that is removed gives its blocks back: that may take the disk some time. */
static void remove_files(struct stage *st)
{
	struct spool_file *f;

	if (spool_spare(&st->f))
		return;
	spool_remove(st->j->id);
	f = malloc(sizeof(*f));
	if (!f)
		abort();
	*f = st->f;
	loop_work(close_removed, free, f);
}

void stage_put(struct stage *st)
{
	if (--st->refs)
		return;
	stage_detach(st);
	DL_DELETE(all, st);
	if (st->base)
		object_put(st->base);
	given -= st->given;
	extents_free(&st->dirty);
	extents_free(&st->later);
	free(st->preserve);
	if (st->dropped)
		remove_files(st);
	else
		spool_close(&st->f);
	free(st);
}

void stage_drop(struct stage *st)
{
	stage_detach(st);
	st->dropped = 1;
}

void stage_rename(struct stage *st, const char *name, const char *key)
{
	snprintf(st->j->name, sizeof(st->j->name), "%s", name);
	snprintf(st->j->key, sizeof(st->j->key), "%s", key);
	if (!st->at)
		return;
	stage_detach(st);
	attach(st, key);
}

void stage_unbase(struct stage *st, int over)
{
	if (st->base)
		object_put(st->base);
	st->base = NULL;
	st->j->base = (struct s3_attr){ .size = 0 };
	st->j->must = over ? S3_MUST_ANY : S3_MUST_ABSENT;
	st->j->pending = !over;
	st->taken = over;
}

/* ---- who uses it */

static char *description(const struct stage *st, const char *id)
{
	for (int i = 0; i < S3_DESCRIPTIONS; i++)
		if (!strcmp(st->j->description[i], id))
			return st->j->description[i];
	return NULL;
}

int stage_describe(struct stage *st, const char *id)
{
	char *d = *id ? description(st, id) : NULL;

	if (d)
		return 0;
	d = description(st, "");
	if (!d)
		return -ENFILE;
	snprintf(d, S3_ID, "%.32s", id);
	return 0;
}

void stage_undescribe(struct stage *st, const char *id)
{
	char *d = *id ? description(st, id) : NULL;

	if (d)
		*d = 0;
}

unsigned stage_descriptions(const struct stage *st)
{
	unsigned n = 0;

	for (int i = 0; i < S3_DESCRIPTIONS; i++)
		n += !!*st->j->description[i];
	return n;
}

/* ---- what changed */

int stage_is_changed(const struct stage *st)
{
	return atomic_load(&st->j->changes) != st->j->published || st->j->pending;
}

static void collect_group(struct stage *st, int64_t at, uint64_t bits, struct extents *fresh)
{
	while (bits) {
		int first = __builtin_ctzll(bits);
		uint64_t from = bits >> first;
		int n = ~from ? __builtin_ctzll(~from) : 64;
		int64_t off = at + first * (int64_t)S3_BLOCK, upto = off + n * (int64_t)S3_BLOCK;

		extents_add(&st->dirty, off, upto);
		extents_add(&st->later, off, upto);
		if (fresh)
			extents_add(fresh, off, upto);
		bits = first + n < 64 ? bits & (~0ull << (first + n)) : 0;
	}
}

void stage_collect(struct stage *st, struct extents *fresh)
{
	struct s3_journal *j = st->j;
	int64_t cut = atomic_exchange(&j->cut, INT64_MAX), size = atomic_load(&j->size);
	int64_t upto = size < j->ready ? size : j->ready;

	if (cut < st->copy_end)
		st->copy_end = cut;
	if (cut < st->later_cut)
		st->later_cut = cut;
	if (cut != INT64_MAX && fresh)
		extents_add(fresh, cut, S3_STAGED_MOST);
	for (int64_t at = 0; at < upto; at += S3_GROUP) {
		struct s3_blocks *b = s3_blocks_of(&st->f.marks, at);

		if (atomic_load_explicit(&b->changed, memory_order_relaxed))
			collect_group(st, at, atomic_exchange(&b->changed, 0), fresh);
	}
}

void stage_freeze(struct stage *st)
{
	extents_free(&st->later);
	st->later_cut = INT64_MAX;
}

void stage_based(struct stage *st, const struct s3_attr *attr)
{
	if (st->base)
		object_put(st->base);
	st->taken = st->orphan = 0;
	st->base = object_known(st->b, st->j->key, attr);
	st->j->base = *attr;
	extents_free(&st->dirty);
	st->dirty = st->later;
	st->later = (struct extents){ 0 };
	st->copy_end = attr->size < st->later_cut ? attr->size : st->later_cut;
}

/* ---- room */

/* What is really taken, where it seems to be too much. */
static void recount(void *arg, struct stage *st)
{
	int64_t taken = spool_taken(&st->f) + atomic_load(&st->j->room);

	(void)arg;
	given += taken - st->given;
	st->given = taken;
}

int stage_room(struct stage *st, int64_t off, int64_t len)
{
	int64_t most = st->b->option[S3_OPT_SPOOL], want = len + 2 * S3_BLOCK, more, free;
	int r = spool_ready(&st->f, off + len);

	if (r < 0)
		return r;
	if (atomic_load(&st->j->room) >= want)
		return 0;
	more = st->given < ROOM_FIRST ? ROOM_FIRST : st->given < ROOM_MOST ? st->given : ROOM_MOST;
	if (more < want)
		more = want;
	if (most && given + more > most)
		stage_each(recount, NULL);
	if (most && given + more > most)
		more = most - given > want ? most - given : want;
	free = spool_free();
	if ((most && given + more > most) || more > free)
		return -ENOSPC;
	atomic_fetch_add(&st->j->room, more);
	st->given += more;
	given += more;
	return 0;
}
