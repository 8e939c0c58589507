/* SPDX-License-Identifier: MIT */
/* Publishing by one PutObject; see publish.h. */
#include "publish_private.h"

#include <errno.h>
#include <string.h>

#include "proof.h"

#define ASKED_MOST (1 << 20)            /* bytes sent twice for a question */
#define NEVER "\"shim-asks-if-conditions-hold\""

static void put(struct publish *p);

/* Adds the condition, or, if it is not known yet whether such are heeded, one that cannot hold. */
static void add_condition(struct publish *p)
{
	struct s3_journal *j = p->st->j;
	int known = *publish_heeds(p);

	p->condition = PLAIN;
	if (publish_must(p) == S3_MUST_ANY || known == 0)
		return;
	if (publish_must(p) == S3_MUST_ABSENT) {
		p->condition = HOLDING;
		s3_header(&p->r, "if-none-match", "*");
		return;
	}
	p->condition = known > 0 || p->tries ? HOLDING : ASKING;
	s3_header(&p->r, "if-match", p->condition == ASKING ? NEVER : j->base.etag);
}

/*
 * Who makes one new object is likely to make more, and each would cost a HEAD
 * as long as it is not known whether the endpoint heeds If-None-Match: the
 * second is sent twice, and is to be refused.
 */
static int ask_again(struct publish *p, const struct s3_request *r)
{
	struct s3_bucket *b = p->st->b;

	if (p->condition != HOLDING || publish_must(p) != S3_MUST_ABSENT || b->if_none_match >= 0 ||
	    p->size > ASKED_MOST || !b->news++)
		return 0;
	publish_result(p, r, r->etag);
	p->asked = 1;
	put(p);
	return 1;
}

static void answered_again(struct publish *p, const struct s3_request *r, int err)
{
	if (r->status == 412)
		p->st->b->if_none_match = 1;
	else if (!err)
		p->st->b->if_none_match = 0;
	if (!err)                       /* the same bytes once more */
		publish_result(p, r, r->etag);
	publish_ended(p);
}

static void put_done(struct s3_request *r, int err)
{
	struct publish *p = r->arg;
	struct s3_bucket *b = p->st->b;

	if (p->asked) {
		answered_again(p, r, err);
		return;
	}
	if (err == -EOPNOTSUPP && p->condition != PLAIN) {
		*publish_heeds(p) = 0;
		put(p);
		return;
	}
	if ((err == -EOPNOTSUPP || (err == -EINVAL && b->checksums < 0)) && (p->body.sums & BODY_CRC)) {
		body_told(b, p->body.kind, -1);
		p->body.sums &= BODY_MD5;
		put(p);
		return;
	}
	if (r->status == 412 && publish_must(p) == S3_MUST_ABSENT)
		b->if_none_match = 1;
	if (r->status == 412 && p->condition == ASKING) {
		p->tries++;
		put(p);
		return;
	}
	if (err && p->condition != PLAIN) {
		publish_lookup(p, err, put);
		return;
	}
	if (err) {
		publish_end(p, err);
		return;
	}
	if (proof_body(&p->body, r)) {
		publish_damaged(p);
		return;
	}
	if (p->body.sums & BODY_CRC)
		body_told(b, p->body.kind, http_got(r->http, checksum_crc_header(p->body.kind)) != NULL);
	if (p->condition == ASKING)
		b->if_match = 0;        /* it was not refused */
	else if (p->condition == HOLDING && publish_must(p) == S3_MUST_BASE)
		b->if_match = 1;
	if (ask_again(p, r))
		return;
	publish_result(p, r, r->etag);
	publish_ended(p);
}

/* The body is there. */
static void put(struct publish *p)
{
	publish_request(p, "PUT", put_done);
	if (publish_must(p) != S3_MUST_ANY)
		meta_set(&p->meta, META_STAMP, p->stamp);
	meta_send(&p->meta, &p->r);
	add_condition(p);
	body_send(&p->body, &p->r);
	s3_start(&p->r);
}

static void loaded(struct body *b, int err)
{
	struct publish *p = b->arg;

	if (err)
		publish_end(p, err);
	else
		put(p);
}

void publish_put(struct publish *p)
{
	int known = p->st->b->checksums;

	p->body = (struct body){ .st = p->st, .len = p->size, .done = loaded, .arg = p,
		.kind = (enum sum_crc)p->st->b->sum,
		.sums = known > 0 ? BODY_CRC : known == 0 ? BODY_MD5 : BODY_CRC | BODY_MD5 };
	body_load(&p->body);
}
