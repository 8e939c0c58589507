/* SPDX-License-Identifier: MIT */
/*
 * Awkward keys by the agent's own requests: keys names|put|read|remove BUCKET.
 * names prints them, one a line; read is HEAD, GET and a listing of each.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "loop/loop.h"
#include "http/xml.h"

static char longest[1025];

static const char *const keys[] = {
	"plain", "a b", " lead", "trail ", "a+b", "a%b", "a%20b", "%2F", "~tilde", "a=b", "a&b=c", "a?b", "a#b", "a;b,c",
	"it's", "say \"so\"", "<tag>", "a&amp;b", "back\\slash", "star*", "(par)[br]{cu}", "at@col:on", "$dollar!", "^`|",
	"\xc3\xa9 NFC", "e\xcc\x81 NFD", "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80", "dir/", "dir/file", "a//b", "a///",
	"/lead", "//two", "dot/./x", "dot/../x", "./here", "../up", "dot/.", "dot/..", "...", "tab\there", "line\nbreak",
	"uploads", "?uploads", "x?partNumber=1&uploadId=2", "%41", "%C3%A9", "a%0Ab", "-", "_", "x.tar.gz", longest,
};

#define KEYS (sizeof(keys) / sizeof(*keys))

static struct s3_bucket *bucket;
static const char *looked_for;
static int found;

static void prepare(struct s3_request *r, const char *method, const char *key)
{
	memset(r, 0, sizeof(*r));
	r->bucket = bucket;
	r->method = method;
	r->key = key;
	r->first = r->last = -1;
	r->body_fd = -1;
}

static int complain(const char *what, const char *key, const struct s3_request *r, int err)
{
	fprintf(stderr, "%s \"%s\": %s %s\n", what, key, strerror(-err), r->message);
	return 1;
}

static int put(const char *key)
{
	struct s3_request r;
	int err;

	prepare(&r, "PUT", key);
	r.body = key;
	r.body_len = strlen(key);
	err = cmd_request(&r);
	return err ? complain("put", key, &r, err) : 0;
}

static void compare(struct s3_request *r, int err)
{
	found = !err && r->text_len == strlen(looked_for) && !memcmp(r->text, looked_for, r->text_len);
}

static int leaf(void *arg, const char *path, const char *value)
{
	(void)arg;
	found += !strcmp(path, "ListBucketResult/Contents/Key") && !strcmp(value, looked_for);
	return 0;
}

static void look(struct s3_request *r, int err)
{
	found = 0;
	if (!err)
		xml_parse(r->text, r->text_len, leaf, NULL, NULL);
}

static int must_be(const char *what, const char *key, struct s3_request *r)
{
	int err = cmd_request(r);

	return err || !found ? complain(what, key, r, err) : 0;
}

static int get(const char *key)
{
	struct s3_request r;
	int bad, err;

	looked_for = key;
	prepare(&r, "GET", key);
	r.done = compare;
	bad = must_be("get", key, &r);
	prepare(&r, "HEAD", key);
	err = cmd_request(&r);
	if (err || r.size != (int64_t)strlen(key))
		bad += complain("head", key, &r, err);
	prepare(&r, "GET", NULL);
	s3_param(&r, "list-type", "2");
	s3_param(&r, "prefix", key);
	r.done = look;
	return bad + must_be("list", key, &r);
}

static int rm(const char *key)
{
	struct s3_request r;
	int err;

	prepare(&r, "DELETE", key);
	err = cmd_request(&r);
	return err ? complain("remove", key, &r, err) : 0;
}

static int print(const char *key)
{
	puts(key);
	return 0;
}

static const struct { const char *name; int (*run)(const char *key); } modes[] = {
	{ "names", print }, { "put", put }, { "read", get }, { "remove", rm },
};

int main(int argc, char **argv)
{
	char why[S3_WHY] = "";
	int bad = 0;

	for (size_t i = 0; i < sizeof(longest) - 1; i++)
		longest[i] = "long /+%&~="[i % 11];
	if (argc != 3 || loop_init() || http_init() || s3_bucket_get(argv[2], &bucket, why)) {
		fprintf(stderr, "keys MODE BUCKET %s\n", why);
		return 2;
	}
	for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++)
		for (size_t i = 0; i < KEYS && !strcmp(argv[1], modes[m].name); i++)
			bad += modes[m].run(keys[i]);
	return bad != 0;
}
