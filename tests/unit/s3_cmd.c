/* SPDX-License-Identifier: MIT */
/* What of the commands of shim s3 needs no server: names, the documents of DeleteObjects, the line of progress. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/cmd_delete.h"
#include "cmd/cmd_plan.h"

/* ---- the name something is copied under */

static void names(void **state)
{
	static const struct { const char *word, *name; } table[] = {
		{ "a", "a" }, { "a/b", "b" }, { "/a/b.c", "b.c" }, { "a/", "" }, { ".", "" }, { "a/..", "" },
		{ "s3://b", "" }, { "s3://b/", "" }, { "s3://b/k", "k" }, { "s3://b/a/k", "k" }, { "s3://b/a/", "" },
		{ "s3://b?endpoint=http://h:1", "" }, { "s3://b/a?b", "a?b" }, { "...", "..." },
	};
	char name[S3_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		plan_name(table[i].word, name);
		assert_string_equal(name, table[i].name);
	}
}

/* ---- DeleteObjects */

static void document(void **state)
{
	const char *const keys[] = { "a&<b>", "new\nline\r\t", "bell\a", "\xc3\xa4", "bad\xff", "\"'" };
	size_t n;
	char *text = delete_text((char *const *)keys, 6, &n);

	(void)state;
	assert_string_equal(text, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
			    "<Object><Key>a&#38;&#60;b&#62;</Key></Object>"
			    "<Object><Key>new&#10;line&#13;&#9;</Key></Object>"
			    "<Object><Key>\xc3\xa4</Key></Object><Object><Key>\"'</Key></Object></Delete>");
	assert_int_equal(n, strlen(text));
	free(text);
}

static void which_keys(void **state)
{
	static const char *const can[] = { "", "a", "\t\n\r ", "\xc2\x80", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x7f" };
	static const char *const cannot[] = {
		"\x01", "\x1f", "\x80", "\xc0\x80", "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xef\xbf\xbe", "\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80", "\xe0\x80\x80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(can) / sizeof(*can); i++)
		assert_true(delete_can(can[i]));
	for (size_t i = 0; i < sizeof(cannot) / sizeof(*cannot); i++)
		assert_false(delete_can(cannot[i]));
}

static void collect(void *arg, const char *key)
{
	strcat(strcat(arg, key), ";");
}

static int answer(const char *text, char *failed)
{
	*failed = 0;
	return delete_answer(text, strlen(text), collect, failed);
}

static void answers(void **state)
{
	char failed[200];

	(void)state;
	assert_int_equal(answer("<DeleteResult/>", failed), 0);
	assert_string_equal(failed, "");
	assert_int_equal(answer("<DeleteResult xmlns=\"x\"><Deleted><Key>a</Key></Deleted>"
				"<Error><Key>b</Key><Code>AccessDenied</Code></Error>"
				"<Error><Code>InternalError</Code><Key>c</Key></Error></DeleteResult>", failed), 0);
	assert_string_equal(failed, "b;c;");
	assert_int_equal(answer("<html/>", failed), -EBADMSG);
	assert_int_equal(answer("", failed), -EBADMSG);
	assert_int_equal(answer("<DeleteResult><Error><Key>a</Key></Error>", failed), -EBADMSG);
}

/* ---- progress */

static void progress(void **state)
{
	char line[200];

	(void)state;
	progress_line(line, sizeof(line), "copied", 10 << 20, 40 << 20, 2, 0);
	assert_string_equal(line, "copied  25 %  10.0 MiB of 40.0 MiB  5.0 MiB/s  0:06 left");
	progress_line(line, sizeof(line), "copied", 1536, -1, 1, 0);
	assert_string_equal(line, "copied  1.5 KiB  1.5 KiB/s");
	progress_line(line, sizeof(line), "removed", 1000, -1, 2, PROGRESS_COUNT);
	assert_string_equal(line, "removed  1000  500/s");
	progress_line(line, sizeof(line), "copied", 1, 5ll << 40, 1000, 0);
	assert_non_null(strstr(line, "of 5.0 TiB"));
	progress_line(line, sizeof(line), "copied", 1ll << 30, 1ll << 43, 1, 0);
	assert_non_null(strstr(line, "2:16:31 left"));
	progress_line(line, sizeof(line), "copied", 0, 0, 0, 0);
	progress_line(line, sizeof(line), "copied", 7, 7, 1, 0);
	assert_null(strstr(line, "left"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(document),
		cmocka_unit_test(which_keys),
		cmocka_unit_test(answers),
		cmocka_unit_test(progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
