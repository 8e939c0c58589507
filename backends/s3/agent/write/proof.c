/* SPDX-License-Identifier: MIT */
/* What the server says it stored; see proof.h. */
#include "proof.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MD5_HEX 32

/* "\"HEX\"" with or without its quotes, or with "-N" behind it: 0 and the 16 bytes, and N (0: none); -1. */
static int md5_of_etag(const char *etag, unsigned char md5[16], int *parts)
{
	const char *p = etag + (*etag == '"');
	char rest[8] = "";

	*parts = 0;
	if (strspn(p, "0123456789abcdefABCDEF") != MD5_HEX)
		return -1;
	for (int i = 0; i < 16; i++)
		sscanf(p + 2 * i, "%2hhx", &md5[i]);
	p += MD5_HEX;
	if (*p == '-')
		return sscanf(p, "-%d%7s", parts, rest) >= 1 && (!*rest || !strcmp(rest, "\"")) ? 0 : -1;
	return !*p || !strcmp(p, "\"") ? 0 : -1;
}

/* With keys of KMS or of the customer an ETag is no MD5, whatever it was before. */
static int is_encrypted(const struct s3_request *r)
{
	const char *how = http_got(r->http, "x-amz-server-side-encryption");

	return (how && strcmp(how, "AES256")) ||
	       http_got(r->http, "x-amz-server-side-encryption-customer-algorithm") != NULL;
}

/* Seen to be so once, it has to be so; a service that changed its ways is taken for wrong only once. */
static int settle(signed char *known, int holds)
{
	int wrong = !holds && *known > 0;

	*known = (signed char)holds;
	return wrong ? -EIO : 0;
}

int proof_body(const struct body *b, const struct s3_request *r)
{
	const char *crc = http_got(r->http, checksum_crc_header(b->kind));
	unsigned char md5[16];
	int parts, same;

	if (!*r->etag)
		return -EIO;
	if ((b->sums & BODY_CRC) && crc)
		return strcmp(crc, b->crc) ? -EIO : 0;
	if (!(b->sums & BODY_MD5) || is_encrypted(r) || md5_of_etag(r->etag, md5, &parts) < 0 || parts)
		return 0;
	same = !memcmp(md5, b->digest, sizeof(md5));
	if (!same && body_may_be_torn(b) && b->st->b->etag_md5 > 0)
		return -EIO;            /* which proves nothing of ETags */
	return settle(&b->st->b->etag_md5, same);
}

/* The MD5 of the parts' MD5s; -1 if they are none. */
static int composite(const struct proof_upload *u, unsigned char out[16])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char md5[16];
	int r = EVP_DigestInit_ex(c, EVP_md5(), NULL) == 1 ? 0 : -1, parts;

	for (int i = 0; r == 0 && i < u->n; i++) {
		r = md5_of_etag(u->etag(u->arg, i), md5, &parts) < 0 || parts ? -1 : 0;
		if (r == 0)
			EVP_DigestUpdate(c, md5, sizeof(md5));
	}
	if (r == 0)
		EVP_DigestFinal_ex(c, out, NULL);
	EVP_MD_CTX_free(c);
	return r;
}

static int proof_etag(const struct proof_upload *u, const char *etag)
{
	unsigned char is[16], should[16];
	int parts;

	if (md5_of_etag(etag, is, &parts) < 0 || !parts || composite(u, should) < 0)
		return 0;
	return settle(&u->b->etag_parts, parts == u->n && !memcmp(is, should, sizeof(is)));
}

int proof_upload(const struct proof_upload *u, const char *etag, const char *crc, const char *type)
{
	char whole[SUM_CRC_TEXT];

	if (u->sum_known && !strcmp(type, "FULL_OBJECT") && *crc) {
		sum_crc_text(u->kind, u->sum, whole);
		return strcmp(crc, whole) ? -EIO : 0;
	}
	return proof_etag(u, etag);
}
