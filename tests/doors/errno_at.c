/* SPDX-License-Identifier: MIT */
/*
 * Every call that takes a directory's descriptor, with names relative to it
 * that make it fail in each way its manual page lists: what errno_paths has of
 * whole paths.
 * not: uring uring,engine=ring
 */
#include "errnos.h"

#include <linux/openat2.h>

static int d;       /* the door's directory */

#define RELATIVE(call, name) do {                                             \
	const char *path = (name);                                            \
	if (outcome(*path ? path : "\"\"", (long)(call)))                     \
		build();                                                      \
} while (0)

/* `call`, in d and path, on each name; bad pointers as EACH_PATH has them. */
#define EACH_AT(call) do {                                                    \
	*line = 0;                                                            \
	for (size_t j_ = 0; j_ < COUNT(tried); j_++)                          \
		if (*tried[j_] != '/')                                        \
			RELATIVE(call, tried[j_]);                            \
	TRY_POINTERS(call);                                                   \
	say("%d: %s:%s", __LINE__, #call, line);                              \
} while (0)

static int opened(int fd)
{
	return fd < 0 ? -1 : close(fd);
}

static void looks(void)
{
	struct stat st;
	struct statx stx;
	char b[100];

	EACH_AT(fstatat(d, path, &st, 0));
	EACH_AT(fstatat(d, path, &st, AT_SYMLINK_NOFOLLOW));
	EACH_AT(statx(d, path, AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &stx));
	EACH_AT(faccessat(d, path, R_OK, 0));
	EACH_AT(faccessat(d, path, W_OK | X_OK, AT_EACCESS));
	EACH_AT(readlinkat(d, path, b, sizeof(b)));
	EACH_AT(opened(openat(d, path, O_RDONLY | O_NONBLOCK)));
	EACH_AT(opened(openat(d, path, O_PATH | O_NOFOLLOW)));
	EACH_AT(opened(openat(d, path, O_RDONLY | O_DIRECTORY)));
	CALL(readlinkat(d, "link", bad_page(), 10));
	CALL(readlinkat(d, "link", b, OPAQUE(0ul)));
	CALL(fstatat(d, "file", (struct stat *)bad_page(), 0));
	CALL(fstatat(d, "file", &st, 1 << 20));
	CALL(statx(d, "file", 1 << 20, STATX_SIZE, &stx));
	CALL(statx(d, "file", 0, STATX__RESERVED, &stx));
	CALL(statx(d, "file", 0, STATX_SIZE, (struct statx *)bad_page()));
	CALL(statx(d, "file", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &stx));
	CALL(faccessat(d, "file", 99, 0));
	CALL(faccessat(d, "file", R_OK, 1 << 20));
}

static void makes(void)
{
	EACH_AT(opened(openat(d, path, O_RDWR | O_NONBLOCK | O_CREAT, 0644)));
	EACH_AT(opened(openat(d, path, O_RDWR | O_CREAT | O_EXCL, 0644)));
	EACH_AT(mkdirat(d, path, 0755));
	EACH_AT(mknodat(d, path, S_IFREG | 0644, 0));
	EACH_AT(mknodat(d, path, S_IFCHR | 0644, 0x103));
	if (has_nodes())
		EACH_AT(mkfifoat(d, path, 0644));
	EACH_AT(symlinkat("text", d, path));
	EACH_AT(linkat(d, "file", d, path, 0));
	EACH_AT(linkat(d, path, d, "new", 0));
	EACH_AT(linkat(d, path, d, "new", AT_SYMLINK_FOLLOW));
	CALL(mknodat(d, "new", 0170000, 0));
	CALL(linkat(d, "file", d, "new", 1 << 20));
	CALL(linkat(d, "dir", d, "new", 0));
	EACH_AT(symlinkat(path, d, "new"));
	build();
}

static void moves(void)
{
	EACH_AT(renameat(d, "file", d, path));
	EACH_AT(renameat(d, path, d, "new"));
	EACH_AT(renameat(d, "dir", d, path));
	EACH_AT(renameat2(d, "file", d, path, RENAME_NOREPLACE));
	EACH_AT(renameat2(d, path, d, "new", RENAME_NOREPLACE));
	EACH_AT(renameat2(d, path, d, "file", RENAME_EXCHANGE));
	EACH_AT(renameat2(d, "dir", d, path, RENAME_EXCHANGE));
	CALL(renameat2(d, "file", d, "new", 1 << 10));
	CALL(renameat2(d, "file", d, "new", RENAME_NOREPLACE | RENAME_EXCHANGE));
	EACH_AT(unlinkat(d, path, 0));
	EACH_AT(unlinkat(d, path, AT_REMOVEDIR));
	CALL(unlinkat(d, "file", 1));
}

