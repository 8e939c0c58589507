/* SPDX-License-Identifier: MIT */
/* CRC32C of what is put, told and checked where `checksums` is set; and faults of what is stored. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

static uint32_t crc32c(uint32_t c, const unsigned char *p, size_t n)
{
	static uint32_t table[256];
	if (!table[255]) {
		for (uint32_t i = 0; i < 256; i++) {
			table[i] = i;
			for (int bit = 0; bit < 8; bit++)
				table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0x82f63b78 : 0);
		}
	}
	for (c = ~c; n--; p++)
		c = table[(c ^ *p) & 255] ^ c >> 8;
	return ~c;
}

void sum_of(const struct data *d, char text[16])
{
	unsigned char buf[65536], raw[4];
	uint32_t c = 0;
	for (int64_t at = 0; at < d->size;) {
		size_t n = d->size - at < 65536 ? d->size - at : 65536;
		data_read(d, at, buf, n);
		c = crc32c(c, buf, n);
		at += n;
	}
	for (int i = 0; i < 4; i++)
		raw[i] = c >> (24 - 8 * i);
	EVP_EncodeBlock((unsigned char *)text, raw, 4);
}

static bool is_kept(const struct request *q)
{
	return q->body && (q->body->bytes || !q->body->size);
}

bool sum_told(void)
{
	return strcmp(set.checksums, "off") != 0;
}

bool sum_intact(struct request *q, struct answer *a)
{
	const char *told = header_of(q, "x-amz-checksum-crc32c");
	char is[16];
	if (!told || !sum_told() || !is_kept(q) || strcmp(q->call->name, "CompleteMultipartUpload") == 0)
		return true;
	sum_of(q->body, is);
	if (strcmp(told, is) == 0)
		return true;
	answer_error(a, 400, "BadDigest", "x-amz-checksum-crc32c");
	return false;
}

void sum_answer(const struct request *q, struct answer *a)
{
	char is[16];
	if (!sum_told() || !is_kept(q) || !header_of(q, "x-amz-checksum-crc32c"))
		return;
	sum_of(q->body, is);
	text_print(&a->extra, "x-amz-checksum-crc32c: %s\r\n", is);
}

void sum_create(const struct request *q, struct answer *a)
{
	const char *type = header_of(q, "x-amz-checksum-type");
	if (!sum_told() || !header_of(q, "x-amz-checksum-algorithm"))
		return;
	if (type && strcmp(set.checksums, "composite") == 0) {
		a->body.n = 0;
		answer_error(a, 400, "InvalidRequest", "x-amz-checksum-type");
		return;
	}
	text_print(&a->extra, "x-amz-checksum-algorithm: CRC32C\r\nx-amz-checksum-type: %s\r\n", type ? type : "COMPOSITE");
}

bool sum_complete(const struct request *q, struct answer *a, const struct data *d)
{
	const char *told = header_of(q, "x-amz-checksum-crc32c");
	char is[16];
	if (!told || strcmp(set.discard, "on") == 0)
		return true;
	sum_of(d, is);
	if (q->rule && strcmp(q->rule->fault->name, "flip-part") == 0)
		;                       /* it is not looked at, but told */
	else if (strcmp(told, is) != 0) {
		answer_error(a, 400, "BadDigest", "x-amz-checksum-crc32c");
		return false;
	}
	text_print(&a->body, "<ChecksumCRC32C>%s</ChecksumCRC32C><ChecksumType>FULL_OBJECT</ChecksumType>", is);
	return true;
}

void fault_flip_stored(struct request *q, struct answer *a, const char *arg)
{
	unsigned char raw[16];
	(void)a, (void)arg;
	if (!q->body || !q->body->size)
		return;
	q->body->bytes[q->body->size / 2] ^= 1;
	EVP_Digest(q->body->bytes, q->body->size, raw, NULL, EVP_md5(), NULL);
	for (int i = 0; i < 16; i++)
		sprintf(q->md5 + 2 * i, "%02x", raw[i]);
}

void fault_flip_part(struct request *q, struct answer *a, const char *arg)
{
	struct upload *u = upload_find(param_of(q, "uploadId"), q->name);
	(void)a, (void)arg;
	if (u && u->parts && u->part[0].data->bytes)
		u->part[0].data->bytes[1000] ^= 1;
}

/* complete_upload looks whether this is its fault. */
void fault_drop_part(struct request *q, struct answer *a, const char *arg)
{
	(void)q, (void)a, (void)arg;
}
