/* SPDX-License-Identifier: MIT */
/* shim report: what a tree of processes did with its files, as text. */
#include "report.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "human.h"
#include "tool.h"

#define HISTOGRAMS 3u                 /* of the busiest calls */
#define HISTOGRAM_FROM 20u            /* calls; fewer have no distribution */
#define TOP_FILES 10u
#define BAR 40

/* ---- the rows: size classes merged ---- */

struct rows {
	struct stat_cell *row;
	unsigned count;
	int rules, coarse;            /* whether any has one, or is one */
};

static struct stat_cell *row_of(struct rows *r, const struct stat_cell *c)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->row[i].coarse == c->coarse && !strcmp(r->row[i].call, c->call) &&
		    !strcmp(r->row[i].rule, c->rule))
			return &r->row[i];
	memcpy(r->row[r->count].call, c->call, sizeof(c->call));
	memcpy(r->row[r->count].rule, c->rule, sizeof(c->rule));
	r->row[r->count].coarse = c->coarse;
	r->row[r->count].min = UINT64_MAX;
	return &r->row[r->count++];
}

static int by_time(const void *a, const void *b)
{
	const struct stat_cell *x = a, *y = b;

	return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : strcmp(x->call, y->call);
}

static void make_rows(const struct stats_set *set, struct rows *r)
{
	memset(r, 0, sizeof(*r));
	r->row = calloc(set->ncells + 1, sizeof(*r->row));
	if (!r->row)
		die(1, "out of memory");
	for (unsigned i = 0; i < set->ncells; i++) {
		if (report_is_async(&set->cell[i]))
			continue;
		stat_cell_merge(row_of(r, &set->cell[i]), &set->cell[i]);
		r->rules |= set->cell[i].rule[0] != 0;
		r->coarse |= set->cell[i].coarse;
	}
	qsort(r->row, r->count, sizeof(*r->row), by_time);
}

/* ---- the parts of the report ---- */

/* The command that began it all: a tree is named after its process, if the library named it. */
static const char *first_command(const struct stats_set *set)
{
	const char *dash = strrchr(set->tree, '-');
	long root = dash ? strtol(dash + 1, NULL, 10) : 0;
	const struct stat_segment *best = NULL;

	for (unsigned i = 0; i < set->nsegments; i++) {
		const struct stat_segment *s = &set->segment[i];

		if (s->pid == root)
			return s->cmdline[0];
		if (!best || s->first_start < best->first_start)
			best = s;
	}
	return best ? best->cmdline[0] : "";
}

static void print_head(const struct stats_set *set, FILE *out)
{
	const char *command = first_command(set);
	unsigned alive = 0;

	for (unsigned i = 0; i < set->nsegments; i++)
		alive += (unsigned)set->segment[i].alive;
	fprintf(out, "%s: %u process%s", set->tree, set->processes,
		set->processes == 1 ? "" : "es");
	if (alive)
		fprintf(out, ", %u running", alive);
	if (*command)
		fprintf(out, ": %.60s", command);
	fprintf(out, "\n");
	if (set->degraded & SEG_NO_ROOM)
		fprintf(out, "degraded: no room for all counters; calls marked * have no latencies\n");
	if (set->degraded & SEG_FILES_FULL)
		fprintf(out, "degraded: more than %u files; later ones are not listed\n", SEG_FILES);
	fprintf(out, "\n");
}

static void print_row(const struct stat_cell *c, int rules, FILE *out)
{
	char name[SEG_CALL_LEN + 2];

	snprintf(name, sizeof(name), "%s%s", c->call, c->coarse ? "*" : "");
	fprintf(out, "%-16s %9s %7s %6s", name, human_count(c->count), human_bytes(c->bytes),
		human_count(c->errors));
	if (c->coarse)
		fprintf(out, " %7s %7s %7s %7s %7s", "-", "-", "-", "-", "-");
	else
		fprintf(out, " %7s %7s %7s %7s %7s", human_ns(stat_cell_percentile(c, 0.5)),
			human_ns(stat_cell_percentile(c, 0.9)),
			human_ns(stat_cell_percentile(c, 0.99)),
			human_ns(stat_cell_percentile(c, 0.999)), human_ns(c->max));
	fprintf(out, " %7s", human_ns(c->ns));
	fprintf(out, rules ? "  %s\n" : "\n", c->rule);
}

static void print_table(const struct rows *r, FILE *out)
{
	fprintf(out, "%-16s %9s %7s %6s %7s %7s %7s %7s %7s %7s%s\n", "call", "count", "bytes",
		"errors", "p50", "p90", "p99", "p99.9", "max", "total", r->rules ? "  rule" : "");
	for (unsigned i = 0; i < r->count; i++)
		print_row(&r->row[i], r->rules, out);
}

