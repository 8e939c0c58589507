/* SPDX-License-Identifier: MIT */
/* The directories of a mem store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "mem_store.h"

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
		cmocka_unit_test(other_users_directories_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
