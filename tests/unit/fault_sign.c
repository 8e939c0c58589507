/* SPDX-License-Identifier: MIT */
/*
 * The fault server's idea of a signature: the examples of the S3 API reference
 * ("Signature Calculations for the Authorization Header") are right, and with
 * anything in them changed they are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault.h"

#define ID "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define NOW 1369353600                  /* 2013-05-24T00:00:00Z */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define AUTH(headers, signature) "Authorization: AWS4-HMAC-SHA256 Credential=" ID "/20130524/us-east-1/s3/aws4_request, " \
	"SignedHeaders=" headers ", Signature=" signature "\r\n"
#define COMMON "Host: examplebucket.s3.amazonaws.com\r\nx-amz-date: 20130524T000000Z\r\n"

static const char *const get = "GET /test.txt HTTP/1.1\r\n" COMMON "Range: bytes=0-9\r\nx-amz-content-sha256: " EMPTY "\r\n"
	AUTH("host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41") "\r\n";
static const char *const put = "PUT /test%24file.text HTTP/1.1\r\n" COMMON "Date: Fri, 24 May 2013 00:00:00 GMT\r\n"
	"x-amz-storage-class: REDUCED_REDUNDANCY\r\nContent-Length: 21\r\n"
	"x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\r\n"
	AUTH("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd") "\r\nWelcome to Amazon S3.";
static const char *const lifecycle = "GET /?lifecycle HTTP/1.1\r\n" COMMON "x-amz-content-sha256: " EMPTY "\r\n"
	AUTH("host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543") "\r\n";
static const char *const list = "GET /?max-keys=2&prefix=J HTTP/1.1\r\n" COMMON "x-amz-content-sha256: " EMPTY "\r\n"
	AUTH("host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7") "\r\n";

/* What the server says to this text, with `from` replaced by `to`. */
static const char *verdict(const char *text, const char *from, const char *to, long late)
{
	struct text t = { 0 };
	struct conn *c = calloc(1, sizeof(*c));
	struct request *q = calloc(1, sizeof(*q));
	struct answer a = { .status = 200 };
	char why[256];
	int pair[2];
	const char *at = strstr(text, from);
	assert_non_null(at);
	text_add(&t, text, at - text);
	text_print(&t, "%s%s", to, at + strlen(from));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[0], t.p, t.n), t.n);
	shutdown(pair[0], SHUT_WR);
	c->fd = pair[1];
	assert_int_equal(request_read(c, q, &a), 1);
	assert_int_equal(request_body(q, true), 0);
	const char *err = sign_check(q, "us-east-1", NOW + late, why);
	data_put(q->body);
	close(pair[0]);
	close(pair[1]);
	free(t.p);
	free(c);
	free(q);
	return err;
}

static void examples(void **state)
{
	(void)state;
	assert_null(verdict(get, "", "", 0));
	assert_null(verdict(put, "", "", 0));
	assert_null(verdict(lifecycle, "", "", 0));
	assert_null(verdict(list, "", "", 0));
}

/* Other spellings of the same request. */
static void spellings(void **state)
{
	(void)state;
	assert_null(verdict(list, "max-keys=2&prefix=J", "prefix=%4A&max-keys=2", 0));
	assert_null(verdict(lifecycle, "lifecycle", "lifecycle=", 0));
	assert_null(verdict(put, "test%24file", "test$file", 0));
	assert_null(verdict(put, "Date: Fri,", "DATE:   Fri, ", 0));
	assert_null(verdict(get, "Range:", "User-Agent: curl\r\nRange:", 0));
}

static void changes(void **state)
{
	(void)state;
	static const struct {
		const char *text, *from, *to, *err;
		long late;
	} wrong[] = {
		{ get, "41\r\n", "42\r\n", "SignatureDoesNotMatch", 0 },
		{ get, "GET", "HEAD", "SignatureDoesNotMatch", 0 },
		{ get, "/test.txt", "/test.txu", "SignatureDoesNotMatch", 0 },
		{ get, "0-9", "0-8", "SignatureDoesNotMatch", 0 },
		{ get, "Range: bytes=0-9\r\n", "", "SignatureDoesNotMatch", 0 },
		{ get, "host;range", "range;host", "SignatureDoesNotMatch", 0 },
		{ get, "Range:", "x-amz-acl: public-read\r\nRange:", "AccessDenied", 0 },
		{ get, ID, "AKIAIOSFODNN7EXAMPLF", "InvalidAccessKeyId", 0 },
		{ get, "us-east-1", "us-east-2", "AuthorizationHeaderMalformed", 0 },
		{ get, "20130524/", "20130525/", "AuthorizationHeaderMalformed", 0 },
		{ get, "Authorization", "Auth", "AccessDenied", 0 },
		{ get, "Range:", "x-amz-security-token: x\r\nRange:", "AccessDenied", 0 },
		{ get, "", "", "RequestTimeTooSkewed", 901 },
		{ get, "", "", "RequestTimeTooSkewed", -901 },
		{ put, "Welcome", "Wellcom", "XAmzContentSHA256Mismatch", 0 },
		{ put, "REDUCED", "REDUCEE", "SignatureDoesNotMatch", 0 },
		{ list, "prefix=J", "prefix=K", "SignatureDoesNotMatch", 0 },
		{ list, "max-keys=2", "max-keys=2&x=", "SignatureDoesNotMatch", 0 },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *err = verdict(wrong[i].text, wrong[i].from, wrong[i].to, wrong[i].late);
		if (!err || strcmp(err, wrong[i].err) != 0)
			fail_msg("%s -> %s: %s", wrong[i].from, wrong[i].to, err ? err : "accepted");
	}
}

static void secrets(void **state)
{
	(void)state;
	sign_allow(ID, "another", "");
	assert_string_equal(verdict(get, "", "", 0), "SignatureDoesNotMatch");
	sign_allow(ID, SECRET, "token");
	assert_string_equal(verdict(get, "", "", 0), "InvalidToken");
	sign_allow(ID, SECRET, "");
	sign_expire(ID);
	assert_string_equal(verdict(get, "", "", 0), "ExpiredToken");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples),
		cmocka_unit_test(spellings),
		cmocka_unit_test(changes),
		cmocka_unit_test(secrets),
	};
	sign_allow(ID, SECRET, "");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
