/* SPDX-License-Identifier: MIT */
/*
 * Generations: the lock excludes, is taken over from the dead, and leaves the
 * count even whenever nobody is at work.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "generation.h"

static struct generation *shared_generation(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static long counter;

static void *count(void *arg)
{
	struct generation *g = arg;

	for (int i = 0; i < 20000; i++) {
		/* it gives up where the holder does not run for 50 ms, as may be on a busy machine */
		while (!generation_lock(g))
			;
		/* plain accesses: TSan would tell if the lock did not exclude */
		counter++;
		generation_unlock(g);
	}
	return NULL;
}

static void it_excludes(void **state)
{
	struct generation *g = shared_generation();
	pthread_t t[8];

	(void)state;
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, count, g);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(counter, 8 * 20000);
	assert_int_equal(g->count, 0);
}

/* A child that dies holding the lock in the middle of a truncation. */
static void die_holding(struct generation *g)
{
	pid_t pid = fork();

	if (pid == 0) {
		generation_fork_child();
		generation_begin(g);
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

static void the_dead_hold_nothing(void **state)
{
	struct generation *g = shared_generation();

	(void)state;
	for (int i = 1; i <= 5; i++) {
		die_holding(g);
		assert_int_equal(g->count % 2, 1);
		assert_true(generation_lock(g));
		assert_int_equal(g->count, 2 * i);
		generation_unlock(g);
	}
}

static void a_handler_does_not_wait_for_itself(void **state)
{
	struct generation *g = shared_generation();

	(void)state;
	assert_true(generation_lock(g));
	assert_false(generation_lock(g));
	generation_unlock(g);
	assert_true(generation_lock(g));
	generation_unlock(g);
}

/* One that hangs, as a stopped process does, is passed by in bounded time. */
static void a_live_holder_is_passed_by(void **state)
{
	struct generation *g = shared_generation();
	int ready[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		generation_fork_child();
		generation_lock(g);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_false(generation_lock(g));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(generation_lock(g));
	generation_unlock(g);
	close(ready[0]);
	close(ready[1]);
}

static void a_truncation_voids_what_was_learnt(void **state)
{
	struct generation *g = shared_generation();
	uint64_t era = generation_era(g), during;
	int held;

	(void)state;
	assert_int_equal(era & 1, 0);
	assert_true(generation_still(g, era));
	held = generation_begin(g);
	assert_true(held);
	during = generation_era(g);
	assert_int_equal(during & 1, 1);
	assert_false(generation_still(g, era));
	generation_end(g, held);
	assert_int_equal(generation_era(g) & 1, 0);
	assert_false(generation_still(g, era));
	assert_false(generation_still(g, during));
	/* the lock is free again */
	assert_true(generation_lock(g));
	generation_unlock(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_excludes),
		cmocka_unit_test(the_dead_hold_nothing),
		cmocka_unit_test(a_handler_does_not_wait_for_itself),
		cmocka_unit_test(a_live_holder_is_passed_by),
		cmocka_unit_test(a_truncation_voids_what_was_learnt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
