/* SPDX-License-Identifier: MIT */
/*
 * Small copies from and to memory the program named, which may not be there:
 * EFAULT then, as from a system call. A system call each; errno is kept;
 * async-signal-safe. (at_give of object_at.h makes none where it need not.)
 */
#ifndef SHIM_USER_H
#define SHIM_USER_H

#include <stddef.h>

/* n bytes of the program's at `from`: 0 or -EFAULT. */
int user_get(void *to, const void *from, size_t n);

/* n bytes into the program's memory at `to`: 0 or -EFAULT. */
int user_put(void *to, const void *from, size_t n);

#endif
