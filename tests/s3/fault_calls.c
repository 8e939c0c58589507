/* SPDX-License-Identifier: MIT */
/* The calls on objects, and which call a request is. */
#include <expat.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

static void yes(struct request *q, struct answer *a)
{
	(void)q;
	a->status = 200;
}

static void create_bucket(struct request *q, struct answer *a)
{
	store_bucket(q->bucket, true);
	a->status = 200;
}

static void location(struct request *q, struct answer *a)
{
	(void)q;
	text_print(&a->body, "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">%s</LocationConstraint>",
		   strcmp(set.region, "us-east-1") == 0 ? "" : set.region);
}

static void versioning(struct request *q, struct answer *a)
{
	(void)q;
	text_print(&a->body, "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>");
}

static void delete_bucket(struct request *q, struct answer *a)
{
	char below[258];
	snprintf(below, sizeof(below), "%s/", q->bucket);
	const struct object *o = store_at(store_place(below));
	if (o && strncmp(o->name, below, strlen(below)) == 0) {
		answer_error(a, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
		return;
	}
	store_bucket_gone(q->bucket);
	a->status = 204;
}

/* The first row that fits. */
static const struct call calls[] = {
	{ "ListBuckets", "GET", 0, NULL, NULL, yes },
	{ "ListObjectsV2", "GET", 1, "list-type", NULL, list_objects },
	{ "ListMultipartUploads", "GET", 1, "uploads", NULL, list_uploads },
	{ "CreateSession", "GET", 1, "session", NULL, create_session },
	{ "GetBucketLocation", "GET", 1, "location", NULL, location },
	{ "GetBucketVersioning", "GET", 1, "versioning", NULL, versioning },
	{ "HeadBucket", "HEAD", 1, NULL, NULL, yes },
	{ "CreateBucket", "PUT", 1, NULL, NULL, create_bucket },
	{ "DeleteBucket", "DELETE", 1, NULL, NULL, delete_bucket },
	{ "DeleteObjects", "POST", 1, "delete", NULL, delete_objects },
	{ "ListParts", "GET", 2, "uploadId", NULL, list_parts },
	{ "GetObjectTagging", "GET", 2, "tagging", NULL, get_tags },
	{ "GetObjectAttributes", "GET", 2, "attributes", NULL, object_attributes },
	{ "GetObject", "GET", 2, NULL, NULL, get_object },
	{ "HeadObject", "HEAD", 2, NULL, NULL, get_object },
	{ "UploadPartCopy", "PUT", 2, "partNumber", "x-amz-copy-source", copy_part },
	{ "UploadPart", "PUT", 2, "partNumber", NULL, put_part },
	{ "CopyObject", "PUT", 2, NULL, "x-amz-copy-source", copy_object },
	{ "PutObject", "PUT", 2, NULL, NULL, put_object },
	{ "CreateMultipartUpload", "POST", 2, "uploads", NULL, create_upload },
	{ "CompleteMultipartUpload", "POST", 2, "uploadId", NULL, complete_upload },
	{ "AbortMultipartUpload", "DELETE", 2, "uploadId", NULL, abort_upload },
	{ "DeleteObject", "DELETE", 2, NULL, NULL, delete_object },
};

const struct call *call_of(struct request *q)
{
	int on = *q->key ? 2 : *q->bucket ? 1 : 0;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		const struct call *c = &calls[i];
		if (c->on == on && strcmp(c->method, q->method) == 0 && (!c->param || param_of(q, c->param)) &&
		    (!c->header || header_of(q, c->header)))
			return c;
	}
	return NULL;
}

/* ---- conditions and ranges ---- */

/* Whether an If-Match or If-None-Match names this object: *, or a list with or without quotes. */
static bool names_it(const char *list, const struct object *o)
{
	size_t n = strlen(o->etag);
	if (strcmp(list, "*") == 0 || strstr(list, o->etag))
		return true;
	return strlen(list) == n - 2 && strncmp(list, o->etag + 1, n - 2) == 0;
}

/* "bytes=..." -> off and len; 1 it holds, 0 to be ignored, -1 beyond the end. */
static int range_of(const char *range, int64_t size, int64_t *off, int64_t *len)
{
	long long first = -1, last = -1;
	int n = 0;
	if (sscanf(range, "bytes=-%lld%n", &last, &n) == 1 && !range[n]) {
		if (last > size)
			last = size;
		*off = size - last;
		*len = last;
		return last > 0 ? 1 : -1;
	}
	if (sscanf(range, "bytes=%lld-%n%lld%n", &first, &n, &last, &n) < 1 || !n || range[n] || first < 0)
		return 0;
	if (last >= 0 && last < first)
		return 0;
	if (first >= size)
		return -1;
	*off = first;
	*len = (last < 0 || last >= size ? size : last + 1) - first;
	return 1;
}

