/* SPDX-License-Identifier: MIT */
/*
 * A working directory that the kernel does not have. The kernel's is then an
 * empty directory of our own whose path spells the program's, so that it is
 * inherited by fork and exec, and a relative path that passes us by finds
 * nothing there.
 */
#ifndef SHIM_CWD_H
#define SHIM_CWD_H

#include <stddef.h>

#include "mount.h"

/* Goes to the directory `name` ("" or "/a/b") of m. 0 or -errno. */
int cwd_enter(const struct mount *m, const char *name);

/*
 * After a directory of m got another name (or, if `both`, two changed places):
 * who is in it, in whichever process of the user, stays in it. Errors are not told.
 */
void cwd_renamed(const struct mount *m, const char *from, const char *to, int both);

/*
 * Turns the kernel's path of such a directory into the program's, in place:
 * 1 if it was one, else 0.
 */
int cwd_unreal(char *path);

#endif
