/* SPDX-License-Identifier: MIT */
/* GetObjectTagging; see tags.h. */
#include "tags.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/xml.h"

#define TAG 1100                        /* bytes of a key or value: 256 characters */

struct tags {
	struct s3_request r;
	char key[1100], version[64];
	char name[TAG];                 /* of the tag that is read */
	char text[24576];
	size_t n;
	int err;
	void (*done)(void *arg, const char *tags, int err);
	void *arg;
};

int tags_told(const struct s3_request *head)
{
	const char *n = http_got(head->http, "x-amz-tagging-count");

	return n && atoi(n) > 0;
}

/* A piece and what it ends with, encoded. */
static void add(struct tags *t, const char *text, const char *end)
{
	long n = sigv4_encode(t->text + t->n, sizeof(t->text) - t->n, text, strlen(text), 0);

	if (n < 0 || t->n + (size_t)n + strlen(end) >= sizeof(t->text)) {
		t->err = -E2BIG;
		return;
	}
	t->n += (size_t)n;
	t->n += (size_t)sprintf(t->text + t->n, "%s", end);
}

static int leaf(void *arg, const char *path, const char *value)
{
	struct tags *t = arg;

	if (!strcmp(path, "Tagging/TagSet/Tag/Key"))
		snprintf(t->name, sizeof(t->name), "%s", value);
	if (strcmp(path, "Tagging/TagSet/Tag/Value") || !strncmp(t->name, "aws:", 4))
		return 0;
	if (t->n)
		t->text[t->n++] = '&';
	add(t, t->name, "=");
	if (!t->err)
		add(t, value, "");
	return t->err;
}

static void got(struct s3_request *r, int err)
{
	struct tags *t = r->arg;

	if (!err)
		err = xml_parse(r->text ? r->text : "", r->text_len, leaf, NULL, t);
	t->text[t->n] = '\0';
	t->done(t->arg, err ? "" : t->text, err);
	free(t);
}

void tags_get(struct s3_bucket *b, const char *key, const char *version,
	      void (*done)(void *arg, const char *tags, int err), void *arg)
{
	struct tags *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	snprintf(t->key, sizeof(t->key), "%s", key);
	snprintf(t->version, sizeof(t->version), "%s", version);
	t->done = done;
	t->arg = arg;
	s3_prepare(&t->r, b, "GET", t->key, got, t);
	s3_param(&t->r, "tagging", "");
	if (*version)
		s3_param(&t->r, "versionId", t->version);
	s3_start(&t->r);
}
