/* SPDX-License-Identifier: MIT */
/*
 * Every call on one path, on names that make it fail in each way that its
 * manual page lists and can be provoked: ENOENT, ENOTDIR, ELOOP, EACCES,
 * EFAULT, ENAMETOOLONG, EEXIST, EISDIR, ENOTEMPTY, EPERM, EINVAL.
 * not: uring uring,engine=ring
 */
#include "errnos.h"

static void looks(void)
{
	struct stat st;
	struct statx stx;
	struct statfs fs;
	struct statvfs vfs;
	char b[100];

	EACH_PATH(stat(path, &st));
	EACH_PATH(lstat(path, &st));
	EACH_PATH(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &stx));
	EACH_PATH(statfs(path, &fs));
	EACH_PATH(statvfs(path, &vfs));
	EACH_PATH(access(path, F_OK));
	EACH_PATH(access(path, R_OK | X_OK));
	EACH_PATH(euidaccess(path, W_OK));
	EACH_PATH(eaccess(path, R_OK));
	EACH_PATH(faccessat(AT_FDCWD, path, W_OK, AT_EACCESS));
	EACH_PATH(readlink(path, b, sizeof(b)));
	EACH_NAME(pathconf(path, _PC_NAME_MAX));
	EACH_PATH(getxattr(path, "user.none", b, sizeof(b)));
	EACH_PATH(lgetxattr(path, "trusted.none", b, sizeof(b)));
	EACH_PATH(listxattr(path, b, 0));
	EACH_PATH(llistxattr(path, b, 0));
}

static void makes(void)
{
	EACH_PATH(mkdir(path, 0755));
	EACH_PATH(mknod(path, S_IFREG | 0644, 0));
	EACH_PATH(mknod(path, S_IFCHR | 0644, 0x103));
	if (has_nodes()) {
		EACH_PATH(mknodat(AT_FDCWD, path, S_IFIFO | 0644, 0));
		EACH_PATH(mkfifo(path, 0644));
	}
	EACH_PATH(symlink("text", path));
	EACH_PATH(path && path != bad_page() && strstr(path, "fifo") ? 0 : creat(path, 0644));
}

static void removes(void)
{
	EACH_PATH(unlink(path));
	EACH_PATH(rmdir(path));
	EACH_PATH(remove(path));
	EACH_PATH(unlinkat(AT_FDCWD, path, 0));
	EACH_PATH(unlinkat(AT_FDCWD, path, AT_REMOVEDIR));
	CALL(unlinkat(AT_FDCWD, P("none"), 1));
	CALL(unlinkat(AT_FDCWD, P("file/."), 1));
}

static void changes(void)
{
	struct timespec ts[2] = { { 5, 0 }, { 6, 0 } }, odd[2] = { { 5, -5 }, { 6, 0 } };
	struct timeval tv[2] = { { 5, 0 }, { 6, 0 } }, oddtv[2] = { { 5, 1000000 }, { 6, 0 } };
	struct utimbuf ut = { 5, 6 };

	EACH_PATH(chmod(path, 0755));
	EACH_PATH(lchmod(path, 0644));
	EACH_PATH(fchmodat(AT_FDCWD, path, 0644, 0));
	EACH_PATH(chown(path, (uid_t)-1, (gid_t)-1));
	EACH_PATH(lchown(path, (uid_t)-1, (gid_t)-1));
	EACH_PATH(chown(path, 1, 1));
	EACH_PATH(fchownat(AT_FDCWD, path, (uid_t)-1, (gid_t)-1, 0));
	EACH_PATH(utime(path, &ut));
	EACH_PATH(utime(path, NULL));
	EACH_PATH(utimes(path, tv));
	CALL(utimes(P("file"), oddtv));
	EACH_PATH(lutimes(path, NULL));
	EACH_PATH(futimesat(AT_FDCWD, path, tv));
	EACH_PATH(utimensat(AT_FDCWD, path, ts, 0));
	EACH_PATH(utimensat(AT_FDCWD, path, odd, 0));
	EACH_PATH(utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW));
	EACH_PATH(truncate(path, 3));
	CALL(truncate(P("none"), -1));
	CALL(truncate(P("file/.."), -1));
	EACH_PATH(setxattr(path, "user.name", "v", 1, XATTR_REPLACE));
	EACH_PATH(lsetxattr(path, "odd", "v", 1, 0));
	EACH_PATH(removexattr(path, "user.none"));
	EACH_PATH(lremovexattr(path, "user.none"));
}

static void others(void)
{
	int in = inotify_init();
	char *r;

	EACH_PATH(chdir(path) ?: chdir("/"));
	if (has_nodes())
		EACH_PATH(inotify_add_watch(in, path, IN_ATTRIB | IN_ONLYDIR) < 0 ? -1 : 0);
	close(in);
	CALL(access(P("none"), 8));
	CALL(access(P("file/.."), 8));
	for (size_t i = 0; i < COUNT(tried); i++) {
		DIR *d = opendir(P(tried[i]));

		outcome("opendir", d ? 0 : -1);
		if (d)
			closedir(d);
		r = realpath(P(tried[i]), NULL);
		say("%s:%s, %s", tried[i], strrchr(line, ' '), r ? shown(r) : name_of(errno));
		free(r);
	}
}

static void door(void)
{
	begin();
	looking = 1;
	looks();
	looking = 0;
	makes();
	removes();
	changes();
	others();
}
