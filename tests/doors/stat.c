/* SPDX-License-Identifier: MIT */
/*
 * The stat family: of files, directories, links and descriptors, statx and
 * AT_EMPTY_PATH, access and statfs. Fails if an attribute differs.
 */
#include "door.h"

static void show(int line, const struct stat *st)
{
	say("%d: mode %o, links %d, uid %d, gid %d, size %lld, block size %ld", line,
	    (unsigned)st->st_mode, S_ISDIR(st->st_mode) ? 0 : (int)st->st_nlink, (int)st->st_uid,
	    (int)st->st_gid, S_ISDIR(st->st_mode) ? 0 : (long long)st->st_size,
	    S_ISREG(st->st_mode) ? (long)st->st_blksize : 0);
}
#define SHOW(st) show(__LINE__, st)

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_mode == b->st_mode &&
	       a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void ways(int fd, int d)
{
	struct stat a, c;
	struct statx x;

	CALL(stat(P("file"), &a));
	SHOW(&a);
	CALL(lstat(P("file"), &c));
	say("lstat same %d", same(&a, &c));
	CALL(fstat(fd, &c));
	say("fstat same %d", same(&a, &c));
	CALL(fstatat(AT_FDCWD, P("file"), &c, 0));
	say("fstatat same %d", same(&a, &c));
	CALL(fstatat(d, "file", &c, 0));
	say("fstatat same %d", same(&a, &c));
	CALL(fstatat(fd, "", &c, AT_EMPTY_PATH));
	say("fstatat same %d", same(&a, &c));
	CALL(fstatat(fd, "", &c, 0));
	CALL(fstatat(fd, "x", &c, 0));
	CALL(fstatat(-1, "x", &c, 0));
	CALL(fstatat(-1, P("file"), &c, 0));
	CALL(fstatat(d, "file", &c, 0x8000000));
	CALL(statx(AT_FDCWD, P("file"), 0, STATX_BASIC_STATS, &x));
	say("statx: mode %o, size %lld, same %d", x.stx_mode, (long long)x.stx_size, x.stx_ino == a.st_ino);
	CALL(statx(fd, "", AT_EMPTY_PATH, STATX_ALL, &x));
	say("statx: mode %o, size %lld, same %d", x.stx_mode, (long long)x.stx_size, x.stx_ino == a.st_ino);
	CALL(statx(fd, "", 0, STATX_ALL, &x));
	CALL(statx(d, "file", AT_STATX_SYNC_TYPE, STATX_ALL, &x));
	CALL(statx(d, "none", 0, STATX_ALL, &x));
	CALL(fstat(d, &a));
	SHOW(&a);
	CALL(stat(dir, &c));
	say("same %d", same(&a, &c));
	CALL(stat(P("."), &c));
	say("same %d", same(&a, &c));
	CALL(stat(P("sub/.."), &c));
	say("same %d", same(&a, &c));
	CALL(fstat(-1, &a));
	CALL(fstat(999, &a));
	CALL(stat(P("none"), &a));
	CALL(stat(P("file/x"), &a));
	CALL(stat("", &a));
	CALL(stat(P("file"), OPAQUE((struct stat *)-1)));
	CALL(fstat(fd, (struct stat *)(void *)bad_page()));
	CALL(fstat(fd, OPAQUE((struct stat *)NULL)));
}

static void links(void)
{
	struct stat a, c;

	CALL(symlink("file", P("link")));
	CALL(stat(P("link"), &a));
	SHOW(&a);
	CALL(lstat(P("link"), &c));
	SHOW(&c);
	CALL(fstatat(AT_FDCWD, P("link"), &c, AT_SYMLINK_NOFOLLOW));
	SHOW(&c);
	CALL(link(P("file"), P("hard")));
	CALL(stat(P("hard"), &c));
	SHOW(&c);
	CALL(unlink(P("hard")));
}

static void sizes_follow(int fd)
{
	struct stat a, c;

	for (int i = 0; i < 20; i++) {
		if (i % 3 == 2)
			ftruncate(fd, i * 100);
		else
			pwrite(fd, "x", 1, i * 5000);
		fstat(fd, &a);
		stat(P("file"), &c);
		say("size %lld %lld %lld", (long long)a.st_size, (long long)c.st_size,
		    (long long)lseek(fd, 0, SEEK_END));
	}
}

static void accesses(int d)
{
	CALL(access(P("file"), F_OK));
	CALL(access(P("file"), R_OK | W_OK));
	CALL(access(P("file"), X_OK));
	CALL(access(dir, X_OK));
	CALL(access(P("none"), F_OK));
	CALL(access(P("file/none"), F_OK));
	CALL(access(P("file"), 99));
	CALL(euidaccess(P("file"), R_OK));
	CALL(eaccess(P("none"), R_OK));
	CALL(faccessat(d, "file", R_OK, 0));
	CALL(faccessat(d, "file", R_OK, AT_EACCESS));
	CALL(faccessat(d, "none", R_OK, 0));
	CALL(faccessat(d, "link", R_OK, AT_SYMLINK_NOFOLLOW));
	CALL(faccessat(d, P("file"), R_OK, 0));
	CALL(faccessat(d, "file", R_OK, 0x8000000));
	CALL(chmod(P("file"), 0755));
	CALL(access(P("file"), X_OK));
	CALL(chmod(P("file"), 0644));
}

static void systems(int fd)
{
	struct statfs a, c;
	struct statvfs v;

	CALL(statfs(P("file"), &a));
	CALL(fstatfs(fd, &c));
	say("type %lx, same %d", (long)a.f_type, a.f_type == c.f_type && a.f_blocks == c.f_blocks);
	CALL(statvfs(P("file"), &v));
	say("name length %lu", (unsigned long)v.f_namemax);
	CALL(fstatvfs(fd, &v));
	say("name length %lu", (unsigned long)v.f_namemax);
	CALL(statfs(P("none"), &a));
	CALL(statvfs(P("none"), &v));
	CALL(fstatfs(-1, &a));
	CALL(pathconf(P("file"), _PC_NAME_MAX));
	CALL(fpathconf(fd, _PC_NAME_MAX));
	CALL(pathconf(P("none"), _PC_LINK_MAX));
}

static void door(void)
{
	int fd, d;

	make(P("file"), 1234, 1);
	CALL(mkdir(P("sub"), 0755));
	fd = open(P("file"), O_RDWR);
	d = open(dir, O_RDONLY | O_DIRECTORY);
	ways(fd, d);
	links();
	sizes_follow(fd);
	accesses(d);
	systems(fd);
	CALL(unlink(P("file")));
	struct stat st;
	CALL(fstat(fd, &st));
	say("links %d", (int)st.st_nlink);
	close(fd);
	close(d);
}
