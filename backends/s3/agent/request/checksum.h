/* SPDX-License-Identifier: MIT */
/* The checksums S3 keeps of objects, of bytes in order. Pure functions. */
#ifndef S3_AGENT_CHECKSUM_H
#define S3_AGENT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "sum.h"

/* Those that are cheap first; CRCs as in sum.h. */
enum checksum_kind {
	CHECKSUM_CRC64NVME = SUM_CRC64NVME, CHECKSUM_CRC32C = SUM_CRC32C, CHECKSUM_CRC32 = SUM_CRC32,
	CHECKSUM_SHA256, CHECKSUM_KINDS
};
#define CHECKSUM_MOST 32                /* bytes of one */

/* The header that tells it, "x-amz-checksum-..."; bytes of its value. */
const char *checksum_header(enum checksum_kind kind);
size_t checksum_size(enum checksum_kind kind);
static inline const char *checksum_crc_header(enum sum_crc kind)
{
	return checksum_header((enum checksum_kind)kind);
}

/* One that goes on. Zeroed by the caller at first. */
struct checksum {
	enum checksum_kind kind;
	uint64_t crc;
	void *md;
};
void checksum_begin(struct checksum *c, enum checksum_kind kind);
void checksum_add(struct checksum *c, const void *p, size_t n);
/* As the headers have it, before base64; then begin again. */
void checksum_end(struct checksum *c, unsigned char out[CHECKSUM_MOST]);
void checksum_drop(struct checksum *c);         /* it is not wanted any more */

/*
 * A header's value: base64, big-endian. 0; how many parts there are if it is
 * the checksum of parts' checksums, "...-N"; or -1 if it is none.
 */
int checksum_parse(enum checksum_kind kind, const char *text, unsigned char out[CHECKSUM_MOST]);

#endif
