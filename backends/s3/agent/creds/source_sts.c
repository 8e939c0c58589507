/* SPDX-License-Identifier: MIT */
/* Calls of the Security Token Service. */
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "http/xml.h"

#define FORM "application/x-www-form-urlencoded; charset=utf-8"

/* What an answer has, credentials or an error. */
struct sts_answer {
	char id[SOURCE_ID_MAX], secret[SIGV4_SECRET_MAX], token[SOURCE_TOKEN_MAX], expires[64];
	char code[64], message[256];
};

static int ends_with(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n > m && path[n - m - 1] == '/' && !strcmp(path + n - m, end);
}

static int leaf(void *arg, const char *path, const char *value)
{
	struct sts_answer *a = arg;
	const struct { const char *end; char *to; size_t room; } fields[] = {
		{ "Credentials/AccessKeyId", a->id, sizeof(a->id) },
		{ "Credentials/SecretAccessKey", a->secret, sizeof(a->secret) },
		{ "Credentials/SessionToken", a->token, sizeof(a->token) },
		{ "Credentials/Expiration", a->expires, sizeof(a->expires) },
		{ "Error/Code", a->code, sizeof(a->code) },
		{ "Error/Message", a->message, sizeof(a->message) },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (ends_with(path, fields[i].end))
			snprintf(fields[i].to, fields[i].room, "%s", value);
	return 0;
}

static int answered(struct source *s, int status)
{
	struct sts_answer a = { 0 };
	char from[SOURCE_FROM_MAX];
	int err;

	if (!status)
		return source_refused(s, "STS", 0);
	err = xml_parse(s->call->answer, s->call->len, leaf, NULL, &a);
	memcpy(from, s->got.from, sizeof(from));
	if (status != 200 && *a.code)
		err = source_fail(s, "%.200s: STS says %s: %s", from, a.code, a.message);
	else if (status != 200 || err)
		err = source_refused(s, "STS", status);
	else
		err = source_take(s, a.id, a.secret, a.token, a.expires);
	OPENSSL_cleanse(&a, sizeof(a));
	return err ? err : source_end(s, 0);
}

/* Its URL, with a / at the end. */
static void endpoint(const struct source *s, const char *region, char out[512])
{
	const char *url = aws_endpoint(s->conf, s->profile, "sts");
	const char *fips = aws_is_true(aws_setting(s->conf, s->profile, "use_fips_endpoint")) ? "-fips" : "";
	size_t n;

	if (!url && !region)
		snprintf(out, 512, "https://sts.amazonaws.com");
	else if (!url)
		snprintf(out, 512, "https://sts%s.%s.amazonaws.com%s", fips, region,
			 strncmp(region, "cn-", 3) ? "" : ".cn");
	else
		snprintf(out, 512, "%s", url);
	for (n = strlen(out); n && out[n - 1] == '/'; n--)
		;
	snprintf(out + n, 512 - n, "/");
}

static int sign(struct source_call *c, const struct sigv4_key *key, const char *region)
{
	char host[256], hash[65];
	const char *path = strstr(c->url, "://");

	path = path ? strchr(path + 3, '/') : NULL;
	source_host(host, sizeof(host), c->url);
	sigv4_sha256(hash, c->body, strlen(c->body));
	memcpy(c->text + c->used, host, strlen(host) + 1);
	c->used += strlen(host) + 1;
	return sigv4_sign(&c->http, c->text + c->used - strlen(host) - 1, path ? path : "/", "", hash, key, region, "sts",
			  time(NULL), c->text + c->used, sizeof(c->text) - c->used);
}

int source_sts(struct source *s, const struct sigv4_param *p, size_t n, const struct sigv4_key *key)
{
	const char *region = aws_setting(s->conf, s->profile, "region");
	struct source_call *c;
	char url[512];

	endpoint(s, region, url);
	c = source_request(s, s->site, "POST", "%s", url);
	if (!c)
		return -EACCES;
	if (sigv4_query(c->body, sizeof(c->body), p, n) < 0)
		return source_fail(s, "STS: the request is too long");
	source_header(c, "content-type", FORM);
	if (key && sign(c, key, region ? region : "us-east-1"))
		return source_fail(s, "STS: the request cannot be signed");
	return source_send(s, answered);
}

const char *source_session(char out[65], const char *given)
{
	if (given)
		snprintf(out, 65, "%s", given);
	else
		snprintf(out, 65, "shim-%lld", (long long)time(NULL));
	return out;
}
