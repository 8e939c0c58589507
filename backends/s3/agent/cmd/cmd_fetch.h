/* SPDX-License-Identifier: MIT */
/* What cmd_fetch.c, where the bytes come from, and cmd_fetch_place.c, where they go, share; nobody else includes it. */
#ifndef S3_AGENT_CMD_FETCH_H
#define S3_AGENT_CMD_FETCH_H

#include <limits.h>

#include "cmd_task.h"

struct fetch {
	struct task *t;
	int dir, fd;                    /* where it goes, and what is written; -1 */
	char base[NAME_MAX + 1], temp[64];      /* names in there; temp "": there is none */
	int stream, relay;
	struct piece *pieces;
	unsigned going;
	int known, again;               /* the version; it was asked for without a range */
	struct s3_attr attr;
	int64_t next, got;
	int err;
	char *preserve;                 /* of a relay */
	char link[PATH_MAX];
	size_t link_len;
};

/* All of these: >= 0, or -errno. */

/*
 * The directory a file is to be made in, open, and its last component. Below
 * what the user wrote directories are made, and no link is followed.
 */
int fetch_open_dir(const struct task_end *e, char base[NAME_MAX + 1]);
int fetch_make_dir(struct fetch *f);
/* f->fd: a file beside the one that is meant; or what there is, if that is no file. */
int fetch_open_target(struct fetch *f);
/* The object's own mode and time, if the rule keeps them; else the file's that was there, and when it was put. */
int fetch_set_attributes(struct fetch *f);
/* It takes the place of what there is, or is refused; the link to what it says. */
int fetch_place(struct fetch *f);
int fetch_place_link(struct fetch *f);

#endif
