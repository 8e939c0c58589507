/* SPDX-License-Identifier: MIT */
/*
 * Renaming: a copy by the server under the condition that the source is what
 * it was, then the removal of the source, so that one of the names is always
 * there. A directory is all its keys: rename_tree.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "copy.h"
#include "multi.h"
#include "object_ops.h"
#include "publish.h"
#include "remove.h"
#include "rename.h"

void rename_stage(struct stage *st, const char *name, const char *key, const struct s3_attr *attr)
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

	if (err == -ESTALE && c->tries++ < RENAME_TRIES) {
		copy_source(c);         /* as if the other one had been before us */
		return;
	}
	if (!err)
		names_removed(c->b, c->name, 0);
	change_end(c, err);
}

/* What is copied keeps its name, and who writes it goes on with that. */
static int stays(const struct change *c)
{
	return (c->flags & S3_COPY) != 0;
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
	st = stays(c) ? NULL : stage_find(c->b, c->key);
	if (st)
		rename_stage(st, c->to, c->to_key, attr);
	seen = *attr;
	if (c->set & OBJECT_TIMES) {
		seen.mtime_sec = c->attr.mtime_sec;
		seen.mtime_nsec = c->attr.mtime_nsec;
	}
	publish_learn(c->b, c->to, &seen);
	if (stays(c)) {
		change_end(c, 0);
		return;
	}
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
	if (stays(c))
		copy_file(c);
	else
		change_keep_parent(c, c->name, copy_file);
}

static void copy_source(struct change *c)
{
	c->meta = (struct meta){ .used = 0 };
	change_request(c, "HEAD", c->key, looked);
	s3_start(&c->r);
}

static void placeholder_removed(void *arg, int err)
{
	struct change *c = arg;

	if (!err || err == -ESTALE)     /* somebody else's file by then */
		names_removed(c->b, c->name, 0);
	change_end(c, err == -ESTALE ? 0 : err);
}

/*
 * What is only staged goes along as it is. An object that has the new name stays
 * until the file is published, though programs here see what is staged; the empty
 * one by which O_EXCL took the old name goes.
 */
static void rename_staged(struct change *c, struct stage *st)
{
	char etag[S3_ETAG_MAX];
	int empty = st->taken;

	snprintf(etag, sizeof(etag), "%s", st->j->base.etag);
	change_unstage(c->b, c->to_key);
	stage_unbase(st, c->there);
	rename_stage(st, c->to, c->to_key, NULL);
	if (empty)
		remove_version(c->b, c->key, etag, placeholder_removed, c);
	else
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
	if (st && (st->j->pending || (st->taken && st->base))) {
		if (stays(c))
			change_end(c, -EPERM);  /* there is nothing to be copied yet */
		else
			rename_staged(c, st);
		return;
	}
	copy_source(c);
}

/* ---- what is renamed to what */

static void checked(struct change *c)
{
	int dir = S_ISDIR(c->attr.mode);

	if (c->there && (c->flags & RENAME_NOREPLACE)) {
		change_end(c, -EEXIST);
	} else if (dir && stays(c)) {
		change_end(c, -EPERM);
	} else if (c->there && S_ISDIR(c->to_attr.mode) != dir) {
		change_end(c, dir ? -ENOTDIR : -EISDIR);
	} else if (c->there && dir) {
		rename_tree_onto(c);
	} else if (dir) {
		rename_tree(c);
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
		change_end(c, stays(c) ? -EEXIST : 0);
	else
		names_stat(c->b, c->to, got_to, c);
}

void write_rename(struct s3_bucket *b, const char *from, const char *to, unsigned flags,
		  write_done *done, void *arg)
{
	struct change *c = change_new(b, from, done, arg);

	if (!c)
		return;
	if (flags & ~(unsigned)(RENAME_NOREPLACE | S3_COPY)) {
		change_end(c, -EINVAL);
		return;
	}
	snprintf(c->to, sizeof(c->to), "%s", to);
	c->flags = flags;
	names_stat(b, from, got_from, c);
}
