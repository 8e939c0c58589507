/* SPDX-License-Identifier: MIT */
/*
 * Requests against a scripted server: what is taken for data and what is not,
 * what is repeated and how, and which error comes of what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "loop/loop.h"
#include "request/s3.h"
#include "s3_server.h"

#define PART(range, etag, length, body) "HTTP/1.1 206 P\r\nContent-Range: bytes " range "\r\nETag: " etag \
	"\r\nContent-Length: " length "\r\n\r\n" body
#define ALL(etag, length, body) "HTTP/1.1 200 OK\r\nETag: " etag "\r\nContent-Length: " length "\r\n\r\n" body
#define FAILS(status, code) "HTTP/1.1 " status " X\r\nConnection: close\r\n\r\n<?xml version=\"1.0\"?><Error><Code>" code \
	"</Code><Message>words</Message></Error>"

static struct s3_bucket *bucket;
static struct s3_request r;
static char body[256], text[256];
static size_t nbody;
static int err, dones, heads, stop_in_data;

static struct s3_bucket *bucket_of(const char *options)
{
	static unsigned number;
	struct s3_bucket *b;
	char target[300], why[S3_WHY] = "";

	snprintf(target, sizeof(target), "bkt%u/pre?endpoint=%s&region=r1%s", ++number, server.url, options);
	if (s3_bucket_get(target, &b, why))
		fail_msg("%s", why);
	return b;
}

static int head(struct s3_request *q)
{
	assert_ptr_equal(q, &r);
	heads++;
	return 0;
}

static int data(struct s3_request *q, int64_t at, const void *p, size_t n)
{
	assert_int_equal(at, q->from + (int64_t)nbody);
	assert_true(at + (int64_t)n <= q->upto || q->upto < 0);
	assert_true(nbody + n < sizeof(body));
	memcpy(body + nbody, p, n);
	nbody += n;
	body[nbody] = '\0';
	return stop_in_data;
}

static void done(struct s3_request *q, int e)
{
	assert_ptr_equal(q, &r);
	err = e;
	dones++;
	snprintf(text, sizeof(text), "%s", q->text ? q->text : "");
	loop_stop();
}

static void prepare(const char *method, int64_t first, int64_t last)
{
	r = (struct s3_request){ .bucket = bucket, .method = method, .key = "k e+y", .first = first, .last = last,
				 .head = head, .done = done };
	if (!strcmp(method, "GET"))
		r.data = data;
	nbody = 0;
	body[0] = text[0] = '\0';
	dones = heads = 0;
	err = 1;
}

static void run(const struct reply *script)
{
	server_script(script);
	s3_start(&r);
	assert_int_equal(dones, 0);
	loop_run();
	assert_int_equal(dones, 1);
}

static void get(int64_t first, int64_t last, const struct reply *script)
{
	prepare("GET", first, last);
	run(script);
}

static int setup(void **state)
{
	(void)state;
	bucket = bucket_of("");
	stop_in_data = 0;
	return 0;
}

/* ---- answers */

static void ranges(void **state)
{
	static const struct reply script[] = { { .text = PART("2-5/100", "\"e\"", "4", "abcd") }, { 0 } };
	static const struct reply at_end[] = { { .text = PART("98-99/100", "\"e\"", "2", "yz") }, { 0 } };
	static const struct reply whole[] = { { .text = ALL("\"e\"", "3", "abc") }, { 0 } };
	static const struct reply open[] = { { .text = PART("2-4/5", "\"e\"", "3", "cde") }, { 0 } };

	(void)state;
	get(2, 5, script);
	assert_int_equal(err, 0);
	assert_string_equal(body, "abcd");
	assert_int_equal(r.size, 100);
	assert_int_equal(r.from, 2);
	assert_int_equal(r.upto, 6);
	assert_string_equal(r.etag, "\"e\"");
	assert_int_equal(heads, 1);
	assert_int_equal(r.attempts, 1);
	assert_true(server_saw(0, "/k%20e%2By HTTP/1.1\r\n"));
	assert_true(server_saw(0, "\r\nrange:bytes=2-5\r\n"));
	assert_true(server_saw(0, "authorization:AWS4-HMAC-SHA256 Credential=id/"));
	assert_true(server_saw(0, "/r1/s3/aws4_request"));
	assert_false(server_saw(0, "secret"));
	get(98, 150, at_end);
	assert_string_equal(body, "yz");
	get(0, 99, whole);
	assert_int_equal(err, 0);
	assert_string_equal(body, "abc");
	assert_int_equal(r.size, 3);
	get(-1, -1, whole);
	assert_string_equal(body, "abc");
	get(2, -1, open);
	assert_int_equal(err, 0);
	assert_string_equal(body, "cde");
	assert_true(server_saw(0, "\r\nrange:bytes=2-\r\n"));
}

