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
#include "http/http.h"
#include "loop/loop.h"
#include "sigv4.h"

#define SOURCE_ID_MAX 256
#define SOURCE_TOKEN_MAX 6144           /* AWS's have up to 4096, and a server's headers 8192 in all */
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

	time_t skew;                    /* seconds that the clock of who answered is ahead of ours */
	struct source_call *call;       /* under way; source_http.c's */
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

/* A setting of the profile, or NULL. */
const char *source_setting(const struct source *s, const char *name);

/* The end of the chain: "no credentials; looked for: ...", and the last provider's reason. Returns -EACCES. */
int source_none(struct source *s, const char *why);

/* A file's first line, in memory of the source. NULL: why is said as by source_fail. */
char *source_read_line(struct source *s, const char *path);

/* ---- requests; source_http.c. One at a time, and only over when `then` is called. */

#define SOURCE_ANSWER (64u << 10)

struct source_call {
	struct http http;
	char url[2048];
	char body[SOURCE_TOKEN_MAX * 3 + 4096];
	char text[SOURCE_TOKEN_MAX + 1024];   /* of headers */
	size_t used;
	char answer[SOURCE_ANSWER + 1]; /* with a NUL */
	size_t len;
	unsigned tries, tried;          /* tries 0: three */
	struct loop_timer again;
	int (*then)(struct source *s, int status);
};

/* A request to be filled in: its URL, and headers by source_header, whose values are copied. NULL: source_fail'ed. */
struct source_call *source_request(struct source *s, const struct http_site *site, const char *method,
				   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void source_header(struct source_call *c, const char *name, const char *value);

/*
 * Sends it, again after what may pass. then(s, status) is called with the answer
 * in s->call->answer, status 0: none came, s->call->http.error says why. It
 * returns as a provider does.
 */
int source_send(struct source *s, int (*then)(struct source *s, int status));

/* Fails for a status, or for none. */
int source_refused(struct source *s, const char *who, int status);

/* "https://host:443/" -> "host", as the Host header has it. */
void source_host(char *out, size_t room, const char *url);

/* ---- answers */

/* The answer as JSON, to be source_json_free'd; NULL: source_fail'ed. source_json.c */
struct json_t *source_json(struct source *s, const char *who, const char *text, size_t n);
void source_json_free(struct json_t *j);
const char *source_json_text(const struct json_t *j, const char *name);   /* or NULL */

/* Takes AccessKeyId, SecretAccessKey, `token` and Expiration. As source_take. */
int source_take_json(struct source *s, const struct json_t *j, const char *token);

/* One of STS's calls: signed by key, or not at all. As a provider. source_sts.c */
struct sigv4_param;
int source_sts(struct source *s, const struct sigv4_param *p, size_t n, const struct sigv4_key *key);

/* "role_session_name", or "shim-" and the time. */
const char *source_session(char out[65], const char *given);

#endif
