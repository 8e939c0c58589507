/* SPDX-License-Identifier: MIT */
/*
 * What may not be done with somebody else's files, in a directory where only
 * owners may remove, and with files that are immutable or append-only: EPERM
 * and EACCES of every call on a name or a descriptor.
 * not: uring uring,engine=ring
 */
#include "errnos.h"

#include <linux/fs.h>

static const char *const theirs[] = { "theirs", "sticky/theirs", "sticky/theirdir", "sticky/mine", "readable" };

/* The call on what others own, as `path`; what it changed is made again. */
#define EACH_OF_THEIRS(call) do {                                             \
	*line = 0;                                                            \
	for (size_t i_ = 0; i_ < COUNT(theirs); i_++) {                       \
		const char *path = P(theirs[i_]);                             \
		outcome(theirs[i_], (long)(call));                            \
	}                                                                     \
	say("%d: %s:%s", __LINE__, #call, line);                              \
} while (0)

static const struct timespec then[2] = { { 5, 0 }, { 6, 0 } };

static void prepare(void)
{
	mkdir(P("sticky"), 0755);
	make(P("theirs"), 10, 1), make(P("readable"), 10, 1), make(P("sticky/theirs"), 10, 1), make(P("sticky/mine"), 10, 1);
	mkdir(P("sticky/theirdir"), 0777);
	chmod(P("theirs"), 0600), chmod(P("readable"), 0604), chmod(P("sticky/theirs"), 0666), chmod(P("sticky"), 01777);
	for (size_t i = 0; i < COUNT(theirs); i++)
		if (i != 3)
			chown(P(theirs[i]), 12, 34);
	chown(P("sticky"), 56, 78);
}

static void attributes(void)
{
	struct timeval tv[2] = { { 5, 0 }, { 6, 0 } };
	struct utimbuf ut = { 5, 6 };
	struct statx stx;
	int d = open(dir, O_RDONLY | O_DIRECTORY);

	EACH_OF_THEIRS(chmod(path, 0644));
	EACH_OF_THEIRS(lchmod(path, 0644));
	EACH_OF_THEIRS(fchmodat(d, path, 04644, 0));
	EACH_OF_THEIRS(chown(path, 12, 34));
	EACH_OF_THEIRS(lchown(path, 0, 0));
	EACH_OF_THEIRS(fchownat(d, path, (uid_t)-1, 34, 0));
	EACH_OF_THEIRS(utime(path, &ut));
	EACH_OF_THEIRS(utime(path, NULL));
	EACH_OF_THEIRS(utimes(path, tv));
	EACH_OF_THEIRS(lutimes(path, tv));
	EACH_OF_THEIRS(futimesat(d, path, NULL));
	EACH_OF_THEIRS(utimensat(d, path, then, 0));
	EACH_OF_THEIRS(utimensat(d, path, NULL, AT_SYMLINK_NOFOLLOW));
	EACH_OF_THEIRS(setxattr(path, "user.a", "b", 1, 0));
	EACH_OF_THEIRS(lsetxattr(path, "trusted.a", "b", 1, 0));
	EACH_OF_THEIRS(getxattr(path, "user.none", NULL, 0));
	EACH_OF_THEIRS(removexattr(path, "user.none"));
	EACH_OF_THEIRS(access(path, R_OK));
	EACH_OF_THEIRS(faccessat(d, path, W_OK, AT_EACCESS));
	EACH_OF_THEIRS(statx(d, path, 0, STATX_UID, &stx));
	close(d);
}

static void opens(void)
{
	int fd;

	EACH_OF_THEIRS(close(open(path, O_RDONLY)));
	EACH_OF_THEIRS(close(open(path, O_RDONLY | O_NOATIME)));
	EACH_OF_THEIRS(close(open(path, O_WRONLY)));
	EACH_OF_THEIRS(close(open(path, O_RDWR | O_CREAT, 0600)));
	EACH_OF_THEIRS(close(open(path, O_RDONLY | O_TRUNC)));
	EACH_OF_THEIRS(creat(path, 0600) < 0 ? -1 : 0);
	EACH_OF_THEIRS(truncate(path, 3));
	PTR(opendir(P("theirs")));
	fd = open(P("readable"), O_RDONLY);
	CALL(fcntl(fd, F_SETFL, O_NOATIME));
	CALL(fchmod(fd, 0600));
	CALL(fchown(fd, 0, 0));
	CALL(futimens(fd, then));
	CALL(futimens(fd, NULL));
	CALL(futimes(fd, (struct timeval[2]){ { 5, 0 }, { 6, 0 } }));
	CALL(ftruncate(fd, 3));
	CALL(fallocate(fd, 0, 0, 10));
	CALL(fsetxattr(fd, "user.a", "b", 1, 0));
	CALL(fsetxattr(fd, "trusted.a", "b", 1, 0));
	CALL(fremovexattr(fd, "user.a"));
	close(fd);
}

