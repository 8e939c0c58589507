/* SPDX-License-Identifier: MIT */
/*
 * Renaming a directory: its keys are all copied before the first one is
 * removed. Meanwhile the new directory's marker says where it comes from, so
 * that a rename that was cut short, by whomever, is carried to its end by the
 * next one of the same names, which copies what is left again. Its own marker
 * comes last.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "options.h"
#include "remove.h"
#include "rename.h"

#define RENAMING 16                     /* copies and removals at once */
#define META_FROM "x-amz-meta-shim-rename"

struct tree {
	struct change *c;
	struct page page;               /* all of its keys */
	size_t next, going;
	int removing, err;
	const struct listed *marker;    /* the directory's own, or NULL */
};

static void tree_end(struct tree *t, int err)
{
	struct change *c = t->c;

	page_free(&t->page);
	free(t);
	names_forget(c->b, c->name);
	names_forget(c->b, c->to);
	change_end(c, err);
}

static void go_on(struct tree *t);

struct step {
	struct tree *t;
	char from[S3_NAME_MAX], to[S3_NAME_MAX];
	struct s3_attr version;
	unsigned tries;
	struct s3_request r;
};

static void step_done(struct step *s, int err)
{
	struct tree *t = s->t;

	free(s);
	t->going--;
	if (err && !t->err)
		t->err = err;
	go_on(t);
}

static void entry_looked(struct s3_request *r, int err);

static void entry_removed(void *arg, int err)
{
	struct step *s = arg;

	if (err != -ESTALE || s->tries++ == RENAME_TRIES) {
		step_done(s, err);
		return;
	}
	s3_prepare(&s->r, s->t->c->b, "HEAD", s->from, entry_looked, s);
	s3_start(&s->r);
}

static void remove_entry(struct step *s)
{
	remove_version(s->t->c->b, s->from, s->version.etag, entry_removed, s);
}

static void entry_copied(void *arg, const struct s3_attr *attr, int err)
{
	struct step *s = arg;
	struct s3_bucket *b = s->t->c->b;
	struct stage *st = err ? NULL : stage_find(b, s->from);
	char name[S3_NAME_MAX];

	if (st && names_of_key(b, s->to, name) >= 0)
		rename_stage(st, name, s->to, attr);
	if (!err && s->tries)
		remove_entry(s);
	else
		step_done(s, err);
}

static void copy_entry(struct step *s)
{
	copy_object(s->t->c->b, s->from, &s->version, s->to, NULL, entry_copied, s);
}

/* Replaced since it was copied. */
static void entry_looked(struct s3_request *r, int err)
{
	struct step *s = r->arg;

	if (err) {
		step_done(s, err == -ENOENT ? 0 : err);
		return;
	}
	names_attr(r, s->from, &s->version);
	copy_entry(s);
}

static void step(struct tree *t, const struct listed *item)
{
	struct step *s = calloc(1, sizeof(*s));
	const struct change *c = t->c;

	if (!s)
		abort();
	s->t = t;
	snprintf(s->from, sizeof(s->from), "%s%s", c->key, item->key);
	snprintf(s->to, sizeof(s->to), "%s%s", c->to_key, item->key);
	snprintf(s->version.etag, sizeof(s->version.etag), "%s", item->etag ? item->etag : "");
	s->version.size = item->size;
	t->going++;
	if (t->removing)
		remove_entry(s);
	else
		copy_entry(s);
}

/* ---- the markers */

/* What the marker of c->to_key has as META_FROM meanwhile. */
static void from_text(const struct change *c, char text[65])
{
	sigv4_sha256(text, c->key, strlen(c->key));
}

static void ended(struct tree *t)
{
	change_mark(t->c->b, t->c->to_key);
	change_unmark(t->c->b, t->c->key);
	tree_end(t, 0);
}

static void marker_gone(void *arg, int err)
{
	if (err && err != -ESTALE)
		tree_end(arg, err);
	else
		ended(arg);
}

static void marker_clean(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (err)
		tree_end(c->more, err);
	else
		ended(c->more);
}

static void marker_copied(void *arg, const struct s3_attr *attr, int err)
{
	struct tree *t = arg;

	(void)attr;
	if (err)
		tree_end(t, err);
	else
		remove_version(t->c->b, t->c->key, t->marker->etag ? t->marker->etag : "", marker_gone, t);
}

