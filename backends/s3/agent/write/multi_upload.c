/* SPDX-License-Identifier: MIT */
/* Multipart uploads are begun and aborted; see multi_private.h. */
#include "multi_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/xml.h"

/* ---- aborting */

struct abort {
	struct s3_request r;
	char key[S3_NAME_MAX], id[S3_UPLOAD_MAX];
	write_done *done;
	void *arg;
};

static unsigned aborting;

unsigned multi_aborting(void)
{
	return aborting;
}

static void aborted(struct s3_request *r, int err)
{
	struct abort *a = r->arg;

	aborting--;
	if (a->done)
		a->done(a->arg, err == -ENOENT ? 0 : err);
	free(a);
}

void multi_abort_id(struct s3_bucket *b, const char *key, const char *id, write_done *done, void *arg)
{
	struct abort *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	snprintf(a->key, sizeof(a->key), "%s", key);
	snprintf(a->id, sizeof(a->id), "%s", id);
	a->done = done;
	a->arg = arg;
	s3_prepare(&a->r, b, "DELETE", a->key, aborted, a);
	s3_param(&a->r, "uploadId", a->id);
	aborting++;
	s3_start(&a->r);
}

/* ---- creating the upload */

static int leaf(void *id, const char *path, const char *value)
{
	if (!strcmp(path, "InitiateMultipartUploadResult/UploadId"))
		snprintf(id, S3_UPLOAD_MAX, "%s", value);
	return 0;
}

int multi_upload_id(const struct s3_request *r, char id[S3_UPLOAD_MAX])
{
	int err;

	*id = '\0';
	err = xml_parse(r->text ? r->text : "", r->text_len, leaf, NULL, id);
	return err || *id ? err : -EIO;
}

/* What the server copies, it alone knows the sum of. */
static int has_copies(const struct multi *m)
{
	for (int i = 0; i < m->n; i++)
		if (m->piece[i].part.copied)
			return 1;
	return 0;
}

/* Perhaps for the sake of a checksum: one is not asked for again. */
static int is_refused(struct multi *m, int err)
{
	struct s3_bucket *b = m->st->b;
	int whole = b->full_sums != 0 && !has_copies(m), tried = m->kind != SUM_CRC32C && b->checksums < 0;

	if (b->checksums == 0 || (err != -EOPNOTSUPP && (err != -EINVAL || !(whole || tried))))
		return 0;
	if (whole && !tried)
		b->full_sums = 0;
	else
		body_told(b, m->kind, -1);
	return 1;
}

/* Of the kind that was asked for. */
static int is_summed(const struct multi *m, const struct s3_request *r)
{
	const char *kind = http_got(r->http, "x-amz-checksum-algorithm");

	return kind && !strcasecmp(kind, sum_name(m->kind));
}

static void created(struct s3_request *r, int err)
{
	struct multi *m = r->arg;

	m->create = NULL;
	if (is_refused(m, err)) {
		struct meta meta = { .used = 0 };

		meta_load(&meta, m->stored);
		free(m->stored);
		free(r);
		multi_create(m, &meta);
		return;
	}
	if (!err)
		err = multi_upload_id(r, m->st->j->upload);
	m->crc = !err && is_summed(m, r);
	m->full = m->crc && http_got(r->http, "x-amz-checksum-type") &&
		  !strcmp(http_got(r->http, "x-amz-checksum-type"), "FULL_OBJECT");
	free(r);
	if (err) {
		multi_fail(m, err);
		return;
	}
	m->created = 1;
	multi_pump(m);
}

/* Once the headers are on the line nobody wants meta any more, so they are kept until then. */
void multi_create(struct multi *m, const struct meta *meta)
{
	struct {
		struct s3_request r;
		struct meta meta;
	} *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	m->kind = (enum sum_crc)m->st->b->sum;
	m->stored = meta_save(meta);
	meta_load(&c->meta, m->stored);
	meta_set(&c->meta, META_STAMP, m->stamp);
	s3_prepare(&c->r, m->st->b, "POST", m->st->j->key, created, m);
	s3_param(&c->r, "uploads", "");
	if (m->st->b->checksums != 0)
		s3_header(&c->r, "x-amz-checksum-algorithm", sum_name(m->kind));
	if (m->st->b->checksums != 0 && m->st->b->full_sums != 0 && !has_copies(m))
		s3_header(&c->r, "x-amz-checksum-type", "FULL_OBJECT");
	meta_send(&c->meta, &c->r);
	m->create = &c->r;
	s3_start(&c->r);
}

int multi_lacks(const struct stage *st, const struct meta *meta)
{
	char *text = meta_save(meta);
	int r = !st->multi || strcmp(text, st->multi->stored) != 0;

	free(text);
	return r;
}
