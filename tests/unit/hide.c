/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of our own in a small and in a large table: each keeps its file
 * and is found as ours, whatever number it has to move to, until the table is
 * full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "files/hide.h"

#define LIMIT 40

static _Atomic int hidden[LIMIT];
static int wells[2];

/* Each is the pipe's end: a byte written there arrives. */
static void all_are_whole(int n)
{
	char c;

	for (int i = 0; i < n; i++) {
		assert_true(hide_has(hidden[i]));
		assert_int_equal(fcntl(hidden[i], F_GETFD), FD_CLOEXEC);
		assert_int_equal(write(hidden[i], "x", 1), 1);
		assert_int_equal(read(wells[0], &c, 1), 1);
		for (int k = 0; k < i; k++)
			assert_int_not_equal(hidden[i], hidden[k]);
	}
}

/* How many there can be beside what is open. */
static int fill(void)
{
	int n = 0, r;

	while ((r = hide_copy(wells[1], &hidden[n])) == 0)
		n++;
	assert_int_equal(r, -EMFILE);
	return n;
}

static void above_the_middle_first(void **state)
{
	(void)state;
	assert_int_equal(hide_copy(wells[1], &hidden[0]), 0);
	assert_true(hidden[0] >= LIMIT / 2);
	hide_close(&hidden[0]);
	assert_int_equal(hidden[0], -1);
}

static void to_the_last_number(void **state)
{
	int free_ones = 0, n;

	(void)state;
	for (int fd = 0; fd < LIMIT; fd++)
		free_ones += fcntl(fd, F_GETFD) < 0;
	n = fill();
	assert_int_equal(n, free_ones);
	all_are_whole(n);
	/* a place below is enough to make room above */
	hide_close(&hidden[n - 1]);
	assert_int_equal(hide_move(hidden[0]), 0);
	all_are_whole(n - 1);
	while (n-- > 0)
		hide_close(&hidden[n]);
}

/* The kernel's table grows to the highest number, in every process. */
static void low_where_there_may_be_many(void **state)
{
	(void)state;
	assert_int_equal(hide_copy(wells[1], &hidden[0]), 0);
	assert_in_range(hidden[0], STDERR_FILENO + 1, 4095);
	hide_close(&hidden[0]);
}

static int few(void **state)
{
	struct rlimit l;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &l);
	l.rlim_cur = LIMIT;
	return setrlimit(RLIMIT_NOFILE, &l);
}

static int many(void **state)
{
	struct rlimit l;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &l);
	l.rlim_cur = l.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(low_where_there_may_be_many, many),
		cmocka_unit_test_setup(above_the_middle_first, few),
		cmocka_unit_test_setup(to_the_last_number, few),
	};

	return pipe(wells) < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
