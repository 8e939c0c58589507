/* SPDX-License-Identifier: MIT */
/* Statistics without room, without memory, in a directory that is not to be trusted. */
#include "stats_case.h"

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void without_room(void)
{
	for (unsigned i = 0; i < 50000; i++)
		record(i % 100, i % 3, stats_file(1, i % 500, "/a/x"), (size_t)1 << i % 22, i % 7 ? 0 : EIO);
}

/* Nothing can be recorded; nothing may be noticed of that. */
static void without_room_or_segment(void)
{
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t t0 = stats_begin();

		errno = 77;
		stats_end(i % 100, i % 3, stats_file(1, i, "/a/x"), t0, 1, 1, 0);
		stats_note("note %u", i);
		CHECK(errno == 77);
	}
	CHECK(stats_begin() == 0);
}

static void assert_degraded(uint64_t count)
{
	struct stats_set set;
	uint64_t coarse = 0;

	assert_int_equal(load(&set, TREE), 1);
	assert_true(set.degraded & SEG_NO_ROOM);
	assert_int_equal(total(&set, NULL), count);
	for (unsigned i = 0; i < set.ncells; i++)
		coarse += set.cell[i].coarse ? set.cell[i].count : 0;
	assert_in_range(coarse, 1, count);
	assert_bins_complete(&set);
	stats_set_free(&set);
}

static void test_full_file_system(void **state)
{
	static const char *const size[] = { "size=8k", "size=160k" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mkdir(dir, 0700), 0);
		if (mount("none", dir, "tmpfs", 0, size[i]) < 0)
			skip();
		chmod(dir, 0700);
		run(without_room);
		if (i)
			assert_degraded(50000);
		umount(dir);
		rmdir(dir);
	}
}

static void with_file_limit(rlim_t limit, void (*fn)(void))
{
	struct rlimit r = { limit, limit };

	setrlimit(RLIMIT_FSIZE, &r);
	fn();
}

static void threads_in_one_arena(void)
{
	with_file_limit(SEG_ARENA_AT + SEG_ARENA_SIZE + 5, sixteen_threads);
}

static void no_file_allowed(void)
{
	with_file_limit(4096, without_room_or_segment);
}

static void test_file_size_limit(void **state)
{
	(void)state;
	run(no_file_allowed);
	run(threads_in_one_arena);
	assert_degraded(THREADS * EACH);
}

static void without_address_space(void)
{
	struct rlimit r = { 1 << 20, 1 << 20 };

	setrlimit(RLIMIT_AS, &r);
	without_room_or_segment();
}

static void test_address_space_limit(void **state)
{
	(void)state;
	run(without_address_space);
}

static void test_refused_directories(void **state)
{
	char real_dir[80], path[160];
	struct stats_set set;

	(void)state;
	snprintf(real_dir, sizeof(real_dir), "%s.real", dir);
	assert_int_equal(mkdir(real_dir, 0700), 0);
	assert_int_equal(symlink(real_dir, dir), 0);
	run(without_room_or_segment);
	unlink(dir);
	assert_int_equal(rmdir(real_dir), 0);

	assert_int_equal(mkdir(dir, 0750), 0);
	run(without_room_or_segment);
	assert_int_equal(load(&set, TREE), 0);
	if (geteuid() == 0) {
		assert_int_equal(chmod(dir, 0700), 0);
		assert_int_equal(chown(dir, 12345, 12345), 0);
		run(without_room_or_segment);
		assert_int_equal(chown(dir, 0, 0), 0);
	}
	/* the tree itself a link */
	assert_int_equal(chmod(dir, 0700), 0);
	snprintf(path, sizeof(path), "%s/" TREE, dir);
	assert_int_equal(symlink("/tmp", path), 0);
	run(without_room_or_segment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(full_file_system), CASE(file_size_limit),
		CASE(address_space_limit), CASE(refused_directories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
