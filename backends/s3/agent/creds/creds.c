/* SPDX-License-Identifier: MIT */
/* Credentials that are kept, and fetched again in time; see creds.h. */
#include "creds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "source.h"

/*
 * botocore's: they are fetched again 15 minutes before they expire while requests
 * go on, and from 10 on requests wait. Ours are shorter: a role may be given for 15.
 */
#define EARLY 300
#define WAIT 120
#define AGAIN 10                        /* seconds until a fetch that failed is tried again */
#define FAILED 2                        /* ... while there is nothing to go on with */
#define REFUSED 2                       /* credentials this new are not fetched again because a server refused them */

struct waiter {
	void (*got)(void *arg, const struct sigv4_key *key, int err);
	void *arg;
	struct waiter *next;
};

struct creds {
	struct creds *next;
	char *profile;                  /* of the rule, or NULL */
	int anonymous;
	struct awsconf *conf;           /* for settings; without secrets */
	char wrong[AWSCONF_WHY];
	struct http_site site;

	struct cred_set *have;          /* or NULL */
	time_t since, early, wait;      /* fetched; to be fetched again; to be waited for. early 0: never */
	int refused;
	char tried[SOURCE_FROM_MAX + 32];

	struct source *asking;
	struct awsconf *asking_conf;
	time_t failed;                  /* the last fetch, when; 0: did not */
	int err;                        /* ... and how */
	struct waiter *waiting, **tail; /* for it */
	struct waiter *answering;       /* those of them not told yet */
};

static struct creds *all;

/* ---- whose */

static const char *profile_of(const struct creds *c)
{
	const char *p = c->profile ? c->profile : aws_env("AWS_PROFILE");

	if (!p)
		p = aws_env("AWS_DEFAULT_PROFILE");
	return p ? p : "default";
}

/* A profile that somebody named must exist. */
static int check_profile(const struct creds *c, const struct awsconf *conf, char why[AWSCONF_WHY])
{
	const char *p = profile_of(c);

	if ((!c->profile && !strcmp(p, "default")) || awsconf_has_profile(conf, p))
		return 0;
	snprintf(why, AWSCONF_WHY, "profile %.64s is neither in %.200s nor in %.200s", p,
		 awsconf_file(conf, AWSCONF_PROFILE), awsconf_file(conf, AWSCONF_CREDENTIALS));
	return -EINVAL;
}

static struct awsconf *load(const struct creds *c, char why[AWSCONF_WHY])
{
	struct awsconf *conf = awsconf_load(why);

	if (conf && check_profile(c, conf, why)) {
		awsconf_free(conf);
		conf = NULL;
	}
	return conf;
}

static struct creds *make(const struct creds_how *how)
{
	struct creds *c = calloc(1, sizeof(*c));
	const char *ca;

	if (!c || (how->profile && !(c->profile = strdup(how->profile)))) {
		free(c);
		return NULL;
	}
	c->anonymous = how->anonymous;
	c->tail = &c->waiting;
	snprintf(c->tried, sizeof(c->tried), "%s", c->anonymous ? "anonymous" : "not asked for yet");
	c->conf = load(c, c->wrong);
	if (c->conf)
		awsconf_wipe(c->conf);
	ca = aws_setting(c->conf, profile_of(c), "ca_bundle");
	c->site = (struct http_site){ .ca_file = ca ? strdup(ca) : NULL, .connect_ms = 3000,
				      .stall_ms = 10000, .total_ms = 30000 };
	c->next = all;
	return all = c;
}

static int is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

struct creds *creds_of(const struct creds_how *how)
{
	static const struct creds_how usual;

	how = how ? how : &usual;
	for (struct creds *c = all; c; c = c->next)
		if (c->anonymous == how->anonymous && is_same(c->profile, how->profile))
			return c;
	return make(how);
}

const char *creds_wrong(const struct creds *c)
{
	return *c->wrong ? c->wrong : NULL;
}

const char *creds_source(const struct creds *c)
{
	return !c->have && c->asking && *c->asking->got.from ? c->asking->got.from : c->tried;
}

time_t creds_expire(const struct creds *c)
{
	return c->have ? c->have->expires : 0;
}

const char *creds_setting(const struct creds *c, const char *name)
{
	if (!strcmp(name, "endpoint_url"))
		return aws_endpoint(c->conf, profile_of(c), "s3");
	return aws_setting(c->conf, profile_of(c), name);
}

/* ---- what is kept */

static void wipe(struct cred_set *s)
{
	OPENSSL_clear_free(s, sizeof(*s));
}

static void note_source(struct creds *c)
{
	size_t n = strlen(c->have->id);

	snprintf(c->tried, sizeof(c->tried), "%s, key ****%s", c->have->from, n > 8 ? c->have->id + n - 4 : "");
}

/* 0 to n - 1, so that many processes do not ask at the same second. */
static time_t jitter(time_t n)
{
	unsigned char r[4] = { 0 };

	RAND_bytes(r, sizeof(r));
	return n > 0 ? (time_t)((r[0] << 16 | r[1] << 8 | r[2]) % n) : 0;
}

