/* SPDX-License-Identifier: MIT */
/* Copies by the server: of whole objects; see copy.h. */
#include "copy_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "multi.h"
#include "names/names.h"
#include "request/headers.h"
#include "request/tags.h"
#include "http/xml.h"

struct copy {
	struct copy *prev, *following;  /* of all */
	struct s3_request r;
	struct s3_bucket *from_b, *b;
	struct copy_source source;
	char from[S3_NAME_MAX], key[S3_NAME_MAX];
	struct s3_attr version, attr;
	struct meta meta;
	int replace;                    /* the metadata */
	int by_parts;
	void (*done)(void *arg, const struct s3_attr *attr, int err);
	void *arg;
	/* by parts */
	char upload[S3_UPLOAD_MAX];
	struct part *part;
	char (*etag)[S3_ETAG_MAX];
	int n, next, going, finished, err;
	char *text, stamp[80];
};

static struct copy *copies;

/* The same bytes, as the etag proves whatever was copied: what the cache has of the source, it has of the copy. */
static void inherit(const struct copy *c)
{
	struct object *from = object_kept(c->from_b, c->from, &c->version);
	struct object *to = from ? object_known(c->b, c->key, &c->attr) : NULL;

	if (to && to != from)
		object_inherit(to, from);
	if (to)
		object_put(to);
}

static void copy_end(struct copy *c, int err)
{
	if (!err && !strcmp(c->attr.etag, c->version.etag))
		inherit(c);
	DL_DELETE2(copies, c, prev, following);
	if (err && *c->upload)
		multi_abort_id(c->b, c->key, c->upload, NULL, NULL);
	c->done(c->arg, &c->attr, err);
	free(c->part);
	free(c->etag);
	free(c->text);
	free(c);
}

unsigned copy_stop(void)
{
	unsigned begun = 0;
	struct copy *c;

	DL_FOREACH2(copies, c, following) {
		if (*c->upload && !c->err)
			multi_abort_id(c->b, c->key, c->upload, NULL, NULL);
		begun += !*c->upload && c->by_parts;
		c->err = c->err ? c->err : -ECANCELED;
	}
	return begun;
}

static void request(struct copy *c, const char *method, const char *key, void (*done)(struct s3_request *, int))
{
	s3_prepare(&c->r, c->b, method, key, done, c);
}

/* What is known of the copy. */
static void describe(struct copy *c, const char *etag, const struct s3_request *r)
{
	c->attr = c->version;
	snprintf(c->attr.etag, sizeof(c->attr.etag), "%s", etag);
	snprintf(c->attr.version, sizeof(c->attr.version), "%s", r->version);
	c->attr.mtime_sec = s3_answered(r);
	c->attr.mtime_nsec = 0;
	c->attr.ino = names_ino(c->b, c->key, c->attr.etag);
}

static void copy_at_once(struct copy *c);
static void look(struct copy *c);

/* Ceph up to 17 copies nothing that is to be encrypted, but takes such parts. */
static int can_be_by_parts(const struct copy *c, int err)
{
	return err == -EOPNOTSUPP && !c->by_parts &&
	       (headers_encrypt(c->b) || meta_get(&c->meta, "x-amz-server-side-encryption"));
}

static void source_looked(struct s3_request *r, int err)
{
	struct copy *c = r->arg;

	if (copy_holds(r, err, c->version.etag, c->b))
		copy_at_once(c);
	else
		copy_end(c, -ESTALE);
}

static void copied(struct s3_request *r, int err)
{
	struct copy *c = r->arg;
	char etag[S3_ETAG_MAX];

	if (copy_is_doubtful(r)) {
		request(c, "HEAD", c->from, source_looked);
		c->r.bucket = c->from_b;
		s3_start(&c->r);
		return;
	}
	if (can_be_by_parts(c, err)) {
		c->by_parts = 1;
		look(c);
		return;
	}
	err = copy_result(r, err, etag);
	if (!err)
		describe(c, etag, r);
	copy_end(c, err);
}

static void copy_at_once(struct copy *c)
{
	request(c, "PUT", c->key, copied);
	copy_add_source(&c->r, &c->source, c->from_b, c->version.etag);
	if (c->replace)
		s3_header(&c->r, "x-amz-metadata-directive", "REPLACE");
	if (meta_get(&c->meta, "x-amz-tagging"))
		s3_header(&c->r, "x-amz-tagging-directive", "REPLACE");
	meta_send(&c->meta, &c->r);
	s3_start(&c->r);
}

/* ---- by parts */

static int completed_leaf(void *arg, const char *path, const char *value)
{
	if (!strcmp(path, "CompleteMultipartUploadResult/ETag"))
		copy_etag(arg, value);
	return 0;
}

/* The answer has what the copy is now. */
static void made(struct s3_request *r, int err)
{
	struct copy *c = r->arg;

	if (!err)
		describe(c, r->etag, r);
	copy_end(c, err);
}

/* After a Complete that failed, or whose answer never came: it was carried out if the object is of this upload. */
static void looked_up(struct s3_request *r, int err)
{
	struct copy *c = r->arg;
	const char *stamp = err ? NULL : http_got(r->http, META_STAMP);

	if (!stamp || strcmp(stamp, c->stamp)) {
		copy_end(c, c->err);
		return;
	}
	*c->upload = 0;
	describe(c, r->etag, r);
	copy_end(c, 0);
}

static void completed(struct s3_request *r, int err)
{
	struct copy *c = r->arg;
	char etag[S3_ETAG_MAX] = "";

	if (!err)
		err = xml_parse(r->text ? r->text : "", r->text_len, completed_leaf, NULL, etag);
	if (err) {
		c->err = err;
		request(c, "HEAD", c->key, looked_up);
		s3_start(&c->r);
		return;
	}
	*c->upload = 0;
	if (!*etag) {                   /* Ceph 16 does not say it of what is encrypted */
		request(c, "HEAD", c->key, made);
		s3_start(&c->r);
		return;
	}
	describe(c, etag, r);
	copy_end(c, 0);
}

