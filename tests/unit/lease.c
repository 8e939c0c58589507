/* SPDX-License-Identifier: MIT */
/*
 * Leases under threads: what is found is a whole entry of one that was added,
 * of the link that was asked for, and has the byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "s3/lease.h"

#define THREADS 4
#define TIMES 20000

static struct leases all;
static _Atomic unsigned found;

/* Every field tells the others. */
static struct s3_piece piece(unsigned n)
{
	return (struct s3_piece){ n, n * 3, n * 5ull, (int64_t)n * 100, 100 };
}

static void *work(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	struct s3_piece p, want;

	for (unsigned i = 0; i < TIMES; i++) {
		seed = seed * 1103515245 + 12345;
		p = piece(seed >> 16 & 31);
		if (i % 3 == 0) {
			lease_add(&all, 1, &p);
		} else if (i % 50 == 1) {
			lease_remove(&all, &p);
		} else if (lease_find(&all, 1, p.off + 7, &p)) {
			want = piece(p.chunk);
			if (memcmp(&p, &want, sizeof(p)))
				return arg;
			found++;
		}
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t t[THREADS];
	void *bad;

	(void)state;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, work, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &bad);
		assert_null(bad);
	}
	assert_true(found > 0);
}

static void test_bounds(void **state)
{
	struct leases l;
	struct s3_piece p = piece(2), q;

	(void)state;
	memset(&l, 0, sizeof(l));
	lease_add(&l, 1, &p);
	assert_true(lease_find(&l, 1, 200, &q));
	assert_true(lease_find(&l, 1, 299, &q));
	assert_false(lease_find(&l, 1, 199, &q));
	assert_false(lease_find(&l, 1, 300, &q));
	assert_false(lease_find(&l, 2, 200, &q));
	lease_remove(&l, &p);
	assert_false(lease_find(&l, 1, 200, &q));
	for (unsigned i = 0; i < 2 * LEASES; i++) {
		p = piece(i);
		lease_add(&l, 1, &p);
	}
	assert_false(lease_find(&l, 1, 0, &q));
	assert_true(lease_find(&l, 1, (2 * LEASES - 1) * 100, &q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
