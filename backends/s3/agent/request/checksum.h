/* SPDX-License-Identifier: MIT */
/* The checksums S3 keeps of objects that can be told of bytes in order. Pure functions. */
#ifndef S3_AGENT_CHECKSUM_H
#define S3_AGENT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

enum checksum_kind { CHECKSUM_CRC64NVME, CHECKSUM_CRC32C, CHECKSUM_CRC32, CHECKSUM_KINDS };

/* The header that tells it, "x-amz-checksum-..." */
const char *checksum_header(enum checksum_kind kind);

/* Of what went before and these bytes; 0 at the beginning. */
uint64_t checksum_add(enum checksum_kind kind, uint64_t sum, const void *p, size_t n);

/* A header's value: base64, big-endian. 0, or -1 if it is none, as that of parts, which ends in "-N". */
int checksum_parse(enum checksum_kind kind, const char *text, uint64_t *sum);

#endif
