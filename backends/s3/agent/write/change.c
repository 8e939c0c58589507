/* SPDX-License-Identifier: MIT */
/* What changes of names share, and names removed; see change.h. */
#include "change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "object_ops.h"
#include "options.h"
#include "multi.h"
#include "publish.h"

/* ---- what all of them do */

struct change *change_new(struct s3_bucket *b, const char *name, write_done *done, void *arg)
{
	struct change *c;

	if (!b->option[S3_OPT_WRITE]) {
		done(arg, -EROFS);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->b = b;
	c->done = done;
	c->arg = arg;
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

void change_end(struct change *c, int err)
{
	c->done(c->arg, err);
	free(c);
}

void change_request(struct change *c, const char *method, const char *key,
		    void (*done)(struct s3_request *r, int err))
{
	s3_prepare(&c->r, c->b, method, key, done, c);
}

int change_marker(const struct s3_bucket *b, const char *name, char key[S3_NAME_MAX])
{
	int n = *name ? names_prefix(b, name, key) : -EBUSY;

	if (n < 0)
		return n;
	if (n == 0 || key[n - 1] != '/')
		return -EPERM;          /* part of a long segment */
	return n > NAMES_KEY_MAX ? -ENAMETOOLONG : 0;
}

static void got_parent(void *arg, const struct s3_attr *attr, int err)
{
	struct change *c = arg;

	if (!err && !S_ISDIR(attr->mode))
		err = -ENOTDIR;
	if (err)
		change_end(c, err);
	else
		c->next(c);
}

void change_in_parent(struct change *c, const char *name, void (*next)(struct change *c))
{
	c->next = next;
	names_parent(name, c->parent);
	names_stat(c->b, c->parent, got_parent, c);
}

void change_put(struct change *c, const char *key, size_t n, void (*done)(struct s3_request *r, int err))
{
	change_request(c, "PUT", key, done);
	meta_send(&c->meta, &c->r);
	c->r.body = n ? c->text : NULL;
	c->r.body_len = n;
	s3_start(&c->r);
}

void change_unstage(struct s3_bucket *b, const char *key)
{
	struct stage *st = stage_find(b, key);

	if (!st)
		return;
	atomic_store(&st->j->removed, 1);
	multi_abort(st);
	stage_detach(st);
}

/* ---- publications */

struct search {
	const struct change *c;
	const char *key;
	struct stage *found;
};

static void if_publishing(void *arg, struct stage *st)
{
	struct search *s = arg;
	size_t n = strlen(s->key);
	int below = n && s->key[n - 1] == '/';

	if (st->at && st->b == s->c->b && st->publish &&
	    (below ? !strncmp(st->j->key, s->key, n) : !strcmp(st->j->key, s->key)))
		s->found = st;
}

static void published(void *arg, int err)
{
	struct change *c = arg;

	(void)err;
	c->next(c);
}

int change_is_quiet(struct change *c, const char *key, void (*next)(struct change *c))
{
	struct search s = { c, key, NULL };

	stage_each(if_publishing, &s);
	if (!s.found)
		return 1;
	c->next = next;
	publish_wait(s.found, published, c);
	return 0;
}

static void looked_inside(struct s3_request *r, int err)
{
	struct change *c = r->arg;
	struct page page = { .flat = 1 };

	if (!err)
		err = page_parse(&page, c->inside, r->text, r->text_len);
	for (size_t i = 0; !err && i < page.n; i++)
		if (*page.item[i].key || page.item[i].size)     /* a marker with data is a file, too */
			err = -ENOTEMPTY;
	page_free(&page);
	if (err)
		change_end(c, page_failed(r, err));
	else
		c->next(c);
}

static void if_inside(void *arg, struct stage *st)
{
	struct search *s = arg;

	if (st->at && st->b == s->c->b && st->j->pending && !st->j->removed &&
	    !strncmp(st->j->key, s->key, strlen(s->key)))
		s->found = st;
}

void change_if_empty(struct change *c, const char *key, void (*next)(struct change *c))
{
	struct search s = { c, key, NULL };

	stage_each(if_inside, &s);
	if (s.found) {
		change_end(c, -ENOTEMPTY);
		return;
	}
	c->next = next;
	c->inside = key;
	page_request(&c->r, c->b, key, NULL, NULL);
	s3_param(&c->r, "max-keys", "2");
	c->r.done = looked_inside;
	c->r.arg = c;
	s3_start(&c->r);
}

/* ---- directories that have a marker */

struct marked {
	UT_hash_handle hh;
	char at[];
};
static struct marked *marked;

static char *marked_at(const struct s3_bucket *b, const char *key)
{
	char *at;

	if (asprintf(&at, "%p/%s", (const void *)b, key) < 0)
		abort();
	return at;
}

static int is_marked(const struct s3_bucket *b, const char *key)
{
	char *at = marked_at(b, key);
	struct marked *m;

	HASH_FIND_STR(marked, at, m);
	free(at);
	return m != NULL;
}

void change_mark(const struct s3_bucket *b, const char *key)
{
	char *at = marked_at(b, key);
	struct marked *m = is_marked(b, key) ? NULL : malloc(sizeof(*m) + strlen(at) + 1);

	if (m) {
		strcpy(m->at, at);
		HASH_ADD_STR(marked, at, m);
	}
	free(at);
}

void change_unmark(const struct s3_bucket *b, const char *key)
{
	char *at = marked_at(b, key);
	struct marked *m;

	HASH_FIND_STR(marked, at, m);
	if (m) {
		HASH_DEL(marked, m);
		free(m);
	}
	free(at);
}

static void marker_made(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (err) {
		change_end(c, err);
		return;
	}
	change_mark(c->b, c->marker);
	c->next(c);
}

static void marker_looked(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (err == -ENOENT) {
		change_request(c, "PUT", c->marker, marker_made);
		s3_header(&c->r, "content-type", "application/x-directory");
		s3_start(&c->r);
		return;
	}
	marker_made(r, err);
}

void change_keep_parent(struct change *c, const char *name, void (*next)(struct change *c))
{
	c->next = next;
	names_parent(name, c->parent);
	if (change_marker(c->b, c->parent, c->marker) < 0 || is_marked(c->b, c->marker)) {
		next(c);
		return;
	}
	change_request(c, "HEAD", c->marker, marker_looked);
	s3_start(&c->r);
}

/* ---- removed */

static void file_removed(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (!err) {
		change_unstage(c->b, c->key);
		names_removed(c->b, c->name, 0);
	}
	change_end(c, err);
}

/* A file that is its directory's marker, too, leaves that. */
static void remove_file(struct change *c)
{
	size_t n = strlen(c->key);

	if (n && c->key[n - 1] == '/') {
		meta_set(&c->meta, "content-type", "application/x-directory");
		change_put(c, c->key, 0, file_removed);
		return;
	}
	change_request(c, "DELETE", c->key, file_removed);
	s3_start(&c->r);
}

static void directory_removed(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (!err || err == -ENOENT) {
		change_unmark(c->b, c->key);
		names_removed(c->b, c->name, 1);
		err = 0;
	}
	change_end(c, err);
}

static void remove_marker(struct change *c)
{
	change_request(c, "DELETE", c->key, directory_removed);
	s3_start(&c->r);
}

static void remove_directory(struct change *c)
{
	change_if_empty(c, c->key, remove_marker);
}

static void remove_what(void *arg, const struct s3_attr *attr, int err)
{
	struct change *c = arg;
	int dir = !err && S_ISDIR(attr->mode);

	if (!err && !(c->flags & S3_DIRECTORY) && dir)
		err = -EISDIR;
	if (!err && (c->flags & S3_DIRECTORY) && !dir)
		err = -ENOTDIR;
	if (!err)
		err = dir ? change_marker(c->b, c->name, c->key) : names_key(c->b, c->name, c->key);
	if (err < 0)
		change_end(c, err);
	else
		change_keep_parent(c, c->name, dir ? remove_directory : remove_file);
}

static void remove_start(struct change *c)
{
	if (!write_pending(c->b, c->name, NULL)) {
		names_stat(c->b, c->name, remove_what, c);
		return;
	}
	names_key(c->b, c->name, c->key);
	if (!change_is_quiet(c, c->key, remove_start))
		return;
	if (!(c->flags & S3_DIRECTORY))
		change_unstage(c->b, c->key);
	change_end(c, c->flags & S3_DIRECTORY ? -ENOTDIR : 0);
}

void write_remove(struct s3_bucket *b, const char *name, unsigned flags, write_done *done, void *arg)
{
	struct change *c = change_new(b, name, done, arg);

	if (!c)
		return;
	c->flags = flags;
	remove_start(c);
}
