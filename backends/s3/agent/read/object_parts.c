/* SPDX-License-Identifier: MIT */
/*
 * The parts an object was uploaded in, with their sizes and checksums, by
 * GetObjectAttributes. That call knows no If-Match: the list is that of our
 * version if its checksums make the one of the object, which was told with it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/xml.h"
#include "object_private.h"

#define PARTS_MOST 10000

struct parts {
	struct s3_request r;
	struct object *o;
	enum checksum_kind kind;
	unsigned char should[CHECKSUM_MOST];    /* the checksum of the parts' */
	char version[S3_VERSION_MAX], marker[12];
	struct object_part *part;
	unsigned n, room;
	int64_t end;                            /* of the last part */
	/* of what is being read */
	int64_t size;
	int summed, more;
	unsigned char sum[CHECKSUM_MOST];
};

static int add(struct parts *p)
{
	struct object_part *more;

	if (p->size <= 0 || !p->summed || p->n == PARTS_MOST || p->size > p->o->attr.size - p->end)
		return -EBADMSG;
	if (p->n == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		more = realloc(p->part, p->room * sizeof *more);
		if (!more)
			return -ENOMEM;
		p->part = more;
	}
	p->end += p->size;
	p->part[p->n].end = p->end;
	memcpy(p->part[p->n++].sum, p->sum, CHECKSUM_MOST);
	p->size = 0;
	p->summed = 0;
	return 0;
}

/* "ChecksumSHA256" for "x-amz-checksum-sha256". */
static int is_sum(const struct parts *p, const char *name)
{
	return strncmp(name, "Checksum", 8) == 0 &&
	       strcasecmp(name + 8, checksum_header(p->kind) + strlen("x-amz-checksum-")) == 0;
}

static int leaf(void *arg, const char *path, const char *value)
{
	struct parts *p = arg;
	const char *name = strstr(path, "ObjectParts/");

	if (!name)
		return 0;
	name += strlen("ObjectParts/");
	if (!strcmp(name, "IsTruncated"))
		p->more = !strcmp(value, "true");
	else if (!strcmp(name, "NextPartNumberMarker"))
		snprintf(p->marker, sizeof p->marker, "%s", value);
	else if (!strcmp(name, "Part/Size"))
		p->size = strtoll(value, NULL, 10);
	else if (!strncmp(name, "Part/", 5) && is_sum(p, name + 5))
		p->summed = checksum_parse(p->kind, value, p->sum) == 0;
	return 0;
}

static int end(void *arg, const char *path)
{
	size_t n = strlen(path), m = strlen("ObjectParts/Part");

	return n >= m && strcmp(path + n - m, "ObjectParts/Part") == 0 ? add(arg) : 0;
}

/* Whether they are the parts of the object that was read. */
static int fit(const struct parts *p)
{
	unsigned char all[CHECKSUM_MOST];
	struct checksum c = { 0 };

	if (!p->n || p->end != p->o->attr.size)
		return 0;
	checksum_begin(&c, p->kind);
	for (unsigned i = 0; i < p->n; i++)
		checksum_add(&c, p->part[i].sum, checksum_size(p->kind));
	checksum_end(&c, all);
	return memcmp(all, p->should, checksum_size(p->kind)) == 0;
}

static void ask(struct parts *p);

static void answered(struct s3_request *r, int err)
{
	struct parts *p = r->arg;
	unsigned before = p->n;
	struct object *o = p->o;

	p->more = 0;
	if (!err)
		err = xml_parse(r->text, r->text_len, leaf, end, p);
	if (!err && p->more && p->n > before) {
		ask(p);
		return;
	}
	if (!err && !p->more && o->verify != VERIFY_ON && fit(p))
		object_verify_on(o, p->kind, p->part, p->n);
	else
		free(p->part);
	free(p);
	object_verify_asked(o);
}

static void ask(struct parts *p)
{
	struct object *o = p->o;

	s3_prepare(&p->r, o->bucket, "GET", o->key, answered, p);
	s3_param(&p->r, "attributes", "");
	if (*p->version)
		s3_param(&p->r, "versionId", p->version);
	s3_header(&p->r, "x-amz-object-attributes", "ObjectParts");
	s3_header(&p->r, "x-amz-max-parts", "1000");
	if (*p->marker)
		s3_header(&p->r, "x-amz-part-number-marker", p->marker);
	s3_start(&p->r);
}

int object_parts_ask(struct object *o, enum checksum_kind kind, const unsigned char should[CHECKSUM_MOST])
{
	struct parts *p = calloc(1, sizeof *p);

	if (!p)
		return 0;
	p->o = o;
	p->kind = kind;
	memcpy(p->should, should, CHECKSUM_MOST);
	if (o->bucket->versions)
		strcpy(p->version, strcmp(o->attr.version, "null") ? o->attr.version : "");
	ask(p);
	return 1;
}
