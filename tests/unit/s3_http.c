/* SPDX-License-Identifier: MIT */
/*
 * Exchanges against a scripted server: what goes on the line and what comes of
 * it, connections that are kept, answers that are none, and ends at any moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>

#include "http/http.h"
#include "loop/loop.h"
#include "s3_server.h"

#define OK(body_length, body) "HTTP/1.1 200 OK\r\nContent-Length: " body_length "\r\n\r\n" body

static struct http_site site;

/* One exchange and what it gave. */
struct one {
	struct http h;
	char url[128], body[4096];
	size_t n;
	int status, err, done, heads, stop_head, stop_data;
};

static int running;

static int head(struct http *h)
{
	struct one *o = h->arg;

	o->heads++;
	o->status = h->status;
	return o->stop_head;
}

static int data(struct http *h, const void *p, size_t n)
{
	struct one *o = h->arg;

	if (o->n + n < sizeof(o->body))
		memcpy(o->body + o->n, p, n);
	o->n += n;
	return o->stop_data;
}

static void done(struct http *h, int err)
{
	struct one *o = h->arg;

	o->err = err;
	o->done++;
	if (!--running)
		loop_stop();
}

static void start(struct one *o, const char *method)
{
	memset(o, 0, offsetof(struct one, url));
	o->n = 0;
	memset(o->body, 0, sizeof(o->body));
	o->status = o->err = o->done = o->heads = 0;
	snprintf(o->url, sizeof(o->url), "%s/a%%20b/../c?x=1", server.url);
	o->h = (struct http){ .site = &site, .method = method, .url = o->url, .head = head, .data = data,
			      .done = done, .arg = o };
}

static void go(struct one *o)
{
	running++;
	http_start(&o->h);
	assert_int_equal(o->done, 0);
}

static void get(struct one *o, const struct reply *script)
{
	server_script(script);
	start(o, "GET");
	go(o);
	loop_run();
	assert_int_equal(o->done, 1);
}

static struct one one, two;

static void an_answer(void **state)
{
	static const struct reply script[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Long:   a b  \r\nETag: \"x\"\r\nEmpty:\r\n\r\nhello" }, { 0 } };

	(void)state;
	get(&one, script);
	assert_int_equal(one.err, 0);
	assert_int_equal(one.status, 200);
	assert_int_equal(one.h.length, 5);
	assert_string_equal(one.body, "hello");
	assert_int_equal(one.h.received, 5);
	assert_true(one.h.started && one.h.first_byte >= one.h.started && one.h.ended >= one.h.first_byte);
	/* the path as it is: no segment is taken out of it, nothing encoded again */
	assert_true(server_saw(0, "GET /a%20b/../c?x=1 HTTP/1.1\r\n"));
	assert_false(server_saw(0, "Accept-Encoding"));
	assert_false(server_saw(0, "Content-Type"));
}

static char names[3][32];

static int keep_headers(struct http *h)
{
	snprintf(names[0], 32, "%s", http_got(h, "x-long"));
	snprintf(names[1], 32, "%s", http_got(h, "empty"));
	assert_null(http_got(h, "none"));
	return 0;
}

