/* SPDX-License-Identifier: MIT */
/* Checksums as S3's headers have them, in base64. Pure functions, any thread. */
#ifndef S3_AGENT_SUM_H
#define S3_AGENT_SUM_H

#include <stddef.h>
#include <stdint.h>

enum sum_crc { SUM_CRC64NVME, SUM_CRC32C, SUM_CRC32, SUM_CRCS };

/* Goes on from `crc`, 0 at first. */
uint64_t sum_crc(enum sum_crc kind, uint64_t crc, const void *p, size_t n);
/* Of two texts, one behind the other, by the sums of both and the second's length. */
uint64_t sum_join(enum sum_crc kind, uint64_t first, uint64_t second, uint64_t len);
/* Bytes of one: 8 or 4. */
unsigned sum_size(enum sum_crc kind);
/* As S3 calls it: "CRC32C". */
const char *sum_name(enum sum_crc kind);

#define SUM_CRC_TEXT 13
void sum_crc_text(enum sum_crc kind, uint64_t crc, char out[SUM_CRC_TEXT]);

static inline uint32_t sum_crc32c(uint32_t crc, const void *p, size_t n)
{
	return (uint32_t)sum_crc(SUM_CRC32C, crc, p, n);
}

#define SUM_MD5_TEXT 28
void sum_md5_text(const unsigned char md5[16], char out[SUM_MD5_TEXT]);

#endif
