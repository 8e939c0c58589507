/* SPDX-License-Identifier: MIT */
/*
 * Bandwidth: the token bucket under a clock of the test's own, and exchanges
 * that share one, against a scripted server. Times have lower bounds only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "http/http.h"
#include "http/rate.h"
#include "loop/loop.h"
#include "s3_server.h"

#define MS 1000000ull

/* ---- the bucket */

/* Takes pieces whenever it may, for so long; bytes. */
static uint64_t moved(struct rate *r, uint64_t from, uint64_t upto, uint64_t step, size_t piece)
{
	uint64_t sum = 0;

	for (uint64_t now = from; now < upto; now += step)
		while (rate_may(r, now)) {
			rate_take(r, piece);
			sum += piece;
		}
	return sum;
}

static void so_many_a_second(void **state)
{
	static const uint64_t limits[] = { 1000, 100000, 1u << 20, 1u << 30, 1ull << 40 };

	(void)state;
	for (unsigned i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		for (size_t piece = 1; piece <= 1 << 20; piece *= 1024) {
			struct rate r = { .limit = limits[i] };
			uint64_t n, all = limits[i] * 10;

			if (limits[i] / piece > 10000000)
				continue;
			n = moved(&r, 1, 10000 * MS, MS * 7, piece);
			assert_true(n <= all + piece);
			assert_true(n >= all - all / 100 - limits[i] / 8);
		}
}

static void nothing_is_there_at_first(void **state)
{
	struct rate r = { .limit = 1000 };

	(void)state;
	assert_false(rate_may(&r, 50 * MS));
	assert_false(rate_may(&r, 50 * MS));
	assert_true(rate_may(&r, 51 * MS));
}

/* An hour without anything does not make up for more than an eighth of a second. */
static void little_is_saved(void **state)
{
	struct rate r = { .limit = 8000 };

	(void)state;
	rate_may(&r, MS);
	assert_int_equal(moved(&r, 3600000 * MS, 3600000 * MS + 1, 1, 1), 1000);
}

static void what_is_owed(void **state)
{
	struct rate r = { .limit = 1000 };

	(void)state;
	rate_may(&r, MS);
	assert_true(rate_may(&r, 2 * MS));
	rate_take(&r, 5001);
	assert_false(rate_may(&r, 5002 * MS));
	assert_true(rate_when(&r) > 5002 * MS && rate_when(&r) < 5100 * MS);
	assert_true(rate_may(&r, rate_when(&r)));
	assert_true(rate_when(&r) <= 5100 * MS);
	/* the clock of the loop does not go back, but stands still in a round */
	assert_true(rate_may(&r, r.filled));
}

static void turns(void **state)
{
	(void)state;
	assert_int_equal(rate_turn(&(struct rate){ .limit = 1 }), 16 << 10);
	assert_int_equal(rate_turn(&(struct rate){ .limit = 100 << 20 }), 1 << 20);
	assert_int_equal(rate_turn(&(struct rate){ .limit = 1ull << 60 }), 1 << 20);
}

/* ---- exchanges */

#define BODY (100 << 10)
#define SOME (36 << 10)
#define AGO(since) (loop_clock() - (since))

struct one {
	struct http h;
	size_t n;
	int err, ended;
	struct one *cancel;             /* in its data */
};

static char body[BODY + 1], answer[BODY + 100];
static int running;
static uint64_t held[HTTP_WAYS];

/* They live as long as we do. */
static struct http_pace *pace(enum http_way way, uint64_t limit)
{
	static struct http_pace *all[16];
	static unsigned n;

	return all[n++] = http_pace_new(way, limit, &held[way]);
}

static int data(struct http *h, const void *p, size_t n)
{
	struct one *o = h->arg;

	if (o->n + n > BODY || memcmp(p, body + o->n, n))
		return -EBADMSG;
	o->n += n;
	if (o->cancel) {
		http_cancel(&o->cancel->h);
		running -= o->cancel != o;
		o->cancel = NULL;
	}
	return 0;
}

static void done(struct http *h, int err)
{
	struct one *o = h->arg;

	o->err = err;
	o->ended++;
	if (!--running)
		loop_stop();
}

static void start(struct one *o, const struct http_site *site, const char *method)
{
	*o = (struct one){ .h = { .site = site, .method = method, .url = server.url, .data = data, .done = done, .arg = o } };
	if (*method == 'P') {
		o->h.body = body;
		o->h.body_len = BODY;
	}
	running++;
	http_start(&o->h);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop();
}

/* The script; and the loop looks at the clock. */
static void answers(unsigned n, const char *text)
{
	static struct reply script[20];

	for (unsigned i = 0; i < n; i++)
		script[i] = (struct reply){ .text = text };
	script[n] = (struct reply){ 0 };
	server_script(script);
	loop_soon(stop, NULL);
	loop_run();
}

static struct one one[8];

/* Three at once come no faster than one would. */
static void reads(void **state)
{
	struct http_site site = { .pace[HTTP_IN] = pace(HTTP_IN, 600 << 10) };
	uint64_t began = loop_clock(), before = held[HTTP_IN];

	(void)state;
	answers(3, answer);
	for (int i = 0; i < 3; i++)
		start(&one[i], &site, "GET");
	loop_run();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(one[i].err, 0);
		assert_int_equal(one[i].n, BODY);
		assert_true(one[i].h.held > 0);
	}
	/* all but the last piece, which may be owed */
	assert_true(AGO(began) >= 450 * MS);
	assert_true(held[HTTP_IN] > before && held[HTTP_IN] - before <= AGO(began));
	assert_int_equal(held[HTTP_OUT], 0);
}

