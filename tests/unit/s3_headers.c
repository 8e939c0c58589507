/* SPDX-License-Identifier: MIT */
/* Which of a rule's headers goes with which kind of request, and options that cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/loop.h"
#include "request/headers.h"
#include "request/meta.h"

#define SSE "x-amz-server-side-encryption"
#define FROM "x-amz-copy-source-server-side-encryption"

static char key_file[] = "/tmp/shim-unit-XXXXXX";

static int get(const char *options, struct s3_bucket **b, char why[S3_WHY])
{
	char target[600];

	snprintf(target, sizeof(target), "bkt/pre?endpoint=http://127.0.0.1:1&%s", options);
	return s3_bucket_get(target, b, why);
}

static struct s3_bucket *bucket(const char *options)
{
	struct s3_bucket *b;
	char why[S3_WHY] = "";

	if (get(options, &b, why))
		fail_msg("%s: %s", options, why);
	return b;
}

static const struct {
	const char *kind, *method, *param[2];
	int copies, key;
} kinds[] = {
	{ "put", "PUT", { 0 }, 0, 1 }, { "create", "POST", { "uploads" }, 0, 1 }, { "copy", "PUT", { 0 }, 1, 1 },
	{ "part", "PUT", { "partNumber", "uploadId" }, 0, 1 }, { "part copy", "PUT", { "partNumber", "uploadId" }, 1, 1 },
	{ "complete", "POST", { "uploadId" }, 0, 1 }, { "get", "GET", { 0 }, 0, 1 }, { "get version", "GET", { "versionId" }, 0, 1 },
	{ "head", "HEAD", { 0 }, 0, 1 }, { "delete", "DELETE", { 0 }, 0, 1 }, { "list", "GET", { "list-type" }, 0, 0 },
	{ "tagging", "GET", { "tagging" }, 0, 1 }, { "parts", "GET", { "uploadId" }, 0, 1 }, { "abort", "DELETE", { "uploadId" }, 0, 1 },
};

/* The kinds that have the header, "put create ". */
static const char *who_has(struct s3_bucket *b, const char *name, const char *value)
{
	static char out[300];
	size_t n = 0;

	*out = '\0';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct s3_request r = { .bucket = b, .method = kinds[i].method, .key = kinds[i].key ? "k" : NULL, .body_len = 1 };
		struct http h = { .headers = 0 };

		for (int k = 0; k < 2 && kinds[i].param[k]; k++)
			s3_param(&r, kinds[i].param[k], "1");
		if (kinds[i].copies)
			s3_header(&r, "x-amz-copy-source", "/b/k");
		headers_add(&r, &h);
		for (unsigned k = 0; k < h.headers; k++)
			if (!strcmp(h.header[k].name, name)) {
				assert_string_equal(h.header[k].value, value);
				n += (size_t)snprintf(out + n, sizeof(out) - n, "%s ", kinds[i].kind);
			}
	}
	return out;
}