/* All else has moved: its own marker is the last; the new one stays if there is none. */
static void finish(struct tree *t)
{
	struct change *c = t->c;
	struct s3_attr version = { .size = t->marker ? t->marker->size : 0 };

	if (!t->marker) {
		meta_set(&c->meta, META_FROM, NULL);
		change_put(c, c->to_key, 0, marker_clean);
		return;
	}
	snprintf(version.etag, sizeof(version.etag), "%s", t->marker->etag ? t->marker->etag : "");
	copy_object(c->b, c->key, &version, c->to_key, NULL, marker_copied, t);
}

static void go_on(struct tree *t)
{
	while (!t->err && t->next < t->page.n && t->going < RENAMING) {
		const struct listed *item = &t->page.item[t->next++];

		if (item != t->marker)
			step(t, item);
	}
	if (t->going)
		return;
	if (t->err) {
		tree_end(t, t->err);
	} else if (!t->removing) {
		t->removing = 1;
		t->next = 0;
		go_on(t);
	} else {
		finish(t);
	}
}

static void marked(struct s3_request *r, int err)
{
	struct change *c = r->arg;
	struct tree *t = c->more;

	if (err)
		tree_end(t, err);
	else
		go_on(t);
}

static void mark(struct tree *t)
{
	struct change *c = t->c;

	for (size_t i = 0; i < t->page.n; i++)
		if (!*t->page.item[i].key)
			t->marker = &t->page.item[i];
	if (!t->page.n) {
		tree_end(t, 0);
		return;
	}
	from_text(c, c->text);
	meta_set(&c->meta, "content-type", "application/x-directory");
	meta_set(&c->meta, META_FROM, c->text);
	change_put(c, c->to_key, 0, marked);
}

static void looked_onto(struct s3_request *r, int err)
{
	struct change *c = r->arg;
	const char *from = err ? NULL : http_got(r->http, META_FROM);
	char text[65];

	from_text(c, text);
	if (from && !strcmp(from, text))
		rename_tree(c);
	else if (err && err != -ENOENT)
		change_end(c, err);
	else
		change_if_empty(c, c->to_key, rename_tree);
}

void rename_tree_onto(struct change *c)
{
	int err = change_marker(c->b, c->name, c->key);

	if (!err)
		err = change_marker(c->b, c->to, c->to_key);
	if (err) {
		change_end(c, err);
		return;
	}
	change_request(c, "HEAD", c->to_key, looked_onto);
	s3_start(&c->r);
}

/* ---- which keys there are */

static void list(struct tree *t);

static void listed(struct s3_request *r, int err)
{
	struct change *c = r->arg;
	struct tree *t = c->more;

	if (!err)
		err = page_parse(&t->page, c->key, r->text, r->text_len);
	if (!err && t->page.n > (size_t)c->b->option[S3_OPT_RENAME])
		err = -EXDEV;
	if (!err)
		err = page_more(&t->page);
	if (err > 0)
		list(t);
	else if (err)
		tree_end(t, page_failed(r, err));
	else
		mark(t);
}

static void list(struct tree *t)
{
	struct change *c = t->c;

	page_request(&c->r, c->b, c->key, NULL, t->page.token);
	c->r.done = listed;
	c->r.arg = c;
	s3_start(&c->r);
}

/* Files that are not in the bucket yet. */
static void move_pending(void *arg, struct stage *st)
{
	struct change *c = arg;
	char key[S3_NAME_MAX], name[S3_NAME_MAX];

	if (!st->at || st->b != c->b || !st->j->pending || strncmp(st->j->key, c->key, strlen(c->key)))
		return;
	snprintf(key, sizeof(key), "%.2000s%.2000s", c->to_key, st->j->key + strlen(c->key));
	if (names_of_key(c->b, key, name) >= 0)
		rename_stage(st, name, key, NULL);
}

void rename_tree(struct change *c)
{
	int err = change_marker(c->b, c->name, c->key), err2 = change_marker(c->b, c->to, c->to_key);
	struct tree *t;

	if (!err)
		err = err2;
	if (!err && !strncmp(c->to_key, c->key, strlen(c->key)))
		err = -EINVAL;          /* into itself */
	if (err) {
		change_end(c, err);
		return;
	}
	if (!change_is_quiet(c, c->key, rename_tree))
		return;
	stage_each(move_pending, c);
	t = c->more = calloc(1, sizeof(*t));
	if (!t)
		abort();
	t->c = c;
	t->page.flat = 1;
	list(t);
}
