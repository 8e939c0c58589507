/* SPDX-License-Identifier: MIT */
/* CRC32C or CRC64NVME of what is put, told and checked where `checksums` is set; and faults of what is stored. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

/* The kind that is set. */
static int is_64(void)
{
	return strcmp(set.sum, "CRC64NVME") == 0;
}

static const char *header(void)
{
	return is_64() ? "x-amz-checksum-crc64nvme" : "x-amz-checksum-crc32c";
}

static uint64_t crc(uint64_t c, const unsigned char *p, size_t n)
{
	static uint64_t table[2][256];
	uint64_t *t = table[is_64()], poly = is_64() ? 0x9a6c9329ac4bc9b5 : 0x82f63b78;
	if (!t[255]) {
		for (unsigned i = 0; i < 256; i++) {
			t[i] = i;
			for (int bit = 0; bit < 8; bit++)
				t[i] = t[i] >> 1 ^ (t[i] & 1 ? poly : 0);
		}
	}
	while (n--)
		c = t[(c ^ *p++) & 255] ^ c >> 8;
	return c;
}

void sum_of(const struct data *d, char text[16])
{
	int bytes = is_64() ? 8 : 4;
	uint64_t all = ~0ull >> (64 - 8 * bytes), c = all;
	unsigned char buf[65536], raw[8];
	for (int64_t at = 0; at < d->size;) {
		size_t n = d->size - at < 65536 ? d->size - at : 65536;
		data_read(d, at, buf, n);
		c = crc(c, buf, n);
		at += n;
	}
	for (int i = 0; i < bytes; i++)
		raw[i] = (c ^ all) >> 8 * (bytes - 1 - i);
	EVP_EncodeBlock((unsigned char *)text, raw, bytes);
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
	const char *told = header_of(q, header());
	char is[16];
	if (!told || !sum_told() || !is_kept(q) || strcmp(q->call->name, "CompleteMultipartUpload") == 0)
		return true;
	sum_of(q->body, is);
	if (strcmp(told, is) == 0)
		return true;
	answer_error(a, 400, "BadDigest", header());
	return false;
}

void sum_answer(const struct request *q, struct answer *a)
{
	const char *told = header_of(q, header());
	char is[16];
	if (!sum_told() || !told)
		return;
	if (is_kept(q))
		sum_of(q->body, is);
	text_print(&a->extra, "%s: %s\r\n", header(), is_kept(q) ? is : told);
}

void sum_create(const struct request *q, struct answer *a)
{
	const char *type = header_of(q, "x-amz-checksum-type"), *kind = header_of(q, "x-amz-checksum-algorithm");
	if (!sum_told() || !kind || strcmp(kind, set.sum) != 0)
		return;
	if (type && strcmp(set.checksums, "composite") == 0) {
		a->body.n = 0;
		answer_error(a, 400, "InvalidRequest", "x-amz-checksum-type");
		return;
	}
	text_print(&a->extra, "x-amz-checksum-algorithm: %s\r\nx-amz-checksum-type: %s\r\n", kind, type ? type : "COMPOSITE");
}

bool sum_complete(const struct request *q, struct answer *a, const struct data *d)
{
	const char *told = header_of(q, header());
	char is[16];
	if (!told || strcmp(set.discard, "on") == 0)
		return true;
	sum_of(d, is);
	if (q->rule && strcmp(q->rule->fault->name, "flip-part") == 0)
		;                       /* it is not looked at, but told */
	else if (strcmp(told, is) != 0) {
		answer_error(a, 400, "BadDigest", header());
		return false;
	}
	text_print(&a->body, "<Checksum%s>%s</Checksum%s><ChecksumType>FULL_OBJECT</ChecksumType>", set.sum, is, set.sum);
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
