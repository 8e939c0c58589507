/* SPDX-License-Identifier: MIT */
/* Recording: exact totals whatever threads and signals do, and notes. */
#include "stats_case.h"

#include <signal.h>
#include <sys/time.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(threads), CASE(thread_churn), CASE(many_cells), CASE(signals),
		CASE(notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