static bool may_read(struct request *q, struct answer *a, const struct object *o)
{
	const char *match = header_of(q, "if-match"), *none = header_of(q, "if-none-match");
	if (match && !names_it(match, o)) {
		answer_error(a, 412, "PreconditionFailed", "If-Match");
		return false;
	}
	if (none && names_it(none, o)) {
		a->status = 304;
		return false;
	}
	return true;
}

bool may_write(struct request *q, struct answer *a, const struct object *o)
{
	const char *match = header_of(q, "if-match"), *none = header_of(q, "if-none-match");
	if ((!match && !none) || strcmp(set.conditional, "off") == 0)
		return true;
	if (strcmp(set.conditional, "refused") == 0)
		answer_error(a, 501, "NotImplemented", "A header you provided implies functionality that is not implemented");
	else if (match && !o)
		answer_error(a, 404, "NoSuchKey", "If-Match of nothing");
	else if (match && !names_it(match, o))
		answer_error(a, 412, "PreconditionFailed", "If-Match");
	else if (none && o && names_it(none, o))
		answer_error(a, 412, "PreconditionFailed", "If-None-Match");
	else
		return true;
	return false;
}

/* ---- the calls ---- */

static void date(struct text *t, const char *name, time_t when)
{
	char s[64];
	struct tm tm;
	strftime(s, sizeof(s), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&when, &tm));
	text_print(t, "%s: %s\r\n", name, s);
}

void get_object(struct request *q, struct answer *a)
{
	struct object *o = store_find(q->name);
	const char *range = header_of(q, "range");
	if (!o) {
		answer_error(a, 404, "NoSuchKey", q->key);
		return;
	}
	snprintf(a->etag, sizeof(a->etag), "%s", o->etag);
	date(&a->extra, "Last-Modified", o->mtime);
	if (!may_decrypt(q, a, o->beside.key_md5, "") || !may_read(q, a, o))
		return;
	a->off = 0;
	a->len = o->data->size;
	int part = range ? range_of(range, o->data->size, &a->off, &a->len) : 0;
	if (part < 0) {
		snprintf(a->range, sizeof(a->range), "bytes */%lld", (long long)o->data->size);
		answer_error(a, 416, "InvalidRange", range);
		return;
	}
	if (part) {
		a->status = 206;
		snprintf(a->range, sizeof(a->range), "bytes %lld-%lld/%lld", (long long)a->off,
			 (long long)(a->off + a->len - 1), (long long)o->data->size);
	}
	a->data = data_get(o->data);
	beside_tell(&o->beside, a);
}

/*
 * The parts, as the object's own header says: x-amz-meta-parts: ChecksumX SIZE
 * SUM SIZE SUM ..., two on a page.
 */
void object_attributes(struct request *q, struct answer *a)
{
	const struct object *o = store_find(q->name);
	const char *marker = header_of(q, "x-amz-part-number-marker"), *at = o ? strstr(o->beside.meta, "x-amz-meta-parts: ") : NULL;
	char kind[40], sum[80];
	long long size;
	int n, number = 0, from = marker ? atoi(marker) : 0;
	if (!at || sscanf(at, "%*s %39s%n", kind, &n) != 1) {
		answer_error(a, o ? 400 : 404, o ? "InvalidRequest" : "NoSuchKey", "GetObjectAttributes");
		return;
	}
	text_print(&a->body, "<GetObjectAttributesResponse><ETag>x</ETag><ObjectParts>");
	for (at += n; *at == ' ' && number < from + 2 && sscanf(at, "%lld %79s%n", &size, sum, &n) == 2; at += n)
		if (++number > from)
			text_print(&a->body, "<Part><PartNumber>%d</PartNumber><Size>%lld</Size><%s>%s</%s></Part>", number, size, kind, sum, kind);
	text_print(&a->body, "<IsTruncated>%s</IsTruncated><NextPartNumberMarker>%d</NextPartNumberMarker>"
			     "</ObjectParts></GetObjectAttributesResponse>", *at == ' ' ? "true" : "false", number);
}

void put_object(struct request *q, struct answer *a)
{
	if (!may_encrypt(q, a) || !may_write(q, a, store_find(q->name)))
		return;
	snprintf(a->etag, sizeof(a->etag), "\"%s\"", q->md5);
	beside_echo(&store_put(q->name, data_get(q->body), a->etag, beside_of(q))->beside, a);
	sum_answer(q, a);
}

static bool is_locked(const char *name)
{
	return *set.locked && fnmatch(set.locked, name, 0) == 0;
}

void delete_object(struct request *q, struct answer *a)
{
	const struct object *o = store_find(q->name);
	if (is_locked(q->name)) {
		answer_error(a, 403, "AccessDenied", "Access Denied because object protected by object lock.");
		return;
	}
	if (!may_write(q, a, o))
		return;
	store_remove(q->name);
	a->status = 204;
}

