/* SPDX-License-Identifier: MIT */
/*
 * flock(2) and the locks of fcntl(2) and lockf(3) on files without a kernel
 * file (object_flock and object_lockf are in object_calls.h), over the table of
 * lock_table.h. A call that waits may be cancelled and interrupted, and keeps
 * nothing pinned.
 */
#ifndef SHIM_OBJECT_LOCK_H
#define SHIM_OBJECT_LOCK_H

#include "backend.h"

/* Whether this command of fcntl(2) is about locks. */
int object_is_lock(int cmd);

/* Such a command: `arg` is the program's struct flock. 0 or -errno. */
ssize_t object_lock(struct file *f, int fd, int cmd, void *arg);

/* This process has closed a descriptor of o's: its F_SETLK locks on the file go. */
void object_unlock_process(const struct ofd *o);

/* o has ended: its locks go, and who waits for them is told. */
void object_unlock_description(const struct ofd *o);

#endif
