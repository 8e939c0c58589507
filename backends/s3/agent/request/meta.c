/* SPDX-License-Identifier: MIT */
/* Headers of objects; see meta.h. */
#include "meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "headers.h"
#include "object_ops.h"
#include "options.h"

static const char *keep(struct meta *m, const char *s)
{
	size_t n = strlen(s) + 1;
	char *to = m->text + m->used;

	if (n > sizeof(m->text) - m->used) {
		m->full = 1;
		return "";
	}
	m->used += n;
	return memcpy(to, s, n);
}

static struct http_header *find(const struct meta *m, const char *name)
{
	for (unsigned i = 0; i < m->n; i++)
		if (!strcmp(m->h[i].name, name))
			return (struct http_header *)&m->h[i];
	return NULL;
}

void meta_set(struct meta *m, const char *name, const char *value)
{
	struct http_header *h = find(m, name);

	if (!value) {
		if (h)
			*h = m->h[--m->n];
		return;
	}
	if (!h) {
		if (m->n == S3_EXTRA - 8) {             /* conditions and checksums come on top */
			m->full = 1;
			return;
		}
		h = &m->h[m->n++];
		h->name = keep(m, name);
	}
	h->value = keep(m, value);
}

const char *meta_get(const struct meta *m, const char *name)
{
	const struct http_header *h = find(m, name);

	return h ? h->value : NULL;
}

static void number(struct meta *m, const char *name, unsigned long n)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", n);
	meta_set(m, name, text);
}

void meta_attr(struct meta *m, const struct s3_attr *attr, unsigned set)
{
	char text[48];

	if (set & OBJECT_MODE)
		number(m, "x-amz-meta-mode", attr->mode);
	if (set & OBJECT_OWNER) {
		number(m, "x-amz-meta-uid", attr->uid);
		number(m, "x-amz-meta-gid", attr->gid);
	}
	if (set & OBJECT_TIMES) {
		long long sec = attr->mtime_sec;
		long nsec = attr->mtime_nsec;

		if (sec < 0 && nsec) {          /* -0.5 is second -1 and a half */
			sec++;
			nsec = 1000000000 - nsec;
		}
		snprintf(text, sizeof(text), "%s%lld.%09ld", attr->mtime_sec < 0 && !sec ? "-" : "", sec, nsec);
		meta_set(m, "x-amz-meta-mtime", text);
	}
}

static void take(struct meta *m, const struct s3_request *head, const char *name)
{
	const char *value = http_got(head->http, name);

	if (value && !headers_said(head->bucket, name))
		meta_set(m, name, value);
}

/* The service's own encryption is left to it: what the bucket has by now may be better. */
static void take_encryption(struct meta *m, const struct s3_request *head)
{
	const char *kind = http_got(head->http, "x-amz-server-side-encryption");

	if (!kind || strncmp(kind, "aws:kms", 7) || headers_encrypt(head->bucket) || head->bucket->express)
		return;
	take(m, head, "x-amz-server-side-encryption");
	take(m, head, "x-amz-server-side-encryption-aws-kms-key-id");
	take(m, head, "x-amz-server-side-encryption-bucket-key-enabled");
}

void meta_beside(struct meta *m, const struct s3_request *head)
{
	take(m, head, "x-amz-storage-class");
	take(m, head, "x-amz-website-redirect-location");
	take_encryption(m, head);
	m->beside = 1;
}

void meta_preserve(struct meta *m, const struct s3_request *head)
{
	static const char *const names[] = {
		"content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires",
	};
	const struct http *h = head->http;

	meta_beside(m, head);
	m->beside = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		take(m, head, names[i]);
	for (unsigned i = 0; i < h->ngot; i++)
		if (!strncmp(h->got[i].name, "x-amz-meta-", 11) && strcmp(h->got[i].name, META_STAMP))
			meta_set(m, h->got[i].name, h->got[i].value);
}

static const struct {
	const char *extension, *type;
} types[] = {
	{ "7z", "application/x-7z-compressed" }, { "avi", "video/x-msvideo" }, { "avif", "image/avif" },
	{ "bmp", "image/bmp" }, { "bz2", "application/x-bzip2" }, { "c", "text/x-csrc" }, { "css", "text/css" },
	{ "csv", "text/csv" }, { "gif", "image/gif" }, { "gz", "application/gzip" }, { "h", "text/x-chdr" },
	{ "htm", "text/html" }, { "html", "text/html" }, { "ico", "image/vnd.microsoft.icon" },
	{ "ics", "text/calendar" }, { "jpeg", "image/jpeg" }, { "jpg", "image/jpeg" }, { "js", "text/javascript" },
	{ "json", "application/json" }, { "log", "text/plain" }, { "m4a", "audio/mp4" }, { "md", "text/markdown" },
	{ "mjs", "text/javascript" }, { "mkv", "video/x-matroska" }, { "mov", "video/quicktime" },
	{ "mp3", "audio/mpeg" }, { "mp4", "video/mp4" }, { "ogg", "audio/ogg" }, { "parquet", "application/vnd.apache.parquet" },
	{ "pdf", "application/pdf" }, { "png", "image/png" }, { "ps", "application/postscript" },
	{ "py", "text/x-python" }, { "sh", "application/x-sh" }, { "svg", "image/svg+xml" }, { "tar", "application/x-tar" },
	{ "tgz", "application/gzip" }, { "tif", "image/tiff" }, { "tiff", "image/tiff" }, { "ttf", "font/ttf" },
	{ "txt", "text/plain" }, { "wasm", "application/wasm" }, { "wav", "audio/x-wav" }, { "webm", "video/webm" },
	{ "webp", "image/webp" }, { "woff", "font/woff" }, { "woff2", "font/woff2" }, { "xhtml", "application/xhtml+xml" },
	{ "xml", "application/xml" }, { "xz", "application/x-xz" }, { "yaml", "application/yaml" },
	{ "yml", "application/yaml" }, { "zip", "application/zip" }, { "zst", "application/zstd" },
};

const char *meta_content_type(const char *key)
{
	const char *slash = strrchr(key, '/'), *dot = strrchr(slash ? slash : key, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++)
		if (!strcasecmp(dot + 1, types[i].extension))
			return types[i].type;
	return "application/octet-stream";
}

void meta_rule(struct meta *m, const struct s3_bucket *b, const char *key)
{
	long long type = b->option[S3_OPT_TYPE];

	if (!meta_get(m, "content-type"))
		meta_set(m, "content-type", type ? b->text + type : meta_content_type(key));
}

void meta_send(const struct meta *m, struct s3_request *r)
{
	for (unsigned i = 0; i < m->n; i++)
		s3_header(r, m->h[i].name, m->h[i].value);
}

char *meta_save(const struct meta *m)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	for (unsigned i = 0; f && i < m->n; i++)
		fprintf(f, "%s: %s\n", m->h[i].name, m->h[i].value);
	if (!f || fclose(f))
		abort();
	return text;
}

void meta_load(struct meta *m, const char *saved)
{
	char *copy = strdup(saved), *rest = copy, *line;

	while (copy && (line = strsep(&rest, "\n")) && *line) {
		char *colon = strstr(line, ": ");

		if (!colon)
			continue;
		*colon = 0;
		meta_set(m, line, colon + 2);
	}
	free(copy);
}
