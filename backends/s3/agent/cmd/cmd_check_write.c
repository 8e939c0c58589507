/* SPDX-License-Identifier: MIT */
/*
 * shim s3 check --write: what an endpoint does of that which writing files
 * rests on. An object with a name nobody else has is written under every
 * condition that must be refused, and is removed.
 */
#include "cmd_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "request/sum.h"

#define TEXT "shim s3 check\n"

/* ---- requests */

static void put_request(struct s3_request *r, struct probe *p, const char *key)
{
	check_request(r, p->c, "PUT", key);
	r->body = TEXT;
	r->body_len = strlen(TEXT);
	r->no_status = 1;
}

/* The object as it was at the beginning. */
static int put(struct probe *p)
{
	struct s3_request r;

	int err;

	put_request(&r, p, p->key);
	err = cmd_request(&r);
	memcpy(p->etag, r.etag, sizeof(p->etag));
	return err;
}

static int put_with(struct probe *p, const char *key, const char *name, const char *value)
{
	struct s3_request r;

	put_request(&r, p, key);
	s3_header(&r, name, value);
	return cmd_request(&r);
}

static int remove_key(struct probe *p, const char *key)
{
	struct s3_request r;

	check_request(&r, p->c, "DELETE", key);
	return cmd_request(&r);
}

/* ---- the object itself */

static int kept(struct s3_request *r, int64_t at, const void *b, size_t n)
{
	struct probe *p = r->arg;

	(void)at;
	n = n < sizeof(p->got) - p->n ? n : sizeof(p->got) - p->n;
	memcpy(p->got + p->n, b, n);
	p->n += n;
	return 0;
}

static int check_put(struct probe *p)
{
	struct s3_request r;
	int err;

	put_request(&r, p, p->key);
	r.no_status = 0;
	err = cmd_request(&r);
	if (err) {
		check_refused(p->c, "put", &r, err, "s3:PutObject");
		return err;
	}
	check_request(&r, p->c, "GET", p->key);
	r.data = kept;
	r.arg = p;
	err = cmd_request(&r);
	if (err)
		check_refused(p->c, "put", &r, err, "s3:GetObject");
	else if (p->n != strlen(TEXT) || memcmp(p->got, TEXT, p->n))
		check_fail(p->c, "put", "this is no S3 server to trust", "what was read back is not what was written");
	else
		check_ok("put", "and read back at once");
	return err;
}

static void has_meta(struct s3_request *r, int err)
{
	const char *v = err ? NULL : http_got(r->http, "x-amz-meta-shim-check");

	snprintf(((struct probe *)r->arg)->got, sizeof(((struct probe *)r->arg)->got), "%s", v ? v : "");
}

static void check_meta(struct probe *p)
{
	struct s3_request r;
	int err = put_with(p, p->key, "x-amz-meta-shim-check", "a b=c");

	check_request(&r, p->c, "HEAD", p->key);
	r.done = has_meta;
	r.arg = p;
	if (!err && !cmd_request(&r) && !strcmp(p->got, "a b=c"))
		check_ok("metadata", "modes and times can be kept with an object");
	else
		check_no("metadata", "is not kept: modes and times are lost");
}

/* ---- conditions, one that holds and one that does not: who ignores them lets both through */

int check_is_refused(int err)
{
	return err == -ESTALE || err == -EBUSY;
}

static int put_if_absent(struct probe *p, int holds)
{
	return put_with(p, holds ? p->copy : p->key, "if-none-match", "*");
}

static int put_if_same(struct probe *p, int holds)
{
	return put_with(p, p->key, "if-match", holds ? p->etag : "\"0\"");
}

static int remove_if_same(struct probe *p, int holds)
{
	struct s3_request r;

	check_request(&r, p->c, "DELETE", p->key);
	r.no_status = 1;
	s3_header(&r, "if-match", holds ? p->etag : "\"0\"");
	return cmd_request(&r);
}

static int copy_if_same(struct probe *p, int holds)
{
	struct s3_request r;

	check_request(&r, p->c, "PUT", p->copy);
	r.no_status = 1;
	s3_header(&r, "x-amz-copy-source", p->source);
	s3_header(&r, "x-amz-copy-source-if-match", holds ? p->etag : "\"0\"");
	return cmd_request(&r);
}

static const struct condition {
	const char *what;
	int (*try)(struct probe *p, int holds);
	const char *yes, *no;
} conditions[] = {
	{ "create", put_if_absent, "If-None-Match of PUT: of two who create a file one is told",
	  "If-None-Match of PUT does not work: O_EXCL is checked before, not while an object is put" },
	{ "replace", put_if_same, "If-Match of PUT: no change is overwritten unseen",
	  "If-Match of PUT does not work: of two writers the last one wins" },
	{ "remove", remove_if_same, "If-Match of DELETE: what was replaced meanwhile is not removed",
	  "If-Match of DELETE does not work" },
	{ "copy", copy_if_same, "x-amz-copy-source-if-match: a rename copies what it saw",
	  "x-amz-copy-source-if-match does not work" },
};

