/* SPDX-License-Identifier: MIT */
/* AWS's shared files: what is read of them, what is refused and in which words, and the variables over them. */
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

#include "creds/awsconf.h"

static char dir[64], config[96], credentials[104], why[AWSCONF_WHY];

/* ---- helpers */

static void put(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

static struct awsconf *load(const char *text, const char *secrets)
{
	struct awsconf *c;

	put(config, text, strlen(text));
	put(credentials, secrets, strlen(secrets));
	c = awsconf_load(why);
	if (!c)
		fail_msg("%s", why);
	return c;
}

static void gives(const struct awsconf *c, const char *profile, const char *name, const char *value)
{
	const char *v = awsconf_profile(c, profile, name);

	if (value)
		assert_string_equal(v ? v : "(none)", value);
	else
		assert_null(v);
}

static void refused(const char *text, const char *message)
{
	put(config, text, strlen(text));
	assert_null(awsconf_load(why));
	assert_memory_equal(why, config, strlen(config));
	assert_string_equal(why + strlen(config), message);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/s3_awsconf.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(config, sizeof(config), "%s/.aws", dir);
	mkdir(config, 0700);
	snprintf(config, sizeof(config), "%s/.aws/config", dir);
	snprintf(credentials, sizeof(credentials), "%s/.aws/credentials", dir);
	setenv("HOME", dir, 1);
	clearenv();
	setenv("HOME", dir, 1);
	return 0;
}

static int tear_down(void **state)
{
	char sub[96];

	(void)state;
	unlink(config);
	unlink(credentials);
	snprintf(sub, sizeof(sub), "%s/.aws", dir);
	rmdir(sub);
	return rmdir(dir);
}

/* ---- tests */

static void no_files(void **state)
{
	struct awsconf *c;

	(void)state;
	unlink(config);
	unlink(credentials);
	c = awsconf_load(why);
	assert_non_null(c);
	assert_false(awsconf_has_profile(c, "default"));
	gives(c, "default", "region", NULL);
	awsconf_free(c);
	awsconf_free(NULL);
}

static void profiles(void **state)
{
	struct awsconf *c = load("# first\n[default]\nregion=us-west-2\n\n"
				 "[profile two]\n  Region = eu-west-1\n  output : json\n"
				 "[profile \"a b\"]\nregion = x\r\n"
				 "[three]\nregion = not.a.profile\n"
				 "[ profile   four ]\nregion = y ; why\nempty =\nhash = a#b\n"
				 "[sso-session s]\nsso_region = z\n"
				 "[plugins]\ncli = none\n[default]\nregion = again\n",
				 "[two]\naws_access_key_id = ID\nregion = of.credentials\n[profile five]\nregion = v\n"
				 "[default] \naws_secret_access_key = a/b+c=d==\n");

	(void)state;
	gives(c, "default", "region", "again");
	gives(c, "default", "aws_secret_access_key", "a/b+c=d==");
	gives(c, "two", "region", "of.credentials");
	gives(c, "two", "output", "json");
	gives(c, "two", "aws_access_key_id", "ID");
	gives(c, "a b", "region", "x");
	gives(c, "three", "region", NULL);
	gives(c, "four", "region", "y");
	gives(c, "four", "empty", NULL);
	gives(c, "four", "hash", "a#b");
	assert_false(awsconf_has_profile(c, "three"));
	assert_false(awsconf_has_profile(c, "five"));
	assert_false(awsconf_has_profile(c, "s"));
	assert_true(awsconf_has_profile(c, "two"));
	assert_string_equal(awsconf_get(c, AWSCONF_SSO, "s", "sso_region"), "z");
	assert_null(awsconf_get(c, AWSCONF_CREDENTIALS, "default", "region"));
	awsconf_free(c);
}

static void nested(void **state)
{
	struct awsconf *c = load("[default]\ns3 =\n  addressing_style = path\n\n  # more\n  max_queue = 5\nregion = r\n"
				 "long = one\n   two\n  three # end\nlast = x\n"
				 "[services local]\ns3 =\n\tendpoint_url = http://s3\nsts =\n\tendpoint_url = http://sts\n", "");

	(void)state;
	gives(c, "default", "s3.addressing_style", "path");
	gives(c, "default", "s3.max_queue", "5");
	gives(c, "default", "addressing_style", NULL);
	gives(c, "default", "region", "r");
	gives(c, "default", "long", "one\ntwo\nthree");
	gives(c, "default", "last", "x");
	assert_string_equal(awsconf_get(c, AWSCONF_SERVICES, "local", "sts.endpoint_url"), "http://sts");
	awsconf_free(c);
}

static void long_lines(void **state)
{
	static char text[9000], token[8001];
	struct awsconf *c;

	(void)state;
	memset(token, 't', sizeof(token) - 1);
	snprintf(text, sizeof(text), "\xef\xbb\xbf[default]\naws_session_token = %s", token);
	c = load("", text);
	gives(c, "default", "aws_session_token", token);
	awsconf_wipe(c);
	gives(c, "default", "aws_session_token", NULL);
	awsconf_free(c);
}

static void errors(void **state)
{
	(void)state;
	refused("[default\n", ":1: a section without its ]");
	refused("\n\nregion = x\n", ":3: a setting before the first [section]");
	refused("[default]\nregion\n", ":2: neither \"name = value\" nor [section]");
	refused("[default]\n= x\n", ":2: neither \"name = value\" nor [section]");
	refused("[default]\ns3 =\n  addressing_style\n", ":3: not \"name = value\"");
	put(config, "a\0b", 3);
	assert_null(awsconf_load(why));
	assert_non_null(strstr(why, ":1: not a text file"));
	unlink(config);
	mkdir(config, 0700);
	assert_null(awsconf_load(why));
	assert_non_null(strstr(why, "/.aws/config: cannot be read: Is a directory"));
	rmdir(config);
	mkfifo(config, 0600);
	alarm(60);                              /* who would wait for a writer */
	assert_null(awsconf_load(why));
	alarm(0);
	assert_non_null(strstr(why, "/.aws/config: cannot be read: Operation not supported"));
	unlink(config);
}

/* A secret in a broken line is in no message. */
static void no_secret_in_errors(void **state)
{
	(void)state;
	put(credentials, "[default]\naws_secret_access_key TOPSECRET\n", 41);
	assert_null(awsconf_load(why));
	assert_null(strstr(why, "TOPSECRET"));
	put(credentials, "", 0);
}

static void other_files(void **state)
{
	char other[96];
	struct awsconf *c;

	(void)state;
	snprintf(other, sizeof(other), "%s/other", dir);
	put(other, "[x]\nregion = of.other\n", 22);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "~/other", 1);
	setenv("AWS_CONFIG_FILE", "/dev/null", 1);
	c = load("[profile x]\nregion = not.read\n", "[x]\nregion = nor.this\n");
	gives(c, "x", "region", "of.other");
	assert_string_equal(awsconf_file(c, AWSCONF_CREDENTIALS), other);
	awsconf_free(c);
	unsetenv("AWS_SHARED_CREDENTIALS_FILE");
	unsetenv("AWS_CONFIG_FILE");
	unlink(other);
}

