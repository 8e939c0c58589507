/* SPDX-License-Identifier: MIT */
/*
 * Recording and reading back: bins, exact totals whatever threads, signals,
 * forks and kills do, segments continued by the next process, and what
 * happens without room or trust. Every case that records does so in a child
 * with a directory of its own; the parent reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "real.h"
#include "stats.h"
#include "stats_clock.h"
#include "../../tools/segment.h"

#define TREE "unit"

static char dir[64];
static struct conf conf;
static struct conf_rule rules[2];

/* What the tool's reader wants from the tool. */
void die(int code, const char *fmt, ...);
void die(int code, const char *fmt, ...)
{
	(void)fmt;
	_exit(code);
}

/* ---- helpers */

static void remove_all(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	assert_int_equal(system(cmd), 0);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/dev/shm/shim-unit-%d", (int)getpid());
	remove_all();
	memset(&conf, 0, sizeof(conf));
	conf.stats = CONF_STATS_DIR;
	strcpy(conf.stats_dir, dir);
	strcpy(rules[0].prefix, "/a");
	strcpy(rules[1].prefix, "/b");
	rules[0].be = rules[1].be = be_infos;
	conf.rules = rules;
	conf.nrules = 2;
	setenv("SHIM_TREE", TREE, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	remove_all();
	return 0;
}

static pid_t start(void (*fn)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	stats_fork_child();
	stats_init(&conf);
	fn();
	_exit(0);
}

static void run(void (*fn)(void))
{
	pid_t pid = start(fn);
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void check(int ok, int line)
{
	if (ok)
		return;
	dprintf(2, "stats.c:%d: not so, in a child\n", line);
	_exit(1);
}
#define CHECK(x) check(!!(x), __LINE__)

static void record(enum call call, unsigned rule, unsigned file, size_t size, int error)
{
	uint64_t t0 = stats_begin();

	errno = 77;
	stats_end(call, rule, file, t0, size, error ? 0 : size, error);
	CHECK(errno == 77);
}

/* The tree's segments, merged; returns how many. */
static int load(struct stats_set *set, const char *tree)
{
	char path[160];
	int fd, n;

	memset(set, 0, sizeof(*set));
	snprintf(path, sizeof(path), "%s/%s", dir, tree);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return 0;
	n = stats_set_add(set, fd, 0);
	close(fd);
	return n;
}

static uint64_t total(const struct stats_set *set, const char *call)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < set->ncells; i++)
		if (!call || !strcmp(set->cell[i].call, call))
			n += set->cell[i].count;
	return n;
}

static void assert_bins_complete(const struct stats_set *set)
{
	for (unsigned i = 0; i < set->ncells; i++)
		if (!set->cell[i].coarse)
			assert_int_equal(stat_cell_samples(&set->cell[i]), set->cell[i].count);
}

/* ---- bins and classes */

/* fio 3.33, stat.c: plat_val_to_idx, with 32 groups. */
static unsigned fio_bin(unsigned long long val)
{
	unsigned msb, error_bits, base, offset, idx;

	msb = val == 0 ? 0 : 63 - (unsigned)__builtin_clzll(val);
	if (msb <= 6)
		return (unsigned)val;
	error_bits = msb - 6;
	base = (error_bits + 1) << 6;
	offset = (64 - 1) & (unsigned)(val >> error_bits);
	idx = base + offset;
	return idx < 2047 ? idx : 2047;
}

static void test_bins(void **state)
{
	uint64_t x = 88172645463325252ull;

	(void)state;
	for (unsigned i = 0; i < SEG_BINS; i++) {
		unsigned shift = i < 64 ? 0 : i / 64 - 1;
		uint64_t low = i < 64 ? i : (uint64_t)(i % 64 + 64) << shift;
		uint64_t high = low + (1ull << shift) - 1;

		assert_int_equal(seg_bin(low), i);
		assert_int_equal(seg_bin(high), i);
		assert_in_range(seg_bin_value(i), low, high);
		assert_int_equal(seg_bin_value(i), low + (shift ? 1ull << (shift - 1) : 0));
	}
	assert_int_equal(seg_bin(1ull << 37), SEG_BINS - 1);
	assert_int_equal(seg_bin(UINT64_MAX), SEG_BINS - 1);
	for (int i = 0; i < 1000000; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		assert_int_equal(seg_bin(x >> (i & 63)), fio_bin(x >> (i & 63)));
	}
}