/* Nothing of such an answer reaches the caller, and it is not asked for again. */
static void wrong_ranges(void **state)
{
	static const char *const bad[] = {
		PART("3-6/100", "\"e\"", "4", "abcd"), PART("2-6/100", "\"e\"", "5", "abcde"),
		PART("2-4/100", "\"e\"", "3", "abc"), PART("2-5/4", "\"e\"", "4", "abcd"),
		PART("2-5/100", "\"e\"", "3", "abc"), PART("2-5", "\"e\"", "4", "abcd"),
		PART("-2-5/100", "\"e\"", "4", "abcd"), PART("5-2/100", "\"e\"", "4", "abcd"),
		PART("2-99999999999999999999/100", "\"e\"", "4", "abcd"), PART("2-5/100x", "\"e\"", "4", "abcd"),
		"HTTP/1.1 206 P\r\nContent-Length: 4\r\n\r\nabcd", ALL("\"e\"", "4", "abcd"), ALL("\"e\"", "100", "abcd"),
		"HTTP/1.1 204 N\r\n\r\n", "HTTP/1.1 202 A\r\nContent-Length: 4\r\n\r\nabcd",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct reply script[] = { { .text = bad[i], .then = REPLY_CLOSE }, { 0 } };

		get(2, 5, script);
		if (err != -EPROTO)
			print_message("answer %u\n", i);
		assert_int_equal(err, -EPROTO);
		assert_int_equal(nbody, 0);
		assert_int_equal(heads, 0);
		assert_int_equal(server_asked(), 1);
		assert_true(*r.message);
	}
}

static void too_much(void **state)
{
	static const struct reply script[] = { { .text = "HTTP/1.1 206 P\r\nETag: \"e\"\r\nContent-Range: bytes 2-5/9\r\n"
		"Transfer-Encoding: chunked\r\n\r\n8\r\nabcdefgh\r\n0\r\n\r\n" }, { 0 } };

	(void)state;
	get(2, 5, script);
	assert_int_equal(err, -EPROTO);
	assert_int_equal(nbody, 0);
}

static void heads_and_texts(void **state)
{
	static const struct reply head_answer[] = { { .text = "HTTP/1.1 200 OK\r\nContent-Length: 77\r\nETag: \"e\"\r\n"
		"x-amz-version-id: v1\r\nLast-Modified: Thu, 01 Jan 1970 00:01:40 GMT\r\n\r\n" }, { 0 } };
	static const struct reply list[] = { { .text = ALL("", "9", "<A>x</A>\n") }, { 0 } };

	(void)state;
	prepare("HEAD", -1, -1);
	run(head_answer);
	assert_int_equal(err, 0);
	assert_int_equal(r.size, 77);
	assert_string_equal(r.version, "v1");
	assert_int_equal(r.mtime, 100);
	prepare("GET", -1, -1);
	r.data = NULL;
	r.key = NULL;
	s3_param(&r, "prefix", "a b&c");
	s3_param(&r, "list-type", "2");
	run(list);
	assert_int_equal(err, 0);
	assert_string_equal(text, "<A>x</A>\n");
	assert_true(server_saw(0, "?list-type=2&prefix=a%20b%26c HTTP/1.1"));
}

static void bodies(void **state)
{
	static const struct reply script[] = { { .text = FAILS("500", "InternalError") }, { .text = ALL("\"n\"", "0", "") },
		{ 0 } };

	(void)state;
	prepare("PUT", -1, -1);
	r.body = "hello";
	r.body_len = 5;
	s3_header(&r, "content-type", "text/x");
	run(script);
	assert_int_equal(err, 0);
	assert_string_equal(r.etag, "\"n\"");
	for (unsigned i = 0; i < 2; i++) {
		assert_true(server_saw(i, "\r\n\r\nhello"));
		assert_true(server_saw(i, "x-amz-content-sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e"));
	}
}

