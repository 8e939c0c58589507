/* SPDX-License-Identifier: MIT */
/*
 * Directories above a prefix that are on no disk: for a rule /a/b/c=mem: where
 * /a does not exist, the program must find /a and /a/b. Stand-ins serve them,
 * empty directories that nobody may write, at the same path below a directory
 * of this user on tmpfs. What is in them, to the program, is made up by dirs.c.
 */
#ifndef SHIM_ABOVE_H
#define SHIM_ABOVE_H

#include <stddef.h>

/*
 * Where the stand-in of `virt` (a clean absolute path, mount_is_above) is,
 * into `path` of `size` bytes; made if it is not there. 0, or -errno (EPERM if
 * others could write there). Any thread.
 */
int above_real(const char *virt, char *path, size_t size);

/* The other way round, in place: 1 if `path` was that of a stand-in, else 0. */
int above_unreal(char *path);

/* Whether `path`, as the kernel gave it, is a stand-in. */
int above_is(const char *path);

#endif
