/* SPDX-License-Identifier: MIT */
/*
 * Reading and merging segments; see segment.h. What is read may be half
 * written or damaged: every offset is checked against what was read.
 */
#include "segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

const char *const size_class_names[SEG_SIZES] = {
	"0", "<=512", "<=4K", "<=16K", "<=64K", "<=256K", "<=1M", ">1M",
};

/* Room for one more element of an array that doubles. */
static void *more(void *array, unsigned n, size_t size)
{
	if (n & (n - 1))
		return array;
	array = realloc(array, (n ? 2 * (size_t)n : 1) * size);
	if (!array)
		die(1, "out of memory");
	return array;
}

/* ---- cells ---- */

static void add_error(struct stat_cell *c, unsigned error, uint64_t count)
{
	unsigned i = 0;

	c->errors += count;
	while (i < c->nerrors && c->error[i].error != error)
		i++;
	if (i == STAT_ERRORS)
		i--;
	else if (i == c->nerrors)
		c->error[c->nerrors++].error = error;
	c->error[i].count += count;
}

void stat_cell_merge(struct stat_cell *into, const struct stat_cell *from)
{
	uint64_t unnamed = from->errors;

	into->count += from->count;
	into->bytes += from->bytes;
	into->ns += from->ns;
	into->shorter += from->shorter;
	into->coarse |= from->coarse;
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	for (unsigned i = 0; i < from->nerrors; i++) {
		add_error(into, from->error[i].error, from->error[i].count);
		unnamed -= from->error[i].count;
	}
	into->errors += unnamed;
	for (unsigned i = 0; i < SEG_BINS; i++)
		into->bin[i] += from->bin[i];
}

uint64_t stat_cell_samples(const struct stat_cell *c)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SEG_BINS; i++)
		n += c->bin[i];
	return n;
}

uint64_t stat_cell_percentile(const struct stat_cell *c, double p)
{
	uint64_t samples = stat_cell_samples(c), seen = 0;
	uint64_t want = (uint64_t)(p * (double)samples + 0.999999);

	if (!samples)
		return 0;
	for (unsigned i = 0; i < SEG_BINS; i++) {
		seen += c->bin[i];
		if (seen && seen >= want)
			/* the middle of the last bin may lie beyond what was seen */
			return seg_bin_value(i) < c->max ? seg_bin_value(i) : c->max;
	}
	return c->max;
}

static struct stat_cell *cell_of(struct stats_set *set, const char *call, const char *rule,
				 unsigned size_class, int coarse)
{
	struct stat_cell *c;

	for (unsigned i = 0; i < set->ncells; i++) {
		c = &set->cell[i];
		if (c->size_class == size_class && c->coarse == coarse &&
		    !strcmp(c->call, call) && !strcmp(c->rule, rule))
			return c;
	}
	set->cell = more(set->cell, set->ncells, sizeof(*c));
	c = &set->cell[set->ncells++];
	memset(c, 0, sizeof(*c));
	snprintf(c->call, sizeof(c->call), "%s", call);
	snprintf(c->rule, sizeof(c->rule), "%s", rule);
	c->size_class = size_class;
	c->coarse = coarse;
	c->min = UINT64_MAX;
	return c;
}

/* ---- one segment ---- */

struct reader {
	struct stats_set *set;
	int fd;
	struct seg_header h;
	struct seg_file file[SEG_FILES];
	unsigned *file_at;            /* indices into the set's files, by slot */
	uint64_t arena[SEG_ARENA_SIZE / sizeof(uint64_t)];
	size_t len;                   /* of the arena, as read */
};

static const void *at_unit(const struct reader *r, uint32_t unit, size_t size)
{
	size_t at = (size_t)unit * SEG_UNIT;

	return at + size <= r->len ? (const char *)r->arena + at : NULL;
}

static void read_bins(struct reader *r, const struct seg_cell *c, struct stat_cell *into)
{
	uint32_t self = (uint32_t)((const char *)c - (const char *)r->arena) / SEG_UNIT;

	for (unsigned g = 0; g < SEG_GROUPS; g++) {
		const uint64_t *bin;

		if (!c->group[g])
			continue;
		bin = at_unit(r, self + c->group[g], SEG_GROUP_BINS * sizeof(*bin));
		for (unsigned i = 0; bin && i < SEG_GROUP_BINS; i++)
			into->bin[g * SEG_GROUP_BINS + i] += bin[i];
	}
}

