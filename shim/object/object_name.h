/* SPDX-License-Identifier: MIT */
/* Names of files without a kernel file: what place.c, the doors and object_*.c share. */
#ifndef SHIM_OBJECT_NAME_H
#define SHIM_OBJECT_NAME_H

#include "backend.h"
#include "files/place.h"

enum object_name {
	OBJECT_ANY = 0,
	OBJECT_CREATE,       /* open(2) may make it: a slash at its end is -EISDIR */
	OBJECT_NEW,          /* is about to be made, and no directory: a slash at its end is -ENOENT */
	OBJECT_NEWDIR,       /* a directory is about to be made: a slash at its end is fine */
};

/*
 * The name of a place below its mount, without slashes at the end, into `name`
 * (PATH_MAX bytes). With a slash, or /., there: -ENOTDIR unless it is a
 * directory, and what OBJECT_* says.
 */
int object_name_of(const struct place *p, char *name, enum object_name kind);

/*
 * What a call on the place is about, with PATH_MAX bytes for the name; an
 * empty path is the open file only if `flags` has AT_EMPTY_PATH.
 */
int object_at_of(const struct place *p, int flags, struct object_at *at, char *name);

/* Whether the name is a directory that the caller may pass: 0 or -errno. The second: the one it is in. */
int object_name_pass(struct mount *m, const char *name);
int object_name_parent(struct mount *m, const char *name);

/* The value of expr about what the place names, as `at`. */
#define ABOUT(p, flags, expr) ({                                              \
	struct object_at at_, *at = &at_;                                     \
	char name_[PATH_MAX];                                                 \
	ssize_t r_ = object_at_of(p, flags, at, name_);                       \
	r_ < 0 ? r_ : (ssize_t)(expr); })

/* The value of expr about a name of the kind, as `name`; OBJECT_*, and -ENOENT for an empty path. */
#define NAMED(p, kind, expr) ({                                               \
	char name[PATH_MAX];                                                  \
	ssize_t r_ = (p)->file && !(p)->dots ? -ENOENT : object_name_of(p, name, kind);     \
	r_ < 0 ? r_ : (ssize_t)(expr); })

/* Cuts slashes, and a dot after one, from the end of a name; whether there were any. */
int object_name_trim(char *name);

/* The directory that a name is in, into `parent` (PATH_MAX bytes): 0 or -ENAMETOOLONG. */
int object_parent_name(const char *name, char *parent);

/* lstat and readlink of a name of m, for the walk. */
int object_name_stat(struct mount *m, const char *name, struct statx *st);
ssize_t object_link_text(struct mount *m, const char *name, char *buf, size_t n);

/* The calls with two names, or one that goes back to the program. */
int object_rename(const struct place *from, const struct place *to, unsigned flags);
int object_link(const struct place *from, const struct place *to, int flags);
int object_symlink(const char *target, const struct place *p);
ssize_t object_readlink(const struct place *p, char *buf, size_t n);
int object_truncate(const struct place *p, off_t len);

/* A name that has no kernel file, bound or connected to: always an error. */
int object_bind(const struct place *p);
int object_connect(const struct place *p);

#endif