static void headers(void **state)
{
	static const struct reply script[] = {
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Long:   a b \t \r\nEmpty:\r\n\r\n" }, { 0 } };

	(void)state;
	server_script(script);
	start(&one, "GET");
	one.h.head = keep_headers;
	http_add(&one.h, "x-mine", "1:2");
	http_add(&one.h, "x-empty", "");
	http_add(&one.h, "content-type", "text/x");
	go(&one);
	loop_run();
	assert_int_equal(one.err, 0);
	assert_string_equal(names[0], "a b");
	assert_string_equal(names[1], "");
	assert_true(server_saw(0, "\r\nx-mine:1:2\r\n"));
	assert_true(server_saw(0, "\r\nx-empty:\r\n"));
	assert_true(server_saw(0, "\r\ncontent-type:text/x\r\n"));
}

static void a_connection_is_kept(void **state)
{
	static const struct reply script[] = { { .text = OK("2", "ab") }, { .text = OK("2", "cd") },
		{ .text = "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nwhy" }, { .text = OK("1", "x"), .then = REPLY_CLOSE },
		{ .text = OK("1", "y") }, { 0 } };

	(void)state;
	get(&one, script);
	for (int i = 0; i < 3; i++) {
		start(&one, "GET");
		go(&one);
		loop_run();
		assert_int_equal(one.err, 0);
		assert_int_equal(one.h.reused, 1);
	}
	/* the server closed it: another one, and no error */
	start(&one, "GET");
	go(&one);
	loop_run();
	assert_int_equal(one.err, 0);
	assert_string_equal(one.body, "y");
	assert_int_equal(server_asked(), 5);
}

static void other_forms(void **state)
{
	static const struct reply chunked[] = { { .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n" }, { 0 } };
	static const struct reply until_close[] = { { .text = "HTTP/1.1 200 OK\r\n\r\nabc", .then = REPLY_CLOSE }, { 0 } };
	static const struct reply interim[] = { { .text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n"
		OK("3", "abc") }, { 0 } };
	static const struct reply zipped[] = { { .text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3"
		"\r\n\r\nabc" }, { 0 } };
	static const struct reply moved[] = { { .text = "HTTP/1.1 302 No\r\nLocation: /x\r\nContent-Length: 3\r\n\r\nabc" },
		{ 0 } };
	static const struct { const struct reply *script; int status; int64_t length; const char *body; } forms[] = {
		{ chunked, 200, -1, "abcde" }, { until_close, 200, -1, "abc" }, { interim, 200, 3, "abc" },
		{ zipped, 200, 3, "abc" }, { moved, 302, 3, "abc" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		get(&one, forms[i].script);
		assert_int_equal(one.err, 0);
		assert_int_equal(one.status, forms[i].status);
		assert_int_equal(one.h.length, forms[i].length);
		assert_int_equal(one.heads, 1);
		assert_string_equal(one.body, forms[i].body);
		assert_int_equal(server_asked(), 1);
	}
}

static void head_has_no_body(void **state)
{
	static const struct reply script[] = { { .text = "HTTP/1.1 200 OK\r\nContent-Length: 12345678901\r\n\r\n" },
		{ .text = OK("1", "x") }, { 0 } };

	(void)state;
	server_script(script);
	start(&one, "HEAD");
	go(&one);
	loop_run();
	assert_int_equal(one.err, 0);
	assert_int_equal(one.h.length, 12345678901);
	assert_int_equal(one.n, 0);
	start(&one, "GET");             /* nothing of HEAD stays with the handle */
	go(&one);
	loop_run();
	assert_string_equal(one.body, "x");
	assert_true(server_saw(0, "HEAD /") && server_saw(1, "GET /"));
}

static void send_one(const char *method, const void *body, int fd, off_t off, size_t n)
{
	static const struct reply script[] = { { .text = OK("0", "") }, { 0 } };

	server_script(script);
	start(&one, method);
	one.h.body = body;
	one.h.body_fd = fd;
	one.h.body_off = off;
	one.h.body_len = n;
	go(&one);
	loop_run();
	assert_int_equal(one.err, 0);
}

static void bodies(void **state)
{
	FILE *f = tmpfile();

	(void)state;
	fputs("0123456789", f);
	fflush(f);
	send_one("PUT", "hello", -1, 0, 5);
	assert_true(server_saw(0, "PUT /") && server_saw(0, "Content-Length: 5\r\n") && server_saw(0, "\r\n\r\nhello"));
	assert_false(server_saw(0, "Expect") || server_saw(0, "Content-Type") || server_saw(0, "chunked"));
	send_one("PUT", NULL, fileno(f), 3, 4);
	assert_true(server_saw(0, "PUT /") && server_saw(0, "Content-Length: 4\r\n") && server_saw(0, "\r\n\r\n3456"));
	assert_false(server_saw(0, "Expect") || server_saw(0, "Content-Type") || server_saw(0, "chunked"));
	send_one("POST", "x", -1, 0, 1);
	assert_true(server_saw(0, "POST /") && server_saw(0, "\r\n\r\nx"));
	send_one("PUT", NULL, 0, 0, 0);
	assert_true(server_saw(0, "PUT /") && server_saw(0, "Content-Length: 0\r\n"));
	send_one("DELETE", NULL, 0, 0, 0);
	assert_true(server_saw(0, "DELETE /"));
	assert_false(server_saw(0, "Content-Length"));
	/* the file is shorter than was said */
	server_script(NULL);
	start(&one, "PUT");
	one.h.body_fd = fileno(f);
	one.h.body_len = 100;
	go(&one);
	loop_run();
	assert_int_equal(one.err, -EIO);
	fclose(f);
}

static void no_answers(void **state)
{
	static char huge[70000] = "HTTP/1.1 200 OK\r\nX: ", many[30000] = "HTTP/1.1 200 OK\r\n";
	static const struct reply cut[] = { { .text = OK("10", "abc"), .then = REPLY_CLOSE }, { 0 } };
	static const struct reply cut_chunk[] = { { .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		.then = REPLY_CLOSE }, { 0 } };
	static const struct reply reset[] = { { .text = OK("10", "abc"), .then = REPLY_RESET }, { 0 } };
	static const struct reply nothing[] = { { .text = "HTTP/1.1", .then = REPLY_CLOSE }, { 0 } };
	static const struct reply garbage[] = { { .text = "\x16\x03\x01 this is no HTTP\r\n\r\n", .then = REPLY_CLOSE }, { 0 } };
	static const struct reply negative[] = { { .text = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
		.then = REPLY_CLOSE }, { 0 } };
	static struct reply too_long[] = { { .text = huge, .then = REPLY_CLOSE }, { 0 } };
	static struct reply too_many[] = { { .text = many, .then = REPLY_CLOSE }, { 0 } };
	static const struct { const struct reply *script; int err; } bad[] = {
		{ cut, -ECONNRESET }, { cut_chunk, -ECONNRESET }, { reset, -ECONNRESET }, { nothing, -ECONNRESET },
		{ garbage, -EIO }, { negative, -EIO }, { too_long, -EPROTO }, { too_many, -EPROTO },
	};

	(void)state;
	memset(huge + strlen(huge), 'x', 60000);
	strcat(huge, "\r\n\r\n");
	for (int i = 0; i < 2000; i++)
		sprintf(many + strlen(many), "a:%d\r\n", i);
	strcat(many, "\r\n");
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		get(&one, bad[i].script);
		if (one.err != bad[i].err)
			print_message("answer %u: %d (%s)\n", i, one.err, one.h.error);
		assert_int_equal(one.err, bad[i].err);
		assert_true(*one.h.error);
	}
}

static void nobody_there(void **state)
{
	(void)state;
	start(&one, "GET");
	snprintf(one.url, sizeof(one.url), "http://127.0.0.1:1/");
	go(&one);
	loop_run();
	assert_int_equal(one.err, -ECONNREFUSED);
	start(&one, "GET");
	snprintf(one.url, sizeof(one.url), "http://nobody.invalid/");
	go(&one);
	loop_run();
	assert_int_equal(one.err, -EHOSTUNREACH);
	start(&one, "GET");
	snprintf(one.url, sizeof(one.url), "file:///etc/passwd");
	go(&one);
	loop_run();
	assert_int_equal(one.err, -EIO);
}

static void stalls(void **state)
{
	static const struct reply silent[] = { { .text = "H", .then = REPLY_HANG }, { 0 } };
	static const struct reply stuck[] = { { .text = OK("10", "abc"), .then = REPLY_HANG }, { 0 } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint64_t began = loop_now();

		server_script(i ? stuck : silent);
		start(&one, "GET");
		one.h.stall_ms = i ? 1500 : 100;        /* the three bytes come before that */
		go(&one);
		loop_run();
		assert_int_equal(one.err, -ETIMEDOUT);
		assert_int_equal(one.n, i ? 3 : 0);
		assert_true(loop_now() - began >= LOOP_SECOND / 10);
	}
}

static void ended_by_callbacks(void **state)
{
	static const struct reply script[] = { { .text = OK("3", "abc") }, { .text = OK("3", "abc") },
		{ .text = OK("3", "abc") }, { 0 } };

	(void)state;
	server_script(script);
	start(&one, "GET");
	one.stop_head = -ESTALE;
	go(&one);
	loop_run();
	assert_int_equal(one.err, -ESTALE);
	assert_int_equal(one.n, 0);
	start(&one, "GET");
	one.stop_head = 0;
	one.stop_data = -EDOM;
	go(&one);
	loop_run();
	assert_int_equal(one.err, -EDOM);
	one.stop_data = 0;
	start(&one, "GET");
	go(&one);
	loop_run();
	assert_int_equal(one.err, 0);
}

/* ---- cancelled, at each moment and from each place */

static struct one *victim;

static int cancel_it(struct http *h)
{
	(void)h;
	http_cancel(&victim->h);
	memset(&victim->h, 0x5a, sizeof(victim->h));    /* it is the caller's again */
	victim = NULL;
	return 0;
}

static int cancel_in_data(struct http *h, const void *p, size_t n)
{
	(void)p;
	(void)n;
	return cancel_it(h);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop();
}

static void cancelled(void **state)
{
	static const struct reply silent[] = { { .text = "H", .then = REPLY_HANG }, { 0 } };
	static const struct reply script[] = { { .text = OK("3", "abc") }, { .text = OK("3", "abc") },
		{ .text = OK("3", "abc") }, { 0 } };
	static const struct reply hangs_first[] = { { .text = "H", .then = REPLY_HANG }, { .text = OK("3", "abc") }, { 0 } };
	struct loop_timer later = { .fired = stop };

	(void)state;
	/* before it began, and while it waits */
	for (int wait = 0; wait < 2; wait++) {
		server_script(silent);
		start(&one, "GET");
		http_start(&one.h);
		if (wait) {
			loop_timer_set(&later, loop_now() + LOOP_SECOND / 20);
			loop_run();
		}
		http_cancel(&one.h);
		http_cancel(&one.h);
		loop_timer_set(&later, loop_now() + LOOP_SECOND / 50);
		loop_run();
		assert_int_equal(one.done, 0);
	}
	/* in its own callback */
	server_script(script);
	start(&one, "GET");
	one.h.data = cancel_in_data;
	victim = &one;
	http_start(&one.h);
	while (victim) {
		loop_timer_set(&later, loop_now() + LOOP_SECOND / 50);
		loop_run();
	}
	assert_int_equal(one.done, 0);
	/* and in another's, while it waits */
	server_script(hangs_first);
	start(&two, "GET");
	victim = &two;
	http_start(&two.h);
	while (!server_asked()) {
		loop_timer_set(&later, loop_now() + LOOP_SECOND / 500);
		loop_run();
	}
	start(&one, "GET");
	one.h.data = cancel_in_data;
	go(&one);
	loop_run();
	assert_int_equal(one.err, 0);
	assert_int_equal(two.done, 0);
	/* all is well afterwards */
	get(&one, script);
	assert_int_equal(one.err, 0);
}

#define MANY 300

static void many_at_once(void **state)
{
	static struct one many[MANY];
	static struct reply script[MANY + 1];

	(void)state;
	for (int i = 0; i < MANY; i++)
		script[i] = (struct reply){ .text = OK("3", "abc") };
	server_script(script);
	for (int i = 0; i < MANY; i++) {
		start(&many[i], "GET");
		go(&many[i]);
	}
	loop_run();
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(many[i].err, 0);
		assert_string_equal(many[i].body, "abc");
	}
}

/* ---- proxies */

static void proxies(void **state)
{
	static const struct reply script[] = { { .text = OK("1", "p") }, { 0 } };
	struct http_site by = { .proxy = server.url }, none = { .proxy = (char[]){ "" } };

	(void)state;
	server_script(script);
	start(&one, "GET");
	one.h.site = &by;
	snprintf(one.url, sizeof(one.url), "http://bucket.example/x");
	go(&one);
	loop_run();
	assert_string_equal(one.body, "p");
	assert_true(server_saw(0, "GET http://bucket.example/x HTTP/1.1\r\n"));
	/* by the environment, unless there is to be none */
	setenv("http_proxy", server.url, 1);
	server_script(script);
	start(&one, "GET");
	snprintf(one.url, sizeof(one.url), "http://bucket.example/x");
	go(&one);
	loop_run();
	assert_string_equal(one.body, "p");
	start(&one, "GET");
	snprintf(one.url, sizeof(one.url), "http://127.0.0.1:1/x");
	one.h.site = &none;
	go(&one);
	loop_run();
	assert_int_equal(one.err, -ECONNREFUSED);
	/* never for the machine's own metadata */
	server_script(script);
	start(&one, "GET");
	one.h.stall_ms = 50;
	one.h.site = &by;
	snprintf(one.url, sizeof(one.url), "http://169.254.169.254/latest/");
	go(&one);
	loop_run();
	assert_int_equal(server_asked(), 0);
	unsetenv("http_proxy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer),
		cmocka_unit_test(headers),
		cmocka_unit_test(a_connection_is_kept),
		cmocka_unit_test(other_forms),
		cmocka_unit_test(head_has_no_body),
		cmocka_unit_test(bodies),
		cmocka_unit_test(no_answers),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(stalls),
		cmocka_unit_test(ended_by_callbacks),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(proxies),
	};

	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	if (loop_init() || http_init() || server_begin())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
