/* SPDX-License-Identifier: MIT */
/* shim gc: removes the statistics of trees whose processes are all gone, and what else is left over. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "gc_dirs.h"
#include "stats/stats_tree.h"
#include "segment.h"
#include "tool.h"

#define BATCH 256

struct names {
	unsigned count;
	char name[BATCH][TREE_NAME_MAX];
};

static int collect(const char *name, void *arg)
{
	struct names *n = arg;

	if (n->count == BATCH)
		return 1;
	if (tree_name_valid(name))
		strcpy(n->name[n->count++], name);
	return 0;
}

/* Returns 1 if the tree went, or would. */
static int remove_one(int dir, const char *name, int dry)
{
	int r = dry ? !tree_dead(dir, name) : tree_remove(dir, name);

	if (r == 0)
		printf("%s%s\n", dry ? "would remove " : "removed ", name);
	else if (r < 0 && r != -EBUSY)
		warn("%s: %s", name, strerror(-r));
	return r == 0;
}

static void remove_dead(int dir, int dry)
{
	static struct names n;
	int removed;

	do {
		n.count = removed = 0;
		tree_each(dir, collect, &n);
		for (unsigned i = 0; i < n.count; i++)
			removed += remove_one(dir, n.name[i], dry);
	} while (!dry && removed && n.count == BATCH);
}

static int any(const char *name, void *arg)
{
	(void)name, (void)arg;
	return 1;
}

int cmd_gc(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	char path[CONF_PATH_MAX];
	int dry = 0, dir, opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "nh", options, NULL)) != -1) {
		if (opt == 'h')
			return show_help();
		if (opt != 'n')
			return EXIT_USAGE;
		dry = 1;
	}
	if (optind < argc)
		usage_error("unexpected \"%s\"", argv[optind]);
	gc_dirs(dry);
	dir = stats_dir_open(path, sizeof(path));
	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		die(1, "%s: %s", path, dir == -EPERM ? "not a private directory of yours"
						     : strerror(-dir));
	remove_dead(dir, dry);
	/* the index of processes (stats_find.h) describes nothing any more */
	if (!dry && !tree_each(dir, any, NULL))
		unlinkat(dir, ".pids", 0);
	close(dir);
	return 0;
}
