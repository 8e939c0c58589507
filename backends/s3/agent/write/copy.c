/* SPDX-License-Identifier: MIT */
/* Copies by the server: of ranges; see copy.h. */
#include "copy_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/xml.h"

/* ---- what both kinds send */

int copy_source_of(struct copy_source *s, const struct s3_bucket *b, const char *key, const struct s3_attr *version)
{
	long n = snprintf(s->text, sizeof(s->text), "/%s/", b->name), more;

	more = sigv4_encode(s->text + n, sizeof(s->text) - (size_t)n - 200, key, strlen(key), 1);
	if (more < 0)
		return (int)more;
	n += more;
	if (*version->version)
		snprintf(s->text + n, sizeof(s->text) - (size_t)n, "?versionId=%s", version->version);
	return 0;
}

void copy_add_source(struct s3_request *r, const struct copy_source *s, const struct s3_bucket *from, const char *etag)
{
	r->from_bucket = from;
	s3_header(r, "x-amz-copy-source", s->text);
	if (*etag && r->bucket->copy_if_match != 0)
		s3_header(r, "x-amz-copy-source-if-match", etag);
}

int copy_is_doubtful(const struct s3_request *r)
{
	return r->status == 412 && s3_has_header(r, "x-amz-copy-source-if-match");
}

int copy_holds(const struct s3_request *r, int err, const char *etag, struct s3_bucket *b)
{
	if (err || strcmp(r->etag, etag))
		return 0;
	b->copy_if_match = 0;
	return 1;
}

void copy_etag(char out[S3_ETAG_MAX], const char *value)
{
	const char *quote = *value && *value != '"' ? "\"" : "";

	snprintf(out, S3_ETAG_MAX, "%s%.*s%s", quote, S3_ETAG_MAX - 3, value, quote);
}

struct copied {
	char etag[S3_ETAG_MAX];
};

static int copied_leaf(void *arg, const char *path, const char *value)
{
	struct copied *c = arg;

	if (!strcmp(path, "CopyPartResult/ETag") || !strcmp(path, "CopyObjectResult/ETag"))
		copy_etag(c->etag, value);
	return 0;
}

/* The etag of the copy; the source has changed if it was not the version. */
int copy_result(const struct s3_request *r, int err, char etag[S3_ETAG_MAX])
{
	struct copied c = { "" };

	if (!err)
		err = xml_parse(r->text ? r->text : "", r->text_len, copied_leaf, NULL, &c);
	if (!err && !*c.etag)
		err = -EIO;
	if (r->status == 412)
		err = -ESTALE;
	snprintf(etag, S3_ETAG_MAX, "%s", c.etag);
	return err;
}

/* ---- a range */

struct copy_range {
	struct s3_request r;
	struct s3_bucket *from_b, *b;
	struct copy_source source;
	char key[S3_NAME_MAX], from[S3_NAME_MAX], upload[S3_UPLOAD_MAX], number[16], range[64], etag[S3_ETAG_MAX];
	void (*done)(void *arg, const char *etag, int err);
	void *arg;
};

static void range_start(struct copy_range *c);

static void range_looked(struct s3_request *r, int err)
{
	struct copy_range *c = r->arg;

	if (copy_holds(r, err, c->etag, c->b)) {
		range_start(c);
		return;
	}
	c->done(c->arg, "", -ESTALE);
	free(c);
}

static void range_done(struct s3_request *r, int err)
{
	struct copy_range *c = r->arg;
	char etag[S3_ETAG_MAX];

	if (copy_is_doubtful(r)) {
		s3_prepare(r, c->from_b, "HEAD", c->from, range_looked, c);
		s3_start(r);
		return;
	}
	err = copy_result(r, err, etag);
	if (!strcmp(r->code, "NoSuchKey"))      /* of the source; it would be the upload's ENOENT */
		err = -ESTALE;
	if (!err && c->b->copy_if_match < 0)
		c->b->copy_if_match = 1;
	c->done(c->arg, etag, err);
	free(c);
}

static void range_start(struct copy_range *c)
{
	s3_prepare(&c->r, c->b, "PUT", c->key, range_done, c);
	s3_param(&c->r, "partNumber", c->number);
	s3_param(&c->r, "uploadId", c->upload);
	copy_add_source(&c->r, &c->source, c->from_b, c->etag);
	s3_header(&c->r, "x-amz-copy-source-range", c->range);
	s3_start(&c->r);
}

struct copy_range *copy_range(struct s3_bucket *b, const char *key, const char *upload, int number,
			      struct s3_bucket *from_b, const char *from, const struct s3_attr *version, int64_t off,
			      int64_t len, void (*done)(void *arg, const char *etag, int err), void *arg)
{
	struct copy_range *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	snprintf(c->key, sizeof(c->key), "%s", key);
	snprintf(c->upload, sizeof(c->upload), "%s", upload);
	snprintf(c->etag, sizeof(c->etag), "%s", version->etag);
	snprintf(c->number, sizeof(c->number), "%d", number);
	snprintf(c->range, sizeof(c->range), "bytes=%lld-%lld", (long long)off, (long long)(off + len - 1));
	c->done = done;
	c->arg = arg;
	c->from_b = from_b;
	c->b = b;
	snprintf(c->from, sizeof(c->from), "%s", from);
	copy_source_of(&c->source, from_b, from, version);
	range_start(c);
	return c;
}

void copy_range_cancel(struct copy_range *c)
{
	s3_cancel(&c->r);
	free(c);
}
