/* SPDX-License-Identifier: MIT */
/*
 * Where credentials come from. creds.c keeps them; here they are fetched once:
 * a struct source goes through the table of providers (source.c) and ends with
 * those of the first that is configured. The providers, source_*.c, know this
 * header only.
 */
#ifndef S3_AGENT_SOURCE_H
#define S3_AGENT_SOURCE_H

#include <time.h>

#include "awsconf.h"
#include "http.h"
#include "loop.h"
#include "sigv4.h"

#define SOURCE_ID_MAX 256
#define SOURCE_TOKEN_MAX 8192           /* a server's headers are not longer */
#define SOURCE_FROM_MAX 512

/* Credentials; wiped by their owner. */
struct cred_set {
	char id[SOURCE_ID_MAX], secret[SIGV4_SECRET_MAX + 1], token[SOURCE_TOKEN_MAX];
	time_t expires;                 /* by our clock; 0: never */
	char from[SOURCE_FROM_MAX];     /* for people */
};

/* Which providers take part. */
enum {
	OF_ENVIRONMENT = 1,     /* variables of the process */
	OF_PROFILE = 2,
	OF_HOST = 4,            /* container and machine */
	OF_ROLE = 8,            /* a profile's role_arn with a source */
	OF_ALL = 15,
};

struct source {
	/* given */
	const struct awsconf *conf;
	const char *profile;
	unsigned of;                    /* OF_* */
	const char *only;               /* the provider credential_source names, or NULL: all */
	const struct http_site *site;   /* for AWS's own services */
	const struct source *parent;    /* whose role these are for */
	void (*done)(struct source *s, int err);  /* 0, or -errno with got.from saying why; from the loop */
	void *arg;

	/* the answer */
	struct cred_set got;
	int err;

	struct source_call *call;        /* that is under way; source_http.c's */
	struct source *child;           /* whose credentials it waits for; source_role.c's */
	void *state;                    /* the provider's: freed with the source */
	size_t state_size;
};

/* A source for the caller to fill in and start; NULL without memory. */
struct source *source_new(const struct awsconf *conf, const char *profile, unsigned of);
void source_start(struct source *s);
/* After done only. Wipes. */
void source_free(struct source *s);

/* ---- for providers. Each returns 0: not configured; 1: done, or on its way to source_end; -errno: configured wrongly. */

int source_environment(struct source *s);
int source_role(struct source *s);
int source_web_identity(struct source *s);
int source_sso(struct source *s);
int source_credentials_file(struct source *s);
int source_process(struct source *s);
int source_config_file(struct source *s);
int source_container(struct source *s);
int source_machine(struct source *s);

/* Says why there are none; returns -EACCES. Never with a secret in it. */
int source_fail(struct source *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The end, once: err 0 or what source_fail returned. Returns 1. */
int source_end(struct source *s, int err);

/* Names where they come from. */
void source_from(struct source *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Takes credentials: token NULL or "": none; expires: ISO 8601, NULL or "": never.
 * 0, or source_fail's.
 */
int source_take(struct source *s, const char *id, const char *secret, const char *token,
		const char *expires);

/* Memory for a provider, zeroed; wiped and freed with the source. NULL without. */
void *source_state(struct source *s, size_t size);

/* "2026-11-24T18:55:00Z", with a fraction or an offset; 0 if it is none. */
time_t source_time(const char *iso);

/* A setting of the profile. */
const char *source_setting(const struct source *s, const char *name);


#endif
