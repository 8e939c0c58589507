/* SPDX-License-Identifier: MIT */
/*
 * Credentials that are kept: one fetch for all who wait, fetched again in time,
 * kept while that fails, dropped when refused or expired. The clock is the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "creds/creds.h"
#include "loop/loop.h"
#include "s3_home.h"


static time_t clock_now = 1800000000;
static unsigned lifetime;               /* of what the server hands out; 0: it has none */

/* Instead of libc's, for all that is linked here. */
time_t time(time_t *t)
{
	if (t)
		*t = clock_now;
	return clock_now;
}

/* ---- a container's agent: a new key at each request */

static char *hand_out(const char *request, void *arg)
{
	char text[512], until[32];
	time_t t = clock_now + lifetime;
	struct tm tm;

	(void)request;
	(void)arg;
	if (!lifetime)
		return strdup("403\nno " SECRET);
	strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	snprintf(text, sizeof(text), "200\n{\"AccessKeyId\":\"AKIDEXAMPLE%u\",\"SecretAccessKey\":\"" SECRET
		 "\",\"Token\":\"t%u\",\"Expiration\":\"%s\"}", server.requests, server.requests, until);
	return strdup(text);
}

/* ---- asking */

struct got {
	int called, err;
	char id[64], token[64];
};

static unsigned waiting;

static void got_key(void *arg, const struct sigv4_key *key, int err)
{
	struct got *g = arg;

	g->called++;
	g->err = err;
	snprintf(g->id, sizeof(g->id), "%s", key ? key->id : "");
	snprintf(g->token, sizeof(g->token), "%s", key && key->token ? key->token : "");
	if (waiting && !--waiting)
		loop_stop();
}

static void wait_for(struct got *g)
{
	while (!g->called) {
		waiting = 1;
		loop_run();
	}
	waiting = 0;
}

static struct got get(struct creds *c)
{
	struct got g = { 0 };

	creds_get(c, got_key, &g);
	wait_for(&g);
	assert_null(strstr(creds_source(c), SECRET));
	return g;
}

/* What is kept is given at once, without the loop. */
static int is_kept(struct creds *c, const char *id)
{
	struct got g = { 0 };

	creds_get(c, got_key, &g);
	if (!g.called)
		creds_cancel(c, &g);
	return g.called && !strcmp(g.id, id);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop();
}

/* Until the server has answered n requests, and what it said has been read. */
static void settle(struct creds *c, unsigned n, const char *id)
{
	struct loop_timer t = { .fired = stop };

	for (int i = 0; i < 1000 && !(scripted_requests(&server) >= n && is_kept(c, id)); i++) {
		loop_timer_set(&t, loop_now() + LOOP_SECOND / 100);
		loop_run();
	}
	assert_int_equal(scripted_requests(&server), n);
	assert_true(is_kept(c, id));
}

/* Each test has a profile of its own: what is found for one is kept. */
static struct creds *profile(const char *name, const char *more)
{
	char text[512];

	snprintf(text, sizeof(text), "[profile %s]\n%s", name, more);
	put(config, text);
	return creds_of(&(struct creds_how){ .profile = name });
}

static int fresh(void **state)
{
	char url[128];

	(void)state;
	home_clean();
	snprintf(url, sizeof(url), "%s/creds", server.url);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
	scripted_reset(&server);
	lifetime = 3600;
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	return home_set_up(hand_out);
}

/* ---- tests */

static void one_fetch(void **state)
{
	struct creds *c = profile("one", "region = r\n");
	struct got g[20] = { 0 }, cancelled = { 0 };

	(void)state;
	assert_ptr_equal(c, creds_of(&(struct creds_how){ .profile = "one" }));
	for (unsigned i = 0; i < 20; i++) {
		creds_get(c, got_key, &g[i]);
		if (i == 7)
			creds_get(c, got_key, &cancelled);
	}
	creds_cancel(c, &cancelled);
	waiting = 20;
	loop_run();
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(g[i].called, 1);
		assert_string_equal(g[i].id, "AKIDEXAMPLE1");
		assert_string_equal(g[i].token, "t1");
	}
	assert_int_equal(cancelled.called, 0);
	assert_true(is_kept(c, "AKIDEXAMPLE1"));
	assert_int_equal(scripted_requests(&server), 1);
	assert_string_equal(creds_source(c), "container, key ****PLE1");
	assert_int_equal(creds_expire(c), clock_now + 3600);
	assert_string_equal(creds_setting(c, "region"), "r");
	assert_null(creds_setting(c, "aws_secret_access_key"));
}

static void rotation(void **state)
{
	struct creds *c = profile("rotation", "");

	(void)state;
	assert_string_equal(get(c).id, "AKIDEXAMPLE1");
	clock_now += 3600 - 301;
	assert_true(is_kept(c, "AKIDEXAMPLE1"));
	assert_int_equal(scripted_requests(&server), 1);
	clock_now += 80;                /* in the last minutes: fetched, while the old ones are given */
	assert_true(is_kept(c, "AKIDEXAMPLE1"));
	settle(c, 2, "AKIDEXAMPLE2");
	clock_now += 3600 - 60;         /* in the last one or two: waited for */
	assert_false(is_kept(c, "AKIDEXAMPLE2"));
	assert_string_equal(get(c).id, "AKIDEXAMPLE3");
}

