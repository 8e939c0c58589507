/* SPDX-License-Identifier: MIT */
/*
 * What is kept beside an object's bytes, and how S3 treats it: metadata and tags
 * go with a copy unless it is told otherwise; storage class, encryption and a
 * redirection are of the request that makes an object, and SSE-C wants its key in
 * every one that touches the bytes.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

#define SSE "x-amz-server-side-encryption"

static char *lines_of(const struct request *q, const char *const *names, const char *prefix)
{
	struct text t = { 0 };
	text_add(&t, "", 0);
	for (unsigned i = 0; i < q->headers; i++) {
		const struct pair *h = &q->header[i];
		bool keep = prefix && strncmp(h->name, prefix, strlen(prefix)) == 0;
		for (const char *const *n = names; *n; n++)
			keep |= strcmp(h->name, *n) == 0;
		if (keep)
			text_print(&t, "%s: %s\r\n", h->name, h->value);
	}
	return t.p;
}

static char *meta_of(const struct request *q)
{
	static const char *const names[] = { "content-type", "content-encoding", "content-disposition", "content-language",
					     "cache-control", "expires", NULL };
	return lines_of(q, names, "x-amz-meta-");
}

static char *own_of(const struct request *q)
{
	static const char *const names[] = { "x-amz-storage-class", "x-amz-website-redirect-location",
					     "x-amz-checksum-crc32", "x-amz-checksum-crc64nvme", "x-amz-checksum-sha256",
					     "x-amz-checksum-type", SSE,
					     SSE "-aws-kms-key-id", SSE "-bucket-key-enabled",
					     SSE "-customer-algorithm", SSE "-customer-key-md5", NULL };
	return lines_of(q, names, NULL);
}

static char *copy_of(const char *s)
{
	return strdup(s ? s : "");
}

struct beside beside_of(const struct request *q)
{
	const char *key = header_of(q, SSE "-customer-key-md5");
	struct beside b = { meta_of(q), own_of(q), copy_of(header_of(q, "x-amz-tagging")), "" };
	snprintf(b.key_md5, sizeof(b.key_md5), "%s", key ? key : "");
	return b;
}

struct beside beside_copied(const struct request *q, const struct beside *from)
{
	const char *meta = header_of(q, "x-amz-metadata-directive"), *tags = header_of(q, "x-amz-tagging-directive");
	struct beside b = beside_of(q);
	if (!meta || strcmp(meta, "REPLACE") != 0) {
		free(b.meta);
		b.meta = copy_of(from->meta);
	}
	if (!tags || strcmp(tags, "REPLACE") != 0) {
		free(b.tags);
		b.tags = copy_of(from->tags);
	}
	return b;
}

struct beside beside_again(const struct beside *b)
{
	struct beside copy = { copy_of(b->meta), copy_of(b->own), copy_of(b->tags), "" };
	memcpy(copy.key_md5, b->key_md5, sizeof(copy.key_md5));
	return copy;
}

struct beside beside_none(void)
{
	return (struct beside){ strdup(""), strdup(""), strdup(""), "" };
}

void beside_free(struct beside *b)
{
	free(b->meta);
	free(b->own);
	free(b->tags);
	memset(b, 0, sizeof(*b));
}

/* "a=b&c=d" */
static unsigned count(const char *tags)
{
	unsigned n = *tags != '\0';
	for (; *tags; tags++)
		n += *tags == '&';
	return n;
}

void beside_tell(const struct beside *b, struct answer *a)
{
	text_add(&a->extra, b->meta, strlen(b->meta));
	text_add(&a->extra, b->own, strlen(b->own));
	if (*b->tags)
		text_print(&a->extra, "x-amz-tagging-count: %u\r\n", count(b->tags));
}

/* What S3 says of a new object's encryption. */
void beside_echo(const struct beside *b, struct answer *a)
{
	for (const char *p = b->own; *p; p += strcspn(p, "\n") + (strchr(p, '\n') != NULL)) {
		if (strncmp(p, SSE, strlen(SSE)) == 0)
			text_add(&a->extra, p, strcspn(p, "\n") + 1);
	}
}

/* The key that came is the one its sum says. */
static bool is_key(const struct request *q, const char *prefix)
{
	char name[128];
	unsigned char key[64], md5[64];
	snprintf(name, sizeof(name), "x-amz-%sserver-side-encryption-customer-key", prefix);
	const char *text = header_of(q, name);
	snprintf(name, sizeof(name), "x-amz-%sserver-side-encryption-customer-key-md5", prefix);
	const char *sum = header_of(q, name);
	if (!text || !sum || strlen(text) != 44 || EVP_DecodeBlock(key, (const unsigned char *)text, 44) != 33)
		return false;
	EVP_Digest(key, 32, md5, NULL, EVP_md5(), NULL);
	char want[32];
	EVP_EncodeBlock((unsigned char *)want, md5, 16);
	return strcmp(sum, want) == 0;
}

bool may_decrypt(struct request *q, struct answer *a, const char *key_md5, const char *prefix)
{
	char name[128];
	snprintf(name, sizeof(name), "x-amz-%sserver-side-encryption-customer-algorithm", prefix);
	const char *algorithm = header_of(q, name);
	snprintf(name, sizeof(name), "x-amz-%sserver-side-encryption-customer-key-md5", prefix);
	const char *given = header_of(q, name);
	if (!algorithm && !*key_md5)
		return true;
	if (!algorithm)
		answer_error(a, 400, "InvalidRequest", "The object was stored using a form of Server Side Encryption. "
			     "The correct parameters must be provided to retrieve the object.");
	else if (!*key_md5)
		answer_error(a, 400, "InvalidRequest", "The encryption parameters are not applicable to this object.");
	else if (!is_key(q, prefix))
		answer_error(a, 400, "InvalidArgument", "The calculated MD5 hash of the key did not match the hash that was provided.");
	else if (strcmp(given, key_md5) != 0)
		answer_error(a, 403, "AccessDenied", "Access Denied");
	else
		return true;
	return false;
}

bool may_encrypt(struct request *q, struct answer *a)
{
	const char *sse = header_of(q, SSE), *id = header_of(q, SSE "-aws-kms-key-id");
	bool c = header_of(q, SSE "-customer-algorithm") != NULL;
	if (c && !is_key(q, ""))
		answer_error(a, 400, "InvalidArgument", "The calculated MD5 hash of the key did not match the hash that was provided.");
	else if ((c && sse) || (id && (!sse || strncmp(sse, "aws:kms", 7) != 0)))
		answer_error(a, 400, "InvalidArgument", "encryption headers that exclude each other");
	else
		return true;
	return false;
}

void get_tags(struct request *q, struct answer *a)
{
	const struct object *o = store_find(q->name);
	if (!o) {
		answer_error(a, 404, "NoSuchKey", q->key);
		return;
	}
	char *copy = strdup(o->beside.tags), *save;
	text_print(&a->body, "<Tagging><TagSet>");
	for (char *t = strtok_r(copy, "&", &save); t; t = strtok_r(NULL, "&", &save)) {
		char *value = strchr(t, '=');
		if (value)
			*value++ = '\0';
		undo_percent(t, true);
		text_print(&a->body, "<Tag><Key>");
		text_xml(&a->body, t, false);
		text_print(&a->body, "</Key><Value>");
		if (value)
			undo_percent(value, true);
		text_xml(&a->body, value ? value : "", false);
		text_print(&a->body, "</Value></Tag>");
	}
	text_print(&a->body, "</TagSet></Tagging>");
	free(copy);
}