static void read_cell(struct reader *r, const struct seg_cell *c)
{
	unsigned call = SEG_KEY_CALL(c->key), rule = SEG_KEY_RULE(c->key);
	struct stat_cell *into;

	if (call >= SEG_CALLS || rule >= SEG_RULES || !c->count)
		return;
	into = cell_of(r->set, r->h.call[call], r->h.rule[rule], SEG_KEY_SIZE(c->key), 0);
	into->count += c->count;
	into->bytes += c->bytes;
	into->ns += c->ns;
	into->shorter += c->shorter;
	if (c->min < into->min)
		into->min = c->min;
	if (c->max > into->max)
		into->max = c->max;
	for (unsigned i = 0; i < SEG_ERRORS; i++)
		if (c->error_count[i])
			add_error(into, c->error[i], c->error_count[i]);
	read_bins(r, c, into);
}

static void read_uses(struct reader *r, const struct seg_arena *a)
{
	for (unsigned slot = 0; slot < r->h.head.nfiles; slot++) {
		const struct seg_use *u;
		struct seg_use *into;

		if (!a->uses[slot / SEG_FILE_GROUP])
			continue;
		u = at_unit(r, a->uses[slot / SEG_FILE_GROUP], SEG_FILE_GROUP * sizeof(*u));
		if (!u)
			continue;
		u += slot % SEG_FILE_GROUP;
		into = &r->set->file[r->file_at[slot]].use;
		into->count += u->count;
		into->bytes += u->bytes;
		into->ns += u->ns;
		into->errors += u->errors;
		if (u->max > into->max)
			into->max = u->max;
	}
}

static void read_arena(struct reader *r, unsigned index)
{
	off_t at = (off_t)(SEG_ARENA_AT + (uint64_t)index * SEG_ARENA_SIZE);
	const struct seg_arena *a = (const void *)r->arena;
	const struct seg_cell *c;
	ssize_t n = pread(r->fd, r->arena, SEG_PAGE, at);
	unsigned left = SEG_ARENA_SIZE / SEG_UNIT;

	if (n < (ssize_t)SEG_PAGE || a->ready > SEG_ARENA_SIZE)
		return;
	n = pread(r->fd, r->arena, a->ready, at);
	if (n < (ssize_t)sizeof(*a))
		return;
	r->len = (size_t)n;
	for (uint32_t unit = a->cells; unit && left; unit = c->next, left--) {
		c = at_unit(r, unit, sizeof(*c));
		if (!c)
			break;
		read_cell(r, c);
	}
	read_uses(r, a);
}

static unsigned file_of(struct stats_set *set, const struct seg_file *f)
{
	unsigned i;

	for (i = 0; i < set->nfiles; i++)
		if (set->file[i].dev == f->dev && set->file[i].ino == f->ino)
			return i;
	set->file = more(set->file, set->nfiles, sizeof(*set->file));
	memset(&set->file[i], 0, sizeof(set->file[i]));
	set->file[i].dev = f->dev;
	set->file[i].ino = f->ino;
	snprintf(set->file[i].path, SEG_PATH_LEN, "%.*s", (int)SEG_PATH_LEN - 1, f->path);
	set->nfiles++;
	return i;
}

static void read_files(struct reader *r)
{
	unsigned n = r->h.head.nfiles < SEG_FILES ? r->h.head.nfiles : SEG_FILES;
	ssize_t got = pread(r->fd, r->file, n * sizeof(*r->file), (off_t)SEG_FILES_AT);

	n = got < 0 ? 0 : (unsigned)((size_t)got / sizeof(*r->file));
	r->h.head.nfiles = n;
	for (unsigned i = 0; i < n; i++)
		r->file_at[i] = file_of(r->set, &r->file[i]);
}

