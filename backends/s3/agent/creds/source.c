/* SPDX-License-Identifier: MIT */
/* The table of providers, in the order of AWS's tools, and what they share; see source.h. */
#include "source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

static const struct provider {
	const char *name;               /* for people */
	const char *named;              /* in credential_source, or NULL */
	unsigned of;
	int (*start)(struct source *s);
} providers[] = {
	{ "environment", "Environment", OF_ENVIRONMENT, source_environment },
	{ "assume role", NULL, OF_ROLE, source_role },
	{ "web identity", NULL, OF_PROFILE, source_web_identity },
	{ "SSO", NULL, OF_PROFILE, source_sso },
	{ "credentials file", NULL, OF_PROFILE, source_credentials_file },
	{ "credential_process", NULL, OF_PROFILE, source_process },
	{ "config file", NULL, OF_PROFILE, source_config_file },
	{ "container", "EcsContainer", OF_HOST, source_container },
	{ "instance metadata", "Ec2InstanceMetadata", OF_HOST, source_machine },
};

#define PROVIDERS (sizeof(providers) / sizeof(*providers))

struct source *source_new(const struct awsconf *conf, const char *profile, unsigned of)
{
	struct source *s = calloc(1, sizeof(*s));

	if (s) {
		s->conf = conf;
		s->profile = profile;
		s->of = of;
	}
	return s;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	OPENSSL_clear_free(s->state, s->state_size);
	OPENSSL_clear_free(s->call, sizeof(*s->call));
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

static int takes_part(const struct source *s, const struct provider *p)
{
	return s->only ? p->named && !strcmp(s->only, p->named) : !!(s->of & p->of);
}

int source_none(struct source *s, const char *why)
{
	char tried[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < PROVIDERS; i++)
		if (takes_part(s, &providers[i]) && n < sizeof(tried))
			n += (size_t)snprintf(tried + n, sizeof(tried) - n, "%s%s", n ? ", " : "", providers[i].name);
	return source_fail(s, "no credentials in profile %s; looked for: %s%s%s", s->profile, tried, why ? ": " : "",
			   why ? why : "");
}

void source_start(struct source *s)
{
	int r = 0;

	for (size_t i = 0; i < PROVIDERS && !r; i++)
		if (takes_part(s, &providers[i]))
			r = providers[i].start(s);
	if (r <= 0)
		source_end(s, r ? r : source_none(s, NULL));
}

/* ---- for providers */

int source_fail(struct source *s, const char *fmt, ...)
{
	char why[sizeof(s->got.from)];  /* what is there may be one of the arguments */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	memcpy(s->got.from, why, sizeof(why));
	return -EACCES;
}

void source_from(struct source *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->got.from, sizeof(s->got.from), fmt, ap);
	va_end(ap);
}

static void tell(void *arg)
{
	struct source *s = arg;

	s->done(s, s->err);
}

int source_end(struct source *s, int err)
{
	s->err = err;
	loop_soon(tell, s);
	return 1;
}

static int take(char *to, size_t room, const char *from)
{
	size_t n = from ? strlen(from) : 0;

	if (n >= room)
		return -EINVAL;
	memcpy(to, from ? from : "", n);
	to[n] = 0;
	return 0;
}

/* A header's value: nothing below a space. */
static int is_printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return 0;
	return 1;
}

int source_take(struct source *s, const char *id, const char *secret, const char *token, const char *expires)
{
	struct cred_set *g = &s->got;

	if (!id || !*id || !secret || !*secret)
		return source_fail(s, "%s: %s is missing", g->from, id && *id ? "the secret key" : "the access key id");
	if (take(g->id, sizeof(g->id), id) || take(g->secret, sizeof(g->secret), secret) ||
	    take(g->token, sizeof(g->token), token) ||
	    !is_printable(g->id) || !is_printable(g->secret) || !is_printable(g->token))
		return source_fail(s, "%s: these cannot be credentials: too long, or with spaces in them", g->from);
	g->expires = 0;
	if (expires && *expires && !(g->expires = source_time(expires)))
		return source_fail(s, "%s: \"%.40s\" is no time of expiry", g->from, expires);
	if (g->expires)
		g->expires -= s->skew;
	if (g->expires && g->expires <= time(NULL))
		return source_fail(s, "%s: they expired at %.40s", g->from, expires);
	return 0;
}

void *source_state(struct source *s, size_t size)
{
	OPENSSL_clear_free(s->state, s->state_size);
	s->state = OPENSSL_zalloc(size);
	s->state_size = size;
	return s->state;
}

/* "Z", "+01:00", "-0530" or nothing, in seconds east of Greenwich; 1 if it is something else. */
static int offset(const char *s, long *seconds)
{
	int h, m = 0, n = 0;

	*seconds = 0;
	if (!*s || !strcmp(s, "Z") || !strcmp(s, "z") || !strcmp(s, "UTC"))
		return 0;
	if ((*s != '+' && *s != '-') ||
	    (sscanf(s + 1, "%2d:%2d%n", &h, &m, &n) != 2 && sscanf(s + 1, "%2d%2d%n", &h, &m, &n) != 2) || s[1 + n])
		return 1;
	*seconds = (h * 60L + m) * 60 * (*s == '-' ? -1 : 1);
	return 0;
}

time_t source_time(const char *iso)
{
	struct tm tm = { 0 };
	const char *rest = strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm);
	long east;

	if (!rest)
		return 0;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (offset(rest, &east))
		return 0;
	return timegm(&tm) - east;
}

const char *source_setting(const struct source *s, const char *name)
{
	return awsconf_profile(s->conf, s->profile, name);
}

char *source_read_line(struct source *s, const char *path)
{
	char full[PATH_MAX], *text, *mine;
	size_t n = 0;

	text = aws_path(full, path) ? NULL : aws_read_file(full, SOURCE_TOKEN_MAX, &n);
	mine = text ? source_state(s, n + 1) : NULL;
	if (mine)
		memcpy(mine, text, strcspn(text, "\r\n"));
	else
		source_fail(s, "%.300s cannot be read: %s", path, strerror(errno));
	OPENSSL_clear_free(text, n);
	return mine;
}