static void check_conditions(struct probe *p)
{
	signed char seen[sizeof(conditions) / sizeof(*conditions)];

	remove_key(p, p->copy);
	for (size_t i = 0; i < sizeof(seen); i++) {
		seen[i] = !put(p) && check_is_refused(conditions[i].try(p, 0)) && !conditions[i].try(p, 1);
		if (seen[i])
			check_ok(conditions[i].what, "%s", conditions[i].yes);
		else
			check_no(conditions[i].what, "%s", conditions[i].no);
	}
	p->c->b->if_none_match = seen[0];
	p->c->b->if_match = seen[1];
}

/* ---- checksums: the right one is taken, a wrong one refused */

/* The first ones in the order of enum sum_crc. */
static const struct checksum {
	const char *name, *algorithm, *header, *right, *wrong;
} checksums[] = {
	{ "crc64nvme", "CRC64NVME", "x-amz-checksum-crc64nvme", "772GxiLYklM=", "AAAAAAAAAAA=" },
	{ "crc32c", "CRC32C", "x-amz-checksum-crc32c", "0EhM0g==", "AAAAAA==" },
	{ "crc32", "CRC32", "x-amz-checksum-crc32", "eOWSTA==", "AAAAAA==" },
	{ "sha256", "SHA256", "x-amz-checksum-sha256", "imySvooDcSxOsz7IHhKl8o7+dAl3sYUcxnJMbjf9vjI=",
	  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
	{ "md5", NULL, "content-md5", "h2y7uktT22kCsNx9JJZvtA==", "AAAAAAAAAAAAAAAAAAAAAA==" },
};

static int put_summed(struct probe *p, const struct checksum *s, const char *sum)
{
	struct s3_request r;

	put_request(&r, p, p->key);
	s3_header(&r, s->header, sum);
	if (s->algorithm)
		s3_header(&r, "x-amz-sdk-checksum-algorithm", s->algorithm);
	return cmd_request(&r);
}

static void check_checksums(struct probe *p)
{
	char good[96] = "", bad[96] = "";
	struct s3_bucket *b = p->c->b;

	b->checksums = 0;
	for (size_t i = 0; i < sizeof(checksums) / sizeof(*checksums); i++) {
		const struct checksum *s = &checksums[i];
		int is_good = !put_summed(p, s, s->right) && put_summed(p, s, s->wrong);
		char *to = is_good ? good : bad;

		if (is_good && i <= SUM_CRC32C) {       /* those that uploads may have */
			b->checksums = 1;
			b->sum = (unsigned char)i;
		}
		snprintf(to + strlen(to), sizeof(good) - strlen(to), "%s%s", *to ? ", " : "", s->name);
	}
	if (*good)
		check_ok("checksums", "of what is put are verified: %s%s%s", good, *bad ? "; not " : "", bad);
	else
		check_no("checksums", "of what is put are not verified");
}

/* ---- all of it */

static void name_probe(struct probe *p)
{
	unsigned char r[8];
	long n;

	RAND_bytes(r, sizeof(r));
	snprintf(p->key, sizeof(p->key), "%s.shim-check-%02x%02x%02x%02x%02x%02x%02x%02x", p->c->prefix, r[0], r[1], r[2],
		 r[3], r[4], r[5], r[6], r[7]);
	snprintf(p->copy, sizeof(p->copy), "%s-copy", p->key);
	n = snprintf(p->source, sizeof(p->source), "/%s/", p->c->b->name);
	if (sigv4_encode(p->source + n, sizeof(p->source) - (size_t)n, p->key, strlen(p->key), 1) < 0)
		*p->source = 0;
}

static void clean_up(struct probe *p)
{
	int err = remove_key(p, p->key);

	remove_key(p, p->copy);         /* of a copy that should have been refused */
	if (err)
		check_fail(p->c, "clean up", "remove it by other means; let these credentials s3:DeleteObject",
			   "%s cannot be removed: %s", p->key, strerror(-err));
}

void check_writing(struct check *c)
{
	static struct probe p;

	p.c = c;
	name_probe(&p);
	if (check_put(&p))
		return;
	check_meta(&p);
	check_conditions(&p);
	check_checksums(&p);
	check_multipart(&p);
	if (!*c->key)
		check_speed(c, p.key, CHECK_PART);
	clean_up(&p);
}
