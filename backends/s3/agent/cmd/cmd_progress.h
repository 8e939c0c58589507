/* SPDX-License-Identifier: MIT */
/*
 * How far long work is, on a terminal only, and only after a second. One at a
 * time; whoever prints a line meanwhile calls progress_clear before.
 */
#ifndef S3_AGENT_CMD_PROGRESS_H
#define S3_AGENT_CMD_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

enum {
	PROGRESS_OUTPUT = 1,            /* the work is output: not where the terminal shows that, too */
	PROGRESS_COUNT = 2,             /* things are counted, not bytes */
};

/* what: NULL: nothing is shown; must live until progress_end. total -1: not known. */
void progress_begin(const char *what, int64_t total, unsigned flags);
void progress_add(int64_t n);           /* less than 0: some has to be done again */
void progress_show(void);               /* though nothing was added */
void progress_clear(void);
void progress_end(void);

/* The line after so many seconds. Pure. */
void progress_line(char *out, size_t room, const char *what, int64_t done, int64_t total, double seconds, unsigned flags);

#endif
