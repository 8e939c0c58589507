/* SPDX-License-Identifier: MIT */
/*
 * Cyclic redundancy checks, all reflected and inverted before and after; eight
 * bytes a step by tables (Kounavis and Berry's slicing).
 */
#include "checksum.h"

#include <endian.h>
#include <openssl/evp.h>
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
};

/* [k][b]: of byte b and k bytes of zero behind it */
static uint64_t table[CHECKSUM_KINDS][8][256];

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

uint64_t checksum_add(enum checksum_kind kind, uint64_t sum, const void *p, size_t n)
{
	uint64_t all = ~0ull >> (64 - 8 * kinds[kind].bytes);

	if (kind == CHECKSUM_CRC32C)
		return sum_crc32c((uint32_t)sum, p, n);
	if (!table[kind][0][1])
		make_table(kind);
	return by_table(kind, sum ^ all, p, n) ^ all;
}

int checksum_parse(enum checksum_kind kind, const char *text, uint64_t *sum)
{
	unsigned char raw[16];
	unsigned bytes = kinds[kind].bytes;
	size_t n = strlen(text);

	/* 4 bytes are XXXXXX==, 8 are XXXXXXXXXXX= */
	if (n != (bytes + 2) / 3 * 4 || EVP_DecodeBlock(raw, (const unsigned char *)text, (int)n) < (int)bytes)
		return -1;
	*sum = 0;
	for (unsigned i = 0; i < bytes; i++)
		*sum = *sum << 8 | raw[i];
	return 0;
}
