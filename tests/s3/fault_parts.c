/* SPDX-License-Identifier: MIT */
/* Uploads in parts. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

void create_upload(struct request *q, struct answer *a)
{
	if (!may_encrypt(q, a))
		return;
	struct upload *u = upload_new(q->name, beside_of(q));
	beside_echo(&u->beside, a);
	text_print(&a->body, "<InitiateMultipartUploadResult><Bucket>%s</Bucket><UploadId>%s</UploadId>"
			     "</InitiateMultipartUploadResult>", q->bucket, u->id);
	sum_create(q, a);
}

/* The upload a request is about and its part; NULL and an error answered. */
static struct upload *upload_of(struct request *q, struct answer *a, int *number)
{
	struct upload *u = upload_find(param_of(q, "uploadId"), q->name);
	const char *n = param_of(q, "partNumber");
	*number = n ? atoi(n) : 1;
	if (!u) {
		answer_error(a, 404, "NoSuchUpload", "no such upload");
		return NULL;
	}
	if (*number < 1 || *number > 10000) {
		answer_error(a, 400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
		return NULL;
	}
	return u;
}

void put_part(struct request *q, struct answer *a)
{
	int number;
	struct upload *u = upload_of(q, a, &number);
	if (!u || !may_decrypt(q, a, u->beside.key_md5, ""))
		return;
	snprintf(a->etag, sizeof(a->etag), "\"%s\"", q->md5);
	upload_part(u, number, data_get(q->body), a->etag);
	sum_answer(q, a);
}

/* MD5 of n bytes of data, quoted. */
static void md5_of(const struct data *d, int64_t off, int64_t n, char etag[96])
{
	unsigned char buf[65536], raw[16];
	unsigned len = 16;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_DigestInit_ex(md, EVP_md5(), NULL);
	for (size_t k; n > 0; n -= k, off += k) {
		k = n < (int64_t)sizeof(buf) ? (size_t)n : sizeof(buf);
		data_read(d, off, buf, k);
		EVP_DigestUpdate(md, buf, k);
	}
	EVP_DigestFinal_ex(md, raw, &len);
	EVP_MD_CTX_free(md);
	strcpy(etag, "\"");
	for (int i = 0; i < 16; i++)
		sprintf(etag + strlen(etag), "%02x", raw[i]);
	strcat(etag, "\"");
}

void copy_part(struct request *q, struct answer *a)
{
	int number;
	int64_t off, len;
	char etag[96];
	struct upload *u = upload_of(q, a, &number);
	const struct object *o = u && may_decrypt(q, a, u->beside.key_md5, "") ? copy_source(q, a, &off, &len) : NULL;
	if (!o)
		return;
	struct data *d = o->data->bytes ? data_new(len) : data_view(o->data, off, len);
	if (!d) {
		answer_error(a, 500, "InternalError", "no memory");
		return;
	}
	if (d->bytes)
		data_read(o->data, off, d->bytes, len);
	if (d->bytes)
		md5_of(o->data, off, len, etag);
	else                            /* made up, like its bytes */
		sprintf(etag, "\"%016llx%016llx\"", (unsigned long long)off, (unsigned long long)len);
	upload_part(u, number, d, etag);
	text_print(&a->body, "<CopyPartResult><ETag>%s</ETag></CopyPartResult>", etag);
}

/* The parts a Complete names, in order. */
struct named {
	struct upload *u;
	int n, number, place;           /* of u->part */
	int64_t size;
	const char *err;
	struct part **part;
};

static void part_named(void *arg, const char *tag, const char *text)
{
	struct named *n = arg;
	if (n->err)
		return;
	if (strcmp(tag, "PartNumber") == 0) {
		if (atoi(text) <= n->number)
			n->err = "InvalidPartOrder";
		n->number = atoi(text);
		return;
	}
	if (strcmp(tag, "ETag") != 0)
		return;
	for (int i = 0; i < n->u->parts; i++) {
		struct part *p = &n->u->part[i];
		size_t len = strlen(p->etag);
		if (p->number != n->number || (strcmp(text, p->etag) != 0 &&
		    !(strlen(text) == len - 2 && strncmp(text, p->etag + 1, len - 2) == 0)))
			continue;
		if (n->n && n->part[n->n - 1]->data->size < set.min_part)
			n->err = "EntityTooSmall";
		if (n->n && n->part[0]->data->size != n->part[n->n - 1]->data->size && strcmp(set.equal, "on") == 0)
			n->err = "InvalidPart";
		n->part[n->n++] = p;
		n->size += p->data->size;
		return;
	}
	n->err = "InvalidPart";
}

/* MD5 of the parts' MD5s, and how many. */
static void etag_of(const struct named *n, char etag[96])
{
	struct data *all = data_new(16 * n->n);
	for (int i = 0; i < n->n; i++) {
		for (int k = 0; k < 16; k++)
			sscanf(n->part[i]->etag + 1 + 2 * k, "%2hhx", all->bytes + 16 * i + k);
	}
	md5_of(all, 0, all->size, etag);
	data_put(all);
	sprintf(etag + strlen(etag) - 1, "-%d\"", n->n);
}

static struct data *as_they_are(const struct named *n)
{
	struct data **part = calloc(n->n, sizeof(*part));
	for (int i = 0; i < n->n; i++)
		part[i] = n->part[i]->data;
	struct data *d = data_joined(part, n->n);
	free(part);
	return d;
}

/* All in one; or, if one of them has no bytes, as they are. */
static struct data *joined(const struct named *n)
{
	bool made_up = false;
	for (int i = 0; i < n->n; i++)
		made_up |= !n->part[i]->data->bytes && n->part[i]->data->size;
	if (made_up)
		return as_they_are(n);
	struct data *d = data_new(n->size);
	int64_t at = 0;
	for (int i = 0; d && i < n->n; i++) {
		data_read(n->part[i]->data, 0, d->bytes + at, n->part[i]->data->size);
		at += n->part[i]->data->size;
	}
	return d;
}

static void complete(struct request *q, struct answer *a, struct named *n)
{
	char etag[96];
	if (q->rule && strcmp(q->rule->fault->name, "drop-part") == 0 && n->n > 1)
		n->size -= n->part[--n->n]->data->size;
	struct data *d = joined(n);
	if (!d) {
		answer_error(a, 500, "InternalError", "no memory");
		return;
	}
	etag_of(n, etag);
	text_print(&a->body, "<CompleteMultipartUploadResult><ETag>%s</ETag>", etag);
	if (!sum_complete(q, a, d)) {
		data_put(d);
		return;
	}
	text_print(&a->body, "</CompleteMultipartUploadResult>");
	store_put(q->name, d, etag, n->u->beside);
	memset(&n->u->beside, 0, sizeof(n->u->beside));
	upload_free(n->u);
}

void complete_upload(struct request *q, struct answer *a)
{
	int number;
	struct upload *u = upload_of(q, a, &number);
	if (!u || !may_write(q, a, store_find(q->name)))
		return;
	struct named n = { .u = u, .part = calloc(u->parts + 1, sizeof(*n.part)) };
	if (xml_leaves((char *)q->body->bytes, q->body->size, part_named, &n) < 0)
		n.err = "MalformedXML";
	if (!n.err && n.n == 0)
		n.err = "InvalidPart";
	if (n.err)
		answer_error(a, 400, n.err, "CompleteMultipartUpload");
	else
		complete(q, a, &n);
	free(n.part);
}

void abort_upload(struct request *q, struct answer *a)
{
	int number;
	struct upload *u = upload_of(q, a, &number);
	if (!u)
		return;
	upload_free(u);
	a->status = 204;
}
