/* SPDX-License-Identifier: MIT */
/* shim s3 cp and mv: files and objects, from here to there, back, and from bucket to bucket. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd_plan.h"
#include "read/cache.h"
#include "read/object.h"

enum { IF_ABSENT = 256 };

static int dry, recursive;

static int parse(int argc, char **argv)
{
	static const struct option longs[] = { { "if-absent", no_argument, NULL, IF_ABSENT }, { 0 } };
	int c;

	while ((c = getopt_long(argc, argv, ":rnqv", longs, NULL)) != -1)
		switch (c) {
		case 'r': recursive = 1; break;
		case 'n': dry = 1; break;
		case 'q': task_options.quiet = 1; break;
		case 'v': task_options.verbose = 1; break;
		case IF_ABSENT: task_options.if_absent = 1; break;
		default: return optopt ? option_wrong() : cmd_usage("%s is not known", argv[optind - 1]);
		}
	return argc - optind < 2 ? cmd_usage("SRC and DST are needed") : 0;
}

/* What is moved away leaves its directories; those with something in them stay. */
static void remove_dirs(const struct plan *p)
{
	for (size_t i = 0; i < p->dirs; i++)
		rmdir(p->dir[i]);
}

static int carry_out(struct plan *p)
{
	int status = p->status;

	if (dry) {
		for (size_t i = 0; i < p->tasks.n; i++)
			task_print(&p->tasks.t[i]);
		return status;
	}
	if (p->new_dir && p->tasks.n && mkdir(p->to.word, 0777) < 0 && errno != EEXIST) {
		cmd_warn("%s: %s", p->to.word, strerror(errno));
		return CMD_FAILED;
	}
	status |= task_run(&p->tasks);
	if (!status)
		remove_dirs(p);
	return status;
}

static int copy(int argc, char **argv)
{
	static struct plan p;
	int status = parse(argc, argv);

	if (!status)
		status = plan_to(&p, argv[argc - 1]);
	if (status)
		return status;
	if (argc - optind > 2 && !p.to.into)
		return cmd_usage("%s: is no directory; several things need one (end it in a slash)", p.to.word);
	if (cache_init(1 << 20) < 0)
		return CMD_FAILED;
	object_init();
	p.all = recursive;
	for (int i = optind; i < argc - 1; i++)
		plan_from(&p, argv[i]);
	status = p.status == CMD_USAGE || p.status == CMD_CONFIG ? p.status : carry_out(&p);
	plan_free(&p);
	return status;
}

int cmd_cp(int argc, char **argv)
{
	return copy(argc, argv);
}

int cmd_mv(int argc, char **argv)
{
	task_options.move = 1;
	return copy(argc, argv);
}
