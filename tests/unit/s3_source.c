/* SPDX-License-Identifier: MIT */
/*
 * Every provider of credentials, right, wrong and expired, against files and a
 * scripted server; their precedence; and that no secret is in any message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "s3_home.h"
#include "creds/source.h"

#define FUTURE "2099-01-02T03:04:05Z"
#define PAST "2001-01-02T03:04:05Z"
#define JSON(id, token, expires) "{\"Version\":1,\"Code\":\"Success\",\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"" \
	SECRET "\",\"" token "\":\"tok\",\"Expiration\":\"" expires "\"}"

static struct http_site site;
static struct cred_set got;
static const char *reply;               /* to whatever is asked */

/* ---- helpers */

static void done(struct source *s, int err)
{
	*(int *)s->arg = err;
	memcpy(&got, &s->got, sizeof(got));
	loop_stop();
}

static int fetch_of(const char *profile, unsigned of)
{
	char why[AWSCONF_WHY];
	struct awsconf *c = awsconf_load(why);
	struct source *s;
	int err = 1;

	assert_non_null(c);
	s = source_new(c, profile, of);
	s->site = &site;
	s->done = done;
	s->arg = &err;
	source_start(s);
	while (err == 1)
		loop_run();
	source_free(s);
	awsconf_free(c);
	return err;
}

/* With these lines in ~/.aws/config. */
static int fetch(const char *text)
{
	put(config, text);
	return fetch_of("default", OF_ALL);
}

static void expect_all(const char *id, const char *token, time_t expires, const char *from)
{
	assert_string_equal(got.id, id);
	assert_string_equal(got.secret, SECRET);
	assert_string_equal(got.token, token);
	assert_int_equal(got.expires, expires);
	if (strncmp(got.from, from, strlen(from)))
		fail_msg("\"%s\" is not \"%s\"", got.from, from);
}

static void fails(const char *text, const char *message)
{
	assert_int_equal(fetch(text), -EACCES);
	if (!strstr(got.from, message))
		fail_msg("\"%s\" has no \"%s\"", got.from, message);
	assert_null(strstr(got.from, SECRET));
	assert_null(strchr(got.from, '\n'));
}

static char *by_reply(const char *request, void *arg)
{
	(void)arg;
	(void)request;
	return reply ? strdup(reply) : NULL;
}

static void use(char *(*answer)(const char *request, void *arg), const char *text)
{
	pthread_mutex_lock(&server.lock);
	server.answer = answer;
	reply = text;
	pthread_mutex_unlock(&server.lock);
}

static int fresh(void **state)
{
	(void)state;
	home_clean();
	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("AWS_ENDPOINT_URL", server.url, 1);
	use(by_reply, "500\nnot scripted");
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	return home_set_up(by_reply);
}

/* ---- written down */

static void environment(void **state)
{
	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "ID", 1);
	fails("", "environment: AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
	setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
	assert_int_equal(fetch(""), 0);
	expect_all("ID", "", 0, "environment");
	setenv("AWS_SESSION_TOKEN", "tok", 1);
	setenv("AWS_CREDENTIAL_EXPIRATION", FUTURE, 1);
	assert_int_equal(fetch(""), 0);
	expect_all("ID", "tok", source_time(FUTURE), "environment");
	setenv("AWS_CREDENTIAL_EXPIRATION", PAST, 1);
	fails("", "environment: they expired at " PAST);
	unsetenv("AWS_CREDENTIAL_EXPIRATION");
	setenv("AWS_SESSION_TOKEN", "a b", 1);
	fails("", "cannot be credentials");
	setenv("AWS_SESSION_TOKEN", "a\r\nx-evil: b", 1);
	fails("", "cannot be credentials");
	unsetenv("AWS_ACCESS_KEY_ID");
	fails("", "AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not");
}

