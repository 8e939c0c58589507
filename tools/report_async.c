/* SPDX-License-Identifier: MIT */
/*
 * What the report says of asynchronous requests beside their latencies, which are
 * among the calls: how many were in flight when each was asked for, and how long the asking
 * took. They come as cells of calls named "aio_read.depth", whose times are
 * requests, and "aio_read.submit" (shim/calls.h).
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "human.h"
#include "tool.h"

static const char *suffix(const struct stat_cell *c)
{
	const char *dot = strchr(c->call, '.');

	return dot ? dot : "";
}

int report_is_async(const struct stat_cell *c)
{
	return *suffix(c) != 0;
}

/* The rule's other cell of the same requests. */
static const struct stat_cell *submit_of(const struct stats_set *set, const struct stat_cell *depth)
{
	size_t n = (size_t)(suffix(depth) - depth->call);

	for (unsigned i = 0; i < set->ncells; i++) {
		const struct stat_cell *c = &set->cell[i];

		if (!c->coarse && !strncmp(c->call, depth->call, n) && !strcmp(c->call + n, ".submit") && !strcmp(c->rule, depth->rule))
			return c;
	}
	return NULL;
}

static int is_depth(const struct stat_cell *c)
{
	return !c->coarse && !strcmp(suffix(c), ".depth");
}

static void print_row(const struct stats_set *set, const struct stat_cell *depth, FILE *out)
{
	const struct stat_cell *submit = submit_of(set, depth);

	fprintf(out, "%-16.*s %7llu %7llu %7llu", (int)(suffix(depth) - depth->call), depth->call,
		(unsigned long long)stat_cell_percentile(depth, 0.5), (unsigned long long)stat_cell_percentile(depth, 0.99),
		(unsigned long long)depth->max);
	if (submit)
		fprintf(out, " %7s %7s %7s", human_ns(stat_cell_percentile(submit, 0.5)),
			human_ns(stat_cell_percentile(submit, 0.99)), human_ns(submit->max));
	else
		fprintf(out, " %7s %7s %7s", "-", "-", "-");
	fprintf(out, depth->rule[0] ? "  %s\n" : "\n", depth->rule);
}

void report_async(const struct stats_set *set, FILE *out)
{
	int any = 0;

	for (unsigned i = 0; i < set->ncells; i++) {
		if (!is_depth(&set->cell[i]))
			continue;
		if (!any++)
			fprintf(out, "\n%-16s %23s %23s\n%-16s %7s %7s %7s %7s %7s %7s\n", "", "in flight", "to submit",
				"requests", "p50", "p99", "max", "p50", "p99", "max");
		print_row(set, &set->cell[i], out);
	}
}