static void complete(struct copy *c)
{
	size_t n;
	FILE *f = open_memstream(&c->text, &n);

	if (!f)
		abort();
	fputs("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", f);
	for (int i = 0; i < c->n; i++)
		fprintf(f, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i + 1, c->etag[i]);
	fputs("</CompleteMultipartUpload>", f);
	if (fclose(f))
		abort();
	request(c, "POST", c->key, completed);
	s3_param(&c->r, "uploadId", c->upload);
	s3_header(&c->r, "content-type", "application/xml");
	c->r.body = c->text;
	c->r.body_len = n;
	c->r.once = 1;
	s3_start(&c->r);
}

struct range {
	struct copy *c;
	int i;
};

static void more_ranges(struct copy *c);

static void part_copied(void *arg, const char *etag, int err)
{
	struct range *g = arg;
	struct copy *c = g->c;

	snprintf(c->etag[g->i], sizeof(c->etag[0]), "%s", etag);
	free(g);
	c->going--;
	c->finished += !err;
	if (err && !c->err)
		c->err = err;
	more_ranges(c);
}

static void more_ranges(struct copy *c)
{
	while (!c->err && c->next < c->n && c->going < MULTI_SENDING) {
		struct range *g = malloc(sizeof(*g));

		if (!g)
			abort();
		*g = (struct range){ c, c->next++ };
		c->going++;
		copy_range(c->b, c->key, c->upload, g->i + 1, c->from_b, c->from, &c->version, c->part[g->i].off,
			   c->part[g->i].len, part_copied, g);
	}
	if (c->going)
		return;
	if (c->err)
		copy_end(c, c->err);
	else
		complete(c);
}

static void created(struct s3_request *r, int err)
{
	struct copy *c = r->arg;
	static const struct extents none;

	if (!err)
		err = multi_upload_id(r, c->upload);
	if (!err && c->err)
		err = c->err;
	if (err) {
		copy_end(c, err);
		return;
	}
	c->part = parts_plan(c->version.size, &none, c->version.size, multi_fixed(c->b), &c->n);
	c->etag = calloc((size_t)c->n + 1, sizeof(*c->etag));
	if (!c->etag)
		abort();
	more_ranges(c);
}

static void create(struct copy *c)
{
	static unsigned long copies_made;

	if (!c->version.size) {                 /* no part is as short as that */
		request(c, "PUT", c->key, made);
		meta_send(&c->meta, &c->r);
		s3_start(&c->r);
		return;
	}
	snprintf(c->stamp, sizeof(c->stamp), "copy-%llx-%lx-%lx", (unsigned long long)time(NULL), (long)getpid(), ++copies_made);
	meta_set(&c->meta, META_STAMP, c->stamp);
	request(c, "POST", c->key, created);
	s3_param(&c->r, "uploads", "");
	meta_send(&c->meta, &c->r);
	s3_start(&c->r);
}

static void got_tags(void *arg, const char *tags, int err)
{
	struct copy *c = arg;

	if (!err && *tags)
		meta_set(&c->meta, "x-amz-tagging", tags);
	if (!err && c->meta.full)
		err = -E2BIG;
	if (err)
		copy_end(c, err);
	else
		create(c);
}

/* An upload has to be begun with all that the source has beside its bytes, a copy with what it does not take along. */
static void looked(struct s3_request *r, int err)
{
	struct copy *c = r->arg;
	int whole = !c->by_parts;

	if (!err && *c->version.etag && strcmp(r->etag, c->version.etag))
		err = -ESTALE;
	if (err) {
		copy_end(c, err);
		return;
	}
	r->bucket = c->b;               /* its rule counts */
	if (!c->replace && whole)
		meta_beside(&c->meta, r);
	else if (!c->replace)
		meta_preserve(&c->meta, r);
	if (whole)
		copy_at_once(c);
	else if (tags_told(r) && !meta_get(&c->meta, "x-amz-tagging"))
		tags_get(c->from_b, c->from, r->version, got_tags, c);
	else
		create(c);
}

static void look(struct copy *c)
{
	request(c, "HEAD", c->from, looked);
	c->r.bucket = c->from_b;
	if (*c->version.version)
		s3_param(&c->r, "versionId", c->version.version);
	s3_start(&c->r);
}

void copy_object(struct s3_bucket *b, const char *from, const struct s3_attr *version, const char *key,
		 const struct meta *meta,
		 void (*done)(void *arg, const struct s3_attr *attr, int err), void *arg)
{
	copy_between(b, from, version, b, key, meta, done, arg);
}

void copy_between(struct s3_bucket *from_b, const char *from, const struct s3_attr *version, struct s3_bucket *b,
		  const char *key, const struct meta *meta,
		  void (*done)(void *arg, const struct s3_attr *attr, int err), void *arg)
{
	struct copy *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	DL_PREPEND2(copies, c, prev, following);
	c->from_b = from_b;
	c->b = b;
	c->version = *version;
	c->replace = meta && !meta->beside;
	c->done = done;
	c->arg = arg;
	snprintf(c->from, sizeof(c->from), "%s", from);
	snprintf(c->key, sizeof(c->key), "%s", key);
	copy_source_of(&c->source, from_b, from, version);
	if (meta) {
		char *text = meta_save(meta);

		meta_load(&c->meta, text);
		free(text);
	}
	c->by_parts = version->size > COPY_WHOLE;
	if (meta && !c->by_parts)
		copy_at_once(c);
	else
		look(c);
}
