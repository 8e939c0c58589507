/* SPDX-License-Identifier: MIT */
/* The small requests of providers: one at a time, its answer collected, again after what may pass. */
#include "source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/crypto.h>

#define TRIES 3
#define FIRST_WAIT (LOOP_SECOND / 5)    /* doubled for each that follows */

static int collect(struct http *h, const void *p, size_t n)
{
	struct source *s = h->arg;
	struct source_call *c = s->call;

	if (n > SOURCE_ANSWER - c->len)
		return -EMSGSIZE;
	memcpy(c->answer + c->len, p, n);
	c->len += n;
	return 0;
}

/* Times of expiry are by their clock. */
static void note_clock(struct source *s)
{
	const char *date = http_got(&s->call->http, "date");
	time_t t = date ? curl_getdate(date, NULL) : -1;

	s->skew = t > 0 ? t - time(NULL) : 0;
}

static int may_pass(const struct http *h, int err)
{
	return err ? err != -EMSGSIZE : h->status >= 500 || h->status == 429;
}

static void begin(void *arg)
{
	struct source *s = arg;

	s->call->len = 0;
	s->call->tried++;
	http_start(&s->call->http);
}

static void done(struct http *h, int err)
{
	struct source *s = h->arg;
	struct source_call *c = s->call;
	int r;

	if (may_pass(h, err) && c->tried < c->tries) {
		loop_timer_set(&c->again, loop_now() + (FIRST_WAIT << (c->tried - 1)));
		return;
	}
	c->answer[c->len] = 0;
	note_clock(s);
	r = c->then(s, err ? 0 : h->status);
	if (r <= 0)
		source_end(s, r);
}

struct source_call *source_request(struct source *s, const struct http_site *site, const char *method,
				   const char *fmt, ...)
{
	struct source_call *c = s->call;
	va_list ap;
	int n;

	OPENSSL_clear_free(c, sizeof(*c));
	s->call = c = OPENSSL_zalloc(sizeof(*c));
	if (!c) {
		source_fail(s, "no memory");
		return NULL;
	}
	va_start(ap, fmt);
	n = vsnprintf(c->url, sizeof(c->url), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(c->url)) {
		source_fail(s, "%.100s...: the URL is too long", c->url);
		return NULL;
	}
	c->tries = TRIES;
	c->again.fired = begin;
	c->again.arg = s;
	c->http.site = site;
	c->http.method = method;
	c->http.url = c->url;
	c->http.body_fd = -1;
	c->http.data = collect;
	c->http.done = done;
	c->http.arg = s;
	return c;
}

void source_header(struct source_call *c, const char *name, const char *value)
{
	size_t n = strlen(value) + 1;

	if (n > sizeof(c->text) - c->used)
		return;
	memcpy(c->text + c->used, value, n);
	http_add(&c->http, name, c->text + c->used);
	c->used += n;
}

int source_send(struct source *s, int (*then)(struct source *s, int status))
{
	struct source_call *c = s->call;

	c->then = then;
	if (*c->body) {
		c->http.body = c->body;
		c->http.body_len = strlen(c->body);
	}
	begin(s);
	return 1;
}

int source_refused(struct source *s, const char *who, int status)
{
	const struct source_call *c = s->call;

	if (status)
		return source_fail(s, "%s: %.200s answered with status %d", who, c->url, status);
	return source_fail(s, "%s: %.200s: %s", who, c->url, c->http.error);
}

void source_host(char *out, size_t room, const char *url)
{
	const char *usual = !strncmp(url, "https:", 6) ? ":443" : ":80", *host = strstr(url, "://");
	size_t n;

	host = host ? host + 3 : url;
	n = strcspn(host, "/?#");
	if (n > strlen(usual) && !memcmp(host + n - strlen(usual), usual, strlen(usual)))
		n -= strlen(usual);
	snprintf(out, room, "%.*s", (int)n, host);
}
