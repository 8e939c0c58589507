/* SPDX-License-Identifier: MIT */
/*
 * The life of a request; see s3.h. One attempt is: credentials, address and
 * headers, signature, exchange; what came of it is judged in s3_answer.c, and
 * what to do then in s3_retry.c.
 */
#include "s3.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "count.h"
#include "express.h"
#include "headers.h"
#include "s3_private.h"

#define KEPT 64                        /* tries put by; each is up to 60 KiB that were touched */

static struct s3_try *kept;
static unsigned nkept;

static void attempt(void *arg);

void s3_header(struct s3_request *r, const char *name, const char *value)
{
	if (r->headers < S3_EXTRA)
		r->header[r->headers++] = (struct http_header){ name, value };
}

void s3_param(struct s3_request *r, const char *name, const char *value)
{
	if (r->nquery < S3_QUERY)
		r->query[r->nquery++] = (struct sigv4_param){ name, value };
}

/* ---- tries */

struct s3_try *s3_try_new(struct s3_request *r)
{
	struct s3_try *t = kept;

	if (t) {
		kept = t->next;
		nkept--;
	} else {
		t = malloc(sizeof(*t));
		if (!t)
			abort();
	}
	memset(t, 0, offsetof(struct s3_try, range));
	t->r = r;
	t->b = r->bucket;
	t->heard = loop_now();
	t->at = -1;
	t->timer = (struct loop_timer){ .fired = attempt, .arg = t };
	return t;
}

static void drop(struct s3_try *t)
{
	free(t->text);
	if (nkept == KEPT) {
		free(t);
		return;
	}
	t->next = kept;
	kept = t;
	nkept++;
}

/* ---- the end */

static void finish(struct s3_try *t, int err)
{
	struct s3_request *r = t->r;

	loop_timer_clear(&t->late);
	if (t->rival)
		s3_hedge_answered(t);
	if (err && err != -ECANCELED)
		s3_explain(t, err, 0);
	r->text = t->text;
	r->text_len = t->text_len;
	r->http = &t->http;
	r->try = NULL;
	t->r = NULL;
	count_request(r, err);
	r->done(r, err);                /* r may be gone now */
	drop(t);
}

static void finish_with_err(void *arg)
{
	struct s3_try *t = arg;

	if (!t->rival || !s3_hedge_failed(t, t->err))
		finish(t, t->err);
}

/* What is repeated, and when; or the end. */
static void settle(struct s3_try *t, int err)
{
	uint64_t delay = 0;

	loop_timer_clear(&t->late);
	if (t->rival && s3_hedge_failed(t, err))
		return;
	switch (s3_after(t, err, &delay)) {
	case S3_AGAIN_NOW:
		attempt(t);
		return;
	case S3_AGAIN_LATER:
		s3_explain(t, err ? err : s3_errno(t->r->code, t->http.status), 1);
		loop_timer_set(&t->timer, loop_now() + delay);
		return;
	case S3_GIVE_UP:
		finish(t, err ? err : s3_errno(t->r->code, t->http.status));
	}
}

/* ---- what comes */

static int collect(struct s3_try *t, const void *p, size_t n, size_t most)
{
	size_t room = t->text_room ? t->text_room : 4096;
	char *text;

	if (t->text_len + n > most)
		return -E2BIG;
	while (room <= t->text_len + n)
		room *= 2;
	if (room != t->text_room) {
		text = realloc(t->text, room);
		if (!text)
			return -ENOMEM;
		t->text = text;
		t->text_room = room;
	}
	memcpy(t->text + t->text_len, p, n);
	t->text_len += n;
	t->text[t->text_len] = '\0';
	return 0;
}

static int got_head(struct http *h)
{
	struct s3_try *t = h->arg;
	struct s3_request *r = t->r;

	t->heard = loop_now();
	if (h->status < 300)
		s3_hedge_answered(t);
	r->status = h->status;
	r->http = h;
	t->err = s3_check_head(t);
	if (t->err)
		t->fatal = 1;
	else if (t->good && !t->begun && r->head)
		t->err = r->head(r);
	t->begun |= t->good;
	return t->err;
}

static int is_read(const struct s3_request *r)
{
	return r->data && !strcmp(r->method, "GET");
}