static void test_size_classes(void **state)
{
	static const uint64_t limit[] = { 0, 512, 4096, 16384, 65536, 262144, 1048576 };

	(void)state;
	assert_int_equal(seg_size_class(1), 1);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(seg_size_class(limit[i]), i);
		assert_int_equal(seg_size_class(limit[i] + 1), i + 1);
	}
	assert_int_equal(seg_size_class(SIZE_MAX), 7);
}

/* ---- the clock */

static void straddle(void)
{
	uint64_t t0 = stats_begin(), t1, ns;

	for (int i = 0; i < 100 && !stats_tsc; i++) {
		t1 = stats_begin();
		usleep(1000);
		stats_end(CALL_fsync, 0, 0, t1, 0, 0, 0);
	}
	ns = clock_since(t0);
	CHECK(ns >= 10000000 || !stats_tsc);
	CHECK(ns < 60000000000ull);
	stats_end(CALL_open, 0, 0, t0, 0, 0, 0);
	t1 = stats_begin();
	usleep(50000);
	stats_end(CALL_close, 0, 0, t1, 0, 0, 0);
	CHECK(!clock_since(clock_now() + 2000000000));
}

static void test_clock(void **state)
{
	struct stats_set set;

	(void)state;
	run(straddle);
	assert_int_equal(load(&set, TREE), 1);
	for (unsigned i = 0; i < set.ncells; i++) {
		if (!strcmp(set.cell[i].call, "close"))
			assert_in_range(set.cell[i].min, 50000000, 20000000000);
		if (!strcmp(set.cell[i].call, "fsync"))
			assert_in_range(set.cell[i].min, 1000000, 1000000000);
	}
	stats_set_free(&set);
}

/* ---- exact totals */

#define THREADS 16
#define EACH 20000

static void *record_many(void *arg)
{
	unsigned n = (unsigned)(uintptr_t)arg;
	unsigned own = stats_file(1, 100 + n, "/a/file of one thread");
	unsigned all = stats_file(1, 99, "/a/file of all");

	for (unsigned i = 0; i < EACH; i++)
		record(i & 1 ? CALL_pread : CALL_pwrite, i % 3, i & 2 ? own : all,
		       (size_t)512 << i % 4, i % 100 ? 0 : i % 200 ? EIO : ENOSPC);
	stats_thread_exit();
	return NULL;
}