static void kept_while_fetching_fails(void **state)
{
	struct creds *c = profile("kept", "");
	struct got g;

	(void)state;
	get(c);
	lifetime = 0;
	clock_now += 3600 - 200;
	assert_true(is_kept(c, "AKIDEXAMPLE1"));
	clock_now += 170;               /* waits for the fetch, and then has the old ones after all */
	g = get(c);
	assert_string_equal(g.id, "AKIDEXAMPLE1");
	assert_string_equal(creds_source(c), "container, key ****PLE1");
	clock_now += 31;
	g = get(c);
	assert_int_equal(g.err, -EACCES);
	assert_non_null(strstr(creds_source(c), "answered with status 403"));
	lifetime = 3600;
	clock_now += 5;
	assert_int_equal(get(c).err, 0);
}

/* Nobody waits for a failure of this second again. */
static void failures_are_kept(void **state)
{
	struct creds *c = profile("failing", "");
	unsigned n;

	(void)state;
	lifetime = 0;
	assert_int_equal(get(c).err, -EACCES);
	n = scripted_requests(&server);
	assert_int_equal(get(c).err, -EACCES);
	assert_int_equal(scripted_requests(&server), n);
	clock_now += 3;
	assert_int_equal(get(c).err, -EACCES);
	assert_true(scripted_requests(&server) > n);
}

static void short_lives(void **state)
{
	struct creds *c = profile("short", "");

	(void)state;
	lifetime = 60;
	get(c);
	clock_now += 29;
	assert_true(is_kept(c, "AKIDEXAMPLE1"));
	assert_int_equal(scripted_requests(&server), 1);
	clock_now += 25;
	assert_string_equal(get(c).id, "AKIDEXAMPLE2");
}

static void refused(void **state)
{
	struct creds *c = profile("refused", "");

	(void)state;
	get(c);
	creds_refused(c);               /* they are new: no use in asking again */
	assert_true(is_kept(c, "AKIDEXAMPLE1"));
	clock_now += 10;
	creds_refused(c);
	assert_string_equal(get(c).id, "AKIDEXAMPLE2");
	clock_now += 10;
	lifetime = 0;
	creds_refused(c);
	assert_int_equal(get(c).err, -EACCES);
	assert_int_equal(get(c).err, -EACCES);
}

/* A file that somebody has written meanwhile is read again. */
static void files_change(void **state)
{
	struct creds *c;

	(void)state;
	put(credentials, "[files]\naws_access_key_id=FIRSTFIRST\naws_secret_access_key=x\n");
	c = profile("files", "");
	assert_string_equal(get(c).id, "FIRSTFIRST");
	put(credentials, "[files]\naws_access_key_id=SECOND\naws_secret_access_key=x\n");
	clock_now += 100000;
	assert_true(is_kept(c, "FIRSTFIRST"));
	creds_refused(c);
	assert_string_equal(get(c).id, "SECOND");
	assert_int_equal(creds_expire(c), 0);
	assert_non_null(strstr(creds_source(c), "key ****"));
	assert_null(strstr(creds_source(c), "SECOND"));
}

static void wrong(void **state)
{
	struct creds *c = creds_of(&(struct creds_how){ .profile = "nobody" });

	(void)state;
	assert_non_null(strstr(creds_wrong(c), "profile nobody is neither in "));
	assert_int_equal(get(c).err, -EINVAL);
	assert_string_equal(creds_source(c), creds_wrong(c));
	put(config, "[profile broken\n");
	c = creds_of(&(struct creds_how){ .profile = "broken" });
	assert_non_null(strstr(creds_wrong(c), "/.aws/config:1: a section without its ]"));
	assert_int_equal(get(c).err, -EINVAL);
	put(config, "[profile broken]\naws_access_key_id=MENDED\naws_secret_access_key=x\n");
	clock_now += 3;
	assert_string_equal(get(c).id, "MENDED");
	assert_null(creds_wrong(c));
}

static void anonymous(void **state)
{
	struct creds *c = creds_of(&(struct creds_how){ .anonymous = 1 });
	struct got g = { 0 };

	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
	creds_get(c, got_key, &g);
	assert_int_equal(g.called, 1);
	assert_int_equal(g.err, 0);
	assert_string_equal(g.id, "");
	assert_string_equal(creds_source(c), "anonymous");
}

/* A rule's own profile goes before the variables; without one, they go first. */
static void variables(void **state)
{
	struct creds *c;

	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
	setenv("AWS_PROFILE", "named", 1);
	put(credentials, "[named]\naws_access_key_id=NAMED\naws_secret_access_key=x\n"
	    "[own]\naws_access_key_id=OWN\naws_secret_access_key=x\n");
	c = creds_of(NULL);
	assert_string_equal(get(c).id, "ENV");
	assert_string_equal(get(creds_of(&(struct creds_how){ .profile = "own" })).id, "OWN");
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	clock_now += 100;
	creds_refused(c);
	assert_string_equal(get(c).id, "NAMED");
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_fetch), T(rotation), T(kept_while_fetching_fails), T(failures_are_kept), T(short_lives), T(refused),
		T(files_change), T(wrong), T(anonymous), T(variables),
	};

	return cmocka_run_group_tests(tests, set_up, home_tear_down);
}
