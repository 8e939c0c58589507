/* SPDX-License-Identifier: MIT */
/*
 * Copies of one thing each, which is what shim s3 cp and mv come to: cmd_cp.c
 * and cmd_plan.c say which, cmd_task.c runs some at a time, and they are carried
 * out by cmd_send.c (into a bucket), cmd_fetch.c (out of one) and cmd_between.c.
 *
 * What they make is whole or not there. A signal ends them all: uploads are
 * aborted, files that are not whole removed.
 */
#ifndef S3_AGENT_CMD_TASK_H
#define S3_AGENT_CMD_TASK_H

#include <stddef.h>

#include "cmd.h"

struct task_end {
	struct s3_bucket *b;            /* NULL: a file here */
	char *name;                     /* malloc'ed: the key; or the path, "-": standard input or output */
	size_t trusted;                 /* of a path: so much of it the user wrote; behind that no link is followed */
};

struct task {
	struct task_end from, to;
	enum task_kind { TASK_FILE, TASK_LINK, TASK_DIR } kind;     /* an object that is a link is a FILE */
	int64_t size;                   /* -1: not known */
	char etag[S3_ETAG_MAX];         /* of an object, at last the one that was copied; "": not known */

	/* while it runs: cmd_task.c's */
	int64_t told;                   /* bytes that the progress has of it */
	char *why;                      /* the last request of it that failed, or NULL */
	int missing;                    /* there was no such object: told at the end */
	/* who carries it out sets: */
	void *work;
	void (*tick)(struct task *t);   /* now and then: to call task_so_far; or NULL */
	void (*stop)(struct task *t);   /* the process is about to end: removes what is not whole; or NULL */
};

struct task_list {
	struct task *t;
	size_t n, room;
	int64_t bytes;                  /* of those whose size is known */
};

struct task_options {
	int if_absent;                  /* what is there is not replaced: an error */
	int move;                       /* the source is removed once the copy is there */
	int verbose, quiet;             /* a line each; no progress */
};
extern struct task_options task_options;

/* Takes over the names. */
struct task *task_add(struct task_list *l, struct task_end from, struct task_end to, int64_t size);
void task_list_free(struct task_list *l);
/* "FROM -> TO" and a newline on standard output. */
void task_print(const struct task *t);

/* Runs all; each that fails has a line on standard error. The exit status. */
int task_run(struct task_list *l);

/* ---- for those who carry them out */

/* Begins; task_done is called once, perhaps before it returns. */
void task_send(struct task *t);
void task_fetch(struct task *t);
void task_between(struct task *t);
/* Fetches into a file without a name and sends that: between services that cannot copy from each other. */
void task_relay(struct task *t);
/* ... which goes on here: the file becomes the task's, `preserve` are its headers (meta_save), malloc'ed. */
void task_send_on(struct task *t, int fd, char *preserve);
/* A file in the spool's directory without a name. >= 0, or -errno */
int task_spool(void);

void task_so_far(struct task *t, int64_t bytes);
/* The copy is there (0): the source is removed if it is a move, and then it is over. why NULL: what is known. */
void task_done(struct task *t, int err, const char *why);

/* cmd_task_source.c: removes what was copied, if it still is what it was; then calls over. */
void task_remove_source(struct task *t, void (*over)(struct task *t, int err, const char *why));

#endif
