/* SPDX-License-Identifier: MIT */
/*
 * The mem back end's slots: the lock excludes, is taken over from the dead,
 * and leaves the generation even whenever nobody is at work.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem_store.h"

static struct mem_slot *shared_slot(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static long counter;

static void *count(void *slot)
{
	for (int i = 0; i < 20000; i++) {
		int held = mem_lock(slot);

		assert_true(held);
		/* plain accesses: TSan would tell if the lock did not exclude */
		counter++;
		mem_unlock(slot);
	}
	return NULL;
}

static void it_excludes(void **state)
{
	struct mem_slot *s = shared_slot();
	pthread_t t[8];

	(void)state;
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, count, s);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(counter, 8 * 20000);
	assert_int_equal(s->generation, 0);
}

/* A child that dies holding the lock in the middle of a truncation. */
static void die_holding(struct mem_slot *s)
{
	pid_t pid = fork();

	if (pid == 0) {
		mem_store_fork_child();
		mem_lock(s);
		atomic_fetch_add(&s->generation, 1);
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

static void the_dead_hold_nothing(void **state)
{
	struct mem_slot *s = shared_slot();

	(void)state;
	for (int i = 1; i <= 5; i++) {
		die_holding(s);
		assert_int_equal(s->generation % 2, 1);
		assert_true(mem_lock(s));
		assert_int_equal(s->generation, 2 * i);
		mem_unlock(s);
	}
}

static void a_handler_does_not_wait_for_itself(void **state)
{
	struct mem_slot *s = shared_slot();

	(void)state;
	assert_true(mem_lock(s));
	assert_false(mem_lock(s));
	mem_unlock(s);
	assert_true(mem_lock(s));
	mem_unlock(s);
}

/* One that hangs, as a stopped process does, is passed by in bounded time. */
static void a_live_holder_is_passed_by(void **state)
{
	struct mem_slot *s = shared_slot();
	int ready[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		mem_store_fork_child();
		mem_lock(s);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_false(mem_lock(s));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(mem_lock(s));
	mem_unlock(s);
	close(ready[0]);
	close(ready[1]);
}

static void other_users_directories_are_refused(void **state)
{
	char base[] = "/tmp/shim-unit.XXXXXX", root[MEM_ROOT_MAX];
	uint64_t used = 1;

	(void)state;
	assert_non_null(mkdtemp(base));
	snprintf(root, sizeof(root), "%s/store/files", base);
	assert_int_equal(mem_store_make(root), 0);
	assert_int_equal(mem_store_make(root), 0);
	assert_int_equal(mem_store_count(root, &used), 0);
	assert_int_equal(used, 0);
	chmod(base, 0755);
	assert_int_equal(mem_store_make(root), -EPERM);
	chmod(base, 0700);
	assert_int_equal(mem_store_make(root), 0);
	snprintf(root, sizeof(root), "rm -r %s", base);
	assert_int_equal(system(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_excludes),
		cmocka_unit_test(the_dead_hold_nothing),
		cmocka_unit_test(a_handler_does_not_wait_for_itself),
		cmocka_unit_test(a_live_holder_is_passed_by),
		cmocka_unit_test(other_users_directories_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
