/* SPDX-License-Identifier: MIT */
/*
 * shim run: checks the configuration once, hands it to the command as a
 * snapshot in the environment, so that a later edit of a file breaks none of
 * its children, and preloads the library.
 */
#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "segment.h"

struct request {
	const char *file, *stats;
	char *rules;
	int report;
	char **command;
};

/* ---- options */

static void parse(struct request *q, int argc, char **argv)
{
	static const struct option options[] = {
		{ "map", required_argument, NULL, 'm' }, { "config", required_argument, NULL, 'c' },
		{ "stats", required_argument, NULL, 's' }, { "report", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "+m:c:h", options, NULL)) != -1) {
		switch (opt) {
		case 'm': q->rules = add_rule(q->rules, optarg); break;
		case 'c': q->file = optarg; break;
		case 's': q->stats = optarg; break;
		case 'r': q->report = 1; break;
		case 'h': exit(show_help());
		default: exit(EXIT_USAGE);
		}
	}
	if (optind == argc)
		usage_error("no command to run");
	q->command = argv + optind;
}

/* ---- the library */

static const char *const library_places[] = {
	"", "../lib/", "../lib/shim/",
#ifdef __x86_64__
	"../lib/x86_64-linux-gnu/",
#elif defined(__aarch64__)
	"../lib/aarch64-linux-gnu/",
#endif
};

#define PLACES (sizeof(library_places) / sizeof(*library_places))

static char *own_directory(void)
{
	char *exe = realpath("/proc/self/exe", NULL);

	if (!exe)
		die(1, "/proc/self/exe: %m");
	return dirname(exe);
}

static char *find_library(void)
{
	char *dir = own_directory(), *looked = format_text("%s", ""), *more;

	for (size_t i = 0; i < PLACES; i++) {
		char *path = format_text("%s/%slibshim.so", dir, library_places[i]);
		char *full = realpath(path, NULL);

		if (full)
			return full;
		more = format_text("%s%s%s", looked, i ? ", " : "", path);
		free(looked);
		free(path);
		looked = more;
	}
	die(1, "libshim.so is not there; looked for %s", looked);
}

/* ---- the environment of the command */

static void set(const char *name, const char *value)
{
	if (setenv(name, value, 1))
		die(1, "out of memory");
}

/* Ours first, the others as they were. */
static void set_preload(void)
{
	char *lib = find_library(), *all;
	const char *old = getenv("LD_PRELOAD");
	size_t n = strlen(lib);

	if (strpbrk(lib, " :"))
		die(1, "the loader cannot preload %s: a space or colon is in its name", lib);
	if (old && !strncmp(old, lib, n) && (!old[n] || strchr(" :", old[n])))
		return;
	all = old && *old ? format_text("%s:%s", lib, old) : lib;
	set("LD_PRELOAD", all);
}

static void set_snapshot(const struct conf *c)
{
	size_t n = conf_format_map(c, NULL, 0) + 1;
	char *map = malloc(n);

	if (!map)
		die(1, "out of memory");
	conf_format_map(c, map, n);
	set("SHIM_MAP", map);
	set("SHIM_CONFIG", "");
	if (c->stats == CONF_STATS_OFF)
		set("SHIM_STATS", "off");
	else if (c->stats == CONF_STATS_DIR)
		set("SHIM_STATS", c->stats_dir);
	free(map);
}

static char *set_tree(void)
{
	char *tree = format_text("%lld-%d", (long long)time(NULL), (int)getpid());

	set("SHIM_TREE", tree);
	return tree;
}

static void set_stats(const char *stats)
{
	char *cwd;

	if (!stats)
		return;
	if (!strcmp(stats, "off") || stats[0] == '/') {
		set("SHIM_STATS", stats);
		return;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		die(1, "the working directory: %m");
	set("SHIM_STATS", format_text("%s/%s", cwd, stats));
}

/* ---- running it */

static void exec_command(char **command) __attribute__((noreturn));

static void exec_command(char **command)
{
	execvp(command[0], command);
	die(errno == ENOENT ? EXIT_NO_COMMAND : EXIT_NO_EXEC, "%s: %m", command[0]);
}

static volatile pid_t child;

static void forward(int sig)
{
	kill(child, sig);
}

/*
 * Like a shell's: the terminal's signals reach the command by themselves and
 * it decides; the others are passed on. Blocked until there is a child.
 */
static void supervise(const sigset_t *old)
{
	static const int passed[] = { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };

	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	for (size_t i = 0; i < sizeof(passed) / sizeof(*passed); i++)
		sigaction(passed[i], &(struct sigaction){ .sa_handler = forward,
			  .sa_flags = SA_RESTART }, NULL);
	sigprocmask(SIG_SETMASK, old, NULL);
}

static int run_and_wait(char **command)
{
	sigset_t all, old;
	int status;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	child = fork();
	if (child < 0)
		die(1, "fork: %m");
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		exec_command(command);
	}
	supervise(&old);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			die(1, "wait: %m");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The library keeps quiet about statistics that it cannot keep. */
static void report(const char *tree)
{
	char dir[PATH_MAX];
	int fd;

	if (report_tree(tree) == 0)
		return;
	fd = stats_dir_open(dir, sizeof(dir));
	if (fd == -ENOENT)
		fd = tree_open_dir(dir, 1);
	fprintf(stderr, "shim: nothing was recorded: %s%s%s\n", dir, fd < 0 ? ": " : " is empty",
		fd == -EPERM ? "not a private directory of yours" : fd < 0 ? strerror(-fd) : "");
	if (fd >= 0)
		close(fd);
}

int cmd_run(int argc, char **argv)
{
	struct request q = { 0 };
	struct conf c;
	char *tree;
	int status;

	parse(&q, argc, argv);
	set_stats(q.stats);
	load_configuration(&c, q.file, q.rules);
	if (q.report && c.stats == CONF_STATS_OFF)
		die(EXIT_USAGE, "--report needs the statistics, which are off");
	examine_program(find_command(q.command[0]));
	set_preload();
	set_snapshot(&c);
	tree = set_tree();
	conf_free(&c);
	if (!q.report)
		exec_command(q.command);
	status = run_and_wait(q.command);
	report(tree);
	return status;
}
