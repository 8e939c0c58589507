/* SPDX-License-Identifier: MIT */
/*
 * slices BLOCKS/ROUNDS cpu|wall BYTES MS A B: compares two programs that do
 * the same reads or writes of BYTES each for ever, A without the library and
 * B with it.
 *
 * A block starts A, B and A once more, each stopped (SIGSTOP) but for slices of
 * MS milliseconds that they take in turns. What a slice did is what the kernel
 * counts for the process (/proc/PID/io: bytes passed by read and write calls),
 * its cost the processor time or the time of day it took. In each round
 * everyone has one slice, in an order that changes; neighbours see the same
 * noise of the machine, so a round gives one ratio A/B, and one of A to its
 * twin, the control. The result of a block is the median of its rounds. Where
 * its pages happen to lie makes one run of a program faster than the next, so
 * the bounds are over the blocks, with new processes each, not over the rounds.
 *
 * Prints: the median cost of A and of B, ns an operation; the median of the
 * blocks' A/B (how many times as fast B is) and its lower and upper bound, as
 * alternate does; the same three of the control.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "median.h"

#define WARM_OPERATIONS 1000       /* before the first slice: its own start has less */
#define WAIT_SECONDS 30.0

enum { NATIVE, OURS, TWIN, WORKERS };

struct worker {
	const char *command;
	pid_t pid;
	double cost[VALUES_MAX];     /* of the block's rounds */
};

static int use_cpu;
static double bytes;             /* of one operation */
static long slice_ns;

static void die(const char *what)
{
	fprintf(stderr, "slices: %s\n", what);
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		die("a program has ended");
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double cpu_seconds(pid_t pid)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock))
		die("a program has ended");
	return seconds(clock);
}

/* How many operations it has done since it began. */
static double operations(pid_t pid)
{
	char path[64];
	unsigned long long in = 0, out = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "rchar: %llu wchar: %llu", &in, &out) != 2)
		die("/proc/PID/io does not tell");
	fclose(f);
	return (double)(in + out) / bytes;
}

static void start(struct worker *w)
{
	w->pid = fork();
	if (w->pid < 0)
		die(strerror(errno));
	if (w->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(open("/dev/null", O_RDWR), 0);
	dup2(0, 1);
	execl("/bin/sh", "sh", "-c", w->command, (char *)NULL);
	_exit(127);
}

static void halt(const struct worker *w)
{
	int status;

	kill(w->pid, SIGSTOP);
	if (waitpid(w->pid, &status, WUNTRACED) != w->pid || !WIFSTOPPED(status)) {
		fprintf(stderr, "slices: ended by itself: %s\n", w->command);
		exit(1);
	}
}

static void let_run(long ns)
{
	struct timespec ts = { 0, ns };

	nanosleep(&ts, NULL);
}

/* Until it is at work; it is stopped then. */
static void warm_up(const struct worker *w)
{
	double begin = seconds(CLOCK_MONOTONIC);

	while (operations(w->pid) < WARM_OPERATIONS) {
		if (seconds(CLOCK_MONOTONIC) - begin > WAIT_SECONDS || waitpid(w->pid, NULL, WNOHANG))
			die("a program does not get to work");
		let_run(5000000);
	}
	halt(w);
}

/* Lets it run for a slice, longer if nothing was done in it; the ns that an operation took. */
static double slice(const struct worker *w)
{
	double before = operations(w->pid), cpu = cpu_seconds(w->pid), n;
	double begin = seconds(CLOCK_MONOTONIC), wall;

	kill(w->pid, SIGCONT);
	do
		let_run(slice_ns);
	while (operations(w->pid) == before && seconds(CLOCK_MONOTONIC) - begin < WAIT_SECONDS);
	halt(w);
	wall = seconds(CLOCK_MONOTONIC) - begin;
	n = operations(w->pid) - before;
	if (n <= 0)
		die("a program does not get on");
	return (use_cpu ? cpu_seconds(w->pid) - cpu : wall) * 1e9 / n;
}

/* One round: everyone once, in one of the six orders. */
static void turn(struct worker w[WORKERS], int round)
{
	static const int order[6][WORKERS] = {
		{ 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 }, { 0, 2, 1 }, { 2, 0, 1 }, { 1, 0, 2 },
	};

	for (int i = 0; i < WORKERS; i++) {
		struct worker *next = &w[order[round % 6][i]];

		next->cost[round] = slice(next);
	}
}

static void run_block(struct worker w[WORKERS], int rounds)
{
	for (int i = 0; i < WORKERS; i++)
		start(&w[i]);
	for (int i = 0; i < WORKERS; i++)
		warm_up(&w[i]);
	for (int r = 0; r < rounds; r++)
		turn(w, r);
	for (int i = 0; i < WORKERS; i++) {
		kill(w[i].pid, SIGKILL);
		waitpid(w[i].pid, NULL, 0);
	}
}

static double median_ratio(const struct worker *a, const struct worker *b, int rounds)
{
	double ratio[VALUES_MAX];

	for (int r = 0; r < rounds; r++)
		ratio[r] = a->cost[r] / b->cost[r];
	return median(ratio, rounds);
}

static void print_bounds(const double *v, int n)
{
	int rank = bound_rank(n);

	printf(" %.4f %.4f %.4f", median(v, n), ranked(v, n, rank), ranked(v, n, n + 1 - rank));
}

int main(int argc, char **argv)
{
	static struct worker w[WORKERS];
	static double native[VALUES_MAX], ours[VALUES_MAX], ratio[VALUES_MAX], control[VALUES_MAX];
	int blocks = 0, rounds = 0;

	if (argc != 7 || sscanf(argv[1], "%d/%d", &blocks, &rounds) != 2 || blocks < 3 ||
	    blocks > VALUES_MAX || rounds < 1 || rounds > VALUES_MAX)
		die("usage: slices BLOCKS/ROUNDS cpu|wall BYTES MS A B");
	use_cpu = !strcmp(argv[2], "cpu");
	bytes = atof(argv[3]);
	slice_ns = atol(argv[4]) * 1000000;
	w[NATIVE].command = w[TWIN].command = argv[5];
	w[OURS].command = argv[6];
	for (int b = 0; b < blocks; b++) {
		run_block(w, rounds);
		native[b] = median(w[NATIVE].cost, rounds);
		ours[b] = median(w[OURS].cost, rounds);
		ratio[b] = median_ratio(&w[NATIVE], &w[OURS], rounds);
		control[b] = median_ratio(&w[NATIVE], &w[TWIN], rounds);
	}
	printf("%.1f %.1f", median(native, blocks), median(ours, blocks));
	print_bounds(ratio, blocks);
	print_bounds(control, blocks);
	printf("\n");
	return 0;
}
