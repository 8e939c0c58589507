/* SPDX-License-Identifier: MIT */
/*
 * The calls on an open file of ours: the same names, arguments, results and
 * errno as libc's, with the file in front. The only place where a back end's
 * -errno becomes errno. `fd` is the descriptor the program used; it is a
 * kernel descriptor of the same file. errno is untouched on success. Any
 * thread; async-signal-safe where libc's call is.
 */
#ifndef SHIM_FILE_H
#define SHIM_FILE_H

#include <errno.h>

#include "backend.h"
#include "base/hidden.h"
#include "place.h"
#include "stats/stats.h"

ssize_t file_read(struct file *f, int fd, void *buf, size_t n);
ssize_t file_write(struct file *f, int fd, const void *buf, size_t n);
ssize_t file_pread(struct file *f, int fd, void *buf, size_t n, off_t off);
ssize_t file_pwrite(struct file *f, int fd, const void *buf, size_t n, off_t off);
ssize_t file_readv(struct file *f, int fd, const struct iovec *iov, int cnt);
ssize_t file_writev(struct file *f, int fd, const struct iovec *iov, int cnt);
ssize_t file_preadv(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off);
ssize_t file_pwritev(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off);
ssize_t file_preadv2(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off, int flags);
ssize_t file_pwritev2(struct file *f, int fd, const struct iovec *iov, int cnt, off_t off, int flags);
int file_ftruncate(struct file *f, int fd, off_t len);
int file_fallocate(struct file *f, int fd, int mode, off_t off, off_t len);
int file_posix_fallocate(struct file *f, int fd, off_t off, off_t len);
int file_fsync(struct file *f, int fd);
int file_fdatasync(struct file *f, int fd);

/* Whether there is room to write n bytes at `off` (-1: the position): 0, or -1 and ENOSPC. */
int file_room(struct file *f, int fd, off_t off, size_t n);

/*
 * The file behind a descriptor that is not in the table, if it lies under a
 * rule whose back end must be told of truncations: inherited, received, or
 * opened by libc. It is in the table then. NULL if not; errno is kept.
 */
struct file *file_adopt(int fd);

/*
 * Makes a fresh descriptor of a regular file ours, if `m` is a rule's mount
 * or there are no rules and calls are timed. `flags` are those of open(2),
 * `name` goes into the statistics (NULL: ask the kernel). No-op otherwise.
 * errno is kept.
 */
void file_attach(int fd, int flags, struct mount *m, const char *name);

/* Sets errno from -errno and returns -1; other values pass through. */
static inline ssize_t ret_errno(ssize_t r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

#endif
