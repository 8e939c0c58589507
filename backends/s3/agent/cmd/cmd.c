/* SPDX-License-Identifier: MIT */
/* What the commands of `shim s3` have in common; see cmd.h. */
#include "cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_progress.h"
#include "loop/loop.h"
#include "write/multi.h"

#define SETTLE_SECONDS 10

static const struct command {
	const char *name, *usage, *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "check", "[--write] PREFIX | s3://BUCKET[/PREFIX]", "whether a bucket can be used, what it can do, and how fast",
	  cmd_check },
	{ "ls", "[-lRh0] TARGET...",
	  "what is there; -l: with size and time; -R: all below; -h: sizes for people; -0: NUL after names",
	  cmd_ls },
	{ "cat", "[-r FIRST-LAST | -r FIRST- | -r -COUNT] TARGET...", "objects, or these bytes of them", cmd_cat },
	{ "head", "[-n LINES | -c BYTES] TARGET...", "the first lines, 10, or bytes of objects", cmd_head },
	{ "stat", "TARGET...", "all that the server says of objects", cmd_stat },
	{ "cp", "[-rnqv] [--if-absent] SRC... DST",
	  "copy files and objects; -r: trees; -n: only say what; -v: say it; -q: no progress", cmd_cp },
	{ "mv", "[-rnqv] [--if-absent] SRC... DST", "likewise, and remove what was copied", cmd_mv },
	{ "rm", "[-rfnv] TARGET...",
	  "remove objects; -r: and all below; -f: a whole bucket too, and what is not there; -n: only say what; -v: say it",
	  cmd_rm },
	{ "mb", "s3://BUCKET", "make a bucket", cmd_mb },
	{ "rb", "s3://BUCKET", "remove a bucket that is empty", cmd_rb },
	{ "recover", "[--finish | --drop] [ID...]", "files that were written and not published: list them, publish them, remove them",
	  cmd_recover },
	{ "gc", "[--hours N] PREFIX | s3://BUCKET[/PREFIX]", "abort uploads that were left behind, 48 hours old or N",
	  cmd_gc },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static const struct command *running;

/* ---- words on standard error */

static void print(const char *fmt, va_list ap)
{
	progress_clear();
	fflush(stdout);
	fputs("shim: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void cmd_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
}

int cmd_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
	fprintf(stderr, "usage: shim s3 %s %s\n", running->name, running->usage);
	return CMD_USAGE;
}

/* ---- waiting */

static int ready;

void cmd_ready(void)
{
	ready = 1;
	loop_stop();
}

/* It may be ready already. */
void cmd_wait(void)
{
	while (!ready)
		loop_run();
	ready = 0;
}

static struct loop_timer settling;
static uint64_t settled_by;

static void look_if_settled(void *arg)
{
	(void)arg;
	if (multi_aborting() && loop_now() < settled_by)
		loop_timer_set(&settling, loop_now() + LOOP_SECOND / 50);
	else
		cmd_ready();
}

void cmd_settle(void)
{
	settling.fired = look_if_settled;
	settled_by = loop_clock() + SETTLE_SECONDS * LOOP_SECOND;
	look_if_settled(NULL);
	cmd_wait();
}

/* Of the one request there is. */
static void (*then)(struct s3_request *r, int err);
static int result;

static void is_done(struct s3_request *r, int err)
{
	result = err;
	if (then)
		then(r, err);
	cmd_ready();
}

int cmd_request(struct s3_request *r)
{
	then = r->done;
	r->done = is_done;
	s3_start(r);
	cmd_wait();
	return result;
}

/* ---- the command line */

static int print_commands(FILE *f)
{
	fputs("usage: shim s3 COMMAND ...\n\n", f);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(f, "  %s %s\n      %s\n", commands[i].name, commands[i].usage, commands[i].summary);
	return f == stderr ? CMD_USAGE : 0;
}

static int is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

int cmd_main(int argc, char **argv)
{
	int err, status;

	if (argc < 3 || is_help(argv[2]))
		return print_commands(argc < 3 ? stderr : stdout);
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[2], commands[i].name))
			running = &commands[i];
	if (!running) {
		cmd_warn("s3: no command \"%s\"; shim s3 --help lists them", argv[2]);
		return CMD_USAGE;
	}
	err = loop_init();
	if (!err)
		err = http_init();
	if (err) {
		cmd_warn("s3: %s", strerror(-err));
		return CMD_FAILED;
	}
	status = running->run(argc - 2, argv + 2);
	if (fflush(stdout) || ferror(stdout)) {
		cmd_warn("standard output: %s", strerror(errno));
		return CMD_FAILED;
	}
	return status;
}
