/* SPDX-License-Identifier: MIT */
/* Listings: of objects, and of uploads and their parts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

static void stamp(struct text *t, const char *tag, time_t when)
{
	char s[64];
	struct tm tm;
	strftime(s, sizeof(s), "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&when, &tm));
	text_print(t, "<%s>%s</%s>", tag, s, tag);
}

static void element(struct text *t, const char *tag, const char *s, bool url)
{
	text_print(t, "<%s>", tag);
	text_xml(t, s, url);
	text_print(t, "</%s>", tag);
}

static void root(struct text *t, const char *name)
{
	text_print(t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<%s xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", name);
}

/* What the parameters of ListObjectsV2 say. */
struct listing {
	const char *prefix, *delimiter;
	bool url;
	long max;
	char from[256 + KEY_MAX + 8];   /* bucket/key: after this one */
	char last[256 + KEY_MAX + 8];   /* the last that was listed */
	bool more;
	long n;
	struct text keys, prefixes;
};

static void contents(struct listing *l, const struct object *o, const char *key)
{
	text_print(&l->keys, "<Contents>");
	element(&l->keys, "Key", key, l->url);
	stamp(&l->keys, "LastModified", o->mtime);
	element(&l->keys, "ETag", o->etag, false);
	text_print(&l->keys, "<Size>%lld</Size><StorageClass>STANDARD</StorageClass></Contents>", (long long)o->data->size);
}

/* All names with the prefix are neighbours. A common prefix counts once, and what is below it is passed over. */
static void walk(struct listing *l, const char *bucket)
{
	char all[256 + KEY_MAX + 8];
	size_t skip = strlen(bucket) + 1, n = snprintf(all, sizeof(all), "%s/%s", bucket, l->prefix);
	const struct object *o;
	size_t i = store_place(strcmp(l->from, all) > 0 ? l->from : all);
	if ((o = store_at(i)) && strcmp(o->name, l->from) == 0)
		i++;
	while ((o = store_at(i)) && strncmp(o->name, all, n) == 0) {
		if (l->n == l->max) {
			l->more = true;
			return;
		}
		const char *key = o->name + skip;
		const char *cut = *l->delimiter ? strstr(key + strlen(l->prefix), l->delimiter) : NULL;
		if (cut) {
			char common[KEY_MAX + 1];
			snprintf(common, sizeof(common), "%.*s", (int)(cut + strlen(l->delimiter) - key), key);
			text_print(&l->prefixes, "<CommonPrefixes>");
			element(&l->prefixes, "Prefix", common, l->url);
			text_print(&l->prefixes, "</CommonPrefixes>");
			/* 0xff is in no key: after all that begin so */
			snprintf(l->last, sizeof(l->last), "%s/%s\xff", bucket, common);
			i = store_place(l->last);
		} else {
			contents(l, o, key);
			snprintf(l->last, sizeof(l->last), "%s", o->name);
			i++;
		}
		l->n++;
	}
}

/* Where to begin, after: a token is the last name in hexadecimal. */
static void begin(const struct request *q, struct listing *l)
{
	const char *token = param_of(q, "continuation-token"), *after = param_of(q, "start-after");
	unsigned c;
	size_t n = 0;
	while (token && n + 1 < sizeof(l->from) && sscanf(token + 2 * n, "%2x", &c) == 1)
		l->from[n++] = c;
	if (!token && after)
		snprintf(l->from, sizeof(l->from), "%s/%s", q->bucket, after);
}

void list_objects(struct request *q, struct answer *a)
{
	const char *prefix = param_of(q, "prefix"), *delimiter = param_of(q, "delimiter");
	const char *max = param_of(q, "max-keys"), *url = param_of(q, "encoding-type");
	struct listing l = { .prefix = prefix ? prefix : "", .delimiter = delimiter ? delimiter : "",
			     .url = url && strcmp(url, "url") == 0, .max = max ? atol(max) : set.max_keys };
	if (l.max > set.max_keys)
		l.max = set.max_keys;
	begin(q, &l);
	walk(&l, q->bucket);
	struct text *t = &a->body;
	root(t, "ListBucketResult");
	element(t, "Name", q->bucket, false);
	element(t, "Prefix", l.prefix, l.url);
	if (*l.delimiter)
		element(t, "Delimiter", l.delimiter, l.url);
	text_print(t, "<KeyCount>%ld</KeyCount><MaxKeys>%ld</MaxKeys>%s<IsTruncated>%s</IsTruncated>", l.n, l.max,
		   l.url ? "<EncodingType>url</EncodingType>" : "", l.more ? "true" : "false");
	if (l.more) {
		text_print(t, "<NextContinuationToken>");
		for (const char *p = l.last; *p; p++)
			text_print(t, "%02x", (unsigned char)*p);
		text_print(t, "</NextContinuationToken>");
	}
	if (l.keys.n)
		text_add(t, l.keys.p, l.keys.n);
	if (l.prefixes.n)
		text_add(t, l.prefixes.p, l.prefixes.n);
	text_print(t, "</ListBucketResult>");
	free(l.keys.p);
	free(l.prefixes.p);
}

void list_uploads(struct request *q, struct answer *a)
{
	const char *prefix = param_of(q, "prefix");
	size_t skip = strlen(q->bucket) + 1;
	root(&a->body, "ListMultipartUploadsResult");
	text_print(&a->body, "<IsTruncated>false</IsTruncated>");
	for (struct upload *u = upload_first(); u; u = u->next) {
		if (strncmp(u->name, q->name, skip) != 0 || (prefix && strncmp(u->name + skip, prefix, strlen(prefix)) != 0))
			continue;
		text_print(&a->body, "<Upload>");
		element(&a->body, "Key", u->name + skip, false);
		element(&a->body, "UploadId", u->id, false);
		stamp(&a->body, "Initiated", server_now());
		text_print(&a->body, "</Upload>");
	}
	text_print(&a->body, "</ListMultipartUploadsResult>");
}

void list_parts(struct request *q, struct answer *a)
{
	struct upload *u = upload_find(param_of(q, "uploadId"), q->name);
	if (!u) {
		answer_error(a, 404, "NoSuchUpload", "no such upload");
		return;
	}
	root(&a->body, "ListPartsResult");
	element(&a->body, "UploadId", u->id, false);
	text_print(&a->body, "<IsTruncated>false</IsTruncated>");
	for (int i = 0; i < u->parts; i++) {
		text_print(&a->body, "<Part><PartNumber>%d</PartNumber><Size>%lld</Size>", u->part[i].number,
			   (long long)u->part[i].data->size);
		element(&a->body, "ETag", u->part[i].etag, false);
		text_print(&a->body, "</Part>");
	}
	text_print(&a->body, "</ListPartsResult>");
}