static void files(void **state)
{
	(void)state;
	fails("", "no credentials in profile default; looked for: environment, assume role, web identity, SSO, "
	      "credentials file, credential_process, config file, container, instance metadata");
	assert_int_equal(fetch("[default]\naws_access_key_id=C\naws_secret_access_key=" SECRET "\n"), 0);
	expect_all("C", "", 0, "profile default of ");
	assert_non_null(strstr(got.from, "/.aws/config"));
	put(credentials, "[default]\naws_access_key_id=F\naws_secret_access_key=" SECRET "\naws_session_token=tok\n");
	assert_int_equal(fetch("[default]\naws_access_key_id=C\naws_secret_access_key=no\n"), 0);
	expect_all("F", "tok", 0, "profile default of ");
	assert_non_null(strstr(got.from, "/.aws/credentials"));
	put(credentials, "[default]\naws_secret_access_key=" SECRET "\n");
	fails("", "the access key id is missing");
}

/* ---- credential_process */

static void process(void **state)
{
	char script[96], text[256];

	(void)state;
	snprintf(script, sizeof(script), "%s/give me", home);
	put(script, "#!/bin/sh\n[ \"$#:$1:$2:$3\" = '3:a b:c\"d:$HOME' ] || exit 3\n"
	    "echo '" JSON("P", "SessionToken", FUTURE) "'\n");
	chmod(script, 0700);
	snprintf(text, sizeof(text), "[default]\ncredential_process = \"%s\" 'a b' \"c\\\"d\"  $HOME\n", script);
	assert_int_equal(fetch(text), 0);
	expect_all("P", "tok", source_time(FUTURE), "credential_process of profile default");
	fails("[default]\ncredential_process = sh -c 'echo sorry, log in >&2; echo more >&2; exit 4'\n",
	      "it ended with status 4: sorry, log in");
	fails("[default]\ncredential_process = sh -c 'kill -9 $$'\n", "it ended with signal 9");
	fails("[default]\ncredential_process = /none/such\n", "it could not be run: No such file");
	fails("[default]\ncredential_process = sh -c 'oops\n", "a quote in it is not closed");
	fails("[default]\ncredential_process = echo hello " SECRET "\n", "not a JSON object");
	fails("[default]\ncredential_process = echo '{\"Version\":2,\"SecretAccessKey\":\"" SECRET "\"}'\n",
	      "\"Version\" is not 1");
	fails("[default]\ncredential_process = echo '" JSON("P", "SessionToken", PAST) "'\n", "they expired at " PAST);
	fails("[default]\ncredential_process = echo '" JSON("P", "SessionToken", "soon") "'\n",
	      "\"soon\" is no time of expiry");
	fails("[default]\ncredential_process = echo '{\"Version\":1,\"SecretAccessKey\":\"" SECRET "\"}'\n",
	      "the access key id is missing");
	fails("[default]\ncredential_process = sh -c 'yes | head -c 1000000'\n", "not a JSON object");
}

/* ---- STS */

#define STS_REPLY(action, id, expires) "200\n<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" \
	action "Result><Credentials><AccessKeyId>" id "</AccessKeyId><SecretAccessKey>" SECRET "</SecretAccessKey>" \
	"<SessionToken>tok</SessionToken><Expiration>" expires "</Expiration></Credentials></" action "Result></" \
	action "Response>"
#define BASE "[profile base]\naws_access_key_id=BASE\naws_secret_access_key=base\n"

