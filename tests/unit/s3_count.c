/* SPDX-License-Identifier: MIT */
/* The notes among the agent's counters: what goes wrong often takes one place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "request/count.h"

static void forget(void)
{
	memset(count, 0, sizeof *count);
}

static const struct s3_stats_note *note_of(const char *text)
{
	for (unsigned i = 0; i < S3_STATS_NOTES; i++)
		if (count->note[i].what && strcmp(count->note[i].text, text) == 0)
			return &count->note[i];
	return NULL;
}

static unsigned notes(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < S3_STATS_NOTES; i++)
		n += count->note[i].what != 0;
	return n;
}

static void one_place_for_one_thing(void **state)
{
	const struct s3_stats_note *n;

	(void)state;
	forget();
	count_note("GET 503", "of a", 1);
	count_note("GET 503", "of b", 1);
	count_note("GET 403", "of a", 0);
	count_note("GET 503", "of c", 0);
	assert_int_equal(notes(), 2);
	n = note_of("of c");
	assert_non_null(n);
	assert_int_equal(n->failed, 1);
	assert_int_equal(n->repeated, 2);
	assert_true(n->last > 1000000000);
	assert_string_equal(count_last(), "of c");
}

static void the_oldest_gives_way(void **state)
{
	char text[20];

	(void)state;
	forget();
	for (int i = 0; i < S3_STATS_NOTES; i++) {
		snprintf(text, sizeof text, "%d", i);
		count_note(text, text, 0);
		count->note[i].last = 100 + (uint64_t)i;
	}
	count->note[0].last = 1000;
	count_note("new", "new", 0);
	assert_int_equal(notes(), S3_STATS_NOTES);
	assert_non_null(note_of("0"));
	assert_null(note_of("1"));
	assert_int_equal(note_of("new")->failed, 1);
}

static void a_line_stays_one(void **state)
{
	char text[1000];

	(void)state;
	forget();
	memset(text, '\n', sizeof text);
	text[999] = 0;
	count_note("x", text, 0);
	assert_int_equal(strlen(count->note[0].text), S3_STATS_NOTE - 1);
	assert_null(strchr(count->note[0].text, '\n'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_place_for_one_thing),
		cmocka_unit_test(the_oldest_gives_way),
		cmocka_unit_test(a_line_stays_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
