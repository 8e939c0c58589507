/* SPDX-License-Identifier: MIT */
/*
 * Growing a file of the shim's own. The program's RLIMIT_FSIZE is about the
 * program's files: past it the kernel would refuse, and send SIGXFSZ. A task
 * with limits of its own then asks, as far as the hard limit lets it.
 *
 * Both return 0 or -errno, -EFBIG without the signal past the hard limit.
 * Async-signal-safe.
 */
#ifndef SHIM_GROW_H
#define SHIM_GROW_H

#include <sys/types.h>

/* fallocate(2) and ftruncate(2). */
int grow_allocate(int fd, int mode, off_t off, off_t len);
int grow_truncate(int fd, off_t len);

#endif
