/* SPDX-License-Identifier: MIT */
/*
 * The first line of a script, as the kernel reads it (fs/binfmt_script.c):
 * where it looks for the interpreter itself, it finds none under a rule.
 */
#ifndef SHIM_SCRIPT_H
#define SHIM_SCRIPT_H

#define SCRIPT_LINE 256          /* BINPRM_BUF_SIZE: what the kernel reads of a program */
#define SCRIPT_LEVELS 5          /* interpreters that are scripts, and theirs */

struct script {
	char line[SCRIPT_LINE + 1];
	char *interpreter, *argument;    /* in `line`; the argument may be NULL */
};

/*
 * Reads the program `path`, a name for the kernel. 1 and *s if it is a
 * script, 0 if not or if it cannot be read. Keeps errno; async-signal-safe.
 */
int script_read(struct script *s, const char *path);

#endif
