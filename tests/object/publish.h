/* SPDX-License-Identifier: MIT */
/*
 * object:DIR?publish=close: a file opened for writing is staged in
 * DIR/stage/ID, a copy of the object, and the object is replaced as a whole at
 * fsync and at the last close anywhere. Whoever has the object open keeps the
 * version it opened. The name of a new file is there at once, empty. While
 * there is a file DIR/fail, publishing fails with EIO.
 *
 * Functions return >= 0 or -errno.
 */
#ifndef TESTS_OBJECT_PUBLISH_H
#define TESTS_OBJECT_PUBLISH_H

#include "backend.h"

/* Whether the rule says so. */
int publish_on(const struct mount *m);

/* Whether the description is staged. */
int publish_is_staged(const struct ofd *o);

/* Whether opening fd, a file of DIR, with these flags has to do it. */
int publish_wanted(const struct mount *m, int fd, int flags);

/* Stages what `fd` has, nothing if the flags have O_TRUNC. The stage, open. */
int publish_stage(struct file *f, int fd, int flags);

/* Another process's descriptor of the stage. */
int publish_attach(struct file *f);

/* Before each change of the stage. */
void publish_dirty(struct file *f);

/* Publishes. An error that nobody was told of is told now. */
int publish_sync(struct file *f);

/* The end; *word is what the log says. */
int publish_finish(struct mount *m, struct ofd *o, enum ofd_end how, const char **word);

/* A name was removed, or given to another file: what is staged for it is dropped. */
void publish_removed(struct mount *m, const char *name);

/* truncate(2) by name, as one more version. */
int publish_truncate(struct mount *m, const char *path, off_t len);

#endif
