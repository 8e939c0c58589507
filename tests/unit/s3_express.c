/* SPDX-License-Identifier: MIT */
/* Directory buckets of S3 Express: known by their names, where they are, and how a session is asked for and used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "loop/loop.h"
#include "request/express.h"
#include "s3_server.h"

#define SESSION(until) "<CreateSessionResult><Credentials><SessionToken>tok</SessionToken><SecretAccessKey>sec</SecretAccessKey>" \
	"<AccessKeyId>SESS</AccessKeyId><Expiration>" until "</Expiration></Credentials></CreateSessionResult>"

static int err;

static void names(void **state)
{
	char zone[32];

	(void)state;
	assert_int_equal(express_zone("logs--use1-az4--x-s3", zone), 0);
	assert_string_equal(zone, "use1-az4");
	assert_int_equal(express_zone("a--b--usw2-az1--x-s3", zone), 0);
	assert_string_equal(zone, "usw2-az1");
	assert_int_not_equal(express_zone("logs", zone), 0);
	assert_int_not_equal(express_zone("logs--x-s3", zone), 0);
	assert_int_not_equal(express_zone("--use1-az4--x-s3", zone), 0);
	assert_int_not_equal(express_zone("logs----x-s3", zone), 0);
	assert_int_not_equal(express_zone("logs--use1-az4--x-s3b", zone), 0);
}

static struct s3_bucket *bucket(const char *target)
{
	struct s3_bucket *b;
	char why[S3_WHY] = "";

	if (s3_bucket_get(target, &b, why))
		fail_msg("%s", why);
	return b;
}

static void places(void **state)
{
	const struct s3_bucket *b = bucket("logs--use1-az4--x-s3?region=us-east-1");

	(void)state;
	assert_string_equal(b->endpoint, "https://s3express-use1-az4.us-east-1.amazonaws.com");
	assert_string_equal(b->aim.base, "https://logs--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com");
	assert_non_null(b->express);
	assert_null(bucket("logs?region=us-east-1")->express);
}

static void done(struct s3_request *r, int e)
{
	(void)r;
	err = e;
	loop_stop();
}

static int get(struct s3_bucket *b)
{
	struct s3_request r = { .bucket = b, .method = "HEAD", .key = "k", .first = -1, .body_fd = -1, .done = done };

	s3_start(&r);
	loop_run();
	return err;
}

static void sessions(void **state)
{
	static const struct reply good[] = {
		{ .text = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" SESSION("2099-01-01T00:00:00Z") },
		{ .text = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 5\r\n\r\n" },
		{ .text = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 5\r\n\r\n" }, { 0 } };
	static const struct reply over[] = {
		{ .text = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" SESSION("2001-01-01T00:00:00Z") }, { 0 } };
	char target[200];

	(void)state;
	snprintf(target, sizeof(target), "a--z1-az1--x-s3?region=r1&endpoint=%s", server.url);
	server_script(good);
	assert_int_equal(get(bucket(target)), 0);
	assert_true(server_saw(0, "GET /a--z1-az1--x-s3?session= HTTP/1.1\r\n"));
	assert_true(server_saw(0, "x-amz-create-session-mode:ReadWrite\r\n"));
	assert_true(server_saw(0, "Credential=id/"));
	assert_true(server_saw(0, "/r1/s3express/aws4_request"));
	assert_true(server_saw(0, "x-amz-security-token:base-token\r\n"));
	assert_true(server_saw(1, "Credential=SESS/"));
	assert_true(server_saw(1, "/r1/s3express/aws4_request"));
	assert_true(server_saw(1, "x-amz-s3session-token:tok\r\n"));
	assert_false(server_saw(1, "x-amz-security-token"));
	assert_false(server_saw(1, "sec\r\n"));
	assert_int_equal(get(bucket(target)), 0);
	assert_int_equal(server_asked(), 3);
	snprintf(target, sizeof(target), "b--z1-az1--x-s3?region=r1&write=off&endpoint=%s", server.url);
	server_script(over);
	assert_int_not_equal(get(bucket(target)), 0);
	assert_true(server_saw(0, "x-amz-create-session-mode:ReadOnly\r\n"));
	assert_int_equal(server_asked(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names), cmocka_unit_test(places), cmocka_unit_test(sessions) };
	static const char *const unset[] = { "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
		"AWS_ENDPOINT_URL_S3", "http_proxy", "all_proxy", "ALL_PROXY" };

	for (unsigned i = 0; i < sizeof(unset) / sizeof(*unset); i++)
		unsetenv(unset[i]);
	setenv("AWS_ACCESS_KEY_ID", "id", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	setenv("AWS_SESSION_TOKEN", "base-token", 1);
	setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
	if (loop_init() || http_init() || server_begin())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