static void role(void **state)
{
	(void)state;
	use(by_reply, STS_REPLY("AssumeRole", "R", FUTURE));
	assert_int_equal(fetch("[default]\nrole_arn=arn:aws:iam::1:role/x y\nsource_profile=base\nexternal_id=e&e\n"
			       "role_session_name=me\nduration_seconds=900\nregion=eu-west-3\n" BASE), 0);
	expect_all("R", "tok", source_time(FUTURE), "role arn:aws:iam::1:role/x y of profile default, by profile base of ");
	assert_true(scripted_saw(&server, "POST / HTTP/1.1\r\n"));
	assert_true(scripted_saw(&server, "\r\n\r\nAction=AssumeRole&DurationSeconds=900&ExternalId=e%26e&"
				 "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx%20y&RoleSessionName=me&Version=2011-06-15"));
	assert_true(scripted_saw(&server, "AWS4-HMAC-SHA256 Credential=BASE/"));
	assert_true(scripted_saw(&server, "/eu-west-3/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, "));
	assert_int_equal(fetch("[default]\nrole_arn=r\nsource_profile=default\naws_access_key_id=SELF\n"
			       "aws_secret_access_key=self\naws_session_token=selftok"), 0);
	assert_true(scripted_saw(&server, "Credential=SELF/"));
	assert_true(scripted_saw(&server, "x-amz-security-token:selftok\r\n"));
	assert_true(scripted_saw(&server, "RoleSessionName=shim-"));
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "env", 1);
	put(config, "[default]\nrole_arn=r\ncredential_source=Environment\n");
	assert_int_equal(fetch_of("default", OF_ALL & ~OF_ENVIRONMENT), 0);
	assert_true(scripted_saw(&server, "Credential=ENV/"));
	assert_int_equal(fetch_of("default", OF_ALL), 0);
	assert_string_equal(got.id, "ENV");
}

static void role_chain(void **state)
{
	(void)state;
	use(by_reply, STS_REPLY("AssumeRole", "R", FUTURE));
	assert_int_equal(fetch("[default]\nrole_arn=one\nsource_profile=b\n[profile b]\nrole_arn=two\nsource_profile=base\n"
			       BASE), 0);
	assert_true(scripted_saw(&server, "Credential=R/"));
	assert_true(scripted_saw(&server, "x-amz-security-token:tok\r\n"));
	assert_true(scripted_saw(&server, "RoleArn=one"));
	fails("[default]\nrole_arn=one\nsource_profile=b\n[profile b]\nrole_arn=two\nsource_profile=default\n",
	      "source_profile default of profile b comes back to itself");
	fails("[default]\nrole_arn=one\nsource_profile=b\n[profile b]\nregion=x\n",
	      "role one of profile default: no credentials in profile b; looked for: ");
	fails("[default]\nrole_arn=one\nsource_profile=none\n", "source_profile none of profile default does not exist");
}

static void role_errors(void **state)
{
	(void)state;
	fails("[default]\nrole_arn=r\n", "has a role_arn, and neither of source_profile and credential_source");
	fails("[default]\nrole_arn=r\nsource_profile=base\ncredential_source=Environment\n" BASE, "and both of");
	fails("[default]\nrole_arn=r\ncredential_source=Wind\n", "credential_source Wind of profile default is none of");
	fails("[default]\nrole_arn=r\nsource_profile=base\nmfa_serial=m\n" BASE, "mfa_serial needs a code");
	use(by_reply, "403\n<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
	    "<Message>not yours</Message></Error></ErrorResponse>");
	fails("[default]\nrole_arn=r\nsource_profile=base\n" BASE, "STS says AccessDenied: not yours");
	use(by_reply, "200\n<oops>");
	fails("[default]\nrole_arn=r\nsource_profile=base\n" BASE, "answered with status 200");
	use(by_reply, STS_REPLY("AssumeRole", "R", PAST));
	fails("[default]\nrole_arn=r\nsource_profile=base\n" BASE, "they expired at");
	use(by_reply, "200\n<!DOCTYPE x [<!ENTITY e \"x\">]><x>&e;</x>");
	fails("[default]\nrole_arn=r\nsource_profile=base\n" BASE, "answered with status 200");
}

