/* SPDX-License-Identifier: MIT */
/* Checksums as S3's headers have them, in base64. Pure functions, any thread. */
#ifndef S3_AGENT_SUM_H
#define S3_AGENT_SUM_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, 0 at first. Castagnoli's polynomial. */
uint32_t sum_crc32c(uint32_t crc, const void *p, size_t n);
/* Of two texts, one behind the other, by the sums of both and the second's length. */
uint32_t sum_crc32c_join(uint32_t first, uint32_t second, uint64_t len);
void sum_crc_text(uint32_t crc, char out[12]);

#define SUM_MD5_TEXT 28
void sum_md5_text(const unsigned char md5[16], char out[SUM_MD5_TEXT]);

#endif
