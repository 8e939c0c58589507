/* SPDX-License-Identifier: MIT */
/*
 * Turns a door's calls into the names older or unusual binaries import: the
 * __ names, and the stat family from before glibc 2.33, which takes a version.
 */
int __open64(const char *path, int flags, ...);
ssize_t __read(int fd, void *buf, size_t n);
ssize_t __write(int fd, const void *buf, size_t n);
ssize_t __pread64(int fd, void *buf, size_t n, off_t off);
ssize_t __pwrite64(int fd, const void *buf, size_t n, off_t off);
off_t __lseek(int fd, off_t off, int whence);
int __close(int fd);
int __dup2(int from, int to);
int __fcntl(int fd, int cmd, ...);
int __xstat64(int ver, const char *path, struct stat *st);
int __lxstat(int ver, const char *path, struct stat *st);
int __fxstat64(int ver, int fd, struct stat *st);
int __fxstatat(int ver, int dirfd, const char *path, struct stat *st, int flags);
int __statfs(const char *path, struct statfs *st);
int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);

#define open(...) __open64(__VA_ARGS__)
#define openat(...) openat64(__VA_ARGS__)
#define creat(...) creat64(__VA_ARGS__)
#define read(...) __read(__VA_ARGS__)
#define write(...) __write(__VA_ARGS__)
#define pread(...) __pread64(__VA_ARGS__)
#define pwrite(...) __pwrite64(__VA_ARGS__)
#define preadv2(...) preadv64v2(__VA_ARGS__)
#define pwritev2(...) pwritev64v2(__VA_ARGS__)
#define lseek(...) __lseek(__VA_ARGS__)
#define close(...) __close(__VA_ARGS__)
#define dup2(...) __dup2(__VA_ARGS__)
#define fcntl(...) __fcntl(__VA_ARGS__)
#define stat(path, st) __xstat64(1, path, st)
#define lstat(path, st) __lxstat(1, path, st)
#define fstat(fd, st) __fxstat64(1, fd, st)
#define fstatat(fd, path, st, f) __fxstatat(1, fd, path, st, f)
#define statfs(path, st) __statfs(path, st)
#define sigaction(s, a, o) __sigaction(s, a, o)
#define access(...) euidaccess(__VA_ARGS__)
#define tmpfile() tmpfile64()
#define fopen(...) fopen64(__VA_ARGS__)
#define freopen(...) freopen64(__VA_ARGS__)
#define mkstemp(...) mkstemp64(__VA_ARGS__)
#define sendfile(...) sendfile64(__VA_ARGS__)
