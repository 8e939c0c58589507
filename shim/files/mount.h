/* SPDX-License-Identifier: MIT */
/*
 * The rules as mounts, and which of them a path belongs to. Built once
 * before main, immutable but for a mount's start.
 */
#ifndef SHIM_MOUNT_H
#define SHIM_MOUNT_H

#include "backend.h"

/* The mount of files under no rule; its back end is posix. */
extern struct mount mount_none;

/* The rules, and how many there are. */
extern struct mount *mounts;
extern unsigned mounts_count;

/* Whether any rule keeps its files elsewhere than under its prefix. */
extern int mounts_redirect;

/*
 * Makes the mounts of a configuration; `c` must outlive the process's use of
 * them. Returns 0, or -errno with `*bad` the rule that failed.
 */
int mounts_init(const struct conf *c, const struct conf_rule **bad);

/*
 * The mount a path belongs to, by the longest prefix of whole components.
 * `path` is absolute and clean (no ".", "..", "//", trailing slash). A path
 * in the directory that serves a mount belongs to it too; then *root is set,
 * else the part after the prefix is relative to m->root. *rel is that part,
 * "" or "/...". Never NULL: mount_none if no rule matches.
 */
struct mount *mount_find(const char *path, const char **rel, int *in_root);

/* Whether `path` (as above) is a proper ancestor of a redirected prefix. */
int mount_is_ancestor(const char *path);

/*
 * The next component below the clean path `dir` on the way to a redirected
 * prefix: its length, or 0 after the last. *i, 0 at first, is the cursor. The
 * name is the mounts' own, without a NUL; one may come several times.
 */
size_t mount_child(const char *dir, unsigned *i, const char **name);

/*
 * A mount of whose prefix `path` is a proper ancestor, though it was not on the
 * disk when the mounts were made (above.h); NULL if there is none.
 */
const struct mount *mount_below(const char *path);

/* Whether there are any such ancestors. */
extern int mounts_above;

/* Whether any mount has one of these flags: BE_PIN, BE_SHRINK, BE_TASK, BE_WROTE. */
extern int mounts_pin, mounts_shrink, mounts_task, mounts_wrote;

/* Whether any mount has files without a kernel file (object.h). */
extern int objects_on;

/* Tells the back end, if it wants to know. */
static inline void mount_looked_at(struct mount *m)
{
	if (m->be->looked_at)
		m->be->looked_at(m);
}

/* Runs the back end's start() if it has not run in this process. 0 or -errno. */
int mount_start(struct mount *m);

#endif