static void web_identity(void **state)
{
	char file[96], text[256];

	(void)state;
	snprintf(file, sizeof(file), "%s/token", home);
	put(file, "eyJ.token.x=\n");
	use(by_reply, STS_REPLY("AssumeRoleWithWebIdentity", "W", FUTURE));
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file, 1);
	fails("", "web identity: there is a token file, but no role");
	setenv("AWS_ROLE_ARN", "arn:w", 1);
	setenv("AWS_ROLE_SESSION_NAME", "pod", 1);
	assert_int_equal(fetch(""), 0);
	expect_all("W", "tok", source_time(FUTURE), "web identity, role arn:w, token of ");
	assert_true(scripted_saw(&server, "\r\n\r\nAction=AssumeRoleWithWebIdentity&RoleArn=arn%3Aw&RoleSessionName=pod&"
				 "Version=2011-06-15&WebIdentityToken=eyJ.token.x%3D"));
	assert_false(scripted_saw(&server, "uthorization:"));
	put(file, "second\n");
	assert_int_equal(fetch(""), 0);
	assert_true(scripted_saw(&server, "WebIdentityToken=second"));
	unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
	snprintf(text, sizeof(text), "[default]\nrole_arn=of.file\nweb_identity_token_file=%s\n", file);
	unsetenv("AWS_ROLE_ARN");
	assert_int_equal(fetch(text), 0);
	assert_true(scripted_saw(&server, "RoleArn=of.file&"));
	unlink(file);
	fails(text, "token cannot be read: No such file");
}

/* ---- SSO */

#define SSO "[default]\nsso_session=corp\nsso_account_id=123\nsso_role_name=a/b\n" \
	    "[sso-session corp]\nsso_region=eu-west-1\nsso_start_url=https://corp/start\n"

static void sso(void **state)
{
	char path[192], command[256];

	(void)state;
	snprintf(command, sizeof(command), "mkdir -p %s/.aws/sso/cache", home);
	assert_int_equal(system(command), 0);
	fails(SSO, "run `aws sso login --profile default`");
	snprintf(path, sizeof(path), "%s/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json", home);   /* SHA-1 of "corp" */
	put(path, "{\"accessToken\":\"bearer\",\"expiresAt\":\"" FUTURE "\"}");
	use(by_reply, "200\n{\"roleCredentials\":{\"accessKeyId\":\"S\",\"secretAccessKey\":\"" SECRET "\","
	    "\"sessionToken\":\"tok\",\"expiration\":4070919845000}}");
	assert_int_equal(fetch(SSO), 0);
	expect_all("S", "tok", 4070919845, "SSO, role a/b of account 123, profile default");
	assert_true(scripted_saw(&server, "GET /federation/credentials?account_id=123&role_name=a%2Fb HTTP/1.1\r\n"));
	assert_true(scripted_saw(&server, "x-amz-sso_bearer_token:bearer\r\n"));
	use(by_reply, "401\n{}");
	fails(SSO, "is not accepted any more; run `aws sso login");
	put(path, "{\"accessToken\":\"bearer\",\"expiresAt\":\"" PAST "\"}");
	fails(SSO, "the token of profile default expired at");
	put(path, "{\"expiresAt\":\"" FUTURE "\"}");
	fails(SSO, "has no token");
	fails("[default]\nsso_session=none\nsso_account_id=1\nsso_role_name=x\n", "sso-session none has no sso_start_url");
	fails("[default]\nsso_start_url=u\nsso_region=r\nsso_account_id=1\n", "profile default has no sso_role_name");
}

#define REFRESH "\"clientId\":\"client\",\"clientSecret\":\"" SECRET "c\",\"refreshToken\":\"" SECRET "r\",\"startUrl\":\"u\""
#define ROLE_REPLY "{\"roleCredentials\":{\"accessKeyId\":\"S\",\"secretAccessKey\":\"" SECRET "\",\"sessionToken\":\"tok\"," \
	"\"expiration\":4070919845000}}"

struct sso_server {
	const char *token;              /* what CreateToken answers */
	const char *bearer;             /* that the role is given for */
	unsigned tokens;                /* CreateTokens */
	char asked[4096];               /* the last one */
};

