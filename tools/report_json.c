/* SPDX-License-Identifier: MIT */
/*
 * shim report --json: everything recorded, latencies in the manner of fio's
 * json+: lat_ns with min, max, mean, N, percentile and bins, the bins keyed
 * by their middle in ns, so that they compare one by one with fio's.
 */
#include "report.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "tool.h"

static json_t *integer(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *text(const char *s)
{
	json_t *j = json_string(s);

	/* a path need not be UTF-8 */
	return j ? j : json_string("?");
}

static json_t *bins(const struct stat_cell *c)
{
	json_t *o = json_object();
	char key[24];

	for (unsigned i = 0; i < SEG_BINS; i++) {
		if (!c->bin[i])
			continue;
		snprintf(key, sizeof(key), "%llu", (unsigned long long)seg_bin_value(i));
		json_object_set_new(o, key, integer(c->bin[i]));
	}
	return o;
}

static json_t *percentiles(const struct stat_cell *c)
{
	static const double p[] = { 1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99,
				    99.5, 99.9, 99.95, 99.99 };
	json_t *o = json_object();
	char key[24];

	for (unsigned i = 0; i < sizeof(p) / sizeof(*p); i++) {
		snprintf(key, sizeof(key), "%.6f", p[i]);
		json_object_set_new(o, key, integer(stat_cell_percentile(c, p[i] / 100)));
	}
	return o;
}

static json_t *latency(const struct stat_cell *c)
{
	return json_pack("{s:o, s:o, s:f, s:o, s:o, s:o}",
			 "min", integer(c->count ? c->min : 0), "max", integer(c->max),
			 "mean", c->count ? (double)c->ns / (double)c->count : 0.0,
			 "N", integer(stat_cell_samples(c)),
			 "percentile", percentiles(c), "bins", bins(c));
}

static json_t *errors(const struct stat_cell *c)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < c->nerrors; i++) {
		const char *name = strerrorname_np((int)c->error[i].error);

		json_object_set_new(o, c->error[i].error && name ? name : "other",
				    integer(c->error[i].count));
	}
	return o;
}

static json_t *call(const struct stat_cell *c)
{
	json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}",
			      "call", c->call, "rule", text(c->rule),
			      "count", integer(c->count), "bytes", integer(c->bytes),
			      "errors", integer(c->errors), "total_ns", integer(c->ns));

	if (c->coarse)
		return o;
	json_object_set_new(o, "size", json_string(size_class_names[c->size_class % SEG_SIZES]));
	json_object_set_new(o, "short", integer(c->shorter));
	json_object_set_new(o, "errno", errors(c));
	json_object_set_new(o, "lat_ns", latency(c));
	return o;
}

static json_t *calls(const struct stats_set *set, int coarse)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < set->ncells; i++)
		if (set->cell[i].coarse == coarse && !report_is_async(&set->cell[i]))
			json_array_append_new(a, call(&set->cell[i]));
	return a;
}

/* Of "aio_read.depth": requests; of "aio_read.submit": ns, for each of a batch. */
static json_t *async(const struct stats_set *set)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < set->ncells; i++) {
		const struct stat_cell *c = &set->cell[i];
		const char *dot = strchr(c->call, '.');

		if (!c->coarse && report_is_async(c))
			json_array_append_new(a, json_pack("{s:s%, s:o, s:o, s:o}",
				"call", c->call, (size_t)(dot - c->call), "rule", text(c->rule), "count", integer(c->count),
				strcmp(dot, ".depth") ? "submit_ns" : "in_flight", latency(c)));
	}
	return a;
}

static json_t *files(const struct stats_set *set)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < set->nfiles; i++) {
		const struct stat_file *f = &set->file[i];

		if (f->use.count)
			json_array_append_new(a, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
				"path", text(f->path), "dev", integer(f->dev),
				"ino", integer(f->ino), "count", integer(f->use.count),
				"bytes", integer(f->use.bytes), "errors", integer(f->use.errors),
				"total_ns", integer(f->use.ns), "max_ns", integer(f->use.max)));
	}
	return a;
}

static json_t *segments(const struct stats_set *set)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < set->nsegments; i++) {
		const struct stat_segment *s = &set->segment[i];

		json_array_append_new(a, json_pack(
			"{s:o, s:i, s:i, s:b, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o}",
			"name", text(s->name), "pid", (int)s->pid, "ppid", (int)s->ppid,
			"alive", s->alive, "processes", (int)s->processes,
			"clock", s->tsc ? "tsc" : "monotonic",
			"first_start", integer(s->first_start),
			"last_start", integer(s->last_start),
			"first_exe", text(s->exe[0]), "first_cmdline", text(s->cmdline[0]),
			"exe", text(s->exe[1]), "cmdline", text(s->cmdline[1])));
	}
	return a;
}

static json_t *notes(const struct stats_set *set)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < set->nnotes; i++)
		json_array_append_new(a, text(set->note[i]));
	return a;
}

int report_json(const struct stats_set *set, FILE *out)
{
	json_t *root = json_pack("{s:i, s:o, s:i, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o}",
		"version", 1, "tree", text(set->tree), "processes", (int)set->processes,
		"degraded", (set->degraded & SEG_NO_ROOM) != 0,
		"files_full", (set->degraded & SEG_FILES_FULL) != 0,
		"notes", notes(set), "calls", calls(set, 0), "coarse", calls(set, 1), "async", async(set),
		"files", files(set), "segments", segments(set));
	int r;

	if (!root)
		die(1, "out of memory");
	r = json_dumpf(root, out, JSON_INDENT(1));
	if (r == 0 && fputc('\n', out) == EOF)
		r = -1;
	json_decref(root);
	return r;
}