static int got_data(struct http *h, const void *p, size_t n)
{
	struct s3_try *t = h->arg;
	struct s3_request *r = t->r;

	t->heard = loop_now();
	if (!t->good) {
		/* an error's own words: as many as there is room for */
		collect(t, p, n, S3_ERROR_BODY);
		return 0;
	}
	if (!is_read(r)) {
		t->err = collect(t, p, n, S3_TEXT_BODY);
		return t->err;
	}
	if (r->upto >= 0 && (int64_t)n > r->upto - t->at) {
		t->why = "more bytes than the answer announced";
		t->fatal = 1;
		return t->err = -EPROTO;
	}
	t->err = r->data(r, t->at, p, n);
	t->at += (int64_t)n;
	return t->err;
}

/* All came that was announced. */
static int is_whole(const struct s3_try *t)
{
	return !is_read(t->r) || t->r->upto < 0 || t->at == t->r->upto;
}

static void succeeded(struct s3_try *t)
{
	/* S3 sends the status before it has copied or put together; what went wrong stands in the body */
	if (!is_read(t->r) && t->text_len && s3_read_error(t)) {
		settle(t, 0);
		return;
	}
	s3_pay_back(t);
	finish(t, 0);
}

/* What waited for the rule's own bandwidth was not without an answer for that long. */
static void forgive(struct s3_try *t)
{
	uint64_t upto = t->heard + t->http.held;

	t->heard = upto < loop_now() ? upto : loop_now();
}

static void attempted(struct http *h, int err)
{
	struct s3_try *t = h->arg;
	struct s3_request *r = t->r;

	forgive(t);
	if (t->err) {                   /* r's own, or a check's */
		finish(t, t->err);
		return;
	}
	if (t->good && is_read(r) && r->upto >= 0 && is_whole(t))
		err = 0;
	else if (!err && t->good && !is_whole(t))
		err = -ECONNRESET;
	/* a head that has no end: libcurl takes it for one where no body follows */
	if (!err && !t->good && t->http.status >= 200 && t->http.status < 300)
		err = -ECONNRESET;
	if (!err && t->good) {
		succeeded(t);
		return;
	}
	if (!err)
		s3_read_error(t);
	settle(t, err);
}

/* ---- an attempt */

/* The rest, if part came already: of the same version. */
static void add_range(struct s3_try *t)
{
	struct s3_request *r = t->r;
	int64_t first = r->first, last = r->last;

	if (t->at >= 0 && t->begun) {
		first = t->at;
		last = r->upto >= 0 ? r->upto - 1 : last;
		if (!s3_has_header(r, "if-match") && *r->etag)
			http_add(&t->http, "if-match", r->etag);
	}
	if (first < 0)
		return;
	if (last >= 0)
		snprintf(t->range, sizeof(t->range), "bytes=%lld-%lld", (long long)first, (long long)last);
	else
		snprintf(t->range, sizeof(t->range), "bytes=%lld-", (long long)first);
	http_add(&t->http, "range", t->range);
}

static int set_url(struct s3_try *t, const struct s3_aim *aim)
{
	struct s3_request *r = t->r;
	size_t n = (size_t)snprintf(t->path, sizeof(t->path), "%s/", aim->root);
	long more;

	if (!r->key) {
		if (*aim->root)
			t->path[n - 1] = '\0';
	} else {
		more = sigv4_encode(t->path + n, sizeof(t->path) - n, r->key, strlen(r->key), 1);
		if (more < 0)
			return -ENAMETOOLONG;
	}
	more = sigv4_query(t->query, sizeof(t->query), r->query, r->nquery);
	if (more < 0)
		return -ENAMETOOLONG;
	n = (size_t)snprintf(t->url, sizeof(t->url), "%s%s%s%s", aim->base, t->path, more ? "?" : "", t->query);
	return n < sizeof(t->url) ? 0 : -ENAMETOOLONG;
}

