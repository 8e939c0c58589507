/* SPDX-License-Identifier: MIT */
/*
 * fts(3) through our doors, where a rule redirects: the walk of 4.4BSD that
 * libc has (io/fts.c), with its states, its changes of directory and its errors.
 * Every entry's fts_path is the walk's one buffer, which holds any path that
 * fts_pathlen can count. Here is what the doors (fts.c) are made of; like them,
 * not for signal handlers, and a walk is for one thread at a time.
 */
#ifndef SHIM_FTS_DIR_H
#define SHIM_FTS_DIR_H

#include "base/hidden.h"

/* Bytes of the walk's path buffer. */
#define FTS_PATH_ROOM (USHRT_MAX + 2)

/* What fts_build is for: only names, fts_children, or to go on there. */
enum fts_list { NAMES, CHILDREN, READ };

/* An entry of this name of n bytes, to be freed; NULL and errno. */
FTSENT *fts_entry(const FTS *s, const char *name, size_t n);

void fts_free_list(FTSENT *p);

/* What p is, by its fts_accpath: an FTS_ value; its fields are filled in. */
unsigned short fts_look(const FTS *s, FTSENT *p, int follow);

/* The same n entries in the program's order, if it has one. */
FTSENT *fts_sorted(FTS *s, FTSENT *head, size_t n);

/*
 * Changes of the working directory, none with FTS_NOCHDIR: to a descriptor; to
 * the directory p, by a descriptor of it or, if that is -1, by `path`, but not if
 * it has become another (ENOENT); from p to where it is. 0, or -1 and errno.
 */
int fts_back_to(const FTS *s, int fd);
int fts_change_to(const FTS *s, const FTSENT *p, int fd, const char *path);
int fts_change_up(FTS *s, const FTSENT *p);

/* Puts p's name behind its parent's in the path buffer. */
void fts_set_path(FTS *s, const FTSENT *p);

/*
 * The entries of the directory s->fts_cur, looked at and linked; NULL if there
 * are none, or they cannot be read: fts_info and FTS_STOP then say so. For READ
 * the working directory is then there.
 */
FTSENT *fts_build(FTS *s, enum fts_list type);

#endif
