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
#include "options.h"
#include "publish.h"
#include "xml.h"

#define RENAMING 16                     /* copies and removals of a directory at once */

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

static void source_removed(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (!err || err == -ENOENT) {
		names_learn(c->b, c->name, NULL);
		err = 0;
	}
	change_end(c, err);
}

static void remove_source(struct change *c)
{
	change_request(c, "DELETE", c->key, source_removed);
	s3_start(&c->r);
}

static void copied(void *arg, const struct s3_attr *attr, int err)
{
	struct change *c = arg;
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
	publish_learn(c->b, c->to, attr);
	remove_source(c);
}

static void copy_file(struct change *c)
{
	copy_object(c->b, c->key, &c->attr, c->to_key, NULL, copied, c);
}

/* What there is now, which what is kept of it may not be. */
static void looked(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (err) {
		if (err == -ENOENT)
			names_forget(c->b, c->name);
		change_end(c, err);
		return;
	}
	names_attr(r, c->key, &c->attr);
	change_keep_parent(c, c->name, copy_file);
}

static void rename_pending(struct change *c, struct stage *st)
{
	change_unstage(c->b, c->to_key);
	st->j->must = c->there ? S3_MUST_ANY : S3_MUST_ABSENT;
	move_stage(st, c->to, c->to_key, NULL);
	names_forget(c->b, c->name);
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
	st = stage_find(c->b, c->key);
	if (st && st->publish) {
		change_end(c, -EBUSY);
		return;
	}
	if (st && st->j->pending) {
		rename_pending(c, st);
		return;
	}
	change_request(c, "HEAD", c->key, looked);
	s3_start(&c->r);
}

/* ---- a directory */

struct entry {
	char *key;
	struct s3_attr attr;
};

struct tree {
	struct change *c;
	struct entry *e;
	size_t n, room, next, going;
	char key[S3_NAME_MAX], etag[S3_ETAG_MAX], token[2048];
	int64_t size;
	int truncated, removing, err;
};

static void tree_end(struct tree *t, int err)
{
	struct change *c = t->c;

	for (size_t i = 0; i < t->n; i++)
		free(t->e[i].key);
	free(t->e);
	free(t);
	names_forget(c->b, c->name);
	names_forget(c->b, c->to);
	change_end(c, err);
}

static void go_on(struct tree *t);

struct step {
	struct tree *t;
	size_t i;
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

static void entry_removed(struct s3_request *r, int err)
{
	step_done(r->arg, err == -ENOENT ? 0 : err);
}

static void entry_copied(void *arg, const struct s3_attr *attr, int err)
{
	struct step *s = arg;
	struct tree *t = s->t;
	struct stage *st = err ? NULL : stage_find(t->c->b, t->e[s->i].key);
	char key[S3_NAME_MAX], name[S3_NAME_MAX];

	snprintf(key, sizeof(key), "%s%s", t->c->to_key, t->e[s->i].key + strlen(t->c->key));
	if (st && names_of_key(t->c->b, key, name) >= 0)
		move_stage(st, name, key, attr);
	step_done(s, err);
}

static void step(struct tree *t, size_t i)
{
	struct step *s = calloc(1, sizeof(*s));
	const struct entry *e = &t->e[i];
	char key[S3_NAME_MAX];

	if (!s)
		abort();
	s->t = t;
	s->i = i;
	t->going++;
	if (t->removing) {
		s->r = (struct s3_request){ .bucket = t->c->b, .method = "DELETE", .key = e->key, .first = -1,
			.body_fd = -1, .done = entry_removed, .arg = s };
		s3_start(&s->r);
		return;
	}
	snprintf(key, sizeof(key), "%s%s", t->c->to_key, e->key + strlen(t->c->key));
	copy_object(t->c->b, e->key, &e->attr, key, NULL, entry_copied, s);
}

static void go_on(struct tree *t)
{
	while (!t->err && t->next < t->n && t->going < RENAMING)
		step(t, t->next++);
	if (t->going)
		return;
	if (!t->err && !t->removing) {
		t->removing = 1;
		t->next = 0;
		if (t->n) {
			go_on(t);
			return;
		}
	}
	tree_end(t, t->err);
}

static int listed_leaf(void *arg, const char *path, const char *value)
{
	struct tree *t = arg;

	if (!strcmp(path, "ListBucketResult/Contents/Key"))
		snprintf(t->key, sizeof(t->key), "%s", value);
	else if (!strcmp(path, "ListBucketResult/Contents/ETag"))
		snprintf(t->etag, sizeof(t->etag), "%s", value);
	else if (!strcmp(path, "ListBucketResult/Contents/Size"))
		t->size = strtoll(value, NULL, 10);
	else if (!strcmp(path, "ListBucketResult/IsTruncated"))
		t->truncated = !strcmp(value, "true");
	else if (!strcmp(path, "ListBucketResult/NextContinuationToken"))
		snprintf(t->token, sizeof(t->token), "%s", value);
	return 0;
}

static int unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		unsigned c;

