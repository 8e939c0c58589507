/* SPDX-License-Identifier: MIT */
/* Publishing by an upload of parts; see publish.h. */
#include "publish_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "http/xml.h"
#include "multi.h"

static void finish_upload(struct publish *p);

/* What Complete says. */
struct result {
	char etag[S3_ETAG_MAX], crc[16], type[16];
	const char *kind;
};

#define RESULT "CompleteMultipartUploadResult/"

static int result_leaf(void *arg, const char *path, const char *value)
{
	struct result *r = arg;

	if (!strcmp(path, RESULT "ETag"))
		copy_etag(r->etag, value);
	else if (!strcmp(path, RESULT "ChecksumType"))
		snprintf(r->type, sizeof(r->type), "%s", value);
	else if (!strncmp(path, RESULT "Checksum", strlen(RESULT "Checksum")) &&
		 !strcmp(path + strlen(RESULT "Checksum"), r->kind))
		snprintf(r->crc, sizeof(r->crc), "%s", value);
	return 0;
}

/* What was set only after the upload began is stored by a copy onto itself. */
static void store_meta(struct publish *p)
{
	struct s3_attr attr = { .size = p->size };

	snprintf(attr.etag, sizeof(attr.etag), "%s", p->etag);
	snprintf(attr.version, sizeof(attr.version), "%s", p->version);
	copy_object(p->st->b, p->st->j->key, &attr, p->st->j->key, &p->meta, publish_copied, p);
}

/* All parts are to be sent once more, by another upload. */
static void upload_again(struct publish *p, int err)
{
	multi_abort(p->st);
	if (p->tries++ < PUBLISH_TRIES)
		publish_send(p);
	else
		publish_end(p, err);
}

static void completed(struct s3_request *r, int err)
{
	struct publish *p = r->arg;
	struct result got = { .kind = sum_name(multi_kind(p->st)) };

	if (!err)
		err = xml_parse(r->text ? r->text : "", r->text_len, result_leaf, NULL, &got);
	if (err == -EOPNOTSUPP && p->condition != PLAIN) {
		*publish_heeds(p) = 0;
		finish_upload(p);
	} else if (r->status == 409 || !strcmp(r->code, "InvalidPart")) {       /* a conflict ends the upload */
		upload_again(p, err);
	} else if (err && !strcmp(r->code, "BadDigest")) {      /* of what it has of the parts */
		upload_again(p, -EIO);
	} else if (!err && *got.etag && multi_proof(p->st, got.etag, got.crc, got.type)) {
		publish_damaged(p);
	} else if (err || !*got.etag) {
		publish_lookup(p, err ? err : -EIO, finish_upload);
	} else {
		publish_result(p, r, got.etag);
		if (multi_lacks(p->st, &p->meta))
			store_meta(p);
		else
			publish_ended(p);
	}
}

static void complete(struct publish *p)
{
	uint64_t sum;
	int full;

	publish_request(p, "POST", completed);
	s3_param(&p->r, "uploadId", p->st->j->upload);
	s3_header(&p->r, "content-type", "application/xml");
	p->condition = PLAIN;
	if (publish_must(p) == S3_MUST_ABSENT && *publish_heeds(p) > 0)
		s3_header(&p->r, "if-none-match", "*"), p->condition = HOLDING;
	else if (publish_must(p) == S3_MUST_BASE && *publish_heeds(p) > 0)
		s3_header(&p->r, "if-match", p->st->j->base.etag), p->condition = HOLDING;
	if (multi_sum(p->st, &sum, &full) && full) {
		sum_crc_text(multi_kind(p->st), sum, p->sum);
		s3_header(&p->r, "x-amz-checksum-type", "FULL_OBJECT");
		s3_header(&p->r, checksum_crc_header(multi_kind(p->st)), p->sum);
	}
	p->r.body = p->complete;
	p->r.body_len = strlen(p->complete);
	p->r.once = 1;
	s3_start(&p->r);
}

static void looked_before(struct s3_request *r, int err)
{
	struct publish *p = r->arg;

	err = publish_is_as_it_must(p, r, err);
	if (err)
		publish_end(p, err);
	else
		complete(p);
}

static void finish_upload(struct publish *p)
{
	free(p->complete);
	p->complete = multi_complete_text(p->st);
	snprintf(p->stamp, sizeof(p->stamp), "%s", multi_stamp(p->st));
	if (publish_must(p) == S3_MUST_ANY)
		complete(p);
	else
		publish_look(p, looked_before);
}

static void parts_sent(void *arg, int err)
{
	struct publish *p = arg;

	if (err == -ENOENT)             /* the upload is gone */
		upload_again(p, -EIO);
	else if (err)
		publish_end(p, err);
	else
		finish_upload(p);
}

void publish_upload(struct publish *p)
{
	multi_send(p->st, p->size, &p->meta, parts_sent, p);
}
