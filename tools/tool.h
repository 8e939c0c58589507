/* SPDX-License-Identifier: MIT */
/*
 * What the sub-commands of `shim` share. Each cmd_* is a main of its own:
 * argv[0] is "shim NAME", for getopt's messages, and it returns the exit
 * status.
 */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include "conf/conf.h"

#ifndef SHIM_VERSION
#define SHIM_VERSION "0.1.0"
#endif

enum {
	EXIT_USAGE = 2,        /* the command line is wrong */
	EXIT_CONFIG = 78,      /* the configuration is wrong; as the library's own */
	EXIT_NO_EXEC = 126,    /* found, but cannot be run under the shim */
	EXIT_NO_COMMAND = 127,
};

int cmd_run(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_calls(int argc, char **argv);
int cmd_mem(int argc, char **argv);
int cmd_s3(int argc, char **argv);
int cmd_gc(int argc, char **argv);

/* Prints "shim: " and one line on standard error, and exits with `code`. */
void die(int code, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* The same without leaving. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A usage error of the running sub-command: one line, a pointer to --help, exit 2. */
void usage_error(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Prints the help of the running sub-command on standard output. Returns 0. */
int show_help(void);

/* snprintf into memory of its own, for the caller to free; dies without memory. */
char *format_text(const char *fmt, ...) __attribute__((malloc, format(printf, 1, 2)));

/*
 * The configuration of `run` and `check`: the environment's, with the file of
 * -c in place of SHIM_CONFIG and the rules of -m (joined by ';') over it. With
 * rules but no file, no file is looked for, as with SHIM_MAP. Either may be
 * NULL. Exits 78 with the error if it is invalid.
 */
void load_configuration(struct conf *c, const char *file, const char *rules);

/* Appends one rule of -m to `rules` (NULL at first; the old text is freed). */
char *add_rule(char *rules, const char *rule);

/*
 * The file execvp would run for `command`, for the caller to free; dies with
 * 127 or 126 if there is none.
 */
char *find_command(const char *command);

/*
 * Dies if the loader would ignore preloads in the program (it gains
 * privileges), and warns if it has no loader. Follows #!.
 */
void examine_program(const char *path);

/* Prints the report of the SHIM_TREE `tree_id` on standard error. 0 if there was one. */
int report_tree(const char *tree_id);

#endif
