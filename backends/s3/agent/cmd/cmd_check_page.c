/* SPDX-License-Identifier: MIT */
/* The page of shim s3 check, and what it advises. */
#include "cmd_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the page */

static void line(const char *mark, const char *what, const char *fmt, va_list ap)
{
	printf("%-5s %-14s ", mark, what);
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
}

void check_note(const char *what, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line("", what, fmt, ap);
	va_end(ap);
}

void check_ok(const char *what, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line("ok", what, fmt, ap);
	va_end(ap);
}

void check_no(const char *what, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line("no", what, fmt, ap);
	va_end(ap);
}

void check_fail(struct check *c, const char *what, const char *advice, const char *fmt, ...)
{
	va_list ap;

	c->failed++;
	va_start(ap, fmt);
	line("FAIL", what, fmt, ap);
	va_end(ap);
	printf("%-20s -> %s\n", "", advice);
}

/* ---- what to do */

static const struct { const char *code; int err; const char *advice; } advices[] = {
	{ "InvalidAccessKeyId", 0, "this key is of another endpoint or account, or was deleted: check the credentials above" },
	{ "SignatureDoesNotMatch", 0, "the secret is not this key's, or something on the way changes requests" },
	{ "ExpiredToken", 0, "fetch new credentials: log in again" },
	{ "InvalidToken", 0, "the session token is not this key's: set both, or neither" },
	{ "NoSuchBucket", 0, "check the bucket's name, endpoint= or AWS_ENDPOINT_URL, and style=" },
	{ "RequestTimeTooSkewed", 0, "set the clock of this machine" },
	{ "AuthorizationHeaderMalformed", 0, "set region= or AWS_REGION to the bucket's" },
	{ "PermanentRedirect", 0, "set region= or AWS_REGION to the bucket's" },
	{ "InvalidObjectState", 0, "the object is archived: restore it first" },
	{ "SlowDown", 0, "the server is overloaded: try again later" },
	{ "", ECONNREFUSED, "nobody listens there: check endpoint= or AWS_ENDPOINT_URL" },
	{ "", EHOSTUNREACH, "check endpoint= or AWS_ENDPOINT_URL, the name server and the network; style=path if only "
			    "the bucket's own name is unknown" },
	{ "", ETIMEDOUT, "check the network, the firewall and the proxy" },
	{ "", EPROTO, "check that endpoint= is S3 and not something else; for a certificate of one's own, "
		      "ca=FILE or AWS_CA_BUNDLE" },
	{ "", ENOENT, "check the bucket's name, and endpoint= or AWS_ENDPOINT_URL" },
};

static const char *advice_for(const char *code, int err)
{
	for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++)
		if (*advices[i].code ? !strcmp(code, advices[i].code) : !*code && err == -advices[i].err)
			return advices[i].advice;
	return NULL;
}

void check_refused(struct check *c, const char *what, const struct s3_request *r, int err, const char *action)
{
	const char *advice = advice_for(r->code, err), *why = *r->message ? r->message : strerror(-err);
	char policy[S3_NAME_MAX + 128];

	snprintf(policy, sizeof(policy), "let these credentials %s on arn:aws:s3:::%s%s%s", action, c->b->name,
		 r->key ? "/" : "", r->key ? c->prefix : "");
	if (!advice)
		advice = err == -EACCES ? policy : "the server's own log may say more";
	check_fail(c, what, advice, "%s", why);
}
