/* SPDX-License-Identifier: MIT */
/* Checksums; see sum.h. */
#include "sum.h"

#include <openssl/evp.h>
#include <string.h>

#define CASTAGNOLI 0x82f63b78u          /* reflected */

static uint32_t by_table(uint32_t crc, const unsigned char *p, size_t n)
{
	static uint32_t table[256];

	if (!__atomic_load_n(&table[1], __ATOMIC_ACQUIRE))
		for (uint32_t i = 256; i-- > 1; ) {
			uint32_t c = i;

			for (int bit = 0; bit < 8; bit++)
				c = c >> 1 ^ (c & 1 ? CASTAGNOLI : 0);
			__atomic_store_n(&table[i], c, __ATOMIC_RELEASE);
		}
	while (n--)
		crc = table[(crc ^ *p++) & 255] ^ crc >> 8;
	return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2")))
static uint32_t by_instruction(uint32_t crc, const unsigned char *p, size_t n)
{
	uint64_t c = crc, word;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		c = __builtin_ia32_crc32di(c, word);
	}
	for (crc = (uint32_t)c; n; n--)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}
#endif

uint32_t sum_crc32c(uint32_t crc, const void *p, size_t n)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_instruction(~crc, p, n);
#endif
	return ~by_table(~crc, p, n);
}

/* A matrix over GF(2), column by column, times a vector. */
static uint32_t times(const uint32_t m[32], uint32_t v)
{
	uint32_t r = 0;

	for (int i = 0; v; i++, v >>= 1)
		if (v & 1)
			r ^= m[i];
	return r;
}

/* What a zero byte does to the sum is linear: squared again and again it is what 2^n of them do. */
uint32_t sum_crc32c_join(uint32_t first, uint32_t second, uint64_t len)
{
	uint32_t m[32], squared[32];

	for (int i = 0; i < 32; i++) {          /* one zero byte */
		uint32_t c = 1u << i;

		for (int bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? CASTAGNOLI : 0);
		m[i] = c;
	}
	for (; len; len >>= 1) {
		if (len & 1)
			first = times(m, first);
		for (int i = 0; i < 32; i++)
			squared[i] = times(m, m[i]);
		memcpy(m, squared, sizeof(m));
	}
	return first ^ second;
}

void sum_crc_text(uint32_t crc, char out[12])
{
	unsigned char b[4] = { (unsigned char)(crc >> 24), (unsigned char)(crc >> 16), (unsigned char)(crc >> 8),
			       (unsigned char)crc };

	EVP_EncodeBlock((unsigned char *)out, b, 4);
}

void sum_md5_text(const unsigned char md5[16], char out[SUM_MD5_TEXT])
{
	EVP_EncodeBlock((unsigned char *)out, md5, 16);
}
