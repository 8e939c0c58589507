/* SPDX-License-Identifier: MIT */
/*
 * Directory streams of our own, for directories that show more than the kernel
 * has in them or are not the kernel's at all. Every other directory is read
 * through libc's own DIR, at the price of looking once, when it is opened,
 * whether a prefix lies below.
 *
 * A stream reads its descriptor with dirs_read and moves it with lseek, so it
 * knows nothing of where entries come from. After them come the extras
 * (extras.h), at positions from LONG_MIN on, which no file system uses. Like
 * libc's, a stream has a lock, and is not for signal handlers.
 */
#ifndef SHIM_DIRS_H
#define SHIM_DIRS_H

#include "base/hidden.h"

/*
 * Entries of the directory fd as getdents64(2) gives them, without extras: what
 * the streams and the door of getdents64 are made of. Bytes, 0 at the end, or
 * -1 and errno.
 */
ssize_t dirs_read(int fd, void *buf, size_t n);

/* Whether dirs_read has entries that libc's streams would not find. */
int dirs_own(int fd);

/* A stream on an open directory, ours or libc's; NULL and errno (ENOTDIR, ENOMEM, EBADF). */
DIR *dirs_stream(int fd);

/*
 * getdents(2), which only syscall(2) can call: as the door of getdents64, in the
 * older layout.
 */
long getdents_old(int fd, void *buf, size_t n);

#endif
