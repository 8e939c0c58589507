/* SPDX-License-Identifier: MIT */
/* Checksums that go on; see checksum.h. SHA-256 is libcrypto's. */
#include "checksum.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *header;
	unsigned bytes;
} kinds[CHECKSUM_KINDS] = {
	[CHECKSUM_CRC64NVME] = { "x-amz-checksum-crc64nvme", 8 },
	[CHECKSUM_CRC32C] = { "x-amz-checksum-crc32c", 4 },
	[CHECKSUM_CRC32] = { "x-amz-checksum-crc32", 4 },
	[CHECKSUM_SHA256] = { "x-amz-checksum-sha256", 32 },
};

const char *checksum_header(enum checksum_kind kind)
{
	return kinds[kind].header;
}

size_t checksum_size(enum checksum_kind kind)
{
	return kinds[kind].bytes;
}

void checksum_begin(struct checksum *c, enum checksum_kind kind)
{
	checksum_drop(c);
	c->kind = kind;
	if (kind != CHECKSUM_SHA256)
		return;
	c->md = EVP_MD_CTX_new();
	if (!c->md || !EVP_DigestInit_ex(c->md, EVP_sha256(), NULL))
		abort();
}

void checksum_add(struct checksum *c, const void *p, size_t n)
{
	if (c->md)
		EVP_DigestUpdate(c->md, p, n);
	else
		c->crc = sum_crc((enum sum_crc)c->kind, c->crc, p, n);
}

void checksum_end(struct checksum *c, unsigned char out[CHECKSUM_MOST])
{
	unsigned bytes = kinds[c->kind].bytes;

	if (c->md)
		EVP_DigestFinal_ex(c->md, out, NULL);
	else
		for (unsigned i = 0; i < bytes; i++)
			out[i] = (unsigned char)(c->crc >> 8 * (bytes - 1 - i));
	checksum_drop(c);
}

void checksum_drop(struct checksum *c)
{
	EVP_MD_CTX_free(c->md);
	c->md = NULL;
	c->crc = 0;
}

/* "-N": the number, or -1; 0 if there is nothing. */
static int parts_of(const char *text)
{
	char *end;
	long n;

	if (!*text)
		return 0;
	n = strtol(text + 1, &end, 10);
	return *text == '-' && end > text + 1 && !*end && n > 0 && n <= 10000 ? (int)n : -1;
}

int checksum_parse(enum checksum_kind kind, const char *text, unsigned char out[CHECKSUM_MOST])
{
	unsigned char raw[48];
	unsigned bytes = kinds[kind].bytes;
	int n = (int)((bytes + 2) / 3 * 4);     /* 4 bytes are XXXXXX==, 8 are XXXXXXXXXXX= */

	if (strlen(text) < (size_t)n || EVP_DecodeBlock(raw, (const unsigned char *)text, n) < (int)bytes)
		return -1;
	memcpy(out, raw, bytes);
	return parts_of(text + n);
}
