/* SPDX-License-Identifier: MIT */
/* What a line of shim s3 cp or mv comes to: a task for each file or object. */
#ifndef S3_AGENT_CMD_PLAN_H
#define S3_AGENT_CMD_PLAN_H

#include "cmd_target.h"
#include "cmd_task.h"

/* Where things are copied to. */
struct plan_to {
	const char *word;
	int local, stream;              /* no target; "-" */
	int into;                       /* a directory: what is copied keeps its own name in it */
	struct cmd_target t;
};

struct plan {
	struct plan_to to;
	int all;                        /* -r */
	int new_dir;                    /* the destination is a directory to be made here */
	struct task_list tasks;
	char **dir;                     /* of a move: directories that are empty then, malloc'ed; the deepest first */
	size_t dirs, dirs_room;
	int status;                     /* of what was told of already */
};

/* All of these say what is wrong, and return an exit status. */
int plan_to(struct plan *p, const char *word);
int plan_from(struct plan *p, const char *word);
void plan_free(struct plan *p);

/*
 * The name that something is copied under: the last part of the word, without
 * slashes after it; "" if it stands for what is in it: a bucket, "dir/", ".", "..".
 */
void plan_name(const char *word, char name[S3_NAME_MAX]);

/* ---- what the files of the plan share */

/* What a word names here, or in a bucket: its tasks. The status. */
int plan_files(struct plan *p, const char *word);       /* cmd_plan_files.c */
int plan_objects(struct plan *p, const char *word);     /* cmd_plan_keys.c */

/* A line, and the status of the whole. */
int plan_wrong(struct plan *p, const char *word, const char *why);
char *plan_joined(const char *a, const char *b, const char *c);        /* malloc'ed */
struct task_end plan_here(const char *path, size_t trusted);
struct task_end plan_there(struct s3_bucket *b, const char *prefix, const char *key);
/*
 * A task from there to what is called name (a path: "a/b") below the destination, or to the destination itself ("");
 * key: of something that was in a bucket, what it is in another, or NULL. NULL after a message. Takes from.name.
 */
struct task *plan_add(struct plan *p, struct task_end from, const char *name, const char *key, int64_t size);

#endif