static void by_kind(void **state)
{
	struct s3_bucket *b = bucket("sse=aws:kms&kms-key=id&storage-class=COLD&tags=a%3Db c&acl=private&requester-pays=on");
	char options[100];

	(void)state;
	assert_string_equal(who_has(b, SSE, "aws:kms"), "put create copy ");
	assert_string_equal(who_has(b, SSE "-aws-kms-key-id", "id"), "put create copy ");
	assert_string_equal(who_has(b, "x-amz-storage-class", "COLD"), "put create copy ");
	assert_string_equal(who_has(b, "x-amz-tagging", "a=b%20c"), "put create ");
	assert_string_equal(who_has(b, "x-amz-acl", "private"), "put create copy ");
	assert_string_equal(who_has(b, "x-amz-request-payer", "requester"),
			    "put create copy part part copy complete get get version head delete list tagging parts abort ");
	snprintf(options, sizeof(options), "sse-c-key-file=%s", key_file);
	b = bucket(options);
	assert_string_equal(who_has(b, SSE "-customer-algorithm", "AES256"),
			    "put create copy part part copy complete get get version head ");
	assert_string_equal(who_has(b, SSE "-customer-key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
			    "put create copy part part copy complete get get version head ");
	assert_string_equal(who_has(b, SSE "-customer-key-md5", "cLyPS3KoaSFGi/joRB3OUQ=="),
			    "put create copy part part copy complete get get version head ");
	assert_string_equal(who_has(b, FROM "-customer-algorithm", "AES256"), "copy part copy ");
	assert_string_equal(who_has(b, FROM "-customer-key-md5", "cLyPS3KoaSFGi/joRB3OUQ=="), "copy part copy ");
	b = bucket("anonymous=on");
	assert_string_equal(who_has(b, SSE, ""), "");
	assert_string_equal(who_has(b, "x-amz-acl", ""), "");
}

/* A request's own header is the one that is sent; an object of no bytes has no class. */
static void own_first(void **state)
{
	struct s3_bucket *b = bucket("storage-class=COLD&tags=a%3Db");
	struct s3_request r = { .bucket = b, .method = "PUT", .key = "k" };
	struct http h = { .headers = 0 };

	(void)state;
	s3_header(&r, "x-amz-tagging", "own=1");
	headers_add(&r, &h);
	assert_int_equal(h.headers, 1);
	assert_string_equal(h.header[0].value, "own=1");
	r.body_len = 1;
	h.headers = 0;
	headers_add(&r, &h);
	assert_int_equal(h.headers, 2);
	assert_string_equal(h.header[1].value, "COLD");
}

static void tags(void **state)
{
	char out[1024], why[S3_WHY];

	(void)state;
	assert_int_equal(headers_tags("a=b,c=d", out, sizeof(out), why), 0);
	assert_string_equal(out, "a=b&c=d");
	assert_int_equal(headers_tags("a b=c/d&e=f=g&h=", out, sizeof(out), why), 0);
	assert_string_equal(out, "a%20b=c%2Fd&e=f%3Dg&h=");
	assert_int_not_equal(headers_tags("a=b,=c", out, sizeof(out), why), 0);
	assert_int_not_equal(headers_tags("a=b", out, 4, why), 0);
}

static void refused(void **state)
{
	static const struct { const char *options, *why; } no[] = {
		{ "kms-key=a", "kms-key= is of sse=aws:kms" }, { "sse=AES256&kms-key=a", "kms-key= is of sse=aws:kms" },
		{ "storage-class=Standard", "(STANDARD?)" }, { "storage-class=A B", "is none" }, { "tags=a", "KEY=VALUE" },
		{ "content-type=x", "text/plain" }, { "sse-c-key-file=/nonexistent", "No such file" }, { "sse-c-key-file=/", "regular" },
	};
	struct s3_bucket *b;
	char why[S3_WHY], options[100];

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		assert_int_not_equal(get(no[i].options, &b, why), 0);
		if (!strstr(why, no[i].why))
			fail_msg("%s: %s", no[i].options, why);
	}
	snprintf(options, sizeof(options), "sse-c-key-file=%s&timeout=7", key_file);
	assert_int_equal(chmod(key_file, 0640), 0);
	assert_int_not_equal(get(options, &b, why), 0);
	assert_non_null(strstr(why, "chmod 600"));
	assert_int_equal(chmod(key_file, 0600), 0);
	assert_int_equal(truncate(key_file, 31), 0);
	assert_int_not_equal(get(options, &b, why), 0);
	assert_non_null(strstr(why, "holds no key"));
}

static void answer_to_head(struct http *h, const struct http_header *got, unsigned n)
{
	h->got = got;
	h->ngot = n;
}

/* What is kept of an object: its own, but where the rule says otherwise. */
static void kept(void **state)
{
	static const struct http_header kms[] = {
		{ "content-type", "t/x" }, { "x-amz-storage-class", "COLD" }, { SSE, "aws:kms" }, { SSE "-aws-kms-key-id", "k" },
		{ "x-amz-meta-a", "b" },
	}, own[] = { { SSE, "AES256" } };
	struct http h = { .headers = 0 };
	struct s3_request head = { .http = &h };
	struct meta m = { .used = 0 }, m2 = { .used = 0 }, m3 = { .used = 0 }, m4 = { .used = 0 };

	(void)state;
	answer_to_head(&h, kms, 5);
	head.bucket = bucket("timeout=9");
	meta_preserve(&m, &head);
	assert_string_equal(meta_get(&m, SSE), "aws:kms");
	assert_string_equal(meta_get(&m, SSE "-aws-kms-key-id"), "k");
	assert_string_equal(meta_get(&m, "x-amz-storage-class"), "COLD");
	assert_string_equal(meta_get(&m, "x-amz-meta-a"), "b");
	assert_int_equal(m.beside, 0);
	meta_beside(&m2, &head);
	assert_int_equal(m2.n, 3);
	assert_int_equal(m2.beside, 1);
	head.bucket = bucket("sse=AES256&storage-class=HOT");
	meta_preserve(&m3, &head);
	assert_int_equal(m3.n, 2);
	head.bucket = bucket("timeout=9");
	answer_to_head(&h, own, 1);
	meta_preserve(&m4, &head);
	assert_int_equal(m4.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_kind), cmocka_unit_test(own_first), cmocka_unit_test(tags), cmocka_unit_test(kept),
		cmocka_unit_test(refused),
	};
	char zeros[32] = { 0 };
	int fd = mkstemp(key_file), failed;

	unsetenv("AWS_PROFILE");
	setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
	if (fd < 0 || write(fd, zeros, sizeof(zeros)) != sizeof(zeros) || loop_init() || http_init())
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(key_file);
	return failed;
}