struct object *copy_source(struct request *q, struct answer *a, int64_t *off, int64_t *len)
{
	char name[256 + KEY_MAX + 2];
	const char *from = header_of(q, "x-amz-copy-source"), *match = header_of(q, "x-amz-copy-source-if-match");
	const char *range = header_of(q, "x-amz-copy-source-range");
	snprintf(name, sizeof(name), "%s", from + (*from == '/'));
	undo_percent(name, false);
	struct object *o = store_find(name);
	if (!o) {
		answer_error(a, 404, "NoSuchKey", name);
		return NULL;
	}
	if (match && !names_it(match, o)) {
		answer_error(a, 412, "PreconditionFailed", "x-amz-copy-source-if-match");
		return NULL;
	}
	if (!may_decrypt(q, a, o->beside.key_md5, "copy-source-"))
		return NULL;
	*off = 0;
	*len = o->data->size;
	if (range && range_of(range, o->data->size, off, len) != 1) {
		answer_error(a, 416, "InvalidRange", range);
		return NULL;
	}
	return o;
}

void copy_object(struct request *q, struct answer *a)
{
	int64_t off, len;
	const char *directive = header_of(q, "x-amz-metadata-directive");
	bool replace = directive && strcmp(directive, "REPLACE") == 0;
	const struct object *o = copy_source(q, a, &off, &len);
	if (!o || !may_encrypt(q, a) || !may_write(q, a, store_find(q->name)))
		return;
	if (strcmp(o->name, q->name) == 0 && !replace) {
		answer_error(a, 400, "InvalidRequest", "This copy request is illegal because it changes nothing");
		return;
	}
	char etag[96];
	snprintf(etag, sizeof(etag), "%s", o->etag);
	o = store_put(q->name, data_get(o->data), etag, beside_copied(q, &o->beside));
	beside_echo(&o->beside, a);
	text_print(&a->body, "<CopyObjectResult><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>%s</ETag>"
			     "</CopyObjectResult>", etag);
}

/* ---- XML that comes ---- */

struct leaves {
	void (*fn)(void *arg, const char *tag, const char *text);
	void *arg;
	struct text text;
	bool leaf;
};

static void opens(void *arg, const char *tag, const char **attr)
{
	struct leaves *l = arg;
	(void)tag, (void)attr;
	l->leaf = true;
	l->text.n = 0;
	text_add(&l->text, "", 0);
}

static void chars(void *arg, const char *s, int n)
{
	text_add(&((struct leaves *)arg)->text, s, n);
}

static void closes(void *arg, const char *tag)
{
	struct leaves *l = arg;
	const char *colon = strrchr(tag, '|');
	if (l->leaf)
		l->fn(l->arg, colon ? colon + 1 : tag, l->text.p);
	l->leaf = false;
}

int xml_leaves(const char *p, size_t n, void (*fn)(void *arg, const char *tag, const char *text), void *arg)
{
	struct leaves l = { .fn = fn, .arg = arg };
	XML_Parser x = XML_ParserCreateNS(NULL, '|');
	XML_SetUserData(x, &l);
	XML_SetElementHandler(x, opens, closes);
	XML_SetCharacterDataHandler(x, chars);
	int ok = XML_Parse(x, p, n, 1) == XML_STATUS_OK;
	XML_ParserFree(x);
	free(l.text.p);
	return ok ? 0 : -1;
}

struct removal {
	struct request *q;
	struct text *out;
};

static void remove_one(void *arg, const char *tag, const char *text)
{
	struct removal *r = arg;
	char name[256 + KEY_MAX + 2];
	if (strcmp(tag, "Key") != 0)
		return;
	snprintf(name, sizeof(name), "%s/%s", r->q->bucket, text);
	bool locked = is_locked(name);
	if (!locked)
		store_remove(name);
	text_print(r->out, locked ? "<Error><Key>" : "<Deleted><Key>");
	text_xml(r->out, text, false);
	text_print(r->out, locked ? "</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>" :
		   "</Key></Deleted>");
}

void delete_objects(struct request *q, struct answer *a)
{
	struct removal r = { q, &a->body };
	text_print(&a->body, "<DeleteResult>");
	if (!header_of(q, "content-md5") && !header_of(q, "x-amz-checksum-crc32c"))
		answer_error(a, 400, "InvalidRequest", "Missing required header for this request: Content-MD5");
	else if (xml_leaves((char *)q->body->bytes, q->body->size, remove_one, &r) < 0)
		answer_error(a, 400, "MalformedXML", "DeleteObjects");
	else
		text_print(&a->body, "</DeleteResult>");
}
