/* SPDX-License-Identifier: MIT */
/*
 * From the path a program names to the file that serves it. Without a rule
 * that redirects, a path is left as it is and only attributed to its rule.
 * With one, it is walked component by component as the kernel would: `.`,
 * `..` and symbolic links, from the working directory or any directory
 * descriptor, so that no way into a prefix is missed and none out of a store
 * leads to a file beside it.
 */
#ifndef SHIM_PLACE_H
#define SHIM_PLACE_H

#include <limits.h>
#include "mount.h"

#define PLACE_PARENT (-1)

struct place {
	struct mount *mount;
	int dirfd;               /* pass these two on to libc */
	const char *path;
	int translated;          /* path is not what the program wrote */
	const char *name;        /* below an object mount (object_ops.h): "" or "/a/b", perhaps a slash; else NULL */
	struct file *file;       /* an open file of one instead: an empty path, or a link of /proc */
	int magic;               /* it was a link of /proc */
	int dots;                /* the path ends in . (1) or .. (2) */
	int links;               /* symbolic links on the way */
	char virt[PATH_MAX];     /* the clean absolute path, as the program sees it; "" if unknown */
	char real[PATH_MAX * 2]; /* where `path` points when translated */
	char rest[PATH_MAX * 2]; /* the walk's own */
	char link[PATH_MAX];
};

/*
 * Resolves `path` at `dirfd` (AT_FDCWD for the working directory); a link at
 * the end is followed if `follow` is 1, and if it is 0 only where a slash
 * comes after it; with PLACE_PARENT never, as when a name is made or removed.
 * The path may be a bad pointer: it is then
 * passed on, for the kernel to report. On success *p is a place of the pool,
 * to be given back with place_put; mount_start has run for its mount. Returns
 * 0 or -errno (ELOOP, ENOTDIR, ENAMETOOLONG, ENOMEM, or what start failed
 * with). Uses little stack.
 */
int place_get(struct place **p, int dirfd, const char *path, int follow);

/*
 * Copies the program's string without trusting its pointer: process_vm_readv
 * fails where a load would kill. Page by page, since the string may end just
 * before one that is not mapped. Returns its length, -EFAULT, or
 * -ENAMETOOLONG.
 */
ssize_t place_copy_path(char *dst, size_t size, const char *src);

/* Gives it back; errno is kept. NULL is fine. */
void place_put(struct place *p);

/* The file without a kernel file behind /proc/PID/fd/N, if PID is the caller; else NULL. */
struct file *place_magic_file(const char *path);

/*
 * The mount of an open descriptor, by what the kernel calls it now; its path
 * as the program sees it is left in virt (PATH_MAX bytes). mount_none, and
 * "" for what has no path.
 */
struct mount *place_of_fd(int fd, char *virt);

/* The path of a descriptor as the kernel knows it, into buf; 0 if it has none. */
int place_fd_path(int fd, char *buf, size_t size);

/*
 * Turns a path the kernel gave (getcwd, readlink of /proc/self/fd) into the
 * one the program knows, in place if it fits in `size`. Returns 1 if it
 * changed, 0 if not, -ERANGE if it does not fit.
 */
int place_unreal(char *path, size_t size);

#endif