/* ---- errors */

static void errors(void **state)
{
	static const struct { const char *text; int err; const char *code; } list[] = {
		{ FAILS("404", "NoSuchKey"), -ENOENT, "NoSuchKey" }, { FAILS("403", "AccessDenied"), -EACCES, "AccessDenied" },
		{ FAILS("412", "PreconditionFailed"), -ESTALE, "PreconditionFailed" },
		{ FAILS("403", "InvalidObjectState"), -ENODATA, "InvalidObjectState" },
		{ FAILS("400", "KeyTooLongError"), -ENAMETOOLONG, "KeyTooLongError" },
		{ "HTTP/1.1 404 N\r\nContent-Length: 4\r\n\r\nhtml", -ENOENT, "" },
		{ "HTTP/1.1 403 N\r\nContent-Length: 0\r\n\r\n", -EACCES, "" },
		{ "HTTP/1.1 418 N\r\nContent-Length: 0\r\n\r\n", -EIO, "" },
		{ "HTTP/1.1 404 N\r\nContent-Length: 40\r\n\r\n<!DOCTYPE a><Error><Code>X</Code></Error>", -ENOENT, "" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(list) / sizeof(*list); i++) {
		struct reply script[] = { { .text = list[i].text, .then = REPLY_CLOSE }, { 0 } };

		get(0, 9, script);
		assert_int_equal(err, list[i].err);
		assert_string_equal(r.code, list[i].code);
		assert_int_equal(nbody, 0);
		assert_int_equal(heads, 0);
		assert_int_equal(server_asked(), 1);
		assert_non_null(strstr(r.message, "GET s3://bkt"));
		assert_non_null(strstr(r.message, server.url));
		assert_null(strstr(r.message, "secret"));
		if (err == -EACCES)
			assert_non_null(strstr(r.message, "credentials: environment"));
	}
}

static void range_not_there(void **state)
{
	static const struct reply script[] = { { .text = "HTTP/1.1 416 R\r\nContent-Range: bytes */7\r\nContent-Length: 0"
		"\r\n\r\n" }, { 0 } };

	(void)state;
	get(10, 19, script);
	assert_int_equal(err, -ERANGE);
	assert_int_equal(r.size, 7);
}

static void an_error_with_200(void **state)
{
	static const struct reply twice[] = {
		{ .text = ALL("", "91", " \r\n<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code><Message>m</Message>"
		"</Error>         ") }, { .text = ALL("", "9", "<A>x</A>\n") }, { 0 } };
	static const struct reply denied[] = { { .text = ALL("", "46", "<Error><Code>AccessDenied</Code></Error>      ") },
		{ 0 } };
	static const struct reply is_data[] = { { .text = ALL("\"e\"", "46",
		"<Error><Code>AccessDenied</Code></Error>      ") }, { 0 } };

	(void)state;
	prepare("POST", -1, -1);
	run(twice);
	assert_int_equal(err, 0);
	assert_string_equal(text, "<A>x</A>\n");
	assert_int_equal(r.attempts, 2);
	prepare("POST", -1, -1);
	run(denied);
	assert_int_equal(err, -EACCES);
	get(-1, -1, is_data);           /* an object may have these bytes */
	assert_int_equal(err, 0);
	assert_int_equal(nbody, 46);
}

/* ---- repeated */

static void repeated(void **state)
{
	static const char *const bad[] = {
		FAILS("503", "SlowDown"), FAILS("500", "InternalError"), FAILS("400", "RequestTimeout"),
		"HTTP/1.1 502 B\r\nContent-Length: 4\r\n\r\nhtml", PART("2-5/9", "\"e\"", "4", ""), "no HTTP\r\n\r\n",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct reply script[] = { { .text = bad[i], .then = REPLY_CLOSE },
			{ .text = PART("2-5/9", "\"e\"", "4", "abcd") }, { 0 } };

		get(2, 5, script);
		assert_int_equal(err, 0);
		assert_string_equal(body, "abcd");
		assert_int_equal(r.attempts, 2);
		assert_int_equal(heads, 1);
	}
	assert_int_not_equal(bucket->throttled, 0);
}

static void told_when(void **state)
{
	static const struct reply script[] = { { .text = "HTTP/1.1 503 S\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n" },
		{ .text = PART("2-5/9", "\"e\"", "4", "abcd") }, { 0 } };
	uint64_t began = loop_now();

	(void)state;
	get(2, 5, script);
	assert_int_equal(err, 0);
	assert_true(loop_now() - began >= LOOP_SECOND);
}

/* A body that breaks off goes on where it did, with the version it began with. */
static void resumed(void **state)
{
	static const struct reply script[] = { { .text = PART("2-9/20", "\"e\"", "8", "abc"), .then = REPLY_CLOSE },
		{ .text = FAILS("503", "SlowDown") }, { .text = PART("5-9/20", "\"e\"", "5", "de"), .then = REPLY_RESET },
		{ .text = PART("7-9/20", "\"e\"", "3", "fgh") }, { 0 } };
	static const struct reply whole[] = { { .text = ALL("\"e\"", "5", "ab"), .then = REPLY_CLOSE },
		{ .text = PART("2-4/5", "\"e\"", "3", "cde") }, { 0 } };

	(void)state;
	get(2, 9, script);
	assert_int_equal(err, 0);
	assert_string_equal(body, "abcdefgh");
	assert_int_equal(heads, 1);
	assert_int_equal(r.attempts, 4);
	assert_false(server_saw(0, "if-match"));
	assert_true(server_saw(1, "range:bytes=5-9\r\n") && server_saw(1, "if-match:\"e\"\r\n"));
	assert_true(server_saw(3, "range:bytes=7-9\r\n") && server_saw(3, "if-match:\"e\"\r\n"));
	assert_int_equal(r.from, 2);
	assert_int_equal(r.upto, 10);
	get(-1, -1, whole);
	assert_int_equal(err, 0);
	assert_string_equal(body, "abcde");
	assert_true(server_saw(1, "range:bytes=2-4\r\n"));
}

/* Another object's bytes never follow. */
static void not_resumed(void **state)
{
	static const struct { const char *first, *then; int err; } list[] = {
		{ PART("2-9/20", "\"e\"", "8", "abc"), PART("5-9/20", "\"f\"", "5", "XXXXX"), -ESTALE },
		{ PART("2-9/20", "\"e\"", "8", "abc"), PART("5-9/21", "\"e\"", "5", "XXXXX"), -EPROTO },
		{ PART("2-9/20", "\"e\"", "8", "abc"), FAILS("412", "PreconditionFailed"), -ESTALE },
		{ PART("2-9/20", "\"e\"", "8", "abc"), FAILS("404", "NoSuchKey"), -ENOENT },
		{ PART("2-9/20", "\"e\"", "8", "abc"), ALL("\"e\"", "20", "XXXXXXXXXXXXXXXXXXXX"), -EPROTO },
		{ PART("2-9/20", "\"e\"", "8", "abc"), PART("5-9/20", "", "5", "XXXXX"), -EPROTO },
	};
	static const struct reply untold[] = { { .text = PART("2-9/20", "", "8", "XXXXXXXX"), .then = REPLY_CLOSE }, { 0 } };

	(void)state;
	for (unsigned i = 0; i < sizeof(list) / sizeof(*list); i++) {
		struct reply script[] = { { .text = list[i].first, .then = REPLY_CLOSE },
			{ .text = list[i].then, .then = REPLY_CLOSE }, { 0 } };

		get(2, 9, script);
		assert_int_equal(err, list[i].err);
		assert_string_equal(body, "abc");
	}
	get(2, 9, untold);
	assert_int_equal(err, -EPROTO);
	assert_string_equal(body, "");
}

static void not_repeated(void **state)
{
	static const struct reply slow[] = { { .text = FAILS("503", "SlowDown") }, { 0 } };
	static const struct reply silent[] = { { .text = "H", .then = REPLY_CLOSE }, { .text = ALL("", "0", "") }, { 0 } };

	(void)state;
	prepare("GET", 0, 9);
	r.no_status = 1;
	run(slow);
	assert_int_equal(err, -EBUSY);
	assert_int_equal(server_asked(), 1);
	prepare("PUT", -1, -1);
	r.once = 1;
	run(silent);
	assert_int_equal(err, -ECONNRESET);
	assert_int_equal(server_asked(), 1);
	bucket = bucket_of("&retries=2");
	for (int i = 0; i < 2; i++) {
		static const struct reply always[] = { { .text = FAILS("503", "SlowDown") }, { .text = FAILS("503", "SlowDown") },
			{ .text = FAILS("503", "SlowDown") }, { 0 } };

		get(0, 9, always);
		assert_int_equal(err, -EBUSY);
		assert_int_equal(server_asked(), 2);
	}
}

static void patience(void **state)
{
	static const struct reply silent[] = { { .text = "H", .then = REPLY_HANG }, { .text = "H", .then = REPLY_HANG },
		{ .text = "H", .then = REPLY_HANG }, { 0 } };
	static const struct reply late[] = { { .text = "HTTP/1.1 503 S\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n" },
		{ 0 } };
	uint64_t began;

	(void)state;
	bucket = bucket_of("&timeout=300ms");
	began = loop_now();
	get(0, 9, silent);
	assert_int_equal(err, -ETIMEDOUT);
	assert_true(loop_now() - began >= 290000000);
	bucket = bucket_of("&timeout=20s");
	get(0, 9, late);                /* it would be later than anybody waits */
	assert_int_equal(err, -EBUSY);
	assert_int_equal(server_asked(), 1);
}

static void ended_by_the_caller(void **state)
{
	static const struct reply script[] = { { .text = PART("2-5/9", "\"e\"", "4", "abcd") }, { 0 } };

	(void)state;
	stop_in_data = -EDOM;
	get(2, 5, script);
	assert_int_equal(err, -EDOM);
	assert_int_equal(server_asked(), 1);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop();
}

static void cancelled(void **state)
{
	static const struct reply silent[] = { { .text = "H", .then = REPLY_HANG }, { 0 } };
	static const struct reply slow[] = { { .text = "HTTP/1.1 503 S\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n" },
		{ 0 } };
	struct loop_timer later = { .fired = stop };

	(void)state;
	/* at once; while it waits for an answer; while it waits to be repeated */
	for (int i = 0; i < 3; i++) {
		prepare("GET", 0, 9);
		server_script(i < 2 ? silent : slow);
		s3_start(&r);
		if (i) {
			loop_timer_set(&later, loop_now() + LOOP_SECOND / 50);
			loop_run();
		}
		s3_cancel(&r);
		s3_cancel(&r);
		memset(&r, 0x5a, sizeof(r));
		loop_timer_set(&later, loop_now() + LOOP_SECOND / 50);
		loop_run();
		assert_int_equal(dones, 0);
	}
}

/* ---- mended */

static void another_region(void **state)
{
	static const struct reply by_document[] = { { .text = "HTTP/1.1 400 B\r\nConnection: close\r\n\r\n<Error><Code>"
		"AuthorizationHeaderMalformed</Code><Region>eu-north-7</Region></Error>", .then = REPLY_CLOSE },
		{ .text = ALL("\"e\"", "1", "x") }, { .text = ALL("\"e\"", "1", "x") }, { 0 } };
	static const struct reply by_header[] = { { .text = "HTTP/1.1 301 M\r\nx-amz-bucket-region: eu-south-9\r\n"
		"Content-Length: 0\r\n\r\n" }, { .text = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 1\r\n\r\n" }, { 0 } };
	static const struct reply circle[] = { { .text = "HTTP/1.1 301 M\r\nx-amz-bucket-region: a-1\r\nContent-Length: 0"
		"\r\n\r\n" }, { .text = "HTTP/1.1 301 M\r\nx-amz-bucket-region: a-2\r\nContent-Length: 0\r\n\r\n" },
		{ .text = "HTTP/1.1 301 M\r\nx-amz-bucket-region: a-1\r\nContent-Length: 0\r\n\r\n" },
		{ .text = "HTTP/1.1 301 M\r\nx-amz-bucket-region: a-2\r\nContent-Length: 0\r\n\r\n" },
		{ .text = "HTTP/1.1 301 M\r\nx-amz-bucket-region: a-1\r\nContent-Length: 0\r\n\r\n" }, { 0 } };

	(void)state;
	get(-1, -1, by_document);
	assert_int_equal(err, 0);
	assert_true(server_saw(0, "/r1/s3/aws4_request") && server_saw(1, "/eu-north-7/s3/aws4_request"));
	prepare("GET", -1, -1);         /* and it stays so */
	s3_start(&r);
	loop_run();
	assert_true(server_saw(2, "/eu-north-7/s3/aws4_request"));
	prepare("HEAD", -1, -1);
	run(by_header);
	assert_int_equal(err, 0);
	assert_true(server_saw(1, "/eu-south-9/s3/aws4_request"));
	get(-1, -1, circle);
	assert_int_equal(err, -EREMCHG);
	assert_int_equal(server_asked(), 4);
}

/* Only to hosts below the endpoint's own. */
static void another_host(void **state)
{
	static const char *const foreign[] = { "http://evil.example/", "http://127.0.0.1.evil.example/", "http://127.0.0.2/",
		"//evil.example/", "http://127.0.0.1@evil.example/", "ftp://127.0.0.1/", "gopher:x", "" };
	static char same[200];
	static struct reply here[] = { { .text = same }, { .text = ALL("\"e\"", "1", "x") }, { 0 } };

	(void)state;
	for (unsigned i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		char answer[300];
		struct reply script[] = { { .text = answer }, { 0 } };

		snprintf(answer, sizeof(answer), "HTTP/1.1 307 T\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", foreign[i]);
		get(-1, -1, script);
		assert_int_equal(err, -EREMCHG);
		assert_int_equal(server_asked(), 1);
	}
	snprintf(same, sizeof(same), "HTTP/1.1 307 T\r\nLocation: %s/other/x\r\nContent-Length: 0\r\n\r\n", server.url);
	get(-1, -1, here);
	assert_int_equal(err, 0);
	assert_true(server_saw(1, "/k%20e%2By HTTP/1.1\r\n"));
}

static void another_clock(void **state)
{
	static char skewed[400];
	static struct reply script[] = { { .text = skewed, .then = REPLY_CLOSE }, { .text = ALL("\"e\"", "1", "x") }, { 0 } };
	static struct reply always[] = { { .text = skewed, .then = REPLY_CLOSE }, { .text = skewed, .then = REPLY_CLOSE },
		{ 0 } };
	time_t ahead = time(NULL) + 7200;
	char date[64];

	(void)state;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&ahead));
	snprintf(skewed, sizeof(skewed), "HTTP/1.1 403 F\r\nDate: %s\r\nConnection: close\r\n\r\n<Error><Code>"
		 "RequestTimeTooSkewed</Code></Error>", date);
	get(-1, -1, script);
	assert_int_equal(err, 0);
	assert_in_range(bucket->skew, 7190, 7210);
	bucket->skew = 0;
	get(-1, -1, always);
	assert_int_equal(err, -EACCES);
	assert_int_equal(server_asked(), 2);
}

static void an_old_token(void **state)
{
	static const struct reply script[] = { { .text = FAILS("400", "ExpiredToken"), .then = REPLY_CLOSE },
		{ .text = ALL("\"e\"", "1", "x") }, { 0 } };
	static const struct reply always[] = { { .text = FAILS("400", "ExpiredToken"), .then = REPLY_CLOSE },
		{ .text = FAILS("400", "ExpiredToken"), .then = REPLY_CLOSE }, { 0 } };

	(void)state;
	get(-1, -1, script);
	assert_int_equal(err, 0);
	assert_int_equal(server_asked(), 2);
	get(-1, -1, always);
	assert_int_equal(err, -EACCES);
	assert_int_equal(server_asked(), 2);
}

/* The budget delays, and is given back. */
static void the_budget(void **state)
{
	static const struct reply script[] = { { .text = FAILS("503", "SlowDown") }, { .text = ALL("\"e\"", "1", "x") },
		{ 0 } };
	uint64_t began = loop_now();

	(void)state;
	bucket->tokens = -15;
	get(-1, -1, script);
	assert_int_equal(err, 0);
	assert_true(loop_now() - began >= LOOP_SECOND * 9 / 10);
	bucket->tokens = -100000;
	bucket->filled = loop_now();
	get(-1, -1, script);
	assert_int_equal(err, -EBUSY);
	assert_int_equal(server_asked(), 1);
	assert_in_range(bucket->tokens + 100000, 0, 100);
}

/* ---- targets */

static void targets(void **state)
{
	static const struct { const char *target, *base, *root, *prefix; } list[] = {
		{ "bkt?region=eu-west-1", "https://bkt.s3.eu-west-1.amazonaws.com", "", "" },
		{ "bkt/a%20b?region=cn-north-1", "https://bkt.s3.cn-north-1.amazonaws.com.cn", "", "a b/" },
		{ "b.k.t/p/?region=eu-west-1", "https://s3.eu-west-1.amazonaws.com", "/b.k.t", "p/" },
		{ "bkt?region=eu-west-1&style=path", "https://s3.eu-west-1.amazonaws.com", "/bkt", "" },
		{ "bkt?endpoint=http://127.0.0.1:9&style=virtual", "http://127.0.0.1:9", "/bkt", "" },
		{ "bkt?endpoint=http://[::1]:9", "http://[::1]:9", "/bkt", "" },
		{ "bkt?endpoint=http://localhost:80/", "http://localhost", "/bkt", "" },
		{ "bkt?endpoint=https://h.example:443/sub/", "https://h.example", "/sub/bkt", "" },
		{ "bkt?endpoint=https://h.example:8443&style=virtual", "https://bkt.h.example:8443", "", "" },
	};
	struct s3_bucket *b, *again;
	char why[S3_WHY];

	(void)state;
	for (unsigned i = 0; i < sizeof(list) / sizeof(*list); i++) {
		assert_int_equal(s3_bucket_get(list[i].target, &b, why), 0);
		assert_string_equal(b->aim.base, list[i].base);
		assert_string_equal(b->aim.root, list[i].root);
		assert_string_equal(b->prefix, list[i].prefix);
		assert_int_equal(s3_bucket_get(list[i].target, &again, why), 0);
		assert_ptr_equal(b, again);
	}
	assert_int_equal(s3_bucket_get("bkt?endpoint=http://h:99999", &b, why), -EINVAL);
	assert_int_equal(s3_bucket_get("bkt?endpoint=http://a%20b", &b, why), -EINVAL);
	assert_int_equal(s3_bucket_get("bkt?what=x", &b, why), -EINVAL);
	assert_non_null(strstr(why, "what"));
	setenv("AWS_ENDPOINT_URL_S3", "http://one.example", 1);
	setenv("AWS_ENDPOINT_URL", "http://two.example", 1);
	setenv("AWS_REGION", "xx-1", 1);
	assert_int_equal(s3_bucket_get("bkt", &b, why), 0);
	assert_string_equal(b->endpoint, "http://one.example");
	assert_string_equal(b->region, "xx-1");
	unsetenv("AWS_ENDPOINT_URL_S3");
	unsetenv("AWS_ENDPOINT_URL");
	unsetenv("AWS_REGION");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ranges, setup),
		cmocka_unit_test_setup(wrong_ranges, setup),
		cmocka_unit_test_setup(too_much, setup),
		cmocka_unit_test_setup(heads_and_texts, setup),
		cmocka_unit_test_setup(bodies, setup),
		cmocka_unit_test_setup(errors, setup),
		cmocka_unit_test_setup(range_not_there, setup),
		cmocka_unit_test_setup(an_error_with_200, setup),
		cmocka_unit_test_setup(repeated, setup),
		cmocka_unit_test_setup(told_when, setup),
		cmocka_unit_test_setup(resumed, setup),
		cmocka_unit_test_setup(not_resumed, setup),
		cmocka_unit_test_setup(not_repeated, setup),
		cmocka_unit_test_setup(patience, setup),
		cmocka_unit_test_setup(ended_by_the_caller, setup),
		cmocka_unit_test_setup(cancelled, setup),
		cmocka_unit_test_setup(another_region, setup),
		cmocka_unit_test_setup(another_host, setup),
		cmocka_unit_test_setup(another_clock, setup),
		cmocka_unit_test_setup(an_old_token, setup),
		cmocka_unit_test_setup(the_budget, setup),
		cmocka_unit_test_setup(targets, setup),
	};
	static const char *const unset[] = { "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
		"AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "http_proxy", "all_proxy", "ALL_PROXY" };

	for (unsigned i = 0; i < sizeof(unset) / sizeof(*unset); i++)
		unsetenv(unset[i]);
	setenv("AWS_ACCESS_KEY_ID", "id", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
	if (loop_init() || http_init() || server_begin())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
