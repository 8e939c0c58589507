/* SPDX-License-Identifier: MIT */
/*
 * Files without a kernel file (object_ops.h), as the doors use them. A
 * `struct file` with an `ofd` is one. For every row of calls.def that works on
 * a descriptor there is object_NAME with the file in front, for every one on a
 * path object_NAME with the place in front. All return >= 0 or -errno (a
 * pointer as ssize_t); they may change errno. Async-signal-safe where libc's
 * call is, except that opening and closing take the registry's time.
 */
#ifndef SHIM_OBJECT_H
#define SHIM_OBJECT_H

#include <limits.h>

#include "backend.h"
#include "files/fdtab.h"
#include "base/hidden.h"
#include "files/mount.h"
#include "object_calls.h"
#include "files/place.h"

/* The file behind fd if it is one of these, borrowed as fdtab_get's. */
static inline struct file *object_of(int fd)
{
	struct file *f = objects_on ? fdtab_get(fd) : NULL;

	return f && f->ofd ? f : NULL;
}

/*
 * Whether the call that is being served could be cancelled before (door.h's
 * OBJECT_RESULT), and the place for a call that waits to be cancelled.
 */
extern __thread unsigned char object_cancellable;
void object_cancellation_point(void);

/* Opens the place: a descriptor in the table, or -errno. */
int object_open(const struct place *p, int flags, mode_t mode);

/*
 * The file of a descriptor that came from elsewhere (exec, SCM_RIGHTS), put
 * into the table; NULL if it is no placeholder of a mount of ours.
 */
struct file *object_adopt(int fd);

/* Before main, and after the mounts: adopts every inherited descriptor. */
void object_adopt_all(void);

/*
 * Closes fd, which is f; if it was the last descriptor anywhere, what the
 * back end says of the file's end is the result.
 */
int object_close(struct file *f, int fd);

/*
 * Around what may close a descriptor otherwise (dup2 onto it, freopen):
 * object_hold before; object_let_go after, `closed` if it did, and its result
 * as above.
 */
struct file *object_hold(int fd);
int object_let_go(struct file *f, int closed);

/*
 * A name of m was changed (`both`: the two were exchanged) or removed: every
 * open file that has it, in any process, is told.
 */
void object_renamed(struct mount *m, const char *from, const char *to, int both);
void object_removed(struct mount *m, const char *name, const struct statx *st);

/* close(2) in a vfork child, whose descriptors are not the table's. */
int object_close_lent(int fd);

/*
 * Around what makes, duplicates or closes descriptors of such files, +1 and
 * -1: a fork child made in between by another thread gives up those that its
 * table does not know, as if the fork had come first.
 */
void object_change(int by);
void object_fork_child(void);

/*
 * Around exec: what it closes is closed and not lost, whoever notices. The
 * second if it failed.
 */
void object_exec_begin(void);
void object_exec_failed(void);

/* Before main: ends what the dead left, and what the exec closed. */
void object_sweep(void);

/* fcntl(2) but for F_DUPFD. */
ssize_t object_fcntl(struct file *f, int fd, int cmd, void *arg);

/* The process ends of its own will: closes all. */
void object_exit(void);

/* fdtab's: nobody in this process uses f any more. */
void object_released(struct file *f);

/* The file's path as the program knows it, from its prefix; PATH_MAX bytes. */
void object_path(const struct file *f, char *path);

/*
 * Another process's descriptor: `text`, n bytes of PATH_MAX, is what its link
 * in /proc says. If that is a placeholder of ours and the file has a name, the
 * text becomes its path, with a zero at its end, and 1 is returned; else 0.
 */
int object_elsewhere(char *text, size_t n);

#endif
