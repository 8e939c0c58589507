/* SPDX-License-Identifier: MIT */
/*
 * Attributes of a name or an open file that has no kernel file: what the rows
 * on paths and on descriptors share. All return >= 0 or -errno.
 */
#ifndef SHIM_OBJECT_AT_H
#define SHIM_OBJECT_AT_H

#include "backend.h"
#include "base/hidden.h"

/* The size in bytes of an open file, or -errno. */
off_t object_size(struct file *f);

/* As the back end has them, with the version's number where there are versions; for ourselves. */
int at_look(const struct object_at *at, struct statx *st);

/* As the program is told (object_number.h), into its memory. */
int at_statx(const struct object_at *at, struct statx *st);
int at_stat(const struct object_at *at, struct stat *st);
int at_statfs(const struct object_at *at, struct statfs *st);
int at_statvfs(const struct object_at *at, struct statvfs *st);
int at_chmod(const struct object_at *at, mode_t mode);
int at_chown(const struct object_at *at, uid_t uid, gid_t gid);
/* NULL: now, as utimensat(2). */
int at_utimens(const struct object_at *at, const struct timespec ts[2]);
int at_utimes(const struct object_at *at, const struct timeval tv[2]);
long at_pathconf(const struct object_at *at, int name);
ssize_t at_getxattr(const struct object_at *at, const char *key, void *value, size_t n);
ssize_t at_listxattr(const struct object_at *at, char *list, size_t n);
int at_setxattr(const struct object_at *at, const char *key, const void *value, size_t n, int flags);
int at_removexattr(const struct object_at *at, const char *key);
int at_access(const struct object_at *at, int mode, int flags);

/* Copies to or from the program's memory, which may be none: 0 or -EFAULT. */
int at_give(void *to, const void *from, size_t n);

/* Fills a struct stat from a statx that has the basic fields. */
void statx_to_stat(const struct statx *x, struct stat *st);

#endif