static void read_coarse(struct reader *r)
{
	for (unsigned i = 0; i < SEG_CALLS; i++) {
		const struct seg_coarse *k = &r->h.coarse[i];
		struct stat_cell *c;

		if (!k->count)
			continue;
		c = cell_of(r->set, r->h.call[i], "", 0, 1);
		c->count += k->count;
		c->bytes += k->bytes;
		c->ns += k->ns;
		c->errors += k->errors;
	}
}

static void read_notes(struct reader *r)
{
	struct stats_set *set = r->set;

	for (unsigned i = 0; i < SEG_NOTES; i++) {
		unsigned k = 0;

		r->h.note[i].text[SEG_NOTE_LEN - 1] = 0;
		while (k < set->nnotes && strcmp(set->note[k], r->h.note[i].text))
			k++;
		if (!r->h.note[i].ready || k < set->nnotes)
			continue;
		set->note = more(set->note, set->nnotes, SEG_NOTE_LEN);
		strcpy(set->note[set->nnotes++], r->h.note[i].text);
	}
}

static void read_identity(struct reader *r, const char *name)
{
	struct stats_set *set = r->set;
	const struct seg_head *h = &r->h.head;
	struct stat_segment *s;

	set->segment = more(set->segment, set->nsegments, sizeof(*s));
	s = &set->segment[set->nsegments++];
	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "%.*s", (int)sizeof(s->name) - 1, name);
	s->pid = SEG_OWNER_PID(h->owner);
	s->ppid = (pid_t)h->ppid;
	s->alive = !process_gone(h->owner, h->pidns);
	s->processes = h->processes;
	s->degraded = h->degraded;
	s->tsc = h->tsc;
	s->first_start = h->first_start;
	s->last_start = h->last_start;
	memcpy(s->exe, r->h.exe, sizeof(s->exe));
	memcpy(s->cmdline, r->h.cmdline, sizeof(s->cmdline));
	s->exe[0][SEG_EXE_LEN - 1] = s->exe[1][SEG_EXE_LEN - 1] = 0;
	s->cmdline[0][SEG_CMD_LEN - 1] = s->cmdline[1][SEG_CMD_LEN - 1] = 0;
	set->processes += h->processes;
	set->degraded |= h->degraded;
}

/* Ends every name, so that a damaged header cannot run on. */
static void end_names(struct seg_header *h)
{
	for (unsigned i = 0; i < SEG_CALLS; i++)
		h->call[i][SEG_CALL_LEN - 1] = 0;
	for (unsigned i = 0; i < SEG_RULES; i++)
		h->rule[i][SEG_RULE_LEN - 1] = 0;
}

static int read_header(struct reader *r, int dir, const char *name)
{
	struct stat st;

	r->fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (r->fd < 0)
		return 0;
	if (fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    pread(r->fd, &r->h, sizeof(r->h), 0) == (ssize_t)sizeof(r->h) &&
	    r->h.head.magic == SEG_MAGIC && r->h.head.version == SEG_VERSION &&
	    r->h.head.size == sizeof(r->h))
		return 1;
	close(r->fd);
	return 0;
}

static int read_segment(struct reader *r, int dir, const char *name, pid_t pid)
{
	if (!read_header(r, dir, name))
		return 0;
	if (!pid || SEG_OWNER_PID(r->h.head.owner) == pid) {
		end_names(&r->h);
		read_identity(r, name);
		read_files(r);
		read_coarse(r);
		read_notes(r);
		for (unsigned i = 0; i < r->h.head.narenas && i < SEG_ARENAS; i++)
			if (r->h.slot[i].kind != SEG_ARENA_NEW)
				read_arena(r, i);
	} else {
		pid = -1;
	}
	close(r->fd);
	return pid >= 0;
}

int stats_set_add(struct stats_set *set, int fd, pid_t pid)
{
	unsigned file_at[SEG_FILES];
	struct reader *r = calloc(1, sizeof(*r));
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;
	int found = 0;

	if (!r || !d)
		die(1, "cannot read the statistics: %s", strerror(errno));
	r->set = set;
	r->file_at = file_at;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			found += read_segment(r, fd, e->d_name, pid);
	closedir(d);
	free(r);
	return found;
}

void stats_set_free(struct stats_set *set)
{
	free(set->cell);
	free(set->file);
	free(set->segment);
	free(set->note);
	memset(set, 0, sizeof(*set));
}
