/* SPDX-License-Identifier: MIT */
/*
 * Cyclic redundancy checks, all reflected and inverted before and after; eight
 * bytes a step by tables (Kounavis and Berry's slicing). SHA-256 is libcrypto's.
 */
#include "checksum.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "sum.h"

static const struct {
	const char *header;
	uint64_t poly;
	unsigned bytes;
} kinds[CHECKSUM_KINDS] = {
	[CHECKSUM_CRC64NVME] = { "x-amz-checksum-crc64nvme", 0x9a6c9329ac4bc9b5u, 8 },
	[CHECKSUM_CRC32C] = { "x-amz-checksum-crc32c", 0x82f63b78u, 4 },
	[CHECKSUM_CRC32] = { "x-amz-checksum-crc32", 0xedb88320u, 4 },
	[CHECKSUM_SHA256] = { "x-amz-checksum-sha256", 0, 32 },
};

/* [k][b]: of byte b and k bytes of zero behind it */
static uint64_t table[CHECKSUM_SHA256][8][256];

static void make_table(enum checksum_kind kind)
{
	uint64_t (*t)[256] = table[kind];

	for (unsigned b = 0; b < 256; b++) {
		t[0][b] = b;
		for (int i = 0; i < 8; i++)
			t[0][b] = t[0][b] >> 1 ^ (t[0][b] & 1 ? kinds[kind].poly : 0);
	}
	for (unsigned k = 1; k < 8; k++)
		for (unsigned b = 0; b < 256; b++)
			t[k][b] = t[k - 1][b] >> 8 ^ t[0][t[k - 1][b] & 255];
}

const char *checksum_header(enum checksum_kind kind)
{
	return kinds[kind].header;
}

static uint64_t by_table(enum checksum_kind kind, uint64_t c, const unsigned char *p, size_t n)
{
	const uint64_t (*t)[256] = (const uint64_t (*)[256])table[kind];
	uint64_t v;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&v, p, 8);
		v = le64toh(v) ^ c;
		c = t[7][v & 255] ^ t[6][v >> 8 & 255] ^ t[5][v >> 16 & 255] ^ t[4][v >> 24 & 255] ^
		    t[3][v >> 32 & 255] ^ t[2][v >> 40 & 255] ^ t[1][v >> 48 & 255] ^ t[0][v >> 56];
	}
	while (n--)
		c = c >> 8 ^ t[0][(c ^ *p++) & 255];
	return c;
}

size_t checksum_size(enum checksum_kind kind)
{
	return kinds[kind].bytes;
}

static uint64_t crc_add(enum checksum_kind kind, uint64_t sum, const void *p, size_t n)
{
	uint64_t all = ~0ull >> (64 - 8 * kinds[kind].bytes);

	if (kind == CHECKSUM_CRC32C)
		return sum_crc32c((uint32_t)sum, p, n);
	if (!table[kind][0][1])
		make_table(kind);
	return by_table(kind, sum ^ all, p, n) ^ all;
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
		c->crc = crc_add(c->kind, c->crc, p, n);
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