/* Those that live shortly are kept for at least half their time. */
static time_t before(const struct cred_set *s, time_t now, time_t seconds)
{
	time_t left = (s->expires - now) / 2;

	seconds = seconds < left ? seconds : left;
	return s->expires - seconds + jitter(seconds / 4);
}

static void keep(struct creds *c, const struct cred_set *s)
{
	struct cred_set *copy = OPENSSL_malloc(sizeof(*copy));

	if (!copy)
		return;
	*copy = *s;
	wipe(c->have);
	c->have = copy;
	c->since = time(NULL);
	c->refused = 0;
	c->failed = 0;
	c->early = s->expires ? before(s, c->since, EARLY) : 0;
	c->wait = s->expires ? before(s, c->since, WAIT) : 0;
	note_source(c);
}

static int is_usable(const struct creds *c, time_t now)
{
	return c->have && !c->refused && (!c->have->expires || now < c->have->expires);
}

static void give(struct creds *c, void (*got)(void *arg, const struct sigv4_key *key, int err), void *arg)
{
	const struct cred_set *s = c->have;
	struct sigv4_key key = { .id = s->id, .secret = s->secret, .token = *s->token ? s->token : NULL };

	got(arg, &key, 0);
}

/* ---- fetching */

static void answer(struct creds *c)
{
	int usable = is_usable(c, time(NULL));
	struct waiter *w;

	c->answering = c->waiting;
	c->waiting = NULL;
	c->tail = &c->waiting;
	while ((w = c->answering)) {
		c->answering = w->next;
		if (usable)
			give(c, w->got, w->arg);
		else
			w->got(w->arg, NULL, c->err);
		free(w);
	}
}

static void fail(struct creds *c, int err, const char *why)
{
	c->failed = time(NULL);
	c->err = err;
	if (c->refused) {
		wipe(c->have);
		c->have = NULL;
		c->refused = 0;
	}
	if (!is_usable(c, c->failed))
		snprintf(c->tried, sizeof(c->tried), "%s", why);
}

static void fetched(struct source *s, int err)
{
	struct creds *c = s->arg;

	c->asking = NULL;
	if (err)
		fail(c, err, s->got.from);
	else
		keep(c, &s->got);
	source_free(s);
	awsconf_free(c->asking_conf);
	c->asking_conf = NULL;
	answer(c);
}

static void not_fetched(void *arg)
{
	answer(arg);
}

static void fetch(struct creds *c)
{
	unsigned of = c->profile ? OF_ALL & ~OF_ENVIRONMENT : OF_ALL;
	struct awsconf *conf;
	struct source *s;

	c->wrong[0] = 0;
	conf = load(c, c->wrong);
	s = conf ? source_new(conf, profile_of(c), of) : NULL;
	if (!s) {
		fail(c, conf ? -ENOMEM : -EINVAL, conf ? "no memory" : c->wrong);
		awsconf_free(conf);
		loop_soon(not_fetched, c);
		return;
	}
	s->site = &c->site;
	s->done = fetched;
	s->arg = c;
	c->asking = s;
	c->asking_conf = conf;
	source_start(s);
}

static void wait_for(struct creds *c, void (*got)(void *arg, const struct sigv4_key *key, int err), void *arg)
{
	struct waiter *w = calloc(1, sizeof(*w));

	if (!w) {
		got(arg, NULL, -ENOMEM);
		return;
	}
	w->got = got;
	w->arg = arg;
	*c->tail = w;
	c->tail = &w->next;
	if (!c->asking)
		fetch(c);
}

/* They are fetched again in time, while requests go on with what there is. */
static void refresh(struct creds *c, time_t now)
{
	if (c->early && now >= c->early && !c->asking && (!c->failed || now >= c->failed + AGAIN))
		fetch(c);
}

void creds_get(struct creds *c, void (*got)(void *arg, const struct sigv4_key *key, int err), void *arg)
{
	time_t now = time(NULL);

	if (c->anonymous) {
		got(arg, NULL, 0);
	} else if (is_usable(c, now)) {
		refresh(c, now);
		if (c->asking && now >= c->wait)
			wait_for(c, got, arg);
		else
			give(c, got, arg);
	} else if (c->failed && now < c->failed + FAILED && !c->asking) {
		got(arg, NULL, c->err);
	} else {
		wait_for(c, got, arg);
	}
}

static struct waiter **drop(struct waiter **list, const void *arg)
{
	while (*list) {
		struct waiter *w = *list;

		if (w->arg == arg) {
			*list = w->next;
			free(w);
		} else {
			list = &w->next;
		}
	}
	return list;
}

void creds_cancel(struct creds *c, void *arg)
{
	drop(&c->answering, arg);
	c->tail = drop(&c->waiting, arg);
}

void creds_refused(struct creds *c)
{
	if (c->have && time(NULL) >= c->since + REFUSED)
		c->refused = 1;
}
