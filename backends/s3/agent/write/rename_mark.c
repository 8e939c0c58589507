/* SPDX-License-Identifier: MIT */
/*
 * What the markers of a directory that is being renamed say meanwhile. The new
 * one is a copy of the old one from the start, and says where it comes from;
 * the old one says, before the first key below it goes, where it went. It goes
 * last, when the new one says nothing any more: whenever the rename is cut
 * short, the old name is there to be renamed again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "remove.h"
#include "rename.h"

#define META_FROM "x-amz-meta-shim-rename"
#define META_TO "x-amz-meta-shim-renamed"
#define SUM 64                          /* of a key; of META_FROM behind it -TIME of the old marker, if it has one */

static void says(struct change *c, const char *key, int64_t mtime)
{
	char sum[SUM + 1];

	sigv4_sha256(sum, key, strlen(key));
	snprintf(c->text, sizeof(c->text), mtime ? "%s-%lld" : "%s", sum, (long long)mtime);
}

/* What the marker says of the key, else NULL. */
static const char *said(struct change *c, const struct s3_request *r, int err, const char *word, const char *key)
{
	const char *value = err ? NULL : http_got(r->http, word);

	says(c, key, 0);
	return value && !strncmp(value, c->text, SUM) ? value : NULL;
}

static void go_on(struct change *c, int err)
{
	if (err)
		rename_tree_end(c, err);
	else
		c->next(c);
}

static void put(struct s3_request *r, int err)
{
	go_on(r->arg, err);
}

static void copied(void *arg, const struct s3_attr *attr, int err)
{
	(void)attr;
	go_on(arg, err);
}

/* The marker r tells of becomes the one of c->to_key, with this word or none. */
static void copy_marker(struct change *c, const struct s3_request *r, const char *key, const char *from)
{
	struct s3_attr version = { .size = r->size };

	snprintf(version.etag, sizeof(version.etag), "%s", r->etag);
	c->meta = (struct meta){ .used = 0 };
	meta_preserve(&c->meta, r);
	meta_set(&c->meta, META_TO, NULL);
	meta_set(&c->meta, META_FROM, from);
	if (c->meta.full)
		go_on(c, -E2BIG);
	else
		copy_object(c->b, key, &version, c->to_key, &c->meta, copied, c);
}

static void make_marker(struct change *c)
{
	says(c, c->key, 0);
	meta_set(&c->meta, "content-type", "application/x-directory");
	meta_set(&c->meta, META_FROM, c->text);
	change_put(c, c->to_key, 0, put);
}

static void old_looked(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (err == -ENOENT) {
		make_marker(c);
	} else if (err) {
		go_on(c, err);
	} else {
		snprintf(c->attr.etag, sizeof(c->attr.etag), "%s", r->etag);
		c->attr.size = r->size;
		says(c, c->key, r->mtime);
		copy_marker(c, r, c->key, c->text);
	}
}

void rename_mark(struct change *c, int marker, void (*next)(struct change *c))
{
	c->next = next;
	c->attr = (struct s3_attr){ .size = 0 };
	if (!marker) {
		make_marker(c);
		return;
	}
	change_request(c, "HEAD", c->key, old_looked);
	s3_start(&c->r);
}

/* ---- all is copied */

static void old_put(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	snprintf(c->attr.etag, sizeof(c->attr.etag), "%s", r->etag);
	go_on(c, err);
}

static void old_copied(void *arg, const struct s3_attr *attr, int err)
{
	struct change *c = arg;

	if (!err)
		c->attr = *attr;
	go_on(c, err);
}

void rename_mark_old(struct change *c, void (*next)(struct change *c))
{
	c->next = next;
	says(c, c->to_key, 0);
	meta_set(&c->meta, META_FROM, NULL);
	meta_set(&c->meta, META_TO, c->text);
	if (c->meta.full)
		go_on(c, -E2BIG);
	else if (*c->attr.etag)
		copy_object(c->b, c->key, &c->attr, c->key, &c->meta, old_copied, c);
	else
		change_put(c, c->key, 0, old_put);
}

/* ---- all has moved */

static void old_gone(void *arg, int err)
{
	go_on(arg, err == -ESTALE ? 0 : err);
}

static void remove_old(struct change *c)
{
	c->next = rename_tree_moved;
	remove_version(c->b, c->key, c->attr.etag, old_gone, c);
}

static void new_looked(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (said(c, r, err, META_FROM, c->key))
		copy_marker(c, r, c->to_key, NULL);
	else
		go_on(c, err == -ENOENT ? 0 : err);
}

void rename_unmark(struct change *c)
{
	c->next = remove_old;
	change_request(c, "HEAD", c->to_key, new_looked);
	s3_start(&c->r);
}

/* ---- what is there already */

static void old_compared(struct s3_request *r, int err)
{
	struct change *c = r->arg;
	long long mtime = c->there ? strtoll(c->text, NULL, 10) : 0;
	int to = said(c, r, err, META_TO, c->to_key) != NULL;

	if (err && err != -ENOENT) {
		change_end(c, err);
	} else if (c->there && (to || !mtime || (!err && r->mtime == mtime))) {
		rename_tree(c);
	} else if (to) {
		snprintf(c->attr.etag, sizeof(c->attr.etag), "%s", r->etag);
		change_if_empty(c, c->key, remove_old);
	} else {
		change_if_empty(c, c->to_key, rename_tree);
	}
}

/* By the time of its marker a directory that was made since by the old name is another one. */
static void looked_onto(struct s3_request *r, int err)
{
	struct change *c = r->arg;
	const char *from = said(c, r, err, META_FROM, c->key);

	if (err && err != -ENOENT) {
		change_end(c, err);
		return;
	}
	c->there = from != NULL;
	snprintf(c->text, sizeof(c->text), "%s", from && from[SUM] ? from + SUM + 1 : "");
	change_request(c, "HEAD", c->key, old_compared);
	s3_start(&c->r);
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
