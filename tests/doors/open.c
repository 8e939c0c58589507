/* SPDX-License-Identifier: MIT */
/*
 * open, openat, creat and openat2: every flag that changes what is opened,
 * made or refused, with modes and the umask. Fails if a result differs.
 */
#include "door.h"

#include <linux/openat2.h>

static void mode_of(int line, const char *name)
{
	struct stat st;

	if (lstat(P(name), &st))
		say("%d: %s: %s", line, name, name_of(errno));
	else
		say("%d: %s: mode %o, size %lld, links %d", line, name, (unsigned)st.st_mode,
		    (long long)st.st_size, (int)st.st_nlink);
}
#define MODE(name) mode_of(__LINE__, name)

static void flags_of(int line, int fd)
{
	say("%d: flags %o, cloexec %d", line, (unsigned)fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
}
#define FLAGS(fd) flags_of(__LINE__, fd)

static void makes(void)
{
	int fd;
	char b[8];

	CALL(open(P("none"), O_RDONLY));
	CALL(open(P("none"), O_WRONLY | O_TRUNC));
	CALL(open(P("no/such"), O_CREAT | O_RDWR, 0644));
	fd = CALL(open(P("a"), O_RDWR | O_CREAT, 0666));
	FLAGS(fd);
	MODE("a");
	CALL(write(fd, "hello", 5));
	CALL(close(fd));
	CALL(open(P("a"), O_RDWR | O_CREAT | O_EXCL, 0666));
	CALL(open(P("a/"), O_RDWR | O_CREAT, 0666));
	CALL(open(P("b/"), O_RDWR | O_CREAT, 0666));
	CALL(open(P("a/b"), O_RDONLY));

	umask(077);
	fd = CALL(open(P("private"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 04777));
	FLAGS(fd);
	MODE("private");
	CALL(close(fd));
	umask(0);
	fd = CALL(creat(P("c"), 0421));
	FLAGS(fd);
	MODE("c");
	CALL(read(fd, b, 1));
	CALL(close(fd));
	umask(022);

	/* a mode that forbids even the maker does not count for this descriptor */
	fd = CALL(open(P("zero"), O_RDWR | O_CREAT, 0));
	CALL(write(fd, "x", 1));
	CALL(pread(fd, b, 8, 0));
	CALL(close(fd));
	MODE("zero");
}

static void access_modes(void)
{
	volatile int rdonly = O_RDONLY, wronly = O_WRONLY, rdwr = O_RDWR;
	char b[8];
	int fd;

	/* without O_CREAT the mode may be missing, and the fortified twin is called */
	fd = CALL(open(P("a"), rdonly));
	CALL(write(fd, "x", 1));
	CALL(pwrite(fd, "x", 1, 0));
	CALL(ftruncate(fd, 0));
	CALL(read(fd, b, 8));
	CALL(close(fd));
	fd = CALL(open(P("a"), wronly));
	CALL(read(fd, b, 1));
	CALL(pread(fd, b, 1, 0));
	CALL(close(fd));
	fd = CALL(openat(AT_FDCWD, P("a"), rdwr));
	CALL(read(fd, b, 8));
	CALL(close(fd));
	fd = CALL(open(P("a"), 3));
	CALL(read(fd, b, 8));
	CALL(write(fd, b, 1));
	CALL(writev(fd, NULL, 0));
	CALL(ftruncate(fd, 0));
	PTR(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
	MODE("a");
	close(fd);
	fd = CALL(open(P("a"), O_PATH));
	FLAGS(fd);
	CALL(read(fd, b, 1));
	CALL(pread(fd, b, 1, 0));
	CALL(ftruncate(fd, 0));
	CALL(fsync(fd));
	CALL(close(fd));
}

static void more_flags(void)
{
	char b[8];
	int fd;

	fd = CALL(open(P("a"), O_WRONLY | O_TRUNC));
	MODE("a");
	CALL(write(fd, "12345", 5));
	CALL(close(fd));
	fd = CALL(open(P("a"), O_RDONLY | O_TRUNC));
	MODE("a");
	CALL(close(fd));
	fd = CALL(open(P("a"), O_RDWR | O_APPEND));
	FLAGS(fd);
	CALL(write(fd, "123", 3));
	CALL(lseek(fd, 0, SEEK_SET));
	CALL(write(fd, "456", 3));
	CALL(pread(fd, b, 8, 0));
	BYTES(b, 6);
	CALL(close(fd));

	CALL(open(P("a"), O_RDONLY | O_DIRECTORY));
	CALL(open(P("a"), O_RDWR | O_DIRECTORY | O_CREAT, 0644));
	fd = CALL(open(dir, O_RDONLY | O_DIRECTORY));
	CALL(read(fd, b, 1));
	CALL(pread(fd, b, 1, 0));
	CALL(close(fd));
	CALL(open(dir, O_RDWR));
	CALL(open(dir, O_RDONLY | O_CREAT, 0644));

	CALL(symlink("a", P("link")));
	CALL(open(P("link"), O_RDONLY | O_NOFOLLOW));
	fd = CALL(open(P("link"), O_PATH | O_NOFOLLOW));
	CALL(close(fd));
	fd = CALL(open(P("link"), O_RDONLY));
	CALL(pread(fd, b, 8, 0));
	CALL(close(fd));
	CALL(symlink("made-through-link", P("dangling")));
	CALL(open(P("dangling"), O_RDONLY));
	CALL(open(P("dangling"), O_RDWR | O_CREAT | O_EXCL, 0644));
	fd = CALL(open(P("dangling"), O_RDWR | O_CREAT, 0644));
	CALL(close(fd));
	MODE("made-through-link");

	fd = CALL(open(P("a"), O_RDWR | O_SYNC));
	CALL(pwrite(fd, "s", 1, 0));
	CALL(close(fd));
	fd = CALL(open(P("a"), O_RDWR | O_DSYNC | O_NONBLOCK | O_NOCTTY | O_NOATIME));
	FLAGS(fd);
	CALL(pwrite(fd, "d", 1, 1));
	CALL(pread(fd, b, 8, 0));
	BYTES(b, 6);
	CALL(close(fd));
	CALL(open("", O_RDONLY));
}

static void unnamed(void)
{
	char b[8], proc[64];
	int fd;

	CALL(open(P("a"), O_TMPFILE | O_RDWR, 0600));
	CALL(open(dir, O_TMPFILE | O_RDONLY, 0600));
	fd = CALL(open(dir, O_TMPFILE | O_RDWR, 0640));
	struct stat st;
	CALL(fstat(fd, &st));
	say("mode %o, links %d", (unsigned)st.st_mode, (int)st.st_nlink);
	CALL(pwrite(fd, "unnamed", 7, 0));
	CALL(pread(fd, b, 8, 0));
	BYTES(b, 7);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	CALL(readlink(proc, bad_page(), 10));
	CALL(linkat(AT_FDCWD, proc, AT_FDCWD, P("named"), AT_SYMLINK_FOLLOW));
	MODE("named");
	FILE_AT(P("named"));
	CALL(close(fd));
	fd = CALL(open(dir, O_TMPFILE | O_RDWR | O_EXCL, 0640));
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	CALL(linkat(AT_FDCWD, proc, AT_FDCWD, P("never"), AT_SYMLINK_FOLLOW));
	CALL(close(fd));
}

static long openat2_(int dirfd, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .mode = flags & O_CREAT ? 0644 : 0, .resolve = resolve };

	return syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

static void second(void)
{
	int d = open(dir, O_RDONLY | O_DIRECTORY), fd;

	fd = CALL(openat2_(AT_FDCWD, P("a"), O_RDWR, 0));
	CALL(pwrite(fd, "2", 1, 0));
	CALL(close(fd));
	if (has_nodes()) {      /* the kernel must know the directory */
		fd = CALL(openat2_(d, "a", O_RDONLY, RESOLVE_BENEATH));
		CALL(close(fd));
		CALL(openat2_(d, "../a", O_RDONLY, RESOLVE_BENEATH));
	}
	CALL(openat2_(d, "link", O_RDONLY, RESOLVE_NO_SYMLINKS));
	fd = CALL(openat2_(d, "new2", O_RDWR | O_CREAT | O_EXCL, 0));
	CALL(close(fd));
	MODE("new2");
	CALL(openat2_(d, "new2", O_RDWR | (1ull << 40), 0));
	CALL(syscall(SYS_openat2, d, "new2", OPAQUE((void *)-1), 24));
	CALL(syscall(SYS_openat2, d, "new2", NULL, 3));
	close(d);
}

static void unbuffered(void)
{
	static _Alignas(4096) char page[8192];
	int fd;

	if (!takes_direct())
		return;
	fd = CALL(open(P("direct"), O_RDWR | O_CREAT | O_DIRECT, 0644));
	FLAGS(fd);
	pattern(page, sizeof(page), 7);
	CALL(pwrite(fd, page, 8192, 0));
	CALL(pwrite(fd, page, 100, 8192));
	CALL(pread(fd, page, 100, 0));
	memset(page, 0, sizeof(page));
	CALL(pread(fd, page, 8192, 0));
	BYTES(page, 8192);
	CALL(pread(fd, page, 8192, 4096));
	BYTES(page, 4096);
	CALL(pread(fd, page, 4096, 8192));
	CALL(close(fd));
}

static void door(void)
{
	makes();
	access_modes();
	more_flags();
	unnamed();
	second();
	unbuffered();
}
