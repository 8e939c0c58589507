/* SPDX-License-Identifier: MIT */
/*
 * Segments and trees: what kills, forks and execs leave behind, and that the
 * next process continues it.
 */
#include "stats_case.h"

#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

static volatile uint64_t *done_calls;

static void record_for_ever(void)
{
	for (;;) {
		record(CALL_pread, 1, 0, 4096, 0);
		++*done_calls;
	}
}

static void test_sigkill(void **state)
{
	struct stats_set set;
	pid_t pid;

	(void)state;
	done_calls = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(done_calls != MAP_FAILED);
	pid = start(record_for_ever);
	while (*done_calls < 1000)
		usleep(100);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(load(&set, TREE), 1);
	assert_in_range(total(&set, "pread"), *done_calls, *done_calls + 1);
	assert_false(set.segment[0].alive);
	assert_int_equal(set.segment[0].pid, pid);
	assert_string_equal(set.cell[0].rule, "/a=posix:");
	stats_set_free(&set);
	munmap((void *)done_calls, 4096);
}

static void record_ten(void)
{
	for (int i = 0; i < 10; i++)
		record(CALL_read, 2, stats_file(7, 7, "/b/seven"), 100, 0);
}

static void test_claim(void **state)
{
	struct stats_set set;

	(void)state;
	for (int i = 0; i < 20; i++)
		run(record_ten);
	assert_int_equal(load(&set, TREE), 1);
	assert_int_equal(set.processes, 20);
	assert_int_equal(total(&set, "read"), 200);
	assert_int_equal(set.nfiles, 1);
	assert_int_equal(set.file[0].use.count, 200);
	stats_set_free(&set);
	/* other rules: numbers mean something else, so a segment of its own */
	conf.nrules = 1;
	run(sixteen_threads);
	assert_int_equal(load(&set, TREE), 2);
	assert_int_equal(set.processes, 21);
	stats_set_free(&set);
}

/* exec: the next image of a process continues, and finds its tree without being told. */
static void run_next_image(void)
{
	record_ten();
	execl("/proc/self/exe", "stats", "record-ten", dir, NULL);
	_exit(127);
}

static void run_grandchild(void)
{
	pid_t pid;

	record_ten();
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "stats", "record-ten", dir, NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static unsigned count_trees(char name[TREE_NAME_MAX])
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			snprintf(name, TREE_NAME_MAX, "%.64s", e->d_name);
			n++;
		}
	closedir(d);
	return n;
}

static void test_exec(void **state)
{
	char name[TREE_NAME_MAX];
	struct stats_set set;

	(void)state;
	unsetenv("SHIM_TREE");
	run(run_next_image);
	assert_int_equal(count_trees(name), 1);
	assert_int_equal(load(&set, name), 1);
	assert_int_equal(set.processes, 2);
	assert_int_equal(total(&set, "read"), 20);
	stats_set_free(&set);
}

static void test_tree_of_ancestor(void **state)
{
	char name[TREE_NAME_MAX];
	struct stats_set set;

	(void)state;
	unsetenv("SHIM_TREE");
	run(run_grandchild);
	assert_int_equal(count_trees(name), 1);
	assert_int_equal(load(&set, name), 2);
	assert_int_equal(total(&set, "read"), 20);
	stats_set_free(&set);
}

static void forks(void)
{
	unsigned other = stats_file(8, 8, "/a/only the parent's");
	unsigned file = stats_file(7, 7, "/b/seven");
	int status;
	pid_t pid;

	record(CALL_read, 0, file, 1, 0);
	record(CALL_read, 0, other, 1, 0);
	for (int raw = 0; raw < 2; raw++) {
		pid = raw ? _Fork() : fork();
		if (!pid) {
			if (!raw)
				stats_fork_child();
			/* the parent's descriptors, and their numbers, go on */
			for (int i = 0; i < 5; i++)
				record(CALL_write, 0, file, 1, 0);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		record(CALL_read, 0, file, 1, 0);
	}
}

static void test_fork(void **state)
{
	struct stats_set set;

	(void)state;
	run(forks);
	/* the second child continued the first one's segment */
	assert_int_equal(load(&set, TREE), 2);
	assert_int_equal(set.processes, 3);
	assert_int_equal(total(&set, "read"), 4);
	assert_int_equal(total(&set, "write"), 10);
	for (unsigned i = 0; i < set.nfiles; i++)
		assert_int_equal(set.file[i].use.count,
				 strcmp(set.file[i].path, "/b/seven") ? 1 : 13);
	stats_set_free(&set);
}

static void vfork_once(void)
{
	pid_t pid = vfork();

	if (!pid) {
		record(CALL_open, 0, 0, 0, 0);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void vforks(void)
{
	/* were the segment, or the arena, the child's, it would be free for others by now */
	vfork_once();
	record(CALL_read, 0, 0, 1, 0);
	vfork_once();
	record(CALL_read, 0, 0, 1, 0);
	for (int i = 0; i < 12; i++) {
		pthread_t t;

		CHECK(pthread_create(&t, NULL, record_few, NULL) == 0);
		pthread_join(t, NULL);
	}
}

static void test_vfork(void **state)
{
	struct stats_set set;

	(void)state;
#if defined(__SANITIZE_THREAD__)
	skip();                         /* its vfork is a fork */
#endif
	run(vforks);
	assert_int_equal(load(&set, TREE), 1);
	assert_int_equal(set.processes, 1);
	assert_int_equal(total(&set, "open"), 2);
	assert_int_equal(total(&set, "read"), 122);
	stats_set_free(&set);
}

static void test_bounded_trees(void **state)
{
	char name[TREE_NAME_MAX], path[160];

	(void)state;
	unsetenv("SHIM_TREE");
	assert_int_equal(mkdir(dir, 0700), 0);
	for (int i = 0; i < 70; i++) {
		snprintf(path, sizeof(path), "%s/old-%d", dir, i);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	for (int i = 0; i < 4; i++)
		run(record_ten);
	assert_in_range(count_trees(name), 1, TREES_MAX);
}

static int record_ten_in(const char *where)
{
	setup(NULL);
	unsetenv("SHIM_TREE");
	strcpy(conf.stats_dir, where);
	stats_init(&conf);
	record_ten();
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(sigkill), CASE(claim), CASE(exec), CASE(tree_of_ancestor),
		CASE(fork), CASE(vfork), CASE(bounded_trees),
	};

	if (argc == 3 && !strcmp(argv[1], "record-ten"))
		return record_ten_in(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