static char *by_sso(const char *request, void *arg)
{
	struct sso_server *x = arg;
	char want[128];

	if (!strncmp(request, "POST /token ", 12)) {
		x->tokens++;
		snprintf(x->asked, sizeof(x->asked), "%s", request);
		return strdup(x->token);
	}
	snprintf(want, sizeof(want), "x-amz-sso_bearer_token:%s\r\n", x->bearer);
	return strdup(strstr(request, want) ? "200\n" ROLE_REPLY : "401\n{}");
}

/* The file has this in it, and is its owner's alone. */
static int cached(const char *path, const char *text)
{
	char all[4096] = "";
	struct stat st;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0 && read(fd, all, sizeof(all) - 1) > 0 && !fstat(fd, &st));
	close(fd);
	assert_int_equal(st.st_mode & 0777, 0600);
	return strstr(all, text) != NULL;
}

/* A token of a session is renewed before it expires, and its file written for who comes next. */
static void sso_renewed(void **state)
{
	struct sso_server x = { .token = "200\n{\"accessToken\":\"new\",\"expiresIn\":3600,\"refreshToken\":\"next\"}",
		.bearer = "new" };
	char path[192], soon[32], text[512], command[256];
	time_t t = time(NULL) + 600;

	(void)state;
	snprintf(command, sizeof(command), "mkdir -p %s/.aws/sso/cache", home);
	assert_int_equal(system(command), 0);
	strftime(soon, sizeof(soon), "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
	snprintf(path, sizeof(path), "%s/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json", home);
	pthread_mutex_lock(&server.lock);
	server.answer = by_sso;
	server.arg = &x;
	pthread_mutex_unlock(&server.lock);
	setenv("AWS_ENDPOINT_URL", server.url, 1);

	put(path, "{\"accessToken\":\"old\",\"expiresAt\":\"" PAST "\"," REFRESH "}");
	assert_int_equal(fetch(SSO), 0);
	expect_all("S", "tok", 4070919845, "SSO, role a/b of account 123, profile default");
	assert_int_equal(x.tokens, 1);
	assert_non_null(strstr(x.asked, "ontent-type:application/json\r\n"));
	assert_non_null(strstr(x.asked, "{\"grantType\":\"refresh_token\",\"clientId\":\"client\",\"clientSecret\":\"" SECRET
			       "c\",\"refreshToken\":\"" SECRET "r\"}"));
	assert_true(cached(path, "\"accessToken\": \"new\""));
	assert_true(cached(path, "\"refreshToken\": \"next\""));
	assert_true(cached(path, "\"clientId\": \"client\""));
	assert_true(cached(path, "\"startUrl\": \"u\""));
	assert_int_equal(fetch(SSO), 0);        /* good for an hour now */
	assert_int_equal(x.tokens, 1);

	/* some ten minutes before its end; while that fails the old one serves */
	snprintf(text, sizeof(text), "{\"accessToken\":\"old\",\"expiresAt\":\"%s\"," REFRESH "}", soon);
	put(path, text);
	assert_int_equal(fetch(SSO), 0);
	assert_int_equal(x.tokens, 2);
	put(path, text);
	x.token = "400\n{\"error\":\"invalid_grant\"}";
	x.bearer = "old";
	assert_int_equal(fetch(SSO), 0);
	assert_int_equal(x.tokens, 3);
	put(path, "{\"accessToken\":\"old\",\"expiresAt\":\"" PAST "\"," REFRESH "}");
	fails(SSO, "was not renewed (status 400); run `aws sso login --profile default`");
	x.token = "200\n{}";
	fails(SSO, "has none");

	/* one that is good by its file and refused is renewed, once */
	put(path, "{\"accessToken\":\"old\",\"expiresAt\":\"" FUTURE "\"," REFRESH "}");
	x = (struct sso_server){ .token = "200\n{\"accessToken\":\"new\",\"expiresIn\":60}", .bearer = "new" };
	assert_int_equal(fetch(SSO), 0);
	assert_int_equal(x.tokens, 1);
	assert_true(cached(path, "\"refreshToken\": \"" SECRET "r\""));
	x.bearer = "another";
	fails(SSO, "is not accepted any more");
	assert_int_equal(x.tokens, 2);

	/* nothing to renew it with: no session, no refresh token, or a registration that is over */
	x.tokens = 0;
	put(path, "{\"accessToken\":\"old\",\"expiresAt\":\"" PAST "\"}");
	fails(SSO, "expired at");
	put(path, "{\"accessToken\":\"old\",\"expiresAt\":\"" PAST "\",\"registrationExpiresAt\":\"" PAST "\"," REFRESH "}");
	fails(SSO, "expired at");
	assert_int_equal(x.tokens, 0);
}

/* ---- container and machine */

static void container(void **state)
{
	char url[128], file[96];

	(void)state;
	snprintf(url, sizeof(url), "%s/creds?x=1", server.url);
	snprintf(file, sizeof(file), "%s/auth", home);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc", 1);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	use(by_reply, "200\n" JSON("T", "Token", FUTURE));
	assert_int_equal(fetch(""), 0);
	expect_all("T", "tok", source_time(FUTURE), "container");
	assert_true(scripted_saw(&server, "GET /creds?x=1 HTTP/1.1\r\n"));
	assert_true(scripted_saw(&server, "uthorization:Basic abc\r\n"));
	put(file, "Bearer of.file\n");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file, 1);
	assert_int_equal(fetch(""), 0);
	assert_true(scripted_saw(&server, "uthorization:Bearer of.file\r\n"));
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nb: c", 1);
	fails("", "more than one line");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	use(by_reply, "404\nnone");
	fails("", "answered with status 404");
	use(by_reply, "200\n" JSON("T", "Token", PAST));
	fails("", "container: they expired at");
}

