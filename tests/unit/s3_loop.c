/* SPDX-License-Identifier: MIT */
/* The agent's loop: order of timers, descriptors that come and go, work elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop/loop.h"

/* ---- timers */

#define TIMERS 500

static struct loop_timer timers[TIMERS];
static uint64_t due[TIMERS], last;
static unsigned fired, expected;

static void fire(void *arg)
{
	uint64_t at = due[(struct loop_timer *)arg - timers];

	assert_true(at >= last);
	assert_true(loop_now() >= at);
	assert_int_equal(timers[(struct loop_timer *)arg - timers].at, 0);
	last = at;
	if (++fired == expected)
		loop_stop();
}

/* Set, moved both ways and cleared at random: they come in the order of their times. */
static void timers_in_order(void **state)
{
	uint64_t begin = loop_now();

	(void)state;
	srand(7);
	fired = expected = 0;
	last = 0;
	for (int round = 0; round < 5 * TIMERS; round++) {
		int i = rand() % TIMERS;

		timers[i].fired = fire;
		timers[i].arg = &timers[i];
		if (rand() % 4 == 0) {
			loop_timer_clear(&timers[i]);
			continue;
		}
		due[i] = begin + (uint64_t)(rand() % 50000) * 1000;
		loop_timer_set(&timers[i], due[i]);
	}
	for (int i = 0; i < TIMERS; i++)
		expected += timers[i].at != 0;
	assert_true(expected > TIMERS / 3);
	loop_run();
	assert_int_equal(fired, expected);
}

static void set_again(void *arg)
{
	struct loop_timer *t = arg;

	if (++fired == 1000)
		loop_stop();
	else
		loop_timer_set(t, loop_now());
}

static int rounds;

static int count_round(void)
{
	rounds++;
	return 0;
}

/* A timer that sets itself for now leaves room for the rest of a round. */
static void now_is_the_next_round(void **state)
{
	struct loop_timer t = { .fired = set_again, .arg = &t };

	(void)state;
	fired = 0;
	rounds = 0;
	loop_before_sleep(count_round);
	loop_timer_set(&t, loop_now());
	loop_run();
	assert_true(rounds >= 999);
}

/* ---- put off */

static char letters[] = "abc", order[8];
static unsigned norder;

static void note(void *arg)
{
	order[norder++] = *(const char *)arg;
	if (*(const char *)arg == 'a')
		loop_soon(note, &letters[2]);
	if (*(const char *)arg == 'c')
		loop_stop();
}

static void soon_keeps_order(void **state)
{
	(void)state;
	norder = 0;
	loop_soon(note, &letters[0]);
	loop_soon(note, &letters[1]);
	loop_run();
	order[norder] = '\0';
	assert_string_equal(order, "abc");
}

/* ---- descriptors */

static int pair[2], other[2];
static unsigned readies;

static void not_me(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	fail();
}

static void once(void *arg, uint32_t events)
{
	char byte;

	(void)arg;
	assert_true(events & EPOLLIN);
	assert_int_equal(read(pair[0], &byte, 1), 1);
	readies++;
	/* the second is ready in this round, too; it goes, and another descriptor takes its number */
	loop_watch(other[0], 0, NULL, NULL);
	close(other[0]);
	assert_int_equal(dup2(pair[0], other[0]), other[0]);
	assert_int_equal(loop_watch(other[0], EPOLLIN, not_me, NULL), 0);
	loop_soon((void (*)(void *))loop_stop, NULL);
}

static void a_number_used_again(void **state)
{
	(void)state;
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(pipe(other), 0);
	assert_int_equal(loop_watch(pair[0], EPOLLIN, once, NULL), 0);
	assert_int_equal(loop_watch(other[0], EPOLLIN, once, NULL), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	readies = 0;
	loop_run();
	assert_int_equal(readies, 1);
	loop_watch(pair[0], 0, NULL, NULL);
	loop_watch(other[0], 0, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		close(pair[i]);
		close(other[i]);
	}
}

/* Closed without a word, and watched again under the same number. */
static void a_silent_close(void **state)
{
	int fd = eventfd(1, 0);

	(void)state;
	assert_int_equal(loop_watch(fd, EPOLLOUT, not_me, NULL), 0);
	close(fd);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(pair[0], fd);
	assert_int_equal(pipe(other), 0);
	assert_int_equal(loop_watch(pair[0], EPOLLIN, once, NULL), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	readies = 0;
	loop_run();
	assert_int_equal(readies, 1);
	loop_watch(pair[0], 0, NULL, NULL);
	loop_watch(other[0], 0, NULL, NULL);
}

/* ---- work */

#define WORKS 100

static int worked[WORKS], done_works;

static void work(void *arg)
{
	usleep(1000);
	++*(int *)arg;
}

static void work_done(void *arg)
{
	assert_int_equal(*(int *)arg, 1);
	if (++done_works == WORKS)
		loop_stop();
}

static void all_work_is_done(void **state)
{
	(void)state;
	for (int i = 0; i < WORKS; i++)
		loop_work(work, work_done, &worked[i]);
	loop_run();
	assert_int_equal(done_works, WORKS);
}

/* Those that wait for each other do not wait behind each other. */
static int gate[2];

static void open_gate(void *arg)
{
	assert_int_equal(write(gate[1], arg, 1), 1);
}

static void pass_gate(void *arg)
{
	char byte;

	(void)arg;
	assert_int_equal(read(gate[0], &byte, 1), 1);
}

static void passed(void *arg)
{
	(void)arg;
	if (++done_works == 4)
		loop_stop();
}

static void works_at_once(void **state)
{
	(void)state;
	done_works = 0;
	assert_int_equal(pipe(gate), 0);
	loop_work(pass_gate, passed, NULL);
	loop_work(pass_gate, passed, NULL);
	loop_work(open_gate, passed, gate);
	loop_work(open_gate, passed, gate);
	loop_run();
	assert_int_equal(done_works, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_in_order),
		cmocka_unit_test(now_is_the_next_round),
		cmocka_unit_test(soon_keeps_order),
		cmocka_unit_test(a_number_used_again),
		cmocka_unit_test(a_silent_close),
		cmocka_unit_test(all_work_is_done),
		cmocka_unit_test(works_at_once),
	};

	if (loop_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