static void variables(void **state)
{
	struct awsconf *c = load("[default]\nregion = file\n[profile p]\nca_bundle = /ca\n", "");

	(void)state;
	assert_string_equal(aws_setting(c, "default", "region"), "file");
	setenv("AWS_DEFAULT_REGION", "second", 1);
	assert_string_equal(aws_setting(c, "default", "region"), "second");
	setenv("AWS_REGION", "first", 1);
	assert_string_equal(aws_setting(c, "p", "region"), "first");
	setenv("AWS_REGION", "", 1);
	assert_string_equal(aws_setting(c, "p", "region"), "second");
	unsetenv("AWS_REGION");
	unsetenv("AWS_DEFAULT_REGION");
	assert_null(aws_setting(c, "p", "region"));
	assert_string_equal(aws_setting(c, "p", "ca_bundle"), "/ca");
	assert_null(aws_setting(NULL, "p", "ca_bundle"));
	awsconf_free(c);
}

static void endpoints(void **state)
{
	struct awsconf *c = load("[default]\nendpoint_url = http://all\nservices = some\n"
				 "[services some]\ns3 =\n  endpoint_url = http://s3\n", "");

	(void)state;
	assert_string_equal(aws_endpoint(c, "default", "s3"), "http://s3");
	assert_string_equal(aws_endpoint(c, "default", "sts"), "http://all");
	setenv("AWS_ENDPOINT_URL", "http://env", 1);
	assert_string_equal(aws_endpoint(c, "default", "s3"), "http://env");
	setenv("AWS_ENDPOINT_URL_S3", "http://envs3", 1);
	assert_string_equal(aws_endpoint(c, "default", "s3"), "http://envs3");
	assert_string_equal(aws_endpoint(c, "default", "sts"), "http://env");
	setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
	assert_null(aws_endpoint(c, "default", "s3"));
	unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	unsetenv("AWS_ENDPOINT_URL_S3");
	unsetenv("AWS_ENDPOINT_URL");
	awsconf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_files), cmocka_unit_test(profiles), cmocka_unit_test(nested),
		cmocka_unit_test(long_lines), cmocka_unit_test(errors), cmocka_unit_test(no_secret_in_errors),
		cmocka_unit_test(other_files), cmocka_unit_test(variables), cmocka_unit_test(endpoints),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
