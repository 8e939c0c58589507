/* SPDX-License-Identifier: MIT */
/* A copy that the kernel can execute or map of a file it does not have. */
#ifndef SHIM_OBJECT_IMAGE_H
#define SHIM_OBJECT_IMAGE_H

#include "files/place.h"

/*
 * A close-on-exec descriptor of a copy in memory of what the place names, a
 * regular file that may be executed, or -errno (EACCES); `flags` as execveat(2). The caller's to
 * close. May be called in a vfork child.
 */
int object_image(const struct place *p, int flags);

/* Likewise of what may be read, which `st` (not NULL) becomes the status of; a library. */
int object_copy_of(const struct place *p, struct statx *st);

#endif
