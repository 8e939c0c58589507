/* SPDX-License-Identifier: MIT */
/*
 * Whether an object that was read as a whole is what was stored: the checksum
 * of its chunks in their order, as they become complete. What leaves the cache
 * before its turn, as with reads at random, ends it silently. A checksum of
 * parts' checksums says nothing of bytes without the parts' sizes, and is not
 * looked at.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request/count.h"
#include "creds/creds.h"
#include "loop/log.h"
#include "object_private.h"

#define TRIES 4                         /* HEADs in a row without a checksum: the endpoint keeps none */

/* The first of our kinds that the answer has; 0 if there is none. */
static int find(const struct s3_request *r, enum checksum_kind *kind, uint64_t *should)
{
	for (*kind = 0; *kind < CHECKSUM_KINDS; ++*kind) {
		const char *v = http_got(r->http, checksum_header(*kind));

		if (v && checksum_parse(*kind, v, should) == 0)
			return 1;
	}
	return 0;
}

void object_verify_by(struct object *o, const struct s3_request *r)
{
	if (o->verify == VERIFY_ON || r->size != o->attr.size || r->from > 0 || r->upto < r->size)
		return;
	if (find(r, &o->kind, &o->should))
		o->verify = VERIFY_ON;
}

static void say(const struct object *o)
{
	char line[S3_STATS_NOTE], what[100];

	snprintf(line, sizeof line, "s3://%s/%.100s %s: its bytes do not have its %s", o->bucket->name, o->key,
		 o->attr.etag, checksum_header(o->kind));
	log_say(LOG_ERROR, "%s", line);
	snprintf(what, sizeof what, "%s %s", o->bucket->name, checksum_header(o->kind));
	count_note(what, line, 0);
}

int object_verify(struct object *o)
{
	const struct chunk *c;

	if (o->verify != VERIFY_ON || o->summed == o->attr.size)
		return 0;
	while ((c = index_floor(&o->index, o->summed)) && o->summed < c->off + c->len && c->filled == c->len) {
		const char *p = (const char *)cache_bytes(c) + (o->summed - c->off);

		o->sum = checksum_add(o->kind, o->sum, p, (size_t)(c->off + c->len - o->summed));
		o->summed = c->off + c->len;
	}
	if (o->summed < o->attr.size)
		return 0;
	count->verified++;
	if (o->sum == o->should)
		return 0;
	count->corrupt++;
	say(o);
	return -EIO;
}

struct asking {
	struct s3_request r;
	struct object *o;
	char match[S3_ETAG_MAX];
};

static void asked(struct s3_request *r, int err)
{
	struct asking *a = r->arg;
	struct object *o = a->o;

	if (!err)
		object_verify_by(o, r);
	if (o->verify == VERIFY_ON)
		o->bucket->no_sums = 0;
	else
		o->verify = VERIFY_NONE;
	o->bucket->no_sums += o->verify == VERIFY_NONE;
	if (object_verify(o))
		object_spoil(o, -EIO);
	object_put(o);
	free(a);
}

/* Not where AWS's tools are told to leave it, or the endpoint was seen to have none. */
void object_verify_ask(struct object *o)
{
	const char *how = creds_setting(o->bucket->creds, "response_checksum_validation");
	struct asking *a;

	if (o->verify != VERIFY_NOT)
		return;
	o->verify = VERIFY_NONE;
	if (o->bucket->no_sums >= TRIES || (how && strcasecmp(how, "when_required") == 0) || !(a = calloc(1, sizeof *a)))
		return;
	o->verify = VERIFY_ASKED;
	a->o = o;
	o->refs++;
	strcpy(a->match, o->attr.etag);
	a->r = (struct s3_request){ .bucket = o->bucket, .method = "HEAD", .key = o->key, .body_fd = -1,
		.first = -1, .last = -1, .done = asked, .arg = a };
	s3_header(&a->r, "if-match", a->match);
	s3_header(&a->r, "x-amz-checksum-mode", "ENABLED");
	s3_start(&a->r);
}
