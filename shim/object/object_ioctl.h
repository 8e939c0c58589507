/* SPDX-License-Identifier: MIT */
/* ioctl(2) on a file without a kernel file. */
#ifndef SHIM_OBJECT_IOCTL_H
#define SHIM_OBJECT_IOCTL_H

#include <sys/types.h>

#include "backend.h"

/* As ioctl(2) on a regular file or directory; -errno. */
ssize_t object_ioctl(struct file *f, int fd, unsigned long request, void *arg);

#endif
