/* SPDX-License-Identifier: MIT */
/* Sessions of S3 Express; see express.h. */
#include "express.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "http/xml.h"
#include "options.h"

#define EARLY 90                        /* seconds before its end that the next one is asked for; a third of its life at most */
#define AGAIN 10                        /* until that is tried again, if it failed */
#define FAILED 2                        /* ... while there is none */
#define SUFFIX "--x-s3"

struct session {
	char id[256], secret[SIGV4_SECRET_MAX + 1], token[6144];
	time_t since, until;            /* by our clock */
};

struct waiter {
	void (*got)(void *arg, const struct sigv4_key *key, int err);
	void *arg;
	struct waiter *next;
};

struct express {
	struct s3_bucket *b;
	struct session *have;           /* or NULL */
	int asking, read_only, err;
	time_t failed;                  /* 0: did not */
	struct s3_request r;
	struct waiter *waiting;
};

int express_zone(const char *bucket, char zone[32])
{
	size_t n = strlen(bucket), suffix = strlen(SUFFIX), at;

	if (n <= suffix || strcmp(bucket + n - suffix, SUFFIX))
		return -EINVAL;
	n -= suffix;
	for (at = n; at > 2 && (bucket[at - 1] != '-' || bucket[at - 2] != '-'); at--)
		;
	if (at <= 2 || at == n || n - at >= 32)
		return -EINVAL;
	snprintf(zone, 32, "%.*s", (int)(n - at), bucket + at);
	return 0;
}

struct express *express_new(struct s3_bucket *b)
{
	struct express *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	e->b = b;
	e->read_only = !b->option[S3_OPT_WRITE];
	return e;
}

/* ---- who waits */

static int is_usable(const struct express *e, time_t now)
{
	return e->have && now < e->have->until;
}

static void give(struct express *e, void (*got)(void *arg, const struct sigv4_key *key, int err), void *arg)
{
	struct sigv4_key key = { .id = e->have->id, .secret = e->have->secret, .token = e->have->token, .session = 1 };

	got(arg, &key, 0);
}

/* Whoever is told may cancel others, so they are taken out one by one. */
static void answer(struct express *e)
{
	struct waiter *w;

	while ((w = e->waiting) && !e->asking) {
		e->waiting = w->next;
		if (is_usable(e, time(NULL)))
			give(e, w->got, w->arg);
		else
			w->got(w->arg, NULL, e->err ? e->err : -EACCES);
		free(w);
	}
}

void express_cancel(struct express *e, void *arg)
{
	for (struct waiter **at = &e->waiting; *at;) {
		struct waiter *w = *at;

		if (w->arg != arg) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		free(w);
	}
}

void express_refused(struct express *e)
{
	if (e->have && time(NULL) > e->have->since)
		e->have->until = 0;
}

/* ---- CreateSession */

static void fetch(struct express *e);

static int leaf(void *arg, const char *path, const char *value)
{
	struct session *s = arg;
	const struct { const char *path; char *to; size_t room; } texts[] = {
		{ "CreateSessionResult/Credentials/AccessKeyId", s->id, sizeof(s->id) },
		{ "CreateSessionResult/Credentials/SecretAccessKey", s->secret, sizeof(s->secret) },
		{ "CreateSessionResult/Credentials/SessionToken", s->token, sizeof(s->token) },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!strcmp(path, texts[i].path) && snprintf(texts[i].to, texts[i].room, "%s", value) >= (int)texts[i].room)
			return -EMSGSIZE;
	if (!strcmp(path, "CreateSessionResult/Credentials/Expiration"))
		s->until = xml_time(value);
	return 0;
}

static int keep(struct express *e, const struct s3_request *r)
{
	struct session *s = OPENSSL_zalloc(sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->since = time(NULL);
	err = xml_parse(r->text ? r->text : "", r->text_len, leaf, NULL, s);
	if (r->text)
		OPENSSL_cleanse(r->text, r->text_len);
	s->until -= e->b->skew;
	if (err || !*s->id || !*s->secret || !*s->token || s->until <= s->since) {
		OPENSSL_clear_free(s, sizeof(*s));
		return -EACCES;
	}
	OPENSSL_clear_free(e->have, sizeof(*e->have));
	e->have = s;
	return 0;
}

static void fetched(struct s3_request *r, int err)
{
	struct express *e = r->arg;

	e->asking = 0;
	if (err == -EACCES && r->status == 403 && !e->read_only) {      /* reading may be allowed */
		e->read_only = 1;
		fetch(e);
		return;
	}
	if (!err)
		err = keep(e, r);
	e->err = err;
	e->failed = err ? time(NULL) : 0;
	answer(e);
}

static void fetch(struct express *e)
{
	e->asking = 1;
	s3_prepare(&e->r, e->b, "GET", NULL, fetched, e);
	e->r.chain = 1;
	s3_param(&e->r, "session", "");
	s3_header(&e->r, "x-amz-create-session-mode", e->read_only ? "ReadOnly" : "ReadWrite");
	s3_start(&e->r);
}

static int is_due(const struct express *e, time_t now)
{
	time_t third = (e->have->until - e->have->since) / 3;

	return now >= e->have->until - (third < EARLY ? third : EARLY) && (!e->failed || now >= e->failed + AGAIN);
}

void express_get(struct express *e, void (*got)(void *arg, const struct sigv4_key *key, int err), void *arg)
{
	time_t now = time(NULL);
	struct waiter *w, **at;

	if (is_usable(e, now)) {
		if (!e->asking && is_due(e, now))
			fetch(e);
		give(e, got, arg);
		return;
	}
	if (!e->asking && e->failed && now < e->failed + FAILED) {
		got(arg, NULL, e->err);
		return;
	}
	w = malloc(sizeof(*w));
	if (!w)
		abort();
	*w = (struct waiter){ got, arg, NULL };
	for (at = &e->waiting; *at; at = &(*at)->next)
		;
	*at = w;
	if (!e->asking)
		fetch(e);
}