static void container_hosts(void **state)
{
	static const char *const bad[] = {
		"http://example.com/x", "http://169.254.169.254/x", "http://10.0.0.1/", "http://127.0.0.1.evil.com/x",
		"ftp://localhost/x", "file:///etc/passwd", "http://[fd00:ec2::24]/", "localhost/x", "http://user@evil/",
		"http://169.254.170.2@evil.com/",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad[i], 1);
		fails("", "only https, or a host of the container itself");
	}
}

static char *machine_answer(const char *request, void *arg)
{
	(void)arg;
	if (!strncmp(request, "PUT /latest/api/token ", 22) &&
	    strcasestr(request, "x-aws-ec2-metadata-token-ttl-seconds:21600\r\n"))
		return strdup("200\nmachinetoken");
	if (!strcasestr(request, "x-aws-ec2-metadata-token:machinetoken\r\n"))
		return strdup("401\n");
	if (strstr(request, "/security-credentials/ "))
		return strdup("200\nmyrole\n");
	if (strstr(request, "GET /latest/meta-data/iam/security-credentials/myrole "))
		return strdup(reply);
	return strdup("404\n");
}

static void machine(void **state)
{
	(void)state;
	unsetenv("AWS_EC2_METADATA_DISABLED");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url, 1);
	setenv("HTTP_PROXY", "http://127.0.0.1:1", 1);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	use(machine_answer, "200\n" JSON("M", "Token", FUTURE));
	assert_int_equal(fetch(""), 0);
	expect_all("M", "tok", source_time(FUTURE), "role myrole of this machine");
	use(machine_answer, "200\n{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"SecretAccessKey\":\"" SECRET "\"}");
	fails("", "role myrole: AssumeRoleUnauthorizedAccess");
	use(machine_answer, "200\n[]");
	fails("", "not a JSON object");
	use(by_reply, "404\n");
	fails("", "answered with status 404");
	use(by_reply, "200\nbad token\x01\n");
	fails("", "answered with status 200");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1", 1);
	fails("", "no credentials in profile default; looked for: environment, ");
}

static void machine_role(void **state)
{
	(void)state;
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url, 1);
	fails("[default]\nrole_arn=r\ncredential_source=Ec2InstanceMetadata\n", "role r of profile default: no credentials");
}

