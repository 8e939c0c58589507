/* SPDX-License-Identifier: MIT */
/*
 * Renaming a directory: its keys are all copied before the first one is
 * removed. Meanwhile the new directory's marker says where it comes from
 * (rename_mark.c), so that a rename that was cut short, by whomever, is carried
 * to its end by the next one of the same names, which copies what is left again.
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

struct tree {
	struct change *c;
	struct page page;               /* all of its keys */
	size_t next, going;
	int removing, err;
	const struct listed *marker;    /* the directory's own, or NULL */
};

void rename_tree_end(struct change *c, int err)
{
	struct tree *t = c->more;

	if (t)
		page_free(&t->page);
	free(t);
	names_forget(c->b, c->name);
	names_forget(c->b, c->to);
	change_end(c, err);
}

void rename_tree_moved(struct change *c)
{
	change_mark(c->b, c->to_key);
	change_unmark(c->b, c->key);
	rename_tree_end(c, 0);
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

static void remove_all(struct change *c)
{
	struct tree *t = c->more;

	t->removing = 1;
	t->next = 0;
	go_on(t);
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
		rename_tree_end(t->c, t->err);
	} else if (!t->removing) {
		rename_mark_old(t->c, remove_all);
	} else {
		rename_unmark(t->c);
	}
}

static void marked(struct change *c)
{
	go_on(c->more);
}

static void mark(struct tree *t)
{
	for (size_t i = 0; i < t->page.n; i++)
		if (!*t->page.item[i].key)
			t->marker = &t->page.item[i];
	if (!t->page.n)
		rename_tree_end(t->c, 0);
	else
		rename_mark(t->c, t->marker != NULL, marked);
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
		rename_tree_end(c, page_failed(r, err));
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
