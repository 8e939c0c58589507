/* SPDX-License-Identifier: MIT */
/*
 * The descriptor table: 64 threads that open, duplicate, use and close at
 * once never see a file that is gone, and every file is released exactly once.
 * Numbers here are only numbers; no descriptor is behind them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files/fdtab.h"
#include "files/mount.h"
#include "files/pin.h"

#define THREADS 64
#define ROUNDS 3000
#define NUMBERS 96      /* fewer than the threads use, so that they meet */

static _Atomic unsigned long opened, closed;

struct life {
	_Atomic unsigned alive;
};

static struct life *life(struct file *f)
{
	return (struct life *)f->priv;
}

static void count_closed(struct file *f)
{
	/* a thread in an op would see the file die under it */
	assert_int_equal(atomic_exchange(&life(f)->alive, 0), 1);
	atomic_fetch_add(&closed, 1);
}

static const struct backend counting = { .name = "counting", .closed = count_closed };
static struct mount mount_counting = { .be = &counting, .flags = BE_PIN };

static struct file *make(void)
{
	struct file *f = fdtab_new();

	assert_non_null(f);
	f->mount = &mount_counting;
	atomic_store(&life(f)->alive, 1);
	atomic_fetch_add(&opened, 1);
	return f;
}

static void use(int fd)
{
	struct file *f = fdtab_get(fd);
	enum pin pin;

	if (!f)
		return;
	pin = pin_take(f, fd);
	if (pin == PIN_NONE)
		return;
	for (int i = 0; i < 20; i++)
		if (!atomic_load(&life(f)->alive))
			fail_msg("a pinned file was released");
	pin_drop(f, pin);
}

static void duplicate(int from, int to)
{
	struct file *f = fdtab_get(from);

	if (f && fdtab_ref(f, from))
		fdtab_set(to, f);
}

/* Half the numbers lie beyond the flat index. */
static int number(unsigned r)
{
	unsigned n = r % NUMBERS;

	return n % 2 ? (int)n : FDTAB_FLAT + (int)n;
}

static void *work(void *arg)
{
	unsigned x = (unsigned)(uintptr_t)arg * 2654435761u + 1;

	for (int i = 0; i < ROUNDS; i++) {
		x = x * 1103515245 + 12345;
		switch (x >> 16 & 7) {
		case 0: case 1:
			fdtab_set(number(x >> 20), make());
			break;
		case 2:
			fdtab_forget(number(x >> 20));
			break;
		case 3:
			duplicate(number(x >> 20), number(x >> 8));
			break;
		default:
			use(number(x >> 20));
		}
	}
	return NULL;
}

static void run_threads(void)
{
	pthread_t t[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, work, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

static void all_at_once(void **state)
{
	(void)state;
	pin_init();
	run_threads();
	fdtab_forget_range(0, ~0u);
	/* the last close looks after files that were pinned when theirs came */
	fdtab_set(1, make());
	fdtab_forget(1);
	assert_int_equal(opened, closed);
	for (int n = 0; n < NUMBERS; n++)
		assert_null(fdtab_get(number((unsigned)n)));
}

static void a_duplicate_keeps_the_file(void **state)
{
	unsigned long before = closed;
	struct file *f = make();

	(void)state;
	fdtab_set(5, f);
	duplicate(5, FDTAB_FLAT + 7);
	fdtab_forget(5);
	assert_ptr_equal(fdtab_get(FDTAB_FLAT + 7), f);
	assert_int_equal(closed, before);
	fdtab_forget(FDTAB_FLAT + 7);
	assert_int_equal(closed, before + 1);
}

static void a_range_is_forgotten(void **state)
{
	(void)state;
	for (int fd = 3; fd < 10; fd++)
		fdtab_set(fd, make());
	fdtab_set(FDTAB_FLAT + 3, make());
	fdtab_forget_range(5, 7);
	assert_non_null(fdtab_get(4));
	for (int fd = 5; fd <= 7; fd++)
		assert_null(fdtab_get(fd));
	assert_non_null(fdtab_get(8));
	fdtab_forget_range(0, ~0u);
	assert_null(fdtab_get(3));
	assert_null(fdtab_get(FDTAB_FLAT + 3));
}

static void numbers_out_of_range(void **state)
{
	(void)state;
	assert_null(fdtab_get(-1));
	assert_null(fdtab_get(-100));
	assert_null(fdtab_get(0x7fffffff));
	fdtab_forget(-1);
	fdtab_forget(0x7fffffff);
}

static void a_pin_in_a_pin_counts(void **state)
{
	struct file *f = make(), *g = make();
	enum pin outer, inner;

	(void)state;
	fdtab_set(3, f);
	fdtab_set(4, g);
	outer = pin_take(f, 3);
	inner = pin_take(g, 4);
	assert_int_equal(inner, PIN_REF);
	fdtab_forget(4);
	assert_int_equal(life(g)->alive, 1);
	pin_drop(g, inner);
	fdtab_forget(3);
	assert_int_equal(life(f)->alive, 1);
	pin_drop(f, outer);
	fdtab_set(5, make());
	fdtab_forget(5);
	assert_int_equal(opened, closed);
}

static void only_the_owner_may_change_it(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	fdtab_own();
	assert_true(fdtab_ours());
	pid = fork();
	if (pid == 0)
		_exit(fdtab_ours() ? 1 : fdtab_lent ? (fdtab_own(), fdtab_ours() ? 0 : 3) : 2);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_duplicate_keeps_the_file),
		cmocka_unit_test(a_range_is_forgotten),
		cmocka_unit_test(numbers_out_of_range),
		cmocka_unit_test(a_pin_in_a_pin_counts),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(only_the_owner_may_change_it),
	};

	mounts_pin = 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
