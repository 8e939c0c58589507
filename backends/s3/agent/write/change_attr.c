/* SPDX-License-Identifier: MIT */
/* Attributes of objects, by a copy onto themselves; see change.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "change.h"
#include "copy.h"
#include "object_ops.h"
#include "publish.h"

static int is_dir(const struct change *c)
{
	return S_ISDIR(c->attr.mode);
}

/* The base of a staged file is another version now, with the same bytes. */
static void rebase(struct stage *st, const struct s3_attr *attr)
{
	if (!st || !st->base)
		return;
	object_put(st->base);
	st->base = object_known(st->b, st->j->key, attr);
	st->j->base = *attr;
	st->kept = 0;
}

static void stored(void *arg, const struct s3_attr *attr, int err)
{
	struct change *c = arg;
	struct stage *st = stage_find(c->b, c->key);
	char file[S3_NAME_MAX];

	if (!err) {
		if (st && !strcmp(st->j->base.etag, c->attr.etag))
			rebase(st, attr);
		if (names_meta_object(c->b) || is_dir(c))
			names_forget(c->b, c->name);
		else
			publish_learn(c->b, c->name, attr);
		if (is_dir(c) && names_of_key(c->b, c->key, file) >= 0)
			names_forget(c->b, file);       /* that the marker is, too */
	}
	change_end(c, err);
}

static void marker_stored(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (!err && names_meta_object(c->b))
		names_forget(c->b, c->name);
	change_end(c, err);
}

/* Applies an extended attribute to the headers; 0 or -errno. */
static int set_xattr(struct meta *m, const char *key, const char *value, ssize_t len, int flags)
{
	static const char *const own[] = {
		"content-type", "content-encoding", "content-disposition", "content-language", "cache-control",
	};
	char header[300] = "", text[S3_NAME_MAX];

	if (strncmp(key, NAMES_XATTR, strlen(NAMES_XATTR)))
		return -EOPNOTSUPP;
	key += strlen(NAMES_XATTR);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (!strcmp(key, own[i]))
			snprintf(header, sizeof(header), "%s", key);
	if (!strncmp(key, "meta.", 5) && key[5])
		snprintf(header, sizeof(header), "x-amz-meta-%.255s", key + 5);
	if (!*header)
		return -EOPNOTSUPP;
	for (const char *p = header; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == ':' || (*p >= 'A' && *p <= 'Z'))
			return -EINVAL;
	if ((flags & XATTR_CREATE) && meta_get(m, header))
		return -EEXIST;
	if (((flags & XATTR_REPLACE) || len < 0) && !meta_get(m, header))
		return -ENODATA;
	for (ssize_t i = 0; i < len; i++)
		if (value[i] < ' ' || value[i] > '~')
			return -EINVAL;
	snprintf(text, sizeof(text), "%.*s", len < 0 ? 0 : (int)len, value);
	meta_set(m, header, len < 0 ? NULL : text);
	return m->full ? -E2BIG : 0;
}

struct xattr {
	char key[256];
	char value[S3_NAME_MAX];
	ssize_t len;
	int flags;
};

static int apply(struct change *c)
{
	struct s3_attr set = c->to_attr, old = c->attr;
	struct xattr *x = c->more;

	/* what is copied onto itself is younger; what its bytes are is not */
	if (names_meta_object(c->b) && !is_dir(c))
		meta_attr(&c->meta, &old, OBJECT_TIMES);
	if (x)
		return set_xattr(&c->meta, x->key, x->value, x->len, x->flags);
	set.mode = (old.mode & S_IFMT) | (set.mode & 07777);
	if (set.uid == (uint32_t)-1)
		set.uid = old.uid;
	if (set.gid == (uint32_t)-1)
		set.gid = old.gid;
	meta_attr(&c->meta, &set, c->set);
	return c->meta.full ? -E2BIG : 0;
}

