/* SPDX-License-Identifier: MIT */
/*
 * The system headers calls.def draws its types from, and prototypes of the
 * names libc exports but no header declares for us: the fortified twins
 * (debug/ in glibc), the stat family of binaries built before glibc 2.33,
 * and openat2, a symbol only since 2.43.
 */
#ifndef SHIM_HIDDEN_H
#define SHIM_HIDDEN_H

#ifdef _FILE_OFFSET_BITS
#error "_FILE_OFFSET_BITS renames the functions we define; leave it unset"
#endif

#include <aio.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <linux/openat2.h>
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

int __open_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __mq_open_2(const char *name, int oflag);
int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags);
int openat2(int dirfd, const char *path, struct open_how *how, size_t size);
ssize_t __read_chk(int fd, void *buf, size_t n, size_t len);
ssize_t __recvfrom_chk(int s, void *buf, size_t n, size_t size, int flags, struct sockaddr *addr,
		       socklen_t *len);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t len);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
		size_t len);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t off, size_t len);
ssize_t __readlink_chk(const char *path, char *buf, size_t n, size_t len);
ssize_t __readlinkat_chk(int dirfd, const char *path, char *buf, size_t n, size_t len);
char *__getcwd_chk(char *buf, size_t n, size_t len);
char *__getwd_chk(char *buf, size_t len);
char *__realpath_chk(const char *path, char *resolved, size_t len);
int __dprintf_chk(int fd, int flag, const char *fmt, ...);
int __vdprintf_chk(int fd, int flag, const char *fmt, va_list ap);
int __vasprintf_chk(char **out, int flag, const char *fmt, va_list ap);
int __fxstat(int ver, int fd, struct stat *st);
int __xstat(int ver, const char *path, struct stat *st);
int __lxstat(int ver, const char *path, struct stat *st);
int __xmknod(int ver, const char *path, mode_t mode, dev_t *dev);
int __xmknodat(int ver, int dirfd, const char *path, mode_t mode, dev_t *dev);
int __fxstatat(int ver, int dirfd, const char *path, struct stat *st, int flags);

#endif