static void sixteen_threads(void)
{
	pthread_t t[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, record_many, (void *)i) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

static void test_threads(void **state)
{
	struct stats_set set;
	uint64_t bytes = 0, errors = 0, eio = 0, want_bytes = 0;

	(void)state;
	run(sixteen_threads);
	assert_int_equal(load(&set, TREE), 1);
	assert_int_equal(total(&set, "pread"), THREADS * EACH / 2);
	assert_int_equal(total(&set, "pwrite"), THREADS * EACH / 2);
	assert_bins_complete(&set);
	for (unsigned i = 0; i < EACH; i++)
		want_bytes += i % 100 ? 512u << i % 4 : 0;
	for (unsigned i = 0; i < set.ncells; i++) {
		const struct stat_cell *c = &set.cell[i];

		assert_false(c->coarse);
		assert_true(c->min <= c->max && c->ns >= c->max);
		bytes += c->bytes;
		errors += c->errors;
		for (unsigned k = 0; k < c->nerrors; k++)
			eio += c->error[k].error == EIO ? c->error[k].count : 0;
	}
	assert_int_equal(bytes, THREADS * want_bytes);
	assert_int_equal(errors, THREADS * EACH / 100);
	assert_int_equal(eio, THREADS * EACH / 200);
	assert_int_equal(set.nfiles, THREADS + 1);
	for (unsigned i = 0; i < set.nfiles; i++)
		assert_int_equal(set.file[i].use.count,
				 set.file[i].ino == 99 ? THREADS * EACH / 2 : EACH / 2);
	stats_set_free(&set);
}

static void *record_few(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		record(CALL_read, 0, 0, 4096, 0);
	stats_thread_exit();
	return NULL;
}

static void many_threads_in_turn(void)
{
	pthread_t t;

	for (int i = 0; i < 300; i++) {
		CHECK(pthread_create(&t, NULL, record_few, NULL) == 0);
		pthread_join(t, NULL);
	}
}

/* How much memory the tree's files hold, in KiB. */
static unsigned long tree_kib(void)
{
	char cmd[128];
	unsigned long kib = 0;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "du -sk '%s/" TREE "'", dir);
	f = popen(cmd, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu", &kib), 1);
	pclose(f);
	return kib;
}

static void test_thread_churn(void **state)
{
	struct stats_set set;

	(void)state;
	run(many_threads_in_turn);
	load(&set, TREE);
	assert_int_equal(total(&set, "read"), 3000);
	assert_in_range(tree_kib(), 1, 150);
	stats_set_free(&set);
}

/* More kinds of calls than an arena, or the index, has room for. */
static void every_kind(void)
{
	for (int round = 0; round < 3; round++)
		for (unsigned call = 0; call < CALLS; call++)
			for (unsigned size = 0; size < 8; size++)
				record(call, size % 3, 0, size ? 256u << 2 * size : 0, 0);
}

static void test_many_cells(void **state)
{
	struct stats_set set;

	(void)state;
	run(every_kind);
	load(&set, TREE);
	assert_int_equal(total(&set, NULL), 3 * 8 * CALLS);
	assert_int_equal(set.degraded, 0);
	assert_bins_complete(&set);
	stats_set_free(&set);
}

static volatile sig_atomic_t ticks;

static void on_tick(int signo)
{
	int saved = errno;

	(void)signo;
	record(CALL_write, ticks % 3, 0, (size_t)1 << ticks % 22, 0);
	ticks++;
	errno = saved;
}

static void with_a_timer(void)
{
	struct itimerval it = { { 0, 50 }, { 0, 50 } };
	char name[32];

	signal(SIGALRM, on_tick);
	setitimer(ITIMER_REAL, &it, NULL);
	for (unsigned i = 0; i < 50000; i++)
		record(CALL_write, i % 3, 0, (size_t)1 << i % 22, 0);
	memset(&it, 0, sizeof(it));
	setitimer(ITIMER_REAL, &it, NULL);
	/* for the parent: how many there must be */
	snprintf(name, sizeof(name), "%d", (int)ticks);
	stats_note("%s", name);
}

static void test_signals(void **state)
{
	struct stats_set set;

	(void)state;
	run(with_a_timer);
	load(&set, TREE);
	assert_int_equal(set.nnotes, 1);
	assert_int_equal(total(&set, "write"), 50000 + strtoul(set.note[0], NULL, 10));
	assert_bins_complete(&set);
	stats_set_free(&set);
}

/* ---- processes */

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

/* ---- no room, no trust */

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

/* ---- notes */

static void notes(void)
{
	char *long_text = malloc(1000);

	memset(long_text, 'x', 999);
	long_text[999] = 0;
	stats_note("before the %s", "first call");
	record(CALL_read, 0, 0, 1, 0);
	for (int i = 0; i < 50; i++)
		stats_note("twice");
	stats_note("%s", long_text);
	free(long_text);
}

static void test_notes(void **state)
{
	struct stats_set set;

	(void)state;
	run(notes);
	run(notes);
	load(&set, TREE);
	assert_int_equal(set.nnotes, 3);
	assert_string_equal(set.note[0], "before the first call");
	assert_int_equal(strlen(set.note[2]), SEG_NOTE_LEN - 1);
	stats_set_free(&set);
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

#define CASE(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(bins), CASE(size_classes), CASE(clock), CASE(threads), CASE(thread_churn),
		CASE(many_cells), CASE(signals), CASE(sigkill), CASE(claim), CASE(exec),
		CASE(tree_of_ancestor), CASE(fork), CASE(vfork), CASE(full_file_system),
		CASE(file_size_limit), CASE(address_space_limit), CASE(refused_directories),
		CASE(bounded_trees), CASE(notes),
	};

	if (argc == 3 && !strcmp(argv[1], "record-ten"))
		return record_ten_in(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
