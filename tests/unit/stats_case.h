/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the statistics share. Every case that records does so in
 * a child with a directory of its own; the parent reads.
 */
#ifndef TESTS_STATS_CASE_H
#define TESTS_STATS_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/real.h"
#include "stats/stats.h"
#include "stats/stats_clock.h"
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

static inline void remove_all(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	assert_int_equal(system(cmd), 0);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	(void)state;
	remove_all();
	return 0;
}

static inline pid_t start(void (*fn)(void))
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

static inline void run(void (*fn)(void))
{
	pid_t pid = start(fn);
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static inline void check(int ok, const char *file, int line)
{
	if (ok)
		return;
	dprintf(2, "%s:%d: not so, in a child\n", file, line);
	_exit(1);
}
#define CHECK(x) check(!!(x), __FILE__, __LINE__)

static inline void record(enum call call, unsigned rule, unsigned file, size_t size, int error)
{
	uint64_t t0 = stats_begin();

	errno = 77;
	stats_end(call, rule, file, t0, size, error ? 0 : size, error);
#ifndef __SANITIZE_THREAD__     /* whose runtime makes system calls of its own */
	CHECK(errno == 77);
#endif
}

/* The tree's segments, merged; returns how many. */
static inline int load(struct stats_set *set, const char *tree)
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

static inline uint64_t total(const struct stats_set *set, const char *call)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < set->ncells; i++)
		if (!call || !strcmp(set->cell[i].call, call))
			n += set->cell[i].count;
	return n;
}

static inline void assert_bins_complete(const struct stats_set *set)
{
	for (unsigned i = 0; i < set->ncells; i++)
		if (!set->cell[i].coarse)
			assert_int_equal(stat_cell_samples(&set->cell[i]), set->cell[i].count);
}

/* ---- what several of them record */

#define THREADS 16
#define EACH 20000

static inline void *record_many(void *arg)
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

static inline void sixteen_threads(void)
{
	pthread_t t[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, record_many, (void *)i) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

static inline void *record_few(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		record(CALL_read, 0, 0, 4096, 0);
	stats_thread_exit();
	return NULL;
}

#define CASE(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

#endif
