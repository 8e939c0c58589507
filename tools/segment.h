/* SPDX-License-Identifier: MIT */
/*
 * Reads what the library recorded: the segments of a tree, of live and dead
 * processes, merged. Nothing is written and no help is needed from the
 * writers; a count read while one runs may lack its very last calls.
 *
 * Memory is the set's, freed by stats_set_free; without memory the tool dies.
 */
#ifndef TOOLS_SEGMENT_H
#define TOOLS_SEGMENT_H

#include <stdint.h>
#include <sys/types.h>

#include "stats/stats_layout.h"
#include "stats/stats_tree.h"

#define STAT_ERRORS 32u

/* One call in one size class under one rule; ns throughout. */
struct stat_cell {
	char call[SEG_CALL_LEN];
	char rule[SEG_RULE_LEN];      /* "" without a rule */
	unsigned size_class;
	int coarse;                   /* only count, bytes, errors, ns: the rest was not recorded */
	uint64_t count, bytes, ns, min, max, shorter, errors;
	struct {
		unsigned error;       /* an errno value; 0 for "others" */
		uint64_t count;
	} error[STAT_ERRORS];
	unsigned nerrors;
	uint64_t bin[SEG_BINS];
};

struct stat_file {
	uint64_t dev, ino;
	char path[SEG_PATH_LEN];
	struct seg_use use;
};

struct stat_segment {
	char name[TREE_SEG_NAME_MAX];
	pid_t pid, ppid;
	int alive;
	uint32_t processes, degraded, tsc;
	uint64_t first_start, last_start; /* seconds since 1970 */
	char exe[2][SEG_EXE_LEN], cmdline[2][SEG_CMD_LEN];
};

struct stats_set {
	char tree[256];               /* name or directory */
	uint32_t processes, degraded;
	struct stat_cell *cell;
	struct stat_file *file;
	struct stat_segment *segment;
	char (*note)[SEG_NOTE_LEN];
	unsigned ncells, nfiles, nsegments, nnotes;
};

/* What the sizes of a class are called: "0", "<=512", ... ">1M". */
extern const char *const size_class_names[SEG_SIZES];

/* Opens the directory of this user's trees, as the configuration says. -errno. */
int stats_dir_open(char *path, size_t size);

/*
 * Adds the segments of the directory `fd`; with `pid`, only that process'.
 * Returns how many there were.
 */
int stats_set_add(struct stats_set *set, int fd, pid_t pid);

/* The tree that was written to last. 1, or 0 if there is none. */
int newest_tree(int dir, char name[TREE_NAME_MAX]);

/*
 * Reads what `what` names: a tree's id, a process, a directory with a slash
 * in its name, or NULL for the newest tree. 0, or -errno.
 */
int stats_set_load(struct stats_set *set, const char *what);

void stats_set_free(struct stats_set *set);

/* Adds the counts of `from`, whatever it is named. */
void stat_cell_merge(struct stat_cell *into, const struct stat_cell *from);

/* The latency below which a part `p` (0 to 1) of the calls stayed; 0 without bins. */
uint64_t stat_cell_percentile(const struct stat_cell *c, double p);

/* The counts of all bins together. */
uint64_t stat_cell_samples(const struct stat_cell *c);

#endif
