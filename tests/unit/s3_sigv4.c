/* SPDX-License-Identifier: MIT */
/*
 * Signatures: the examples of AWS's S3 documentation, AWS's own test suite for
 * Signature Version 4 as far as S3's rules (a path is taken as it is) allow it,
 * awkward keys, and that nothing is written past a buffer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "creds/sigv4.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct sigv4_key doc_key = {
	.id = "AKIAIOSFODNN7EXAMPLE", .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
static const struct sigv4_key suite_key = {
	.id = "AKIDEXAMPLE", .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};

enum { S3_DOCS = 1369353600, SUITE = 1440938160 };   /* 2013-05-24T00:00:00Z, 2015-08-30T12:36:00Z */

static char buf[2048];

/* ---- the examples of the S3 documentation, "Authenticating requests" */

struct example {
	const char *method, *path;
	struct sigv4_param query[2];
	struct http_header header[4];
	const char *body, *names, *signature;
};

static const struct example examples[] = {
	{ "GET", "/test.txt", { { 0 } }, { { "range", "bytes=0-9" } }, "",
	  "host;range;x-amz-content-sha256;x-amz-date",
	  "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ "PUT", "/test%24file.text", { { 0 } },
	  { { "date", "Fri, 24 May 2013 00:00:00 GMT" }, { "x-amz-storage-class", "REDUCED_REDUNDANCY" } },
	  "Welcome to Amazon S3.", "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	  "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ "GET", "/", { { "lifecycle", NULL } }, { { 0 } }, "", "host;x-amz-content-sha256;x-amz-date",
	  "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ "GET", "/", { { "prefix", "J" }, { "max-keys", "2" } }, { { 0 } }, "",
	  "host;x-amz-content-sha256;x-amz-date",
	  "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static void prepare(struct http *h, const char *method, const struct http_header *header, unsigned n)
{
	memset(h, 0, sizeof(*h));
	h->method = method;
	for (unsigned i = 0; i < n && header[i].name; i++)
		h->header[h->headers++] = header[i];
}

static const char *sent(const struct http *h, const char *name)
{
	for (unsigned i = 0; i < h->headers; i++)
		if (!strcmp(h->header[i].name, name))
			return h->header[i].value;
	fail_msg("no header %s", name);
	return NULL;
}

static void signed_as(const struct http *h, const char *scope, const char *names, const char *signature)
{
	char expected[512];

	snprintf(expected, sizeof(expected), "AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=%s, Signature=%s",
		 scope, names, signature);
	assert_string_equal(sent(h, "authorization"), expected);
}

static void documentation(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(examples); i++) {
		const struct example *e = &examples[i];
		char query[128], payload[65];
		struct http h;

		prepare(&h, e->method, e->header, COUNT(e->header));
		sigv4_sha256(payload, e->body, strlen(e->body));
		assert_true(sigv4_query(query, sizeof(query), e->query,
					!!e->query[0].name + !!e->query[1].name) >= 0);
		assert_int_equal(sigv4_sign(&h, "examplebucket.s3.amazonaws.com", e->path, query, payload, &doc_key,
					    "us-east-1", "s3", S3_DOCS, buf, sizeof(buf)), 0);
		signed_as(&h, "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request", e->names, e->signature);
		assert_string_equal(sent(&h, "x-amz-date"), "20130524T000000Z");
		assert_string_equal(sent(&h, "x-amz-content-sha256"), payload);
	}
}

/* ---- aws-sig-v4-test-suite, service "service"; header names in lower case as ours are */

#define POST_FORM "content-type;host;x-amz-date"
#define STS_TOKEN "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIe" \
		  "oIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0" \
		  "wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDr" \
		  "ypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

static const struct {
	const char *name, *method, *path, *query;
	struct http_header header[4];
	const char *body, *names, *signature, *token;
} suite[] = {
	{ "get-vanilla", "GET", "/", "", { { 0 } }, "", "host;x-amz-date",
	  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", NULL },
	{ "post-vanilla", "POST", "/", "", { { 0 } }, "", "host;x-amz-date",
	  "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", NULL },
	{ "get-header-key-duplicate", "GET", "/", "",
	  { { "my-header1", "value2" }, { "my-header1", "value2" }, { "my-header1", "value1" } }, "",
	  "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea", NULL },
	{ "get-header-value-order", "GET", "/", "",
	  { { "my-header1", "value4" }, { "my-header1", "value1" }, { "my-header1", "value3" },
	    { "my-header1", "value2" } }, "",
	  "host;my-header1;x-amz-date", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01", NULL },
	{ "get-header-value-trim", "GET", "/", "",
	  { { "my-header1", " value1" }, { "my-header2", " \"a   b   c\"" } }, "",
	  "host;my-header1;my-header2;x-amz-date",
	  "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736", NULL },
	{ "get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", { { 0 } },
	  "", "host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f", NULL },
	{ "get-utf8", "GET", "/%E1%88%B4", "", { { 0 } }, "", "host;x-amz-date",
	  "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85", NULL },
	{ "get-vanilla-empty-query-key", "GET", "/", "Param1=value1", { { 0 } }, "", "host;x-amz-date",
	  "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb", NULL },
	{ "get-vanilla-query-order-key-case", "GET", "/", "Param1=value1&Param2=value2", { { 0 } }, "",
	  "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500", NULL },
	{ "get-vanilla-query-unreserved", "GET", "/",
	  "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
	  "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", { { 0 } }, "", "host;x-amz-date",
	  "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197", NULL },
	{ "get-vanilla-utf8-query", "GET", "/", "%E1%88%B4=bar", { { 0 } }, "", "host;x-amz-date",
	  "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04", NULL },
	{ "post-header-key-sort", "POST", "/", "", { { "my-header1", "value1" } }, "", "host;my-header1;x-amz-date",
	  "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c", NULL },
	{ "post-header-value-case", "POST", "/", "", { { "my-header1", "VALUE1" } }, "", "host;my-header1;x-amz-date",
	  "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d", NULL },
	{ "post-x-www-form-urlencoded", "POST", "/", "", { { "content-type", "application/x-www-form-urlencoded" } },
	  "Param1=value1", POST_FORM, "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a", NULL },
	{ "post-sts-header-before", "POST", "/", "", { { 0 } }, "", "host;x-amz-date;x-amz-security-token",
	  "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead", STS_TOKEN },
};

static void test_suite(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(suite); i++) {
		struct sigv4_key key = suite_key;
		char payload[65];
		struct http h;

		key.token = suite[i].token;
		prepare(&h, suite[i].method, suite[i].header, COUNT(suite[i].header));
		sigv4_sha256(payload, suite[i].body, strlen(suite[i].body));
		assert_int_equal(sigv4_sign(&h, "example.amazonaws.com", suite[i].path, suite[i].query, payload, &key,
					    "us-east-1", "service", SUITE, buf, sizeof(buf)), 0);
		signed_as(&h, "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request", suite[i].names,
			  suite[i].signature);
	}
}

/* ---- encodings */

static const struct {
	const char *in, *out;
} keys[] = {
	{ "", "" }, { "a", "a" }, { "a b", "a%20b" }, { "a+b", "a%2Bb" }, { "100%", "100%25" }, { "%2F", "%252F" },
	{ "~x", "~x" }, { "a=b&c", "a%3Db%26c" }, { "'\"", "%27%22" }, { "//", "//" }, { "/a/", "/a/" },
	{ "./a/../b", "./a/../b" }, { "*(!)$,;:@?#", "%2A%28%21%29%24%2C%3B%3A%40%3F%23" }, { "[]\\^`{|}<>",
	"%5B%5D%5C%5E%60%7B%7C%7D%3C%3E" }, { "\xc3\xa9", "%C3%A9" }, { "e\xcc\x81", "e%CC%81" },
	{ "\n\t\x7f\x01", "%0A%09%7F%01" }, { "\xff\x80", "%FF%80" },
};

static void encodings(void **state)
{
	char out[3072 + 1], key[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		assert_int_equal(sigv4_encode(out, sizeof(out), keys[i].in, strlen(keys[i].in), 1),
				 strlen(keys[i].out));
		assert_string_equal(out, keys[i].out);
	}
	sigv4_encode(out, sizeof(out), "a/b", 3, 0);
	assert_string_equal(out, "a%2Fb");
	memset(key, ' ', sizeof(key));
	assert_int_equal(sigv4_encode(out, sizeof(out), key, sizeof(key), 1), 3072);
	assert_int_equal(sigv4_encode(out, sizeof(out) - 1, key, sizeof(key), 1), -ENAMETOOLONG);
	assert_int_equal(sigv4_encode(out, 0, "", 0, 1), -ENAMETOOLONG);
}

static void queries(void **state)
{
	const struct sigv4_param p[] = {
		{ "uploads", NULL }, { "prefix", "a b/+" }, { "delimiter", "/" }, { "prefix", "A" }, { "partNumber", "1" },
	};
	char out[128];

	(void)state;
	assert_int_equal(sigv4_query(out, sizeof(out), NULL, 0), 0);
	assert_string_equal(out, "");
	assert_true(sigv4_query(out, sizeof(out), p, COUNT(p)) > 0);
	assert_string_equal(out, "delimiter=%2F&partNumber=1&prefix=A&prefix=a%20b%2F%2B&uploads=");
	for (size_t room = 0; room < 60; room++) {
		memset(out, 'x', sizeof(out));
		assert_int_equal(sigv4_query(out, room, p, COUNT(p)), -ENAMETOOLONG);
		assert_int_equal(out[room], 'x');
	}
}

/* ---- limits */

static int sign_doc(struct http *h, const struct sigv4_key *key, size_t room)
{
	return sigv4_sign(h, "h", "/", "", SIGV4_EMPTY, key, "us-east-1", "s3", S3_DOCS, buf, room);
}

static void no_room(void **state)
{
	struct http h;
	size_t needed = 0;

	(void)state;
	for (size_t room = 0; room < 400; room++) {
		int r;

		prepare(&h, "GET", NULL, 0);
		memset(buf, 'x', sizeof(buf));
		r = sign_doc(&h, &doc_key, room);
		assert_true(r == 0 || r == -ENOBUFS);
		assert_int_equal(buf[room], 'x');
		if (!r && !needed)
			needed = room;
		assert_true(!r == !!needed);
	}
	assert_true(needed > 200);
	prepare(&h, "GET", NULL, 0);
	for (h.headers = 0; h.headers < HTTP_HEADERS - 3; h.headers++)
		h.header[h.headers] = (struct http_header){ "x", "y" };
	assert_int_equal(sign_doc(&h, &doc_key, sizeof(buf)), -ENOBUFS);
}

static void odd_secrets(void **state)
{
	char longest[SIGV4_SECRET_MAX + 2];
	struct sigv4_key key = { .id = "i", .secret = longest };
	struct http h;

	(void)state;
	memset(longest, 's', sizeof(longest) - 1);
	longest[SIGV4_SECRET_MAX + 1] = 0;
	prepare(&h, "GET", NULL, 0);
	assert_int_equal(sign_doc(&h, &key, sizeof(buf)), -EINVAL);
	longest[SIGV4_SECRET_MAX] = 0;
	assert_int_equal(sign_doc(&h, &key, sizeof(buf)), 0);
	key.secret = "";
	prepare(&h, "GET", NULL, 0);
	assert_int_equal(sign_doc(&h, &key, sizeof(buf)), 0);
}

/* A signing key that is kept is the one of its secret, day, region and service only. */
static void kept_keys(void **state)
{
	static char first[64][sizeof(buf)];
	struct http h;

	(void)state;
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 64; i++) {
			char secret[16];
			struct sigv4_key key = { .id = "same", .secret = secret };

			snprintf(secret, sizeof(secret), "s%d", i & 7);
			prepare(&h, "GET", NULL, 0);
			assert_int_equal(sigv4_sign(&h, "h", "/", "", SIGV4_EMPTY, &key, i & 8 ? "a" : "b",
						    i & 16 ? "s3" : "s3express", S3_DOCS + (i & 32 ? 86400 : 0),
						    buf, sizeof(buf)), 0);
			if (!round)
				strcpy(first[i], sent(&h, "authorization"));
			assert_string_equal(first[i], sent(&h, "authorization"));
			for (int j = 0; j < i; j++)
				assert_string_not_equal(first[j], first[i]);
			if (round == 1)
				sigv4_forget();
		}
}

static void session_token(void **state)
{
	struct sigv4_key key = doc_key;
	struct http h;

	(void)state;
	key.token = "t";
	key.session = 1;
	prepare(&h, "GET", NULL, 0);
	assert_int_equal(sign_doc(&h, &key, sizeof(buf)), 0);
	assert_string_equal(sent(&h, "x-amz-s3session-token"), "t");
	assert_non_null(strstr(sent(&h, "authorization"), "x-amz-date;x-amz-s3session-token,"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documentation), cmocka_unit_test(test_suite), cmocka_unit_test(encodings),
		cmocka_unit_test(queries), cmocka_unit_test(no_room), cmocka_unit_test(odd_secrets),
		cmocka_unit_test(kept_keys), cmocka_unit_test(session_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