/* A bound on stalls that is shorter than the pauses is none of theirs. */
static void pauses(void **state)
{
	struct http_site site = { .stall_ms = 1000, .pace[HTTP_IN] = pace(HTTP_IN, 12 << 10),
				  .pace[HTTP_OUT] = pace(HTTP_OUT, 12 << 10) };
	static char some[SOME + 100];
	uint64_t began = loop_clock();

	(void)state;
	sprintf(some, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%.*s", SOME, SOME, body);
	answers(2, some);
	start(&one[0], &site, "GET");
	start(&one[1], &site, "PUT");
	one[1].h.body_len = SOME;
	loop_run();
	assert_int_equal(one[0].err, 0);
	assert_int_equal(one[1].err, 0);
	/* pieces of 16 KiB, after which so long nothing comes */
	assert_true(AGO(began) >= 2600 * MS);
	assert_true(one[0].h.held > 0 && one[1].h.held > 0);
}

static void writes(void **state)
{
	struct http_site site = { .pace[HTTP_OUT] = pace(HTTP_OUT, 400 << 10) };
	uint64_t began = loop_clock();
	FILE *f = tmpfile();

	(void)state;
	fwrite(body, BODY, 1, f);
	fflush(f);
	answers(3, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	start(&one[0], &site, "PUT");
	start(&one[1], &site, "POST");
	start(&one[2], &site, "PUT");
	one[2].h.body = NULL;
	one[2].h.body_fd = fileno(f);
	loop_run();
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(one[i].err, 0);
		assert_true(server_saw(i, body));
		assert_true(server_saw(i, "Content-Length: 102400\r\n"));
		assert_false(server_saw(i, "Expect:") || server_saw(i, "chunked") || server_saw(i, "Content-Type"));
	}
	assert_true(server_saw(0, "POST /") || server_saw(1, "POST /") || server_saw(2, "POST /"));
	assert_true(AGO(began) >= 700 * MS);
	assert_true(held[HTTP_OUT] > 0);
	fclose(f);
}

/* While it waits: by itself, by another, and from outside; the others go on. */
static void cancelled(void **state)
{
	struct http_site site = { .pace[HTTP_IN] = pace(HTTP_IN, 800 << 10),
				  .pace[HTTP_OUT] = pace(HTTP_OUT, 800 << 10) };
	struct loop_timer later = { .fired = stop };

	(void)state;
	answers(6, answer);
	for (int i = 0; i < 6; i++)
		start(&one[i], &site, i % 2 ? "PUT" : "GET");
	one[0].cancel = &one[2];
	one[4].cancel = &one[1];
	loop_timer_set(&later, loop_now() + 100 * MS);
	loop_run();
	http_cancel(&one[3].h);
	running--;
	loop_run();
	assert_true(!one[1].ended && !one[2].ended && !one[3].ended);
	assert_true(one[0].ended && one[4].ended && one[5].ended);
	assert_int_equal(one[0].err, 0);
	assert_int_equal(one[4].err, 0);
	assert_int_equal(one[5].err, 0);
	/* itself, which ends it */
	answers(1, answer);
	start(&one[0], &site, "GET");
	one[0].cancel = &one[0];
	running--;
	while (one[0].cancel) {
		loop_timer_set(&later, loop_now() + 50 * MS);
		loop_run();
	}
	assert_false(one[0].ended);
}

/* What is wrong is found in a piece that was kept for it, too. */
static void wrong(void **state)
{
	struct http_site site = { .pace[HTTP_IN] = pace(HTTP_IN, 200 << 10) };

	(void)state;
	answer[strlen(answer) - BODY / 2] ^= 1;
	answers(1, answer);
	start(&one[0], &site, "GET");
	loop_run();
	assert_int_equal(one[0].err, -EBADMSG);
	answer[strlen(answer) - BODY / 2] ^= 1;
	answers(1, answer);
	start(&one[0], &site, "GET");
	loop_run();
	assert_int_equal(one[0].err, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_a_second),
		cmocka_unit_test(nothing_is_there_at_first),
		cmocka_unit_test(little_is_saved),
		cmocka_unit_test(what_is_owed),
		cmocka_unit_test(turns),
		cmocka_unit_test(reads),
		cmocka_unit_test(pauses),
		cmocka_unit_test(writes),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(wrong),
	};

	for (int i = 0; i < BODY; i++)
		body[i] = (char)('a' + (i * 31 + i / 26) % 26);
	sprintf(answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", BODY, body);
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	if (loop_init() || http_init() || server_begin())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