static void changes(void)
{
	struct timespec ts[2] = { { 5, 0 }, { 6, 0 } }, odd[2] = { { 5, 0 }, { 6, 1000000000 } };
	struct timeval tv[2] = { { 5, 0 }, { 6, 0 } };

	EACH_AT(fchmodat(d, path, 0755, 0));
	EACH_AT(fchownat(d, path, (uid_t)-1, (gid_t)-1, 0));
	EACH_AT(fchownat(d, path, 1, 1, AT_SYMLINK_NOFOLLOW));
	EACH_AT(utimensat(d, path, ts, 0));
	EACH_AT(utimensat(d, path, NULL, AT_SYMLINK_NOFOLLOW));
	EACH_AT(futimesat(d, path, tv));
	CALL(fchmodat(d, "file", 0644, 1 << 20));
	CALL(fchownat(d, "file", 0, 0, 1 << 20));
	CALL(utimensat(d, "file", odd, 0));
	CALL(utimensat(d, "file", ts, 1 << 20));
	CALL(utimensat(d, "file", (struct timespec *)bad_page(), 0));
}

/* `how` at its end of the memory that may be read: what is behind its own size must be zero. */
static int open2(const char *path, uint64_t flags, uint64_t mode, uint64_t resolve, size_t size)
{
	char room[200] = "";
	struct open_how how = { flags, mode, resolve };

	memcpy(room, &how, sizeof(how));
	room[100] = 1;
	return opened((int)syscall(SYS_openat2, d, path, room, size));
}
#define SIZE sizeof(struct open_how)

static void second(void)
{
	EACH_AT(open2(path, O_RDONLY | O_NONBLOCK, 0, 0, SIZE));
	EACH_AT(open2(path, O_RDWR | O_NONBLOCK | O_CREAT, 0600, 0, SIZE));
	CALL(open2("file", O_RDONLY, 0, 0, SIZE + 8));
	CALL(open2("file", O_RDONLY, 0, 0, 200));
	CALL(open2("file", O_RDONLY, 0, 0, SIZE - 8));
	CALL(open2("file", O_RDONLY, 0, 0, 5000));
	CALL(open2("file", O_RDONLY, 0600, 0, SIZE));
	CALL(open2("new", O_RDWR | O_CREAT, 0200000, 0, SIZE));
	CALL(open2("file", 1ull << 40, 0, 0, SIZE));
	CALL(open2("file", O_PATH | O_RDWR, 0, 0, SIZE));
	CALL(open2("file", O_RDONLY, 0, 1 << 20, SIZE));
	CALL((int)syscall(SYS_openat2, d, "file", bad_page(), SIZE));
	if (!has_nodes())       /* what resolves is not the kernel */
		return;
	EACH_AT(open2(path, O_RDONLY | O_NONBLOCK, 0, RESOLVE_BENEATH, SIZE));
	EACH_AT(open2(path, O_RDONLY | O_NONBLOCK, 0, RESOLVE_NO_SYMLINKS, SIZE));
	EACH_AT(open2(path, O_RDWR | O_NONBLOCK | O_CREAT, 0600, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS, SIZE));
	CALL(open2("..", O_RDONLY, 0, RESOLVE_BENEATH, SIZE));
	CALL(open2("/etc", O_RDONLY, 0, RESOLVE_BENEATH, SIZE));
	CALL(open2("/file", O_RDONLY, 0, RESOLVE_IN_ROOT, SIZE));
	CALL(open2("../../dir/in", O_RDONLY, 0, RESOLVE_IN_ROOT, SIZE));
	CALL(open2("file", O_RDONLY, 0, RESOLVE_IN_ROOT | RESOLVE_BENEATH, SIZE));
	CALL(open2("dir/in", O_RDONLY, 0, RESOLVE_NO_XDEV, SIZE));
}

static void door(void)
{
	begin();
	d = open(dir, O_RDONLY | O_DIRECTORY);
	looking = 1;
	looks();
	looking = 0;
	makes();
	moves();
	changes();
	second();
	close(d);
}
