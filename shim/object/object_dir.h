/* SPDX-License-Identifier: MIT */
/* Reading directories without a kernel directory. */
#ifndef SHIM_OBJECT_DIR_H
#define SHIM_OBJECT_DIR_H

#include "backend.h"

/*
 * getdents64(2): the entries from the description's position on, which counts
 * entries. They are those that were there when the position was 0, so that a
 * program that removes what it reads misses none. Bytes, 0 at the end, or
 * -errno.
 */
ssize_t object_getdents(struct file *f, int fd, void *buf, size_t n);

/* Frees what f remembers of its entries. */
void object_dir_released(struct file *f);

#endif