static void print_errors(const struct rows *r, FILE *out)
{
	int any = 0;

	for (unsigned i = 0; i < r->count; i++) {
		const struct stat_cell *c = &r->row[i];

		if (!c->nerrors)
			continue;
		fprintf(out, "%s  %-16s", any++ ? "" : "\nerrors\n", c->call);
		for (unsigned k = 0; k < c->nerrors; k++) {
			const char *name = strerrorname_np((int)c->error[k].error);

			fprintf(out, " %s %s", c->error[k].error && name ? name : "other",
				human_count(c->error[k].count));
		}
		fprintf(out, "\n");
	}
}

/* One octave a row: calls that took from 2^k to 2^(k+1) ns. */
static void print_histogram(const struct stat_cell *c, FILE *out)
{
	uint64_t octave[64] = { 0 }, top = 0, all = 0;
	int first = -1, last = 0;

	for (unsigned i = 0; i < SEG_BINS; i++) {
		int k = 63 - __builtin_clzll(seg_bin_value(i) | 1);

		if (!c->bin[i])
			continue;
		octave[k] += c->bin[i];
		all += c->bin[i];
		top = octave[k] > top ? octave[k] : top;
		first = first < 0 ? k : first;
		last = k;
	}
	if (first < 0)
		return;
	fprintf(out, "\n%s%s%s\n", c->call, c->rule[0] ? "  " : "", c->rule);
	for (int k = first; k <= last; k++) {
		int bar = (int)((octave[k] * BAR + top - 1) / top);

		fprintf(out, "  %7s |%-*.*s| %5.1f%%\n", human_ns(1ull << k), BAR, bar,
			"########################################",
			100.0 * (double)octave[k] / (double)all);
	}
}

static int by_file_time(const void *a, const void *b)
{
	const struct stat_file *x = a, *y = b;

	return x->use.ns < y->use.ns ? 1 : x->use.ns > y->use.ns ? -1 : strcmp(x->path, y->path);
}

static void print_files(const struct stats_set *set, FILE *out)
{
	struct stat_file *f = malloc((set->nfiles + 1) * sizeof(*f));

	if (!f)
		die(1, "out of memory");
	if (set->nfiles)
		memcpy(f, set->file, set->nfiles * sizeof(*f));
	qsort(f, set->nfiles, sizeof(*f), by_file_time);
	for (unsigned i = 0; i < set->nfiles && i < TOP_FILES && f[i].use.count; i++) {
		if (!i)
			fprintf(out, "\n%9s %7s %6s %7s %7s  file\n", "calls", "bytes", "errors",
				"max", "total");
		fprintf(out, "%9s %7s %6s %7s %7s  %s\n", human_count(f[i].use.count),
			human_bytes(f[i].use.bytes), human_count(f[i].use.errors),
			human_ns(f[i].use.max), human_ns(f[i].use.ns), f[i].path);
	}
	free(f);
}

void report_text(const struct stats_set *set, FILE *out)
{
	struct rows r;
	unsigned drawn = 0;

	make_rows(set, &r);
	print_head(set, out);
	print_table(&r, out);
	report_async(set, out);
	print_errors(&r, out);
	for (unsigned i = 0; i < r.count && drawn < HISTOGRAMS; i++)
		if (stat_cell_samples(&r.row[i]) >= HISTOGRAM_FROM && ++drawn)
			print_histogram(&r.row[i], out);
	print_files(set, out);
	for (unsigned i = 0; i < set->nnotes; i++)
		fprintf(out, "%snote: %s\n", i ? "" : "\n", set->note[i]);
	free(r.row);
}

/* ---- the sub-command ---- */

int report_tree(const char *tree_id)
{
	struct stats_set set;
	int r = stats_set_load(&set, tree_id);

	if (r == 0)
		report_text(&set, stderr);
	stats_set_free(&set);
	return r < 0 ? -1 : 0;
}

static void complain(const char *what, int error)
{
	if (error == -EPERM)
		die(1, "the directory of the statistics is not a private one of yours");
	if (error != -ENOENT && error != -ENOTDIR)
		die(1, "cannot read the statistics%s%s: %s", what ? " of " : "", what ? what : "",
		    strerror(-error));
	if (what)
		die(1, "nothing was recorded under \"%s\"", what);
	die(1, "nothing has been recorded yet; try: shim run -- CMD");
}

int cmd_report(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "s3", no_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct stats_set set;
	const char *what;
	int json = 0, s3 = 0, opt, r;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h')
			return show_help();
		if (opt != 'j' && opt != 's')
			return EXIT_USAGE;
		json |= opt == 'j';
		s3 |= opt == 's';
	}
	if (argc - optind > 1)
		usage_error("unexpected \"%s\"", argv[optind + 1]);
	if (s3) {
		if (json || optind < argc)
			usage_error("--s3 stands alone");
		if (!report_s3(stdout))
			die(1, "no S3 agent has counted anything yet");
		return 0;
	}
	what = argv[optind];
	r = stats_set_load(&set, what);
	if (r < 0)
		complain(what, r);
	r = 0;
	if (json)
		r = report_json(&set, stdout);
	else
		report_text(&set, stdout);
	stats_set_free(&set);
	if (fflush(stdout) != 0 || r < 0)
		die(1, "cannot write the report: %s", strerror(errno));
	return 0;
}
