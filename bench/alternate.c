/* SPDX-License-Identifier: MIT */
/*
 * alternate ROUNDS[/EVERY] A B: runs two measuring commands in alternation.
 *
 * Each is started by the shell. For every line it is sent, it measures for a
 * moment and answers a line with one number, its cost: ns per operation. One
 * round of each is thrown away; then A B, B A, A B, ... After EVERY rounds
 * both are started anew, because where its pages happen to lie makes one run
 * of a program faster than the next.
 *
 * Prints: the median cost of A and of B; the median over the rounds of A/B
 * (how many times as fast B is); the bounds below and above which that median
 * lies with less than 5 % probability each (by the order statistics of the
 * sign test, which assume nothing about the noise); the median of B - A.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "median.h"

#define ROUNDS_MAX VALUES_MAX

struct worker {
	const char *command;
	pid_t pid;
	FILE *to, *from;
	double cost[ROUNDS_MAX];
};

static void die(const char *what)
{
	fprintf(stderr, "alternate: %s\n", what);
	exit(1);
}

static void start(struct worker *w)
{
	int in[2], out[2];

	/* close-on-exec: no worker may hold the other's standard input open */
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die(strerror(errno));
	w->pid = fork();
	if (w->pid < 0)
		die(strerror(errno));
	if (w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl("/bin/sh", "sh", "-c", w->command, (char *)NULL);
		_exit(127);
	}
	close(in[0]), close(out[1]);
	if (!(w->to = fdopen(in[1], "w")) || !(w->from = fdopen(out[0], "r")))
		die(strerror(errno));
}

static void stop(struct worker *w)
{
	fclose(w->to);
	fclose(w->from);
	waitpid(w->pid, NULL, 0);
}

static double measure(struct worker *w)
{
	char line[256];
	double v;

	fputs("go\n", w->to);
	fflush(w->to);
	if (!fgets(line, sizeof(line), w->from) || sscanf(line, "%lf", &v) != 1 || v <= 0) {
		fprintf(stderr, "alternate: no number from: %s\n", w->command);
		exit(1);
	}
	return v;
}

int main(int argc, char **argv)
{
	static struct worker a, b;
	static double ratio[ROUNDS_MAX], more[ROUNDS_MAX];
	int n = 0, every = ROUNDS_MAX, rank;

	if (argc != 4 || sscanf(argv[1], "%d/%d", &n, &every) < 1 ||
	    n < 3 || n > ROUNDS_MAX || every < 1)
		die("usage: alternate ROUNDS[/EVERY] A B");
	signal(SIGPIPE, SIG_IGN);
	a.command = argv[2];
	b.command = argv[3];
	for (int i = 0; i < n; i++) {
		struct worker *first = i % 2 ? &b : &a, *second = i % 2 ? &a : &b;

		if (i % every == 0) {
			if (i)
				stop(&a), stop(&b);
			start(&a);
			start(&b);
			measure(&a);
			measure(&b);
		}
		first->cost[i] = measure(first);
		second->cost[i] = measure(second);
		ratio[i] = a.cost[i] / b.cost[i];
		more[i] = b.cost[i] - a.cost[i];
	}
	rank = bound_rank(n);
	printf("%.1f %.1f %.4f %.4f %.4f %.2f\n", median(a.cost, n), median(b.cost, n),
	       median(ratio, n), ranked(ratio, n, rank), ranked(ratio, n, n + 1 - rank),
	       median(more, n));
	stop(&a);
	stop(&b);
	return 0;
}
