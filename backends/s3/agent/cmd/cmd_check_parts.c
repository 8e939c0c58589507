/* SPDX-License-Identifier: MIT */
/* shim s3 check --write: uploads in parts: their conditions, and which lengths of parts are taken. */
#include "cmd_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "write/multi.h"

#define PARTS 3

struct upload {
	struct probe *p;
	char id[S3_UPLOAD_MAX], etag[PARTS][S3_ETAG_MAX];
	int n;
	char *bytes;                    /* CHECK_PART of them */
	uint64_t took;                  /* of the last part */
	struct s3_request r;            /* the last one, for what it says */
};

static void has_upload(struct s3_request *r, int err)
{
	struct upload *u = r->arg;

	if (!err)
		multi_upload_id(r, u->id);
}

static int begin(struct upload *u)
{
	int err;

	*u->id = 0;
	u->n = 0;
	check_request(&u->r, u->p->c, "POST", u->p->key);
	s3_param(&u->r, "uploads", NULL);
	u->r.done = has_upload;
	u->r.arg = u;
	err = cmd_request(&u->r);
	return err || *u->id ? err : -EPROTO;
}

static void has_part(struct s3_request *r, int err)
{
	struct upload *u = r->arg;

	(void)err;
	snprintf(u->etag[u->n], sizeof(u->etag[0]), "%s", r->etag);
	u->took = r->http ? r->http->ended - r->http->started : 0;
}

static int put_part(struct upload *u, size_t len)
{
	char number[16];
	int err;

	snprintf(number, sizeof(number), "%d", u->n + 1);
	check_request(&u->r, u->p->c, "PUT", u->p->key);
	s3_param(&u->r, "partNumber", number);
	s3_param(&u->r, "uploadId", u->id);
	u->r.body = u->bytes;
	u->r.body_len = len;
	u->r.done = has_part;
	u->r.arg = u;
	err = cmd_request(&u->r);
	u->n++;
	return err;
}

/* name NULL: without a condition. */
static int complete(struct upload *u, const char *name, const char *value)
{
	char body[PARTS * 256 + 100] = "<CompleteMultipartUpload>";
	size_t n = strlen(body);

	for (int i = 0; i < u->n; i++)
		n += (size_t)snprintf(body + n, sizeof(body) - n, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>",
				      i + 1, u->etag[i]);
	n += (size_t)snprintf(body + n, sizeof(body) - n, "</CompleteMultipartUpload>");
	check_request(&u->r, u->p->c, "POST", u->p->key);
	s3_param(&u->r, "uploadId", u->id);
	u->r.body = body;
	u->r.body_len = n;
	u->r.no_status = 1;
	if (name)
		s3_header(&u->r, name, value);
	return cmd_request(&u->r);
}

static void abort_upload(struct upload *u)
{
	struct s3_request r;

	check_request(&r, u->p->c, "DELETE", u->p->key);
	s3_param(&r, "uploadId", u->id);
	r.no_status = 1;
	cmd_request(&r);
}

/* ---- conditions: the object is there, and such an upload must be held back, and stay */

static const struct {
	const char *what, *name, *value, *yes, *no;
} conditions[] = {
	{ "publish new", "if-none-match", "*", "If-None-Match of CompleteMultipartUpload: as of PUT",
	  "If-None-Match of CompleteMultipartUpload does not work: it is looked just before" },
	{ "publish", "if-match", "\"0\"", "If-Match of CompleteMultipartUpload: as of PUT",
	  "If-Match of CompleteMultipartUpload does not work: it is looked just before" },
};

static int try_condition(struct upload *u, size_t i)
{
	int err = begin(u), refused, held;

	if (!err)
		err = put_part(u, CHECK_PART);
	if (err)
		return err;
	refused = complete(u, conditions[i].name, conditions[i].value);
	held = check_is_refused(refused);
	if (held)
		err = complete(u, NULL, NULL);
	else if (refused)               /* whatever has a condition */
		abort_upload(u);
	if (held)
		check_ok(conditions[i].what, "%s", conditions[i].yes);
	else
		check_no(conditions[i].what, "%s", conditions[i].no);
	return err;
}

/* ---- lengths */

/* Whether an upload of such parts becomes an object: 0, or why not; the last one's length is 1000. */
static int try_lengths(struct upload *u, size_t first, size_t second)
{
	int err = begin(u);

	if (!err)
		err = put_part(u, first);
	if (!err && second)
		err = put_part(u, second);
	if (!err)
		err = put_part(u, 1000);
	if (!err)
		err = complete(u, NULL, NULL);
	if (err && *u->id)
		abort_upload(u);
	return err;
}

static void check_lengths(struct upload *u)
{
	int64_t fixed = multi_fixed(u->p->c->b);
	int any = !try_lengths(u, 5 << 20, 6 << 20), same = any || !try_lengths(u, 5 << 20, 5 << 20);
	int small = same && !try_lengths(u, 1 << 20, any ? 0 : 1 << 20);

	if (any)
		check_ok("parts", "of different lengths, %s", small ? "and of less than 5 MiB" : "of 5 MiB and more");
	else if (same && fixed)
		check_ok("parts", "must be of one length, and are: %lld MiB", (long long)(fixed >> 20));
	else if (same)
		check_fail(u->p->c, "parts", "put part=8m into the rule", "of an upload must all be of one length");
	else
		check_fail(u->p->c, "parts", "put part=8m into the rule, or more", "of 5 MiB are not taken: %s", u->r.message);
}

void check_multipart(struct probe *p)
{
	static struct upload u;
	uint64_t took;
	int err = 0;

	u.p = p;
	u.bytes = malloc(CHECK_PART);
	if (!u.bytes || RAND_bytes((unsigned char *)u.bytes, CHECK_PART) != 1)
		err = -ENOMEM;
	for (size_t i = 0; !err && i < sizeof(conditions) / sizeof(*conditions); i++)
		err = try_condition(&u, i);
	took = u.took;
	if (err) {
		check_refused(p->c, "multipart", &u.r, err, "s3:PutObject and s3:AbortMultipartUpload");
		if (*u.id)
			abort_upload(&u);
	} else {
		check_ok("multipart", "a part of %u MiB at %.1f MiB/s", CHECK_PART >> 20,
			 took ? (CHECK_PART >> 20) / ((double)took / 1e9) : 0);
		check_lengths(&u);
	}
	/* what is read to see how fast that is */
	if (!err && !begin(&u) && !put_part(&u, CHECK_PART) && complete(&u, NULL, NULL))
		abort_upload(&u);
	free(u.bytes);
}
