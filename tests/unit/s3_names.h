/* SPDX-License-Identifier: MIT */
/*
 * A bucket in memory behind a fake s3_start, and the namespace asked about it;
 * what the units of names share.
 */
#ifndef S3_NAMES_UNIT_H
#define S3_NAMES_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "loop/loop.h"
#include "names/names.h"
#include "options.h"

/* Each unit uses some of it. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"

/* ---- time */

static uint64_t now = 5000000000u;

uint64_t loop_now(void)
{
	return now;
}

void loop_timer_set(struct loop_timer *t, uint64_t at)
{
	t->at = at;
}

/* ---- the bucket */

#define KEYS_MAX 12000

static struct { char *key; int64_t size; char etag[40]; } object[KEYS_MAX];
static unsigned objects, sorted, page_size, heads, lists, denied, endless;
static struct s3_request *asked[64];
static unsigned nasked;

static int by_key(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put(const char *key, int64_t size)
{
	assert_true(objects < KEYS_MAX);
	object[objects].key = strdup(key);
	object[objects].size = size;
	snprintf(object[objects].etag, sizeof(object[0].etag), "\"%x%lld\"", objects, (long long)size);
	objects++;
	sorted = 0;
}

static void sort(void)
{
	if (!sorted)
		qsort(object, objects, sizeof(*object), by_key);
	sorted = 1;
}

static int find(const char *key)
{
	for (unsigned i = 0; i < objects; i++)
		if (!strcmp(object[i].key, key))
			return (int)i;
	return -1;
}

static void gone(const char *key)
{
	int i = find(key);

	free(object[i].key);
	object[i] = object[--objects];
	sorted = 0;
}

void s3_param(struct s3_request *r, const char *name, const char *value)
{
	r->query[r->nquery++] = (struct sigv4_param){ name, value };
}

void s3_start(struct s3_request *r)
{
	assert_true(nasked < 64);
	asked[nasked++] = r;
}

static struct http_header headers[8];   /* of every object */
static struct http http = { .got = headers };

static void header(const char *name, const char *value)
{
	headers[http.ngot++] = (struct http_header){ name, value };
}

const char *http_got(const struct http *h, const char *name)
{
	for (unsigned i = 0; i < h->ngot; i++)
		if (!strcmp(h->got[i].name, name))
			return h->got[i].value;
	return NULL;
}

void s3_header(struct s3_request *r, const char *name, const char *value)
{
	r->header[r->headers++] = (struct http_header){ name, value };
}

static const char *sent(const struct s3_request *r, const char *name)
{
	for (unsigned i = 0; i < r->headers; i++)
		if (!strcmp(r->header[i].name, name))
			return r->header[i].value;
	return NULL;
}

static const char *param(const struct s3_request *r, const char *name)
{
	for (unsigned i = 0; i < r->nquery; i++)
		if (!strcmp(r->query[i].name, name))
			return r->query[i].value;
	return NULL;
}

static void url(FILE *f, const char *s, size_t n)
{
	for (; n; n--, s++)
		if (*s == ' ')
			fputc('+', f);
		else if (strchr("/-_.", *s) || (*s >= '0' && *s <= '9') || ((*s | 32) >= 'a' && (*s | 32) <= 'z'))
			fputc(*s, f);
		else
			fprintf(f, "%%%02X", (unsigned char)*s);
}

static void element(FILE *f, unsigned i, const char *key, size_t n)
{
	fprintf(f, "<%s>", object[i].key[n] ? "CommonPrefixes><Prefix" : "Contents><Key");
	url(f, key, n);
	if (object[i].key[n])
		fprintf(f, "</Prefix></CommonPrefixes>");
	else
		fprintf(f, "</Key><LastModified>2026-11-24T17:00:00.123Z</LastModified><ETag>&quot;%.*s&quot;</ETag>"
			"<Size>%lld</Size><StorageClass>STANDARD</StorageClass></Contents>",
			(int)strlen(object[i].etag) - 2, object[i].etag + 1, (long long)object[i].size);
}

/* The token is the number of the object to go on with. */
static char *page(const struct s3_request *r, size_t *len)
{
	const char *prefix = param(r, "prefix"), *token = param(r, "continuation-token"), *max = param(r, "max-keys");
	const char *delimiter = param(r, "delimiter"), *after = param(r, "start-after");
	unsigned most = max ? (unsigned)atoi(max) : page_size, n = 0, i = token ? (unsigned)atoi(token) : 0;
	size_t skip = strlen(prefix);
	char *text;
	FILE *f = open_memstream(&text, len);

	fprintf(f, "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (sort(); i < objects && n < most; n++) {
		const char *key = object[i].key, *slash;
		size_t to;

		if (strncmp(key, prefix, skip) || (after && !token && strcmp(key, after) <= 0)) {
			i++;
			n--;
			continue;
		}
		slash = delimiter ? strchr(key + skip, '/') : NULL;
		to = slash ? (size_t)(slash - key) + 1 : strlen(key);
		/* a key that ends in the delimiter is a common prefix, too */
		if (slash && !key[to]) {
			fprintf(f, "<CommonPrefixes><Prefix>");
			url(f, key, to);
			fprintf(f, "</Prefix></CommonPrefixes>");
		} else {
			element(f, i, key, to);
		}
		do
			i++;
		while (slash && i < objects && !strncmp(object[i].key, key, to));
	}
	if (endless)
		i = i % 7 + 1;
	fprintf(f, "<EncodingType>url</EncodingType><IsTruncated>%s</IsTruncated>", i < objects ? "true" : "false");
	if (i < objects)
		fprintf(f, "<NextContinuationToken>%u</NextContinuationToken>", i);
	fprintf(f, "</ListBucketResult>");
	fclose(f);
	return text;
}

static char body[] = "../else where";

static void answer(struct s3_request *r)
{
	int i;

	if (!r->key) {
		lists++;
		if (denied)
			strcpy(r->code, "AccessDenied");
		else
			r->text = page(r, &r->text_len);
		char *text = r->text;
		r->done(r, denied ? -EACCES : 0);
		free(text);
		return;
	}
	heads++;
	i = find(r->key);
	if (i >= 0 && sent(r, "if-match") && strcmp(sent(r, "if-match"), object[i].etag)) {
		r->done(r, -ESTALE);
		return;
	}
	if (i >= 0) {
		r->http = &http;
		if (!strcmp(r->method, "GET")) {
			r->text = body;
			r->text_len = strlen(body);
		}
		r->size = object[i].size;
		r->mtime = 1795539600;
		strcpy(r->etag, object[i].etag);
	}
	r->done(r, i >= 0 ? 0 : -ENOENT);
}

static void pump(void)
{
	while (nasked) {
		struct s3_request *r = asked[0];

		memmove(asked, asked + 1, --nasked * sizeof(*asked));
		answer(r);
	}
}

static char no_prefix[] = "", prefix_p[] = "p/", bucket_name[] = "b", endpoint[] = "http://localhost";
static long long option[BE_OPTIONS_MAX];
static struct s3_bucket bucket;

static int setup(void **state)
{
	(void)state;
	bucket = (struct s3_bucket){ .name = bucket_name, .prefix = no_prefix, .endpoint = endpoint, .option = option };
	option[S3_OPT_TTL] = 1000;
	option[S3_OPT_META] = S3_META_LIST;
	page_size = 1000;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(nasked, 0);
	while (objects)
		free(object[--objects].key);
	heads = lists = denied = endless = 0;
	http.ngot = 0;
	names_forget(&bucket, "");
	now += 100000000000u;
	return 0;
}

/* ---- asking it */

static struct s3_attr attr;
static int err, calls;
static struct names_list list;

static void got_attr(void *arg, const struct s3_attr *a, int e)
{
	(void)arg;
	calls++;
	err = e;
	if (a)
		attr = *a;
}

static int stat_of(const char *name)
{
	memset(&attr, 0, sizeof(attr));
	calls = 0;
	names_stat(&bucket, name, got_attr, NULL);
	pump();
	assert_int_equal(calls, 1);
	return err;
}

static void list_free(void)
{
	for (unsigned i = 0; i < list.n; i++)
		free((char *)list.entry[i].name);
	free(list.entry);
	memset(&list, 0, sizeof(list));
}

static void got_list(void *arg, const struct names_list *l, int e)
{
	(void)arg;
	calls++;
	err = e;
	list_free();
	if (!l)
		return;
	list.n = l->n;
	list.entry = calloc(l->n + 1, sizeof(*list.entry));
	for (unsigned i = 0; i < l->n; i++) {
		list.entry[i] = l->entry[i];
		list.entry[i].name = strdup(l->entry[i].name);
	}
}

static int list_of(const char *name)
{
	calls = 0;
	names_list(&bucket, name, got_list, NULL);
	pump();
	assert_int_equal(calls, 1);
	return err;
}

#endif
