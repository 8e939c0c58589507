/* SPDX-License-Identifier: MIT */
/*
 * Where segments lie: DIR/TREE/PID-STARTTIME-N, one directory per tree of
 * processes. Finding, trusting and removing them; used by the library when a
 * process makes its segment, and by `shim report` and `shim gc`.
 *
 * A file's name says who wrote it last as far as it is known; the owner in
 * its header is the truth, and changes hands by compare-and-swap.
 *
 * Functions return >= 0 or -errno, may change errno, allocate nothing and
 * are async-signal-safe. Descriptors they return are close-on-exec and the
 * caller's to close.
 */
#ifndef SHIM_STATS_TREE_H
#define SHIM_STATS_TREE_H

#include <stdint.h>
#include <sys/types.h>

struct seg_head;

#define TREE_NAME_MAX 65              /* with the NUL */
#define TREE_SEG_NAME_MAX 64
#define TREES_MAX 64                  /* kept when a new one is made */

/* One process, told apart from a later one of the same number. */
struct process {
	pid_t pid, ppid;
	uint64_t start;               /* ticks after boot; 0 if /proc does not say */
	int zombie;                   /* it has ended, and its parent does not know */
};

/* Fills *p from /proc. -ENOENT if there is no such process. */
int process_find(pid_t pid, struct process *p);

/* Whether the owner of a segment is gone for good. `pidns` as in the header. */
int process_gone(uint64_t owner, uint64_t pidns);

/* The inode of the caller's pid namespace, 0 if unknown. */
uint64_t process_pidns(void);

/* [A-Za-z0-9-]{1,64} */
int tree_name_valid(const char *name);

/* The directory of this user's trees by default: "/dev/shm/shim-EUID". */
void tree_default_dir(char *buf, size_t size);

/*
 * Opens a directory that nobody else can write: no link, owned by the
 * effective user, mode & 077 == 0. With `make`, it is made (0700) if it is
 * missing. -EPERM if it is not to be trusted. tree_open_dir takes a path,
 * tree_open a tree of the directory `dir`.
 */
int tree_open_dir(const char *path, int make);
int tree_open(int dir, const char *name, int make);

/*
 * Calls each(name, arg) for the entries of the directory `fd` that do not
 * begin with a dot, until it returns nonzero; returns that, or 0.
 */
int tree_each(int fd, int (*each)(const char *name, void *arg), void *arg);

/*
 * Opens the segment `name` of a tree and reads its head. -EINVAL if it is not
 * a segment of this version.
 */
int tree_open_segment(int tree, const char *name, int flags, struct seg_head *head);

/* Whether every process of a tree is gone. */
int tree_dead(int dir, const char *name);

/*
 * Removes a tree whose processes are all gone; -EBUSY if one is not. A
 * process that wants to continue a segment at the same moment finds it taken.
 */
int tree_remove(int dir, const char *name);

/* Removes the oldest dead trees, `most` at the most, while there are more than `keep`. */
void tree_trim(int dir, unsigned keep, unsigned most);

#endif