		if (*s == '%' && sscanf(s + 1, "%2x", &c) == 1) {
			*to++ = (char)c;
			s += 2;
		} else {
			*to++ = *s == '+' ? ' ' : *s;
		}
	}
	*to = 0;
	return 0;
}

static int listed_end(void *arg, const char *path)
{
	struct tree *t = arg;
	struct entry *e;

	if (strcmp(path, "ListBucketResult/Contents"))
		return 0;
	unescape(t->key);
	if (strncmp(t->key, t->c->key, strlen(t->c->key)))
		return -EIO;
	if (t->n == (size_t)t->c->b->option[S3_OPT_RENAME])
		return -EXDEV;
	if (t->n == t->room) {
		t->room = t->room * 2 + 64;
		t->e = realloc(t->e, t->room * sizeof(*t->e));
		if (!t->e)
			abort();
	}
	e = &t->e[t->n++];
	*e = (struct entry){ strdup(t->key), { .size = t->size } };
	snprintf(e->attr.etag, sizeof(e->attr.etag), "%s", t->etag);
	return 0;
}

static void list(struct tree *t);

static void listed(struct s3_request *r, int err)
{
	struct tree *t = ((struct change *)r->arg)->more;

	t->truncated = 0;
	*t->token = 0;
	if (!err)
		err = xml_parse(r->text ? r->text : "", r->text_len, listed_leaf, listed_end, t);
	if (err)
		tree_end(t, err);
	else if (t->truncated && *t->token)
		list(t);
	else
		go_on(t);
}

static void list(struct tree *t)
{
	struct change *c = t->c;

	change_request(c, "GET", NULL, listed);
	s3_param(&c->r, "list-type", "2");
	s3_param(&c->r, "encoding-type", "url");
	s3_param(&c->r, "prefix", c->key);
	if (*t->token)
		s3_param(&c->r, "continuation-token", t->token);
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
	stage_each(move_pending, c);
	t = c->more = calloc(1, sizeof(*t));
	if (!t)
		abort();
	t->c = c;
	list(t);
}

/* ---- what is renamed to what */

static void empty(struct s3_request *r, int err);

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
		change_request(c, "GET", NULL, empty);
		s3_param(&c->r, "list-type", "2");
		s3_param(&c->r, "prefix", c->to_key);
		s3_param(&c->r, "max-keys", "2");
		s3_start(&c->r);
	} else if (dir) {
		rename_directory(c);
	} else {
		rename_file(c);
	}
}

static int other_key(void *arg, const char *path, const char *value)
{
	struct change *c = arg;

	return !strcmp(path, "ListBucketResult/Contents/Key") && strcmp(value, c->to_key) ? -ENOTEMPTY : 0;
}

static void empty(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (!err)
		err = xml_parse(r->text ? r->text : "", r->text_len, other_key, NULL, c);
	if (err)
		change_end(c, err);
	else
		rename_directory(c);
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
