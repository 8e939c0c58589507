/* SPDX-License-Identifier: MIT */
/* A role of IAM Identity Center, with the token that `aws sso login` left in ~/.aws/sso/cache. */
#include "source_sso.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

static const char *session_setting(const struct source *s, const char *session, const char *name)
{
	return session ? awsconf_get(s->conf, AWSCONF_SSO, session, name) : source_setting(s, name);
}

static int settings(struct source *s, struct sso *o)
{
	const char *session = source_setting(s, "sso_session"), *url = session_setting(s, session, "sso_start_url");

	o->region = session_setting(s, session, "sso_region");
	o->account = source_setting(s, "sso_account_id");
	o->role = source_setting(s, "sso_role_name");
	o->name = session ? session : url;
	o->is_session = session != NULL;
	if (!o->region || !url)
		return source_fail(s, "SSO: %s %.64s has no %s", session ? "sso-session" : "profile",
				   session ? session : s->profile, url ? "sso_region" : "sso_start_url");
	if (!o->account || !o->role)
		return source_fail(s, "SSO: profile %.64s has no %s", s->profile,
				   o->account ? "sso_role_name" : "sso_account_id");
	return 0;
}

static void cache_file(struct sso *o)
{
	unsigned char md[SHA_DIGEST_LENGTH];
	char name[2 * SHA_DIGEST_LENGTH + 1], path[128];

	SHA1((const unsigned char *)o->name, strlen(o->name), md);
	for (size_t i = 0; i < sizeof(md); i++)
		snprintf(name + 2 * i, 3, "%02x", md[i]);
	snprintf(path, sizeof(path), "~/.aws/sso/cache/%s.json", name);
	aws_path(o->path, path);
}

static int take(struct source *s, const json_t *j)
{
	const json_t *r = json_object_get(j, "roleCredentials");
	json_int_t ms = json_integer_value(json_object_get(r, "expiration"));
	time_t t = (time_t)(ms / 1000);
	char until[32] = "";
	struct tm tm;

	if (t && gmtime_r(&t, &tm))
		strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return source_take(s, source_json_text(r, "accessKeyId"), source_json_text(r, "secretAccessKey"),
			   source_json_text(r, "sessionToken"), until);
}

static int answered(struct source *s, int status)
{
	json_t *j;
	int err;

	if (status == 401) {            /* taken back before its time */
		err = sso_token_again(s);
		if (err)
			return err;
		return source_fail(s, "SSO: the token of profile %.64s is not accepted any more; " SSO_LOGIN, s->profile, s->profile);
	}
	if (status != 200)
		return source_refused(s, "SSO", status);
	j = source_json(s, "SSO", s->call->answer, s->call->len);
	err = j ? take(s, j) : -EACCES;
	source_json_free(j);
	return err ? err : source_end(s, 0);
}

static int ask(struct source *s)
{
	const struct sso *o = s->state;
	const char *url = aws_endpoint(s->conf, s->profile, "sso");
	char query[1024], usual[128];
	struct source_call *c;

	snprintf(usual, sizeof(usual), "https://portal.sso.%.32s.amazonaws.com%s", o->region,
		 strncmp(o->region, "cn-", 3) ? "" : ".cn");
	if (sigv4_query(query, sizeof(query), (const struct sigv4_param[]){ { "role_name", o->role },
						{ "account_id", o->account } }, 2) < 0)
		return source_fail(s, "SSO: the name of the role is too long");
	c = source_request(s, s->site, "GET", "%s/federation/credentials?%s", url ? url : usual, query);
	if (!c)
		return -EACCES;
	source_header(c, "x-amz-sso_bearer_token", o->token);
	source_from(s, "SSO, role %.64s of account %.32s, profile %.64s", o->role, o->account, s->profile);
	return source_send(s, answered);
}

int source_sso(struct source *s)
{
	struct sso *o;
	int err;

	if (!source_setting(s, "sso_session") && !source_setting(s, "sso_start_url"))
		return 0;
	o = source_state(s, sizeof(*o));
	if (!o)
		return source_fail(s, "no memory");
	err = settings(s, o);
	if (err)
		return err;
	cache_file(o);
	return sso_token(s, ask);
}
