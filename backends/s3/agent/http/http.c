/* SPDX-License-Identifier: MIT */
/*
 * Exchanges on libcurl's multi interface, driven by the loop; see http.h.
 * libcurl must not be entered from its own callbacks, so what those start or
 * cancel waits for the next loop_soon.
 */
#include "http.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "http_private.h"

#define KEPT_CONNECTIONS 256
#define OF_ONE offsetof(struct exchange, h)

static CURLM *multi;
static struct loop_timer timer;
static struct exchange *waiting, **last_waiting = &waiting;
static int inside, flushing;   /* libcurl is being run; flush is due */

/* CURLMOPT_TIMERFUNCTION */
static int want_timer(CURLM *m, long ms, void *arg)
{
	(void)m;
	(void)arg;
	if (ms < 0)
		loop_timer_clear(&timer);
	else
		loop_timer_set(&timer, loop_now() + (uint64_t)ms * 1000000);
	return 0;
}

static void timer_fired(void *arg)
{
	(void)arg;
	http_run(CURL_SOCKET_TIMEOUT, 0);
}

/* ---- the end of an exchange */

static void end(struct exchange *x, int err)
{
	struct http *h = x->h;

	curl_multi_remove_handle(multi, x->easy);
	loop_timer_clear(&x->stall);
	http_pace_end(x);
	if (!h) {
		http_easy_keep(x);
		return;
	}
	h->x = NULL;
	h->ended = loop_clock();
	x->h = NULL;
	h->done(h, err);
	http_easy_keep(x);                /* its headers were h's until now */
}

static void ended(struct exchange *x, CURLcode code)
{
	int err = x->err ? x->err : http_errno(x->easy, code);

	if (x->dead)                            /* flush has it */
		return;
	x->h->reused = !x->opened;
	if (err)
		snprintf(x->h->error, sizeof(x->h->error), "%.159s", *x->error ? x->error :
			 x->err ? strerror(-x->err) : curl_easy_strerror(code));
	end(x, err);
}

static void see_ended(void)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(multi, &left))) {
		struct exchange *x = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		ended(x, m->data.result);
	}
}

void http_run(curl_socket_t fd, int how)
{
	int running;

	inside++;
	curl_multi_socket_action(multi, fd, how, &running);
	inside--;
	see_ended();
}

void http_resume(struct exchange *x)
{
	CURLcode code;

	inside++;
	code = curl_easy_pause(x->easy, (x->pace[HTTP_IN].paused ? CURLPAUSE_RECV : 0) |
			       (x->pace[HTTP_OUT].paused ? CURLPAUSE_SEND : 0));
	inside--;
	if (code)                       /* a callback's failure with what was kept for it */
		ended(x, code);
	http_run(CURL_SOCKET_TIMEOUT, 0);
}

/* No byte of either direction for as long as it may be. */
static void stalled(void *arg)
{
	struct exchange *x = arg;
	curl_off_t sent = 0;
	uint64_t limit = x->stall_ns;

	curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	if (sent != x->seen_sent || x->pace[HTTP_IN].paused || x->pace[HTTP_OUT].paused) {
		x->seen_sent = sent;
		x->heard = loop_now();
	}
	if (loop_now() < x->heard + limit) {
		loop_timer_set(&x->stall, x->heard + limit);
		return;
	}
	snprintf(x->h->error, sizeof(x->h->error), "nothing came for %llu ms",
		 (unsigned long long)(limit / 1000000));
	end(x, -ETIMEDOUT);
}

/* ---- the beginning */

static void begin(struct exchange *x)
{
	struct http *h = x->h;
	int err = h ? http_easy_set(x, h) : 0;

	if (!h || err || curl_multi_add_handle(multi, x->easy)) {
		if (h)
			snprintf(h->error, sizeof(h->error), "could not begin");
		end(x, err ? err : -ENOMEM);
		return;
	}
	x->heard = loop_now();
	h->started = loop_clock();
	x->stall_ns = 1000000ull * (h->stall_ms ? h->stall_ms : h->site->stall_ms ? h->site->stall_ms : HTTP_STALL_MS);
	x->stall = (struct loop_timer){ .fired = stalled, .arg = x };
	loop_timer_set(&x->stall, x->heard + x->stall_ns);
}

static void flush(void *arg)
{
	struct exchange *x = waiting;

	(void)arg;
	flushing = 0;
	waiting = NULL;
	last_waiting = &waiting;
	while (x) {
		struct exchange *next = x->next;

		if (x->dead)
			end(x, 0);
		else
			begin(x);
		x = next;
	}
	http_run(CURL_SOCKET_TIMEOUT, 0);
}

static void put_off(struct exchange *x)
{
	x->next = NULL;
	*last_waiting = x;
	last_waiting = &x->next;
	if (!flushing)
		loop_soon(flush, NULL);
	flushing = 1;
}

static void no_memory(void *arg)
{
	struct http *h = arg;

	h->done(h, -ENOMEM);
}

void http_start(struct http *h)
{
	struct exchange *x = http_easy_new();

	h->status = 0;
	h->got = x ? x->got : NULL;
	h->ngot = 0;
	h->length = -1;
	h->error[0] = '\0';
	h->started = h->first_byte = h->ended = h->received = h->held = 0;
	h->reused = 0;
	h->x = x;
	if (!x) {
		loop_soon(no_memory, h);
		return;
	}
	memset((char *)x + OF_ONE, 0, offsetof(struct exchange, text) - OF_ONE);
	x->error[0] = '\0';
	x->h = h;
	put_off(x);
}

void http_cancel(struct http *h)
{
	struct exchange *x = h->x;

	if (!x)
		return;
	h->x = NULL;
	x->h = NULL;
	if (!x->heard)                  /* it has not begun, and will not */
		return;
	loop_timer_clear(&x->stall);
	if (inside) {
		x->dead = 1;
		put_off(x);
	} else {
		end(x, 0);
	}
}

int http_init(void)
{
	if (multi)
		return 0;
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	multi = curl_multi_init();
	if (!multi)
		return -ENOMEM;
	timer.fired = timer_fired;
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, http_want_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return 0;
}