static void names(void)
{
	EACH_OF_THEIRS(link(path, P("linked")));
	EACH_OF_THEIRS(linkat(AT_FDCWD, path, AT_FDCWD, P("linked"), 0));
	unlink(P("linked"));
	CALL(rename(P("sticky/theirs"), P("moved")));
	CALL(rename(P("file"), P("sticky/theirs")));
	CALL(rename(P("sticky/mine"), P("sticky/theirs")));
	CALL(rename(P("sticky/theirdir"), P("sticky/dir")));
	CALL(renameat2(AT_FDCWD, P("sticky/mine"), AT_FDCWD, P("sticky/theirs"), RENAME_EXCHANGE));
	CALL(renameat2(AT_FDCWD, P("sticky/theirs"), AT_FDCWD, P("new"), RENAME_NOREPLACE));
	CALL(unlink(P("sticky/theirs")));
	CALL(unlinkat(AT_FDCWD, P("sticky/theirs"), 0));
	CALL(remove(P("sticky/theirs")));
	CALL(rmdir(P("sticky/theirdir")));
	CALL(unlinkat(AT_FDCWD, P("sticky/theirdir"), AT_REMOVEDIR));
	CALL(mkdir(P("sticky/theirdir/in"), 0700));
	CALL(symlink("x", P("sticky/theirdir/link")));
	CALL(rmdir(P("sticky")));
	CALL(unlink(P("sticky/mine")));
	CALL(unlink(P("theirs")));
}

/* Sets one of the two marks of a name, or none. */
static int mark(const char *path, int flags)
{
	int fd = open(path, O_RDONLY), now, r = ioctl(fd, FS_IOC_GETFLAGS, &now);

	now = (now & ~(FS_IMMUTABLE_FL | FS_APPEND_FL)) | flags;
	r = r < 0 ? r : ioctl(fd, FS_IOC_SETFLAGS, &now);
	close(fd);
	return r;
}

static void unchanging(const char *path)
{
	int fd;

	say("%s", shown(path));
	CALL(close(open(path, O_RDONLY)));
	CALL(close(open(path, O_WRONLY)));
	CALL(close(open(path, O_RDWR | O_APPEND)));
	CALL(close(open(path, O_WRONLY | O_APPEND | O_TRUNC)));
	CALL(close(open(path, O_RDWR | O_CREAT, 0600)));
	CALL(creat(path, 0600));
	CALL(access(path, W_OK));
	CALL(truncate(path, 3));
	CALL(chmod(path, 0600));
	CALL(chown(path, getuid(), (gid_t)-1));
	CALL(utimensat(AT_FDCWD, path, then, 0));
	CALL(utimensat(AT_FDCWD, path, NULL, 0));
	CALL(setxattr(path, "user.a", "b", 1, 0));
	CALL(link(path, P("linked")));
	CALL(rename(path, P("moved")));
	CALL(rename(P("file"), path));
	CALL(unlink(path));
	fd = open(path, O_WRONLY | O_APPEND);
	CALL(write(fd, "more", 4));
	CALL(pwrite(fd, "more", 4, 0));
	CALL(ftruncate(fd, 3));
	CALL(fallocate(fd, 0, 0, 1000));
	CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2));
	CALL(fcntl(fd, F_SETFL, 0));
	CALL(fchmod(fd, 0644));
	close(fd);
	FILE_AT(path);
}

/* The marks are root's to set and to take away, so the calls are a child's. */
static void marked(void)
{
	pid_t pid;

	make(P("immutable"), 10, 1), make(P("append"), 10, 1);
	mkdir(P("fixed"), 0755), make(P("fixed/in"), 10, 1);
	if (mark(P("immutable"), FS_IMMUTABLE_FL) || mark(P("append"), FS_APPEND_FL) || mark(P("fixed"), FS_IMMUTABLE_FL)) {
		say("no marks: %s", name_of(errno));
		return;
	}
	pid = split();
	if (!pid) {
		powerless();
		unchanging(P("immutable"));
		unchanging(P("append"));
		CALL(mkdir(P("fixed/new"), 0700));
		CALL(creat(P("fixed/new"), 0600));
		CALL(unlink(P("fixed/in")));
		CALL(rename(P("fixed/in"), P("moved")));
		CALL(link(P("file"), P("fixed/new")));
		CALL(rmdir(P("fixed")));
		CALL(rename(P("fixed"), P("moved")));
		_exit(0);
	}
	WAIT(pid);
	mark(P("immutable"), 0), mark(P("append"), 0), mark(P("fixed"), 0);
}

static void door(void)
{
	pid_t pid;

	prepare();
	make(P("file"), 10, 1);
	if (has_nodes())        /* such marks are the kernel's file's */
		marked();
	pid = split();
	if (!pid) {
		powerless();
		opens();
		attributes();
		names();
		_exit(0);
	}
	WAIT(pid);
}