/* What fails for a moment is asked again. */
static char *third_time(const char *request, void *arg)
{
	(void)request;
	(void)arg;
	switch (server.requests % 3) {
	case 1: return NULL;
	case 2: return strdup("503\nslow down");
	default: return strdup(reply);
	}
}

static void again(void **state)
{
	char url[128];

	(void)state;
	snprintf(url, sizeof(url), "%s/creds", server.url);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
	use(third_time, "200\n" JSON("T", "Token", FUTURE));
	scripted_reset(&server);
	assert_int_equal(fetch(""), 0);
	assert_string_equal(got.id, "T");
	assert_int_equal(scripted_requests(&server), 3);
	use(by_reply, NULL);
	scripted_reset(&server);
	fails("", "container: http://127.0.0.1:");
	assert_int_equal(scripted_requests(&server), 3);
}

/* ---- precedence: each is taken away in turn, and the next one counts */

static void precedence(void **state)
{
	char text[1024], url[128], file[96];
	static const char *const order[] = { "ENV", "ROLE", "WEB", "FILE", "PROCESS", "CONFIG", "CONTAINER" };
	unsigned gone = 0;

	(void)state;
	snprintf(url, sizeof(url), "%s/creds", server.url);
	snprintf(file, sizeof(file), "%s/webtoken", home);
	put(file, "x");
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file, 1);
	setenv("AWS_ROLE_ARN", "web", 1);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
	put(credentials, "[default]\naws_access_key_id=FILE\naws_secret_access_key=" SECRET "\n");
	for (; gone < sizeof(order) / sizeof(*order); gone++) {
		if (gone == 1)
			unsetenv("AWS_ACCESS_KEY_ID"), unsetenv("AWS_SECRET_ACCESS_KEY");
		if (gone == 3)
			unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
		if (gone == 4)
			put(credentials, "");
		use(by_reply, gone < 2 ? STS_REPLY("AssumeRole", "ROLE", FUTURE)
		    : gone == 2 ? STS_REPLY("AssumeRoleWithWebIdentity", "WEB", FUTURE)
		    : "200\n" JSON("CONTAINER", "Token", FUTURE));
		snprintf(text, sizeof(text), "[default]\n%s%s%s" BASE,
			 gone < 2 ? "role_arn=r\nsource_profile=base\n" : "",
			 gone < 5 ? "credential_process=echo '" JSON("PROCESS", "SessionToken", FUTURE) "'\n" : "",
			 gone < 6 ? "aws_access_key_id=CONFIG\naws_secret_access_key=" SECRET "\n" : "");
		assert_int_equal(fetch(text), 0);
		assert_string_equal(got.id, order[gone]);
	}
}

static void times(void **state)
{
	static const struct { const char *iso; time_t t; } ok[] = {
		{ "1970-01-01T00:00:01Z", 1 }, { "2015-08-30T12:36:00Z", 1440938160 },
		{ "2015-08-30T12:36:00.123Z", 1440938160 }, { "2015-08-30T14:36:00+02:00", 1440938160 },
		{ "2015-08-30T07:06:00-0530", 1440938160 }, { "2015-08-30T12:36:00", 1440938160 },
		{ "2015-08-30T12:36:00UTC", 1440938160 }, { "2015-08-30", 0 }, { "", 0 }, { "x", 0 },
		{ "2015-08-30T12:36:00Zx", 0 }, { "2015-08-30T12:36:00+2", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ok) / sizeof(*ok); i++)
		assert_int_equal(source_time(ok[i].iso), ok[i].t);
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(environment), T(files), T(process), T(role), T(role_chain), T(role_errors), T(web_identity), T(sso), T(sso_renewed),
		T(container), T(container_hosts), T(machine), T(machine_role), T(again), T(precedence), T(times),
	};

	return cmocka_run_group_tests(tests, set_up, home_tear_down);
}
