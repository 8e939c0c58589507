/* SPDX-License-Identifier: MIT */
/* What went wrong with a request, in words; see s3_private.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "count.h"
#include "loop/log.h"
#include "s3_private.h"

/* The answer's own word for it, or ours. */
static void put_what(const struct s3_try *t, int err, char *to, size_t room)
{
	if (t->http.status >= 300 || *t->r->code)
		snprintf(to, room, "%d %s", t->http.status, t->r->code);
	else
		snprintf(to, room, "%s", strerror(-err));
}

static const char *reason(const struct s3_try *t)
{
	if (t->why)
		return t->why;
	return *t->r->message ? t->r->message : t->http.status < 300 ? t->http.error : "";
}

static void put_message(struct s3_try *t, int err, const char *what)
{
	struct s3_request *r = t->r;
	char key[100], why[sizeof(r->message)];
	size_t n;

	snprintf(key, sizeof(key), "%s", r->key ? r->key : "");
	snprintf(why, sizeof(why), "%s", reason(t));
	snprintf(r->message, sizeof(r->message), "%s s3://%.64s/%s at %.80s: %s%s%.120s", r->method,
		 t->b->name, key, t->b->endpoint, what, *why ? ": " : "", why);
	log_plain(r->message);
	n = strlen(r->message);
	if (err == -EACCES || t->keyless)
		snprintf(r->message + n, sizeof(r->message) - n, " (credentials: %s)", creds_source(t->b->creds));
}

/* What programs ask about all day, and are told: a key that is not there, a condition that does not hold. */
static int is_an_answer(const struct s3_request *r, int err)
{
	return (err == -ENOENT && strcmp(r->code, "NoSuchBucket")) || err == -EALREADY || err == -EEXIST ||
	       err == -ERANGE;
}

void s3_explain(struct s3_try *t, int err, int again)
{
	struct s3_request *r = t->r;
	char what[120], id[320];

	put_what(t, err, what, sizeof(what));
	put_message(t, err, what);
	if (is_an_answer(r, err) || (err == -ESTALE && strcmp(r->method, "GET"))) {
		log_say(LOG_INFO, "%s", r->message);
		return;
	}
	log_say(again || err == -ESTALE ? LOG_INFO : LOG_WARN, "%s", r->message);
	snprintf(id, sizeof(id), "%s %.64s %.80s %s", r->method, t->b->name, t->b->endpoint, what);
	count_note(id, r->message, again);
}
