/* SPDX-License-Identifier: MIT */
/*
 * Cyclic redundancy checks, all reflected and inverted before and after: 64
 * bytes a step by carry-less multiplication (Gopal and others, "Fast CRC
 * computation using PCLMULQDQ", 2009), eight by tables (Kounavis and Berry's
 * slicing). CRC32C's own instruction is half as fast, since it waits for itself.
 *
 * A sum is a polynomial over GF(2) modulo the check's own, the highest power
 * in the lowest bit; so are eight bytes of text, read as a little-endian number.
 */
#include "sum.h"

#include <endian.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define STEP 64                         /* bytes that are multiplied at once: four times 16 */

static const struct {
	const char *name;
	uint64_t poly;
	unsigned bits;
} kinds[SUM_CRCS] = {
	[SUM_CRC64NVME] = { "CRC64NVME", 0x9a6c9329ac4bc9b5u, 64 },
	[SUM_CRC32C] = { "CRC32C", 0x82f63b78u, 32 },
	[SUM_CRC32] = { "CRC32", 0xedb88320u, 32 },
};

/* [k][b]: of byte b and k bytes of zero behind it */
static uint64_t table[SUM_CRCS][8][256];
/* What carries 8 bytes over 64, 56, 16 and 8 others. */
static uint64_t over[SUM_CRCS][4];
static pthread_once_t once = PTHREAD_ONCE_INIT;

unsigned sum_size(enum sum_crc kind)
{
	return kinds[kind].bits / 8;
}

const char *sum_name(enum sum_crc kind)
{
	return kinds[kind].name;
}

/* ---- arithmetic */

static uint64_t times_x(enum sum_crc kind, uint64_t a)
{
	return a >> 1 ^ (a & 1 ? kinds[kind].poly : 0);
}

static uint64_t times(enum sum_crc kind, uint64_t a, uint64_t b)
{
	uint64_t r = 0;

	for (unsigned bit = kinds[kind].bits; bit--; b = times_x(kind, b))
		if (a >> bit & 1)
			r ^= b;
	return r;
}

/* x to the n */
static uint64_t power(enum sum_crc kind, uint64_t n)
{
	uint64_t r = 1ull << (kinds[kind].bits - 1), x = r >> 1;

	for (; n; n >>= 1, x = times(kind, x, x))
		if (n & 1)
			r = times(kind, r, x);
	return r;
}

uint64_t sum_join(enum sum_crc kind, uint64_t first, uint64_t second, uint64_t len)
{
	return times(kind, first, power(kind, 8 * len)) ^ second;
}

static void make_tables(void)
{
	static const unsigned bytes[] = { STEP + 8, STEP, 16 + 8, 16 };

	for (enum sum_crc kind = 0; kind < SUM_CRCS; kind++) {
		uint64_t (*t)[256] = table[kind];

		for (unsigned b = 0; b < 256; b++) {
			t[0][b] = b;
			for (int i = 0; i < 8; i++)
				t[0][b] = times_x(kind, t[0][b]);
		}
		for (unsigned k = 1; k < 8; k++)
			for (unsigned b = 0; b < 256; b++)
				t[k][b] = t[k - 1][b] >> 8 ^ t[0][t[k - 1][b] & 255];
		/* one less: the instruction's product has its highest power in bit 1 */
		for (unsigned i = 0; i < 4; i++)
			over[kind][i] = power(kind, 8 * bytes[i] - 1) << (64 - kinds[kind].bits);
	}
}

/* ---- ways through a text; `c` is inverted here */

static uint64_t by_table(enum sum_crc kind, uint64_t c, const unsigned char *p, size_t n)
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

#ifdef __x86_64__

__attribute__((target("pclmul,sse2")))
static inline __m128i carried(__m128i a, __m128i over_both, __m128i onto)
{
	return _mm_xor_si128(onto, _mm_xor_si128(_mm_clmulepi64_si128(a, over_both, 0x00),
						 _mm_clmulepi64_si128(a, over_both, 0x11)));
}

/* At least a step. Each 16 bytes are carried over those between onto the next ones, until there are less than that. */
__attribute__((target("pclmul,sse2")))
static uint64_t by_products(enum sum_crc kind, uint64_t c, const unsigned char *p, size_t n)
{
	const uint64_t *k = over[kind];
	__m128i far = _mm_set_epi64x((long long)k[1], (long long)k[0]);
	__m128i near = _mm_set_epi64x((long long)k[3], (long long)k[2]), a[4];
	unsigned char rest[16];

	for (int i = 0; i < 4; i++)
		a[i] = _mm_loadu_si128((const __m128i *)p + i);
	a[0] = _mm_xor_si128(a[0], _mm_set_epi64x(0, (long long)c));
	for (p += STEP, n -= STEP; n >= STEP; p += STEP, n -= STEP)
		for (int i = 0; i < 4; i++)
			a[i] = carried(a[i], far, _mm_loadu_si128((const __m128i *)p + i));
	for (int i = 1; i < 4; i++)
		a[0] = carried(a[0], near, a[i]);
	for (; n >= 16; p += 16, n -= 16)
		a[0] = carried(a[0], near, _mm_loadu_si128((const __m128i *)p));
	_mm_storeu_si128((__m128i *)rest, a[0]);
	return by_table(kind, by_table(kind, 0, rest, sizeof(rest)), p, n);
}

#endif

static uint64_t go(enum sum_crc kind, uint64_t c, const unsigned char *p, size_t n)
{
#ifdef __x86_64__
	if (n >= STEP && __builtin_cpu_supports("pclmul"))
		return by_products(kind, c, p, n);
#endif
	return by_table(kind, c, p, n);
}

uint64_t sum_crc(enum sum_crc kind, uint64_t crc, const void *p, size_t n)
{
	uint64_t all = ~0ull >> (64 - kinds[kind].bits);

	pthread_once(&once, make_tables);
	return go(kind, crc ^ all, p, n) ^ all;
}

/* ---- as text */

void sum_crc_text(enum sum_crc kind, uint64_t crc, char out[SUM_CRC_TEXT])
{
	uint64_t big = htobe64(crc << (64 - kinds[kind].bits));

	EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)&big, (int)sum_size(kind));
}

void sum_md5_text(const unsigned char md5[16], char out[SUM_MD5_TEXT])
{
	EVP_EncodeBlock((unsigned char *)out, md5, 16);
}
