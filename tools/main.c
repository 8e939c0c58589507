/* SPDX-License-Identifier: MIT */
/* The shim command: its sub-commands, their help, and what they have in common. */
#include "tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command {
	const char *name, *summary, *usage, *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "run", "run a command with rules",
	  "[-m PREFIX=TARGET]... [-c FILE] [--stats DIR|off] [--report] [--] CMD [ARG]...",
	  "  -m PREFIX=TARGET   add a rule, as in SHIM_MAP: -m /tmp/mfs=mem: -m '/data=uring:?map=on'\n"
	  "  -c FILE            read rules from an INI file, see shim.conf(5)\n"
	  "      --stats DIR    keep the statistics in DIR, on a tmpfs; \"off\": keep none\n"
	  "      --report       afterwards, print the latencies of the whole tree on standard error\n"
	  "\n"
	  "The exit status is the command's; 78 if the configuration is invalid, 126 if the\n"
	  "command cannot be run under the shim, 127 if it is not found.\n",
	  cmd_run },
	{ "report", "what was called, and how long it took", "[PID|DIR] [--json | --s3]",
	  "  PID          the process with that number\n"
	  "  DIR          a directory of statistics\n"
	  "      --json   everything, for programs\n"
	  "      --s3     what the S3 agents asked for, and about what it cost\n"
	  "\n"
	  "Without PID or DIR, the latest tree of processes.\n",
	  cmd_report },
	{ "check", "the rules, and what this system can do", "[-m PREFIX=TARGET]... [-c FILE]",
	  "  -m PREFIX=TARGET   add a rule, as in SHIM_MAP\n"
	  "  -c FILE            read rules from an INI file, see shim.conf(5)\n"
	  "\n"
	  "The exit status is 78 if the configuration is invalid.\n",
	  cmd_check },
	{ "calls", "the calls that are intercepted", "[--plain]",
	  "      --plain   names only, one a line\n",
	  cmd_calls },
	{ "mem", "the stores of the mem back end", "ls [NAME] | rm [-f] NAME[/PATH]... | df [NAME]",
	  "  ls              list the stores: files, bytes, name\n"
	  "  ls NAME         list what is in a store\n"
	  "  rm NAME         remove a store and all it holds\n"
	  "  rm NAME/PATH    remove a file or directory inside a store\n"
	  "     -f           say nothing of what does not exist\n"
	  "  df [NAME]       files, bytes, memory in use, and what is free\n",
	  cmd_mem },
	{ "s3", "buckets: whether they can be used, what is in them", "COMMAND ...",
	  "  check [--write] PREFIX | s3://BUCKET[/PREFIX]\n"
	  "      endpoint, credentials, what is allowed, what the server can do, and how fast\n"
	  "      --write   write, replace, copy and remove an object of a new name, too\n"
	  "  recover [--finish | --drop] [ID...]\n"
	  "      files that were written and not published: list them, publish them, remove them\n"
	  "  gc [--hours N] PREFIX | s3://BUCKET[/PREFIX]\n"
	  "      abort uploads that were left behind, 48 hours old or N\n"
	  "  ls [-lRh0] TARGET...\n"
	  "      what is there; with size and time, all below, sizes for people, NUL after names\n"
	  "  cat [-r FIRST-LAST] TARGET...\n"
	  "      objects, or these bytes of them\n"
	  "  head [-n LINES | -c BYTES] TARGET...\n"
	  "      the first lines, 10, or bytes of objects\n"
	  "  stat TARGET...\n"
	  "      all that the server says of objects\n"
	  "\n"
	  "PREFIX is a rule's, or a path below it; a TARGET such a path, or s3://BUCKET/KEY.\n"
	  "shim-s3(1) and s3(7) say more.\n",
	  cmd_s3 },
	{ "gc", "remove the statistics of trees that are gone, and other leftovers", "[-n]",
	  "  -n   only say what would be removed\n",
	  cmd_gc },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static const struct command *running;

/* ---- for every sub-command */

static void print_error(const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("shim: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_error(fmt, ap);
	va_end(ap);
}

void die(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_error(fmt, ap);
	va_end(ap);
	exit(code);
}

void usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_error(fmt, ap);
	va_end(ap);
	fprintf(stderr, "usage: shim %s %s\n", running->name, running->usage);
	exit(EXIT_USAGE);
}

char *format_text(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		die(1, "out of memory");
	va_end(ap);
	return text;
}

char *add_rule(char *rules, const char *rule)
{
	char *joined = rules ? format_text("%s;%s", rules, rule) : format_text("%s", rule);

	free(rules);
	return joined;
}

/* The path as the library will need it: absolute, because the directory changes. */
static char *absolute(const char *path)
{
	char *full = realpath(path, NULL);

	if (!full)
		die(EXIT_CONFIG, "%s: %m", path);
	return full;
}

void load_configuration(struct conf *c, const char *file, const char *rules)
{
	char error[CONF_ERROR_MAX];

	if (file) {
		char *full = absolute(file);

		setenv("SHIM_CONFIG", full, 1);
		free(full);
	} else if (rules && !getenv("SHIM_MAP")) {
		setenv("SHIM_CONFIG", "", 0);
	}
	if (conf_load(c, environ, error) || (rules && conf_add_map(c, rules, "-m", error)))
		die(EXIT_CONFIG, "%s", error);
}

/* ---- the command itself */

int show_help(void)
{
	printf("usage: shim %s %s\n\n%s", running->name, running->usage, running->help);
	return 0;
}

static int print_commands(FILE *out)
{
	fputs("usage: shim COMMAND [OPTION]...\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\nshim COMMAND --help says more; so do shim(1) and libshim(7).\n", out);
	return 0;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

static int is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout))
		die(1, "standard output: %m");
	return status;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	if (is_help(argv[1]) || !strcmp(argv[1], "help"))
		return finish(print_commands(stdout));
	if (!strcmp(argv[1], "--version")) {
		puts("shim " SHIM_VERSION);
		return finish(0);
	}
	running = find(argv[1]);
	if (!running)
		die(EXIT_USAGE, "no command \"%s\"; shim --help lists them", argv[1]);
	if (argc > 2 && is_help(argv[2]))
		return finish(show_help());
	argv[1] = format_text("shim %s", argv[1]);
	return finish(running->run(argc - 1, argv + 1));
}
