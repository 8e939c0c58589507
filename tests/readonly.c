/* SPDX-License-Identifier: MIT */
/*
 * A door (doors/door.h) for a directory that was made writable and is not any
 * more: every call that would change something, on a file, a directory, a link
 * and a name that is not there. readonly.sh prepares it.
 */
#include "doors/door.h"

static const char *const names[] = { "file", "dir", "link", "none", "file/below", "" };

/* The call on each name, as `path`. */
#define EACH(expr) do {                                                       \
	for (size_t i_ = 0; i_ < sizeof(names) / sizeof(*names); i_++) {      \
		const char *path = P(names[i_]);                              \
		say("%s:", names[i_]);                                        \
		CALL(expr);                                                   \
	} } while (0)

static void opens(void)
{
	EACH(close(open(path, O_WRONLY)));
	EACH(close(open(path, O_RDWR)));
	EACH(close(open(path, O_RDONLY | O_TRUNC)));
	EACH(close(open(path, O_RDONLY | O_CREAT, 0644)));
	EACH(close(open(path, O_RDWR | O_CREAT | O_EXCL, 0644)));
	EACH(close(open(path, O_RDWR | O_TMPFILE, 0600)));
	EACH(creat(path, 0644));
	EACH(access(path, R_OK));
	EACH(access(path, W_OK));
	EACH(faccessat(AT_FDCWD, path, W_OK, AT_EACCESS));
}

static void makes(void)
{
	EACH(mkdir(path, 0755));
	EACH(symlink("text", path));
	EACH(mknod(path, S_IFREG | 0644, 0));
	EACH(link(P("file"), path));
	EACH(link(path, P("new")));
	EACH(rename(path, P("new")));
	EACH(rename(P("file"), path));
}

static void changes(void)
{
	const struct timespec ts[2] = { { 5, 0 }, { 6, 0 } };

	EACH(truncate(path, 1));
	EACH(unlink(path));
	EACH(rmdir(path));
	EACH(chmod(path, 0600));
	EACH(chown(path, getuid(), getgid()));
	EACH(lchown(path, getuid(), getgid()));
	EACH(utimensat(AT_FDCWD, path, ts, 0));
	EACH(utimensat(AT_FDCWD, path, ts, AT_SYMLINK_NOFOLLOW));
	EACH(setxattr(path, "user.a", "b", 1, 0));
	EACH(removexattr(path, "user.a"));
}

static void by_descriptor(void)
{
	int fd = open(P("file"), O_RDONLY), d = open(dir, O_RDONLY | O_DIRECTORY);

	CALL(fchmod(fd, 0600));
	CALL(fchown(fd, getuid(), getgid()));
	CALL(futimens(fd, NULL));
	CALL(fsetxattr(fd, "user.a", "b", 1, 0));
	CALL(ftruncate(fd, 1));
	CALL(fsync(fd));
	CALL(mkdirat(d, "new", 0755));
	CALL(unlinkat(d, "file", 0));
	CALL(fchmodat(d, "file", 0600, 0));
	CALL(openat(d, "new", O_WRONLY | O_CREAT, 0644));
	CONTENT(fd);
}

static void door(void)
{
	opens();
	makes();
	changes();
	by_descriptor();
}
