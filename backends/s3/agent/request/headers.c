/* SPDX-License-Identifier: MIT */
/* Which header goes with which kind of request; see headers.h. */
#include "headers_private.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

enum {
	PUT = 1, CREATE = 2, COPY = 4,          /* PutObject, CreateMultipartUpload, CopyObject: make an object */
	PART = 8, PART_COPY = 16, COMPLETE = 32,
	GET = 64, HEAD = 128,
	OTHER = 256, SESSION = 512,             /* CreateSession */
	MAKE = PUT | CREATE | COPY,
	BYTES = MAKE | PART | PART_COPY | COMPLETE | GET | HEAD,        /* all that touch what is encrypted */
	ALL = BYTES | OTHER | SESSION,
};

/* As S3's API reference has them. A copy takes its source's tags along, which count. */
static const struct {
	const char *name;
	unsigned kinds;
} table[HEADER_COUNT] = {
	[HEADER_PAYER] = { "x-amz-request-payer", ALL },
	[HEADER_SSE] = { "x-amz-server-side-encryption", MAKE },
	[HEADER_KMS_KEY] = { "x-amz-server-side-encryption-aws-kms-key-id", MAKE },
	[HEADER_CLASS] = { "x-amz-storage-class", MAKE },
	[HEADER_TAGS] = { "x-amz-tagging", PUT | CREATE },
	[HEADER_ACL] = { "x-amz-acl", MAKE },
	[HEADER_C_ALGORITHM] = { "x-amz-server-side-encryption-customer-algorithm", BYTES },
	[HEADER_C_KEY] = { "x-amz-server-side-encryption-customer-key", BYTES },
	[HEADER_C_MD5] = { "x-amz-server-side-encryption-customer-key-md5", BYTES },
	[HEADER_FROM_C_ALGORITHM] = { "x-amz-copy-source-server-side-encryption-customer-algorithm", COPY | PART_COPY },
	[HEADER_FROM_C_KEY] = { "x-amz-copy-source-server-side-encryption-customer-key", COPY | PART_COPY },
	[HEADER_FROM_C_MD5] = { "x-amz-copy-source-server-side-encryption-customer-key-md5", COPY | PART_COPY },
};

/* PUT or POST of an object. */
static unsigned write_kind(const struct s3_request *r)
{
	int copies = s3_has_header(r, "x-amz-copy-source");

	if (r->method[1] == 'O')
		return s3_has_param(r, "uploads") ? CREATE : s3_has_param(r, "uploadId") ? COMPLETE : OTHER;
	if (s3_has_param(r, "partNumber"))
		return copies ? PART_COPY : PART;
	if (r->nquery)
		return OTHER;
	return copies ? COPY : PUT;
}

static unsigned kind_of(const struct s3_request *r)
{
	unsigned version = s3_has_param(r, "versionId") != 0;

	if (!r->key)
		return r->chain ? SESSION : OTHER;
	switch (*r->method) {
	case 'G':
		return r->nquery == version ? GET : OTHER;
	case 'H':
		return HEAD;
	case 'P':
		return write_kind(r);
	}
	return OTHER;
}

static int row_of(const char *name)
{
	for (int i = 0; !strncmp(name, "x-amz-", 6) && i < HEADER_COUNT; i++)
		if (!strcmp(name, table[i].name))
			return i;
	return -1;
}

/* What is written in a session is encrypted as that says. */
static unsigned kinds_of(enum header which, const struct s3_request *r)
{
	return r->bucket->express && (which == HEADER_SSE || which == HEADER_KMS_KEY) ? SESSION : table[which].kinds;
}

/* An object of no bytes gains nothing by a class, and is billed for the least that the class has. */
static int is_worth(enum header which, const struct s3_request *r, unsigned kind)
{
	return which != HEADER_CLASS || kind != PUT || r->body_len;
}

void headers_add(const struct s3_request *r, struct http *to)
{
	const struct s3_bucket *from = r->from_bucket ? r->from_bucket : r->bucket;
	unsigned kind = kind_of(r);

	for (unsigned i = 0; i < r->headers; i++)
		http_add(to, r->header[i].name, r->header[i].value);
	for (int i = 0; i < HEADER_COUNT; i++) {
		const char *value = (i < HEADER_FROM_C_ALGORITHM ? r->bucket : from)->headers->value[i];

		if (value && kinds_of(i, r) & kind && is_worth(i, r, kind) && !s3_has_header(r, table[i].name))
			http_add(to, table[i].name, value);
	}
}

const char *headers_said(const struct s3_bucket *b, const char *name)
{
	int row = row_of(name);

	return row < 0 ? NULL : b->headers->value[row];
}

int headers_encrypt(const struct s3_bucket *b)
{
	return b->headers->value[HEADER_SSE] || b->headers->value[HEADER_C_KEY];
}

void headers_set(struct headers *h, enum header which, const char *value)
{
	h->value[which] = strdup(value);
	if (!h->value[which])
		abort();
}

void headers_free(struct headers *h)
{
	for (int i = 0; h && i < HEADER_COUNT; i++)
		OPENSSL_clear_free(h->value[i], h->value[i] ? strlen(h->value[i]) : 0);
	free(h);
}