static void looked(struct s3_request *r, int err)
{
	struct change *c = r->arg;
	int marker = is_dir(c) && (err == -ENOENT || !r->size); /* and no file, too */

	if (is_dir(c) && err == -ENOENT)
		meta_set(&c->meta, "content-type", "application/x-directory");
	else if (err) {
		change_end(c, err);
		return;
	} else {
		meta_preserve(&c->meta, r);
		snprintf(c->attr.etag, sizeof(c->attr.etag), "%s", r->etag);
		snprintf(c->attr.version, sizeof(c->attr.version), "%s", r->version);
		c->attr.size = r->size;
	}
	err = apply(c);
	free(c->more);
	if (err)
		change_end(c, err);
	else if (marker)
		change_put(c, c->key, 0, marker_stored);
	else
		copy_object(c->b, c->key, &c->attr, c->key, &c->meta, stored, c);
}

static void got(void *arg, const struct s3_attr *attr, int err)
{
	struct change *c = arg;

	if (!err)
		c->attr = *attr;
	if (!err)
		err = S_ISDIR(attr->mode) ? change_marker(c->b, c->name, c->key) : names_key(c->b, c->name, c->key);
	if (err < 0) {
		free(c->more);
		change_end(c, err == -EBUSY ? -EPERM : err);
		return;
	}
	change_request(c, "HEAD", c->key, looked);
	s3_start(&c->r);
}

/* Of a file that is not in the bucket yet. */
static void set_staged(struct stage *st, const struct s3_attr *attr, unsigned set)
{
	struct s3_journal *j = st->j;

	if (set & OBJECT_MODE)
		atomic_store(&j->mode, (atomic_load(&j->mode) & S_IFMT) | (attr->mode & 07777));
	if ((set & OBJECT_OWNER) && attr->uid != (uint32_t)-1)
		atomic_store(&j->uid, attr->uid);
	if ((set & OBJECT_OWNER) && attr->gid != (uint32_t)-1)
		atomic_store(&j->gid, attr->gid);
	if (set & OBJECT_TIMES) {
		atomic_store(&j->mtime_sec, attr->mtime_sec);
		atomic_store(&j->mtime_nsec, attr->mtime_nsec);
	}
	atomic_fetch_or(&j->set, set);
	atomic_fetch_add(&j->changes, 1);
}

void write_setattr(struct s3_bucket *b, const char *name, const struct s3_attr *attr, unsigned set,
		   write_done *done, void *arg)
{
	struct change *c = change_new(b, name, done, arg);

	if (!c)
		return;
	if (write_pending(b, name, NULL)) {
		names_key(b, name, c->key);
		set_staged(stage_find(b, c->key), attr, set);
		change_end(c, 0);
		return;
	}
	c->to_attr = *attr;
	c->set = set;
	names_stat(b, name, got, c);
}

/* ---- extended attributes */

static void staged_xattr(struct stage *st, struct change *c)
{
	struct xattr *x = c->more;
	int err;

	if (st->preserve)
		meta_load(&c->meta, st->preserve);
	err = set_xattr(&c->meta, x->key, x->value, x->len, x->flags);
	if (!err) {
		free(st->preserve);
		st->preserve = meta_save(&c->meta);
		atomic_fetch_add(&st->j->changes, 1);
	}
	free(x);
	change_end(c, err);
}

void write_setxattr(struct s3_bucket *b, const char *name, struct stage *st, const char *key,
		    const void *value, ssize_t len, int flags, write_done *done, void *arg)
{
	struct change *c = change_new(b, st ? st->j->name : name, done, arg);
	struct xattr *x;

	if (!c)
		return;
	if (!st && write_pending(b, name, NULL)) {
		names_key(b, name, c->key);
		st = stage_find(b, c->key);
	}
	x = c->more = calloc(1, sizeof(*x));
	if (!x)
		abort();
	snprintf(x->key, sizeof(x->key), "%.255s", key);
	x->len = len;
	x->flags = flags;
	if (len > 0)
		memcpy(x->value, value, (size_t)len);
	if (st && (!st->base || st->kept))
		staged_xattr(st, c);
	else
		names_stat(b, c->name, got, c);
}
