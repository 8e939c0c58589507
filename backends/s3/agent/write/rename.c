/* SPDX-License-Identifier: MIT */
/*
 * Renaming: a copy by the server under the condition that the source is what
 * it was, then the removal of the source, so that one of the names is always
 * there. A directory is all its keys: they are all copied before the first one
 * is removed, and what a rename that was cut short left is taken over by the
 * next one, which copies again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "change.h"
#include "copy.h"
#include "multi.h"
#include "object_ops.h"
#include "options.h"
#include "publish.h"
#include "remove.h"

#define RENAMING 16                     /* copies and removals of a directory at once */
#define TRIES 4                         /* at what others keep replacing */

/* ---- a staged file moves along */

static void move_stage(struct stage *st, const char *name, const char *key, const struct s3_attr *attr)
{
	multi_abort(st);                /* what was sent belongs to the old key; all of it is in the spool */
	stage_rename(st, name, key);
	if (!attr || !st->base)
		return;
	object_put(st->base);
	st->base = object_known(st->b, key, attr);
	st->j->base = *attr;
}

/* ---- a file */

static void copy_source(struct change *c);

static void source_removed(void *arg, int err)
{
	struct change *c = arg;

	if (err == -ESTALE && c->tries++ < TRIES) {
		copy_source(c);         /* as if the other one had been before us */
		return;
	}
	if (!err)
		names_removed(c->b, c->name, 0);
	change_end(c, err);
}

static void copied(void *arg, const struct s3_attr *attr, int err)
{
	struct change *c = arg;
	struct s3_attr seen;
	struct stage *st;

	if (err) {
		if (err == -ESTALE || err == -ENOENT)
			names_forget(c->b, c->name);
		change_end(c, err == -ENOENT ? -ESTALE : err);
		return;
	}
	change_unstage(c->b, c->to_key);
	st = stage_find(c->b, c->key);
	if (st)
		move_stage(st, c->to, c->to_key, attr);
	seen = *attr;
	if (c->set & OBJECT_TIMES) {
		seen.mtime_sec = c->attr.mtime_sec;
		seen.mtime_nsec = c->attr.mtime_nsec;
	}
	publish_learn(c->b, c->to, &seen);
	remove_version(c->b, c->key, c->attr.etag, source_removed, c);
}

static void copy_file(struct change *c)
{
	copy_object(c->b, c->key, &c->attr, c->to_key, &c->meta, copied, c);
}

/* What there is now, which what is kept of it may not be. */
static void looked(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (err) {
		if (err == -ENOENT)
			names_forget(c->b, c->name);
		change_end(c, err == -ENOENT && c->tries ? 0 : err);    /* its copy is there */
		return;
	}
	names_attr(r, c->key, &c->attr);
	meta_beside(&c->meta, r);
	if (names_meta_object(c->b) && http_got(r->http, "x-amz-meta-mtime"))
		c->set |= OBJECT_TIMES;         /* the copy has it, too */
	change_keep_parent(c, c->name, copy_file);
}

static void copy_source(struct change *c)
{
	c->meta = (struct meta){ .used = 0 };
	change_request(c, "HEAD", c->key, looked);
	s3_start(&c->r);
}

static void rename_pending(struct change *c, struct stage *st)
{
	change_unstage(c->b, c->to_key);
	st->j->must = c->there ? S3_MUST_ANY : S3_MUST_ABSENT;
	move_stage(st, c->to, c->to_key, NULL);
	change_end(c, 0);
}

static void rename_file(struct change *c)
{
	int err = names_key(c->b, c->name, c->key), err2 = names_key(c->b, c->to, c->to_key);
	struct stage *st;

	if (err < 0 || err2 < 0) {
		change_end(c, err < 0 ? err : err2);
		return;
	}
	if (!change_is_quiet(c, c->key, rename_file) || !change_is_quiet(c, c->to_key, rename_file))
		return;
	st = stage_find(c->b, c->key);
	if (st && st->j->pending) {
		rename_pending(c, st);
		return;
	}
	copy_source(c);
}

/* ---- a directory */

struct tree {
	struct change *c;
	struct page page;               /* all of its keys */
	size_t next, going;
	int removing, err;
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

	if (err != -ESTALE || s->tries++ == TRIES) {
		step_done(s, err);
		return;
	}
	s->r = (struct s3_request){ .bucket = s->t->c->b, .method = "HEAD", .key = s->from, .first = -1, .body_fd = -1,
		.done = entry_looked, .arg = s };
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
		move_stage(st, name, s->to, attr);
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

static void go_on(struct tree *t)
{
	while (!t->err && t->next < t->page.n && t->going < RENAMING)
		step(t, &t->page.item[t->next++]);
	if (t->going)
		return;
	if (!t->err && !t->removing) {
		t->removing = 1;
		t->next = 0;
		if (t->page.n) {
			go_on(t);
			return;
		}
	}
	tree_end(t, t->err);
}

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
		go_on(t);
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
		move_stage(st, name, key, NULL);
}

static void rename_directory(struct change *c)
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
	if (!change_is_quiet(c, c->key, rename_directory))
		return;
	stage_each(move_pending, c);
	t = c->more = calloc(1, sizeof(*t));
	if (!t)
		abort();
	t->c = c;
	t->page.flat = 1;
	list(t);
}

/* ---- what is renamed to what */

static void checked(struct change *c)
{
	int dir = S_ISDIR(c->attr.mode);

	if (c->there && (c->flags & RENAME_NOREPLACE)) {
		change_end(c, -EEXIST);
	} else if (c->there && S_ISDIR(c->to_attr.mode) != dir) {
		change_end(c, dir ? -ENOTDIR : -EISDIR);
	} else if (c->there && dir) {
		int err = change_marker(c->b, c->to, c->to_key);

		if (err) {
			change_end(c, err);
			return;
		}
		change_if_empty(c, c->to_key, rename_directory);
	} else if (dir) {
		rename_directory(c);
	} else {
		rename_file(c);
	}
}

static void got_to(void *arg, const struct s3_attr *attr, int err)
{
	struct change *c = arg;

	if (!err) {
		c->there = 1;
		c->to_attr = *attr;
	} else if (write_pending(c->b, c->to, &c->to_attr)) {
		c->there = 1;
		err = 0;
	}
	if (err && err != -ENOENT)
		change_end(c, err);
	else
		change_in_parent(c, c->to, checked);
}

static void got_from(void *arg, const struct s3_attr *attr, int err)
{
	struct change *c = arg;

	if (!err)
		c->attr = *attr;
	else if (write_pending(c->b, c->name, &c->attr))
		err = 0;
	if (err)
		change_end(c, err);
	else if (!strcmp(c->name, c->to))
		change_end(c, 0);
	else
		names_stat(c->b, c->to, got_to, c);
}

void write_rename(struct s3_bucket *b, const char *from, const char *to, unsigned flags,
		  write_done *done, void *arg)
{
	struct change *c = change_new(b, from, done, arg);

	if (!c)
		return;
	if (flags & ~(unsigned)RENAME_NOREPLACE) {
		change_end(c, -EINVAL);
		return;
	}
	snprintf(c->to, sizeof(c->to), "%s", to);
	c->flags = flags;
	names_stat(b, from, got_from, c);
}