static void set_exchange(struct s3_try *t)
{
	struct s3_request *r = t->r;
	struct http *h = &t->http;
	uint64_t waited = loop_now() - t->heard, left = s3_patience(t) > waited ? s3_patience(t) - waited : 0;

	h->site = &t->b->site;
	h->method = r->method;
	h->url = t->url;
	h->headers = 0;
	h->body = r->body;
	h->body_fd = r->body_fd;
	h->body_off = r->body_off;
	h->body_len = r->body_len;
	h->stall_ms = (unsigned)(left / 1000000) + 1;
	if (h->stall_ms > t->b->site.stall_ms)
		h->stall_ms = t->b->site.stall_ms;
	h->expect = is_read(r) && r->first >= 0 && r->last >= 0 ? (size_t)(r->last - r->first + 1) : 0;
	h->head = got_head;
	h->data = got_data;
	h->done = attempted;
	h->arg = t;
	headers_add(r, h);
	add_range(t);
}

static int sign(struct s3_try *t, const struct s3_aim *aim, const struct sigv4_key *key)
{
	const struct s3_request *r = t->r;
	const char *payload = r->payload;

	if (!payload && !r->body_len)
		payload = SIGV4_EMPTY;
	else if (!payload && !r->body)
		payload = SIGV4_UNSIGNED;
	if (!payload) {
		sigv4_sha256(t->hash, r->body, r->body_len);
		payload = t->hash;
	}
	return sigv4_sign(&t->http, aim->host, t->path, t->query, payload, key, t->b->region,
			  t->b->express ? "s3express" : "s3",
			  time(NULL) + t->b->skew, t->sign, sizeof(t->sign));
}

static void send_it(void *arg, const struct sigv4_key *key, int err)
{
	struct s3_try *t = arg;
	const struct s3_aim *aim = t->is_moved ? &t->moved : &t->b->aim;

	t->asking = 0;
	loop_timer_clear(&t->timer);
	t->timer.fired = attempt;
	t->keyless = err != 0;
	if (err)
		t->why = "no credentials";
	else
		err = set_url(t, aim);
	if (!err) {
		set_exchange(t);
		err = key ? sign(t, aim, key) : 0;
	}
	if (err) {                      /* later: this may be s3_start's own call */
		t->http.status = 0;
		t->err = err;
		t->timer.fired = finish_with_err;
		loop_timer_set(&t->timer, loop_now());
		return;
	}
	http_start(&t->http);
	s3_hedge_sent(t);
}

static int has_session(const struct s3_try *t)
{
	return t->b->express && !t->r->chain;
}

static void attempt(void *arg)
{
	struct s3_try *t = arg;
	struct s3_request *r = t->r;

	r->attempts++;
	r->code[0] = r->message[0] = '\0';
	t->good = 0;
	t->err = 0;
	t->why = NULL;
	t->text_len = 0;
	t->region[0] = t->elsewhere[0] = '\0';
	s3_try_send(t);
}

static void stop_asking(struct s3_try *t)
{
	if (t->asking && t->b->express)
		express_cancel(t->b->express, t);
	if (t->asking)
		creds_cancel(t->b->creds, t);
	t->asking = 0;
}

static void no_key_in_time(void *arg)
{
	struct s3_try *t = arg;

	stop_asking(t);
	send_it(t, NULL, -ETIMEDOUT);
}

void s3_try_send(struct s3_try *t)
{
	t->asking = 1;
	if (has_session(t))
		express_get(t->b->express, send_it, t);
	else
		creds_get(t->b->creds, send_it, t);
	if (t->asking) {
		t->timer.fired = no_key_in_time;
		loop_timer_set(&t->timer, t->heard + s3_patience(t));
	}
}

void s3_start(struct s3_request *r)
{
	struct s3_try *t = s3_try_new(r);

	r->try = t;
	r->status = 0;
	r->size = r->from = r->upto = -1;
	r->etag[0] = r->version[0] = '\0';
	r->mtime = 0;
	r->http = NULL;
	r->text = NULL;
	r->text_len = 0;
	r->attempts = 0;
	attempt(t);
}

void s3_try_end(struct s3_try *t)
{
	t->r = NULL;
	loop_timer_clear(&t->timer);
	loop_timer_clear(&t->late);
	stop_asking(t);
	http_cancel(&t->http);
	drop(t);
}

void s3_cancel(struct s3_request *r)
{
	struct s3_try *t = r->try;

	if (!t)
		return;
	r->try = NULL;
	if (t->rival)
		s3_try_end(t->rival);
	s3_try_end(t);
}
