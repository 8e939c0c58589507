/* SPDX-License-Identifier: MIT */
/*
 * The token of IAM Identity Center: in the file `aws sso login` left, and of an
 * sso-session renewed by its refresh token as AWS's tools do it, 15 minutes
 * before it expires, and written back for them. The refresh token may be good
 * for once only, so what came is on disk before it is used.
 */
#include "source_sso.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "loop/log.h"

#define EARLY (15 * 60)                 /* botocore's */

static json_t *read_file(struct source *s, const struct sso *o)
{
	size_t n;
	char *text = aws_read_file(o->path, SOURCE_ANSWER, &n);
	json_t *j;

	if (!text) {
		source_fail(s, "SSO: %.200s: %s; " SSO_LOGIN, o->path, strerror(errno), s->profile);
		return NULL;
	}
	j = source_json(s, "SSO", text, n);
	OPENSSL_clear_free(text, n);
	return j;
}

/* The file's token and when it expires, 0: there is none. */
static time_t take_token(struct sso *o, const json_t *j)
{
	const char *token = source_json_text(j, "accessToken"), *until = source_json_text(j, "expiresAt");

	if (!token || strlen(token) >= sizeof(o->token) || !until)
		return 0;
	strcpy(o->token, token);
	return source_time(until);
}

/* ---- renewed */

static int can_renew(const struct sso *o, const json_t *j)
{
	const char *until = source_json_text(j, "registrationExpiresAt");

	return o->is_session && !o->renewed && source_json_text(j, "refreshToken") && source_json_text(j, "clientId") &&
	       source_json_text(j, "clientSecret") && (!until || source_time(until) > time(NULL));
}

static void iso(time_t t, char out[32])
{
	struct tm tm;

	*out = '\0';
	if (gmtime_r(&t, &tm))
		strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* In place of the file, as a whole, for its owner only. */
static int write_text(const char *path, const char *text, size_t n)
{
	char next[PATH_MAX + 8];
	int fd, err = 0;

	snprintf(next, sizeof(next), "%s.XXXXXX", path);
	fd = mkostemp(next, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, n) != (ssize_t)n || fsync(fd))
		err = errno ? -errno : -EIO;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(next, path))
		err = -errno;
	if (err)
		unlink(next);
	return err;
}

static void write_back(const struct sso *o, const json_t *j)
{
	size_t n = json_dumpb(j, NULL, 0, JSON_INDENT(2));
	char *text = OPENSSL_malloc(n + 1);
	int err = text ? 0 : -ENOMEM;

	if (text) {
		json_dumpb(j, text, n, JSON_INDENT(2));
		err = write_text(o->path, text, n);
	}
	OPENSSL_clear_free(text, n + 1);
	if (err)
		log_say(LOG_WARN, "SSO: %.300s cannot be written: %s", o->path, strerror(-err));
}

/* What CreateToken answered, into what the file had. 0 or -EACCES. */
static int take_renewed(struct source *s, struct sso *o, json_t *file, const json_t *j)
{
	const char *token = source_json_text(j, "accessToken"), *refresh = source_json_text(j, "refreshToken");
	json_int_t seconds = json_integer_value(json_object_get(j, "expiresIn"));
	char until[32];

	if (!token || strlen(token) >= sizeof(o->token) || seconds <= 0)
		return source_fail(s, "SSO: what the token was to be renewed with has none");
	iso(time(NULL) + (time_t)seconds, until);
	strcpy(o->token, token);
	json_object_set_new(file, "accessToken", json_string(token));
	json_object_set_new(file, "expiresAt", json_string(until));
	if (refresh)
		json_object_set_new(file, "refreshToken", json_string(refresh));
	write_back(o, file);
	return 0;
}

/* Goes on with the old one while that is good. */
static int go_on(struct source *s, int status)
{
	struct sso *o = s->state;
	json_t *j = read_file(s, o);
	time_t until = j ? take_token(o, j) : 0;

	source_json_free(j);
	if (until > time(NULL))
		return o->then(s);
	if (status)
		return source_fail(s, "SSO: the token of profile %.64s expired, and was not renewed (status %d); " SSO_LOGIN,
				   s->profile, status, s->profile);
	return source_fail(s, "SSO: the token of profile %.64s expired, and was not renewed (%.80s); " SSO_LOGIN, s->profile,
			   s->call->http.error, s->profile);
}

static int renewed(struct source *s, int status)
{
	struct sso *o = s->state;
	json_t *j, *file;
	int err;

	if (status != 200)
		return go_on(s, status);
	j = source_json(s, "SSO", s->call->answer, s->call->len);
	file = j ? read_file(s, o) : NULL;
	err = file ? take_renewed(s, o, file, j) : -EACCES;
	source_json_free(j);
	source_json_free(file);
	return err ? err : o->then(s);
}

static int put_body(struct source *s, struct source_call *c, const json_t *j)
{
	json_t *body = json_pack("{s:s, s:O, s:O, s:O}", "grantType", "refresh_token", "clientId",
				 json_object_get(j, "clientId"), "clientSecret", json_object_get(j, "clientSecret"),
				 "refreshToken", json_object_get(j, "refreshToken"));
	size_t n = body ? json_dumpb(body, c->body, sizeof(c->body) - 1, JSON_COMPACT) : 0;

	source_json_free(body);
	if (!n || n >= sizeof(c->body))
		return source_fail(s, "SSO: what the token is renewed with is too long");
	c->body[n] = '\0';
	return 0;
}

static int renew(struct source *s, const json_t *j)
{
	struct sso *o = s->state;
	const char *url = aws_endpoint(s->conf, s->profile, "sso_oidc");
	struct source_call *c;
	char usual[128];

	o->renewed = 1;
	snprintf(usual, sizeof(usual), "https://oidc.%.32s.amazonaws.com%s", o->region,
		 strncmp(o->region, "cn-", 3) ? "" : ".cn");
	c = source_request(s, s->site, "POST", "%s/token", url ? url : usual);
	if (!c || put_body(s, c, j))
		return -EACCES;
	source_header(c, "content-type", "application/json");
	return source_send(s, renewed);
}

/* ---- the token */

static int use(struct source *s, const json_t *j)
{
	struct sso *o = s->state;
	time_t now = time(NULL), until = take_token(o, j);
	char text[32];

	if (!until)
		return source_fail(s, "SSO: %.200s has no token; " SSO_LOGIN, o->path, s->profile);
	if (until <= now + EARLY && can_renew(o, j))
		return renew(s, j);
	if (until > now)
		return o->then(s);
	iso(until, text);
	return source_fail(s, "SSO: the token of profile %.64s expired at %s; " SSO_LOGIN, s->profile, text, s->profile);
}

int sso_token(struct source *s, int (*then)(struct source *s))
{
	struct sso *o = s->state;
	json_t *j;
	int err;

	o->then = then;
	j = read_file(s, o);
	err = j ? use(s, j) : -EACCES;
	source_json_free(j);
	return err;
}

int sso_token_again(struct source *s)
{
	struct sso *o = s->state;
	json_t *j = read_file(s, o);
	int err = j && can_renew(o, j) ? renew(s, j) : 0;

	source_json_free(j);
	return err;
}
