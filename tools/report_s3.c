/* SPDX-License-Identifier: MIT */
/* shim report --s3: what the S3 agents of this user asked for, and about what it cost. */
#include "report.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "human.h"
#include "s3/s3_stats.h"
#include "stats/stats_tree.h"
#include "tool.h"

/* S3 Standard in us-east-1, in dollars for 1000 requests; what leaves the region is billed besides. */
#define READING 0.0004
#define WRITING 0.005

static const struct { const char *name; int bill; } kinds[] = {
#define X(name, bill) { #name, bill },
	S3_KINDS(X)
#undef X
};

/* The upper end of the bin that has the fraction `q` of all. */
static uint64_t quantile(const struct s3_kind_stats *k, double q)
{
	uint64_t all = 0, seen = 0;

	for (unsigned i = 0; i < S3_STATS_BINS; i++)
		all += k->first_byte[i];
	for (unsigned i = 0; i < S3_STATS_BINS; i++) {
		seen += k->first_byte[i];
		if (all && (double)seen >= q * (double)all)
			return (1ull << i) * 1000;
	}
	return 0;
}

static uint64_t answered(const struct s3_kind_stats *k)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < S3_STATS_BINS; i++)
		all += k->first_byte[i];
	return all;
}

static void print_kinds(const struct s3_stats *s, FILE *out)
{
	fprintf(out, "%9s %7s %7s %8s %8s %8s %8s %8s  request\n", "count", "failed", "retried", "sent",
		"received", "first", "99 %", "transfer");
	for (unsigned i = 0; i < S3_KIND_COUNT; i++) {
		const struct s3_kind_stats *k = &s->kind[i];
		uint64_t n = answered(k);

		if (!k->requests)
			continue;
		fprintf(out, "%9s %7s %7s %8s %8s %8s %8s %8s  %s\n", human_count(k->requests),
			human_count(k->failed), human_count(k->retries), human_bytes(k->sent),
			human_bytes(k->received), human_ns(n ? k->first_byte_ns / n : 0),
			human_ns(quantile(k, 0.99)), human_ns(n ? k->transfer_ns / n : 0), kinds[i].name);
	}
}

static void print_cost(const struct s3_stats *s, FILE *out)
{
	uint64_t n[3] = { 0 };

	for (unsigned i = 0; i < S3_KIND_COUNT; i++)
		n[kinds[i].bill] += s->kind[i].requests + s->kind[i].retries;
	n[kinds[S3_KIND_GET].bill] += s->hedges;
	fprintf(out, "cost: about $%.4f at AWS's list prices: %s to read at $%g, %s to write or list at $%g for 1000\n",
		(double)n[1] * READING / 1000 + (double)n[2] * WRITING / 1000,
		human_count(n[1]), READING, human_count(n[2]), WRITING);
}

static int newest_first(const void *a, const void *b)
{
	const struct s3_stats_note *x = a, *y = b;

	return x->last < y->last ? 1 : -(x->last > y->last);
}

/* What went wrong, each once. */
static void print_notes(const struct s3_stats *s, FILE *out)
{
	struct s3_stats_note note[S3_STATS_NOTES];
	unsigned n = 0;
	char when[32];

	for (unsigned i = 0; i < S3_STATS_NOTES; i++)
		if (s->note[i].what)
			note[n++] = s->note[i];
	qsort(note, n, sizeof(*note), newest_first);
	if (n)
		fprintf(out, "%19s %7s %8s  what went wrong, the last first\n", "", "failed", "repeated");
	for (unsigned i = 0; i < n; i++) {
		time_t last = (time_t)note[i].last;

		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime(&last));
		fprintf(out, "%s %7s %8s  %.*s\n", when, human_count(note[i].failed), human_count(note[i].repeated),
			S3_STATS_NOTE, note[i].text);
	}
}

static void print_agent(const struct s3_stats *s, const char *path, FILE *out)
{
	time_t began = (time_t)s->began;
	char when[32];

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime(&began));
	fprintf(out, "%s: since %s, agent %llu\n", path, when, (unsigned long long)s->agent);
	print_kinds(s, out);
	fprintf(out, "reads: %s, of which %s waited; asked %s, fetched %s, used %s\n", human_count(s->reads),
		human_count(s->waited), human_bytes(s->asked), human_bytes(s->fetched), human_bytes(s->used));
	if (s->held[0] + s->held[1])
		fprintf(out, "bandwidth: reads were held back for %s, writes for %s\n", human_ns(s->held[0]),
			human_ns(s->held[1]));
	if (s->hedges)
		fprintf(out, "hedges: %s second requests for what was late, %s of them were first\n",
			human_count(s->hedges), human_count(s->hedges_won));
	if (s->disk_hits + s->disk_misses)
		fprintf(out, "disk: %s pieces of %s were there; read %s, written %s, %s files damaged\n",
			human_count(s->disk_hits), human_count(s->disk_hits + s->disk_misses), human_bytes(s->disk_read),
			human_bytes(s->disk_written), human_count(s->disk_bad));
	if (s->verified)
		fprintf(out, "checksums: %s objects verified, %s wrong\n", human_count(s->verified),
			human_count(s->corrupt));
	print_cost(s, out);
	print_notes(s, out);
}

/* One agent's file in its directory; 0 if there is none. */
static int report_agent(int top, const char *name, const char *path, FILE *out)
{
	struct s3_stats s;
	int dir = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), fd;
	char *full;

	if (dir < 0)
		return 0;
	fd = openat(dir, "stats", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	close(dir);
	if (fd < 0)
		return 0;
	if (read(fd, &s, sizeof(s)) != (ssize_t)sizeof(s) || s.magic != S3_STATS_MAGIC || s.size != sizeof(s)) {
		close(fd);
		return 0;
	}
	close(fd);
	full = format_text("%s/%s", path, name);
	print_agent(&s, full, out);
	free(full);
	return 1;
}

int report_s3(FILE *out)
{
	const char *above = getenv("SHIM_AGENT_DIR");
	char *path = above && *above ? format_text("%s", above) :
		     format_text("/dev/shm/shim-s3-%u", (unsigned)geteuid());
	int fd = tree_open_dir(path, 0), n = 0;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	for (struct dirent *e; d && (e = readdir(d));)
		if (*e->d_name != '.')
			n += report_agent(fd, e->d_name, path, out);
	if (d)
		closedir(d);
	free(path);
	return n;
}
