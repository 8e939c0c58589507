/* SPDX-License-Identifier: MIT */
/*
 * Whether an object that was read as a whole is what was stored: the checksum
 * of its chunks in their order, as they become complete, of all or of each
 * part. What leaves the cache before its turn, as with reads at random, ends it
 * silently.
 *
 * What an object was stored in one go, or with a checksum of the whole, tells
 * is that. A checksum of parts' checksums says nothing of bytes without the
 * parts' sizes: these are asked for (object_parts.c), and believed if their
 * checksums make the object's. An etag is no checksum that one could rely on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request/count.h"
#include "creds/creds.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "object_private.h"

#define TRIES 4                         /* HEADs in a row without a checksum: the endpoint keeps none */
#define PATIENCE 5000                   /* ms: who is at the end waits for it */

/* A checksum of parts'; Ceph tells one without saying how many. */
static int is_composite(const struct object *o, const struct s3_request *r, enum checksum_kind kind, int parts)
{
	const char *type = http_got(r->http, "x-amz-checksum-type");

	if (type)
		return strcmp(type, "FULL_OBJECT") != 0;
	return parts > 0 || (kind != CHECKSUM_CRC64NVME && strchr(o->attr.etag, '-'));
}

/* The first of our kinds that the answer has: 0 none, 1 of all, 2 of parts. */
static int find(const struct object *o, const struct s3_request *r, enum checksum_kind *kind,
		unsigned char should[CHECKSUM_MOST])
{
	for (*kind = 0; *kind < CHECKSUM_KINDS; ++*kind) {
		const char *v = http_got(r->http, checksum_header(*kind));
		int parts = v ? checksum_parse(*kind, v, should) : -1;

		if (parts >= 0)
			return 1 + is_composite(o, r, *kind, parts);
	}
	return 0;
}

void object_verify_on(struct object *o, enum checksum_kind kind, struct object_part *part, unsigned n)
{
	o->verify = VERIFY_ON;
	o->part = part;
	o->parts = n;
	checksum_begin(&o->sum, kind);
}

static void verify_all(struct object *o, enum checksum_kind kind, const unsigned char should[CHECKSUM_MOST])
{
	struct object_part *all = malloc(sizeof *all);

	if (!all)
		return;
	all->end = o->attr.size;
	memcpy(all->sum, should, CHECKSUM_MOST);
	object_verify_on(o, kind, all, 1);
}

void object_verify_end(struct object *o)
{
	checksum_drop(&o->sum);
	free(o->part);
	o->part = NULL;
}

/* Whether the answer tells of all bytes, and there is no better yet. */
static int is_told(const struct object *o, const struct s3_request *r)
{
	return o->verify != VERIFY_ON && r->size == o->attr.size && r->from <= 0 && r->upto >= r->size;
}

void object_verify_by(struct object *o, const struct s3_request *r)
{
	unsigned char should[CHECKSUM_MOST];
	enum checksum_kind kind;

	if (is_told(o, r) && find(o, r, &kind, should) == 1)
		verify_all(o, kind, should);
}

static void say(const struct object *o)
{
	char line[S3_STATS_NOTE], what[100], part[30] = "";

	if (o->parts > 1)
		snprintf(part, sizeof part, "part %u of ", o->at + 1);
	snprintf(line, sizeof line, "s3://%s/%.100s %.40s: the bytes of %sit do not have its %s", o->bucket->name, o->key,
		 o->attr.etag, part, checksum_header(o->sum.kind));
	log_say(LOG_ERROR, "%s", line);
	snprintf(what, sizeof what, "%s %s", o->bucket->name, checksum_header(o->sum.kind));
	count_note(what, line, 0);
}

/* The end of a part is reached: whether it is right. */
static int part_is_right(struct object *o)
{
	enum checksum_kind kind = o->sum.kind;
	unsigned char is[CHECKSUM_MOST];

	checksum_end(&o->sum, is);
	if (memcmp(is, o->part[o->at].sum, checksum_size(kind)))
		return 0;
	if (++o->at < o->parts)
		checksum_begin(&o->sum, kind);
	return 1;
}

/* Adds what is there of a chunk from o->summed on. 0, or -EIO. */
static int add(struct object *o, const struct chunk *c)
{
	int64_t end = c->off + c->len;

	while (o->summed < end) {
		const char *p = (const char *)cache_read(c) + (o->summed - c->off);
		int64_t upto = smaller(end, o->part[o->at].end);

		checksum_add(&o->sum, p, (size_t)(upto - o->summed));
		o->summed = upto;
		if (upto == o->part[o->at].end && !part_is_right(o))
			return -EIO;
	}
	return 0;
}

int object_verify(struct object *o)
{
	const struct chunk *c;
	int err = 0;

	if (o->verify != VERIFY_ON || !o->part)
		return 0;
	while (!err && (c = index_floor(&o->index, o->summed)) && o->summed < c->off + c->len && c->filled == c->len)
		err = add(o, c);
	if (!err && o->summed < o->attr.size)
		return 0;
	count->verified++;
	if (err) {
		count->corrupt++;
		say(o);
	}
	object_verify_end(o);
	return err;
}

struct asking {
	struct s3_request r;
	struct object *o;
	char match[S3_ETAG_MAX];
};

void object_verify_asked(struct object *o)
{
	if (o->verify != VERIFY_ON)
		o->verify = VERIFY_NONE;
	if (object_verify(o))
		object_spoil(o, -EIO);
	object_reads_sure(o);
	object_put(o);
}

static void asked(struct s3_request *r, int err)
{
	struct asking *a = r->arg;
	struct object *o = a->o;
	unsigned char should[CHECKSUM_MOST];
	enum checksum_kind kind;
	int found = !err && is_told(o, r) ? find(o, r, &kind, should) : 0;

	free(a);
	o->bucket->no_sums = found || o->verify == VERIFY_ON ? 0 : o->bucket->no_sums + 1;
	if (found == 2 && object_parts_ask(o, kind, should))
		return;
	if (found == 1)
		verify_all(o, kind, should);
	object_verify_asked(o);
}

/* Behind the requests for bytes of this round: these get the connections that are open. */
static void ask(void *arg)
{
	struct asking *a = arg;

	s3_start(&a->r);
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
	s3_prepare(&a->r, o->bucket, "HEAD", o->key, asked, a);
	a->r.patience_ms = PATIENCE;
	s3_header(&a->r, "if-match", a->match);
	s3_header(&a->r, "x-amz-checksum-mode", "ENABLED");
	loop_soon(ask, a);
}
