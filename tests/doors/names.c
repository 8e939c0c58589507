/* SPDX-License-Identifier: MIT */
/*
 * Calls that change names and attributes: unlink, rename, link, symlink,
 * mkdir, rmdir, mknod, chmod, chown, utimes. Fails if a result differs, or a
 * file that must survive does not.
 */
#include "door.h"

static void attributes(int line, const char *name)
{
	struct stat st;

	if (lstat(P(name), &st))
		say("%d: %s: %s", line, name, name_of(errno));
	else
		say("%d: %s: mode %o, links %d, uid %d, gid %d, size %lld, mtime %lld.%09ld", line, name,
		    (unsigned)st.st_mode, S_ISDIR(st.st_mode) ? 0 : (int)st.st_nlink,
		    (int)st.st_uid, (int)st.st_gid, !S_ISREG(st.st_mode) ? 0 : (long long)st.st_size,
		    st.st_mtim.tv_sec < 2000000 ? (long long)st.st_mtim.tv_sec : -1LL,
		    st.st_mtim.tv_sec < 2000000 ? st.st_mtim.tv_nsec : 0L);
}
#define ATTR(name) attributes(__LINE__, name)

static void unlinks(void)
{
	int fd;
	char b[100];

	make(P("a"), 100, 1);
	fd = open(P("a"), O_RDWR);
	CALL(unlink(P("a")));
	CALL(unlink(P("a")));
	/* open, it lives on */
	CALL(pread(fd, b, 100, 0));
	BYTES(b, 100);
	CALL(pwrite(fd, "x", 1, 5000));
	CONTENT(fd);
	make(P("a"), 50, 2);
	CONTENT(fd);
	FILE_AT(P("a"));
	close(fd);
	CALL(unlink(dir));
	CALL(unlink(P("a/")));
	CALL(unlink(P("a/b")));
	CALL(remove(P("a")));
	CALL(remove(P("a")));
	CALL(mkdir(P("d"), 0777));
	say("%d: remove %d", __LINE__, remove(P("d")));     /* libc's may leave errno touched */
	CALL(unlink(""));
}

static void renames(void)
{
	int fd;

	make(P("a"), 100, 1);
	make(P("b"), 200, 2);
	fd = open(P("b"), O_RDONLY);
	CALL(rename(P("a"), P("b")));
	FILE_AT(P("a"));
	FILE_AT(P("b"));
	CONTENT(fd);                          /* the replaced one */
	close(fd);
	fd = open(P("b"), O_RDWR);
	CALL(rename(P("b"), P("c")));
	CALL(pwrite(fd, "moved", 5, 0));
	FILE_AT(P("c"));
	close(fd);
	CALL(rename(P("none"), P("c")));
	CALL(rename(P("c"), P("no/c")));
	CALL(rename(P("c"), P("c")));
	CALL(mkdir(P("d"), 0755));
	CALL(rename(P("c"), P("d")));
	CALL(rename(P("d"), P("c")));
	CALL(rename(P("d"), P("d/e")));
	CALL(rename(P("c"), P("d/c")));
	FILE_AT(P("d/c"));
	CALL(mkdir(P("e"), 0755));
	CALL(rename(P("d"), P("e")));         /* over an empty directory */
	FILE_AT(P("e/c"));
	CALL(mkdir(P("f"), 0755));
	CALL(rename(P("f"), P("e")));         /* over a full one */
	CALL(rename(P("e"), P("e/c")));       /* over what is in it, and over what it is in */
	CALL(rename(P("e"), P("e/no/c")));
	CALL(rename(P("e/c"), P("e")));
	CALL(rename(P("e/c"), P("e/")));
	CALL(renameat2(AT_FDCWD, P("e/c"), AT_FDCWD, P("e"), RENAME_NOREPLACE));
	CALL(renameat2(AT_FDCWD, P("e/c"), AT_FDCWD, P("e"), RENAME_EXCHANGE));
	CALL(rename(P("e/c"), P("c/")));
	CALL(renameat2(AT_FDCWD, P("e/c"), AT_FDCWD, P("f"), RENAME_NOREPLACE));
	CALL(renameat2(AT_FDCWD, P("e/c"), AT_FDCWD, P("f"), RENAME_EXCHANGE));
	ATTR("f");
	ATTR("e/c");
	CALL(renameat2(AT_FDCWD, P("f"), AT_FDCWD, P("g"), 99));
	CALL(rename(P("f"), P("g")));
	FILE_AT(P("g"));
	CALL(rename(dir, P("x")));
	CALL(rename(P(""), P("x")));
}

static void links(void)
{
	char b[PATH_MAX];
	ssize_t n;

	CALL(link(P("g"), P("h")));
	ATTR("h");
	CALL(link(P("g"), P("h")));
	CALL(link(P("none"), P("i")));
	CALL(link(dir, P("i")));
	CALL(link(P("g"), P("no/i")));
	CALL(truncate(P("h"), 10));
	ATTR("g");
	CALL(unlink(P("g")));
	FILE_AT(P("h"));

	CALL(symlink("h", P("s")));
	ATTR("s");
	FILE_AT(P("s"));
	CALL(symlink("h", P("s")));
	CALL(symlink("", P("t")));
	CALL(symlink("h", P("no/t")));
	n = CALL(readlink(P("s"), b, sizeof(b)));
	BYTES(b, n);
	CALL(readlink(P("s"), b, 0));
	CALL(readlink(P("h"), b, sizeof(b)));
	CALL(readlink(P("none"), b, sizeof(b)));
	CALL(readlink(P("s"), OPAQUE((char *)-1), 10));
	CALL(symlink(P("h"), P("abs")));
	n = CALL(readlink(P("abs"), b, sizeof(b) - 1) > 0) ? readlink(P("abs"), b, sizeof(b) - 1) : 0;
	b[n < 0 ? 0 : n] = '\0';
	say("abs -> %s", shown(b));
	CALL(readlink(P("abs"), b, 3));
	BYTES(b, 1);
	FILE_AT(P("abs"));
	CALL(link(P("s"), P("hard-to-soft")));
	ATTR("hard-to-soft");
	CALL(linkat(AT_FDCWD, P("s"), AT_FDCWD, P("hard-to-file"), AT_SYMLINK_FOLLOW));
	ATTR("hard-to-file");
	CALL(unlink(P("s")));
	ATTR("h");
	CALL(rename(P("abs"), P("abs2")));
	FILE_AT(P("abs2"));
}

static void directories(void)
{
	umask(027);
	CALL(mkdir(P("m"), 0777));
	ATTR("m");
	umask(022);
	CALL(mkdir(P("m"), 0777));
	CALL(mkdir(P("m/n/o"), 0777));
	CALL(mkdir(P("m/n/"), 01777));
	ATTR("m/n");
	CALL(mkdir(P("h"), 0777));
	CALL(mkdir(P("h/x"), 0777));
	CALL(rmdir(P("m")));
	CALL(rmdir(P("h")));
	CALL(rmdir(P("none")));
	CALL(rmdir(P("m/n/.")));
	CALL(rmdir(P("m/n/..")));
	CALL(rmdir(P("m/n/")));
	CALL(rmdir(P("m")));
	CALL(mkdir("", 0777));
	CALL(rmdir(""));
	CALL(mkdir(dir, 0777));
	CALL(mkdir(P("."), 0777));
	CALL(mkdir(P(".."), 0777));
}

static void nodes(void)
{
	CALL(mknod(P("reg"), S_IFREG | 0640, 0));
	ATTR("reg");
	CALL(mknod(P("reg"), S_IFREG | 0640, 0));
	if (has_nodes())
		CALL(mkfifo(P("fifo"), 0622));
	ATTR("fifo");
	CALL(mknodat(AT_FDCWD, P("reg2"), 0600, 0));
	ATTR("reg2");
	CALL(mknod(P("no/reg"), S_IFREG | 0640, 0));
	int fd = CALL(open(P("fifo"), O_RDWR | O_NONBLOCK));
	char b[4];
	CALL(write(fd, "abc", 3));
	CALL(read(fd, b, 4));
	CALL(pread(fd, b, 4, 0));
	close(fd);
}

static void others(void)
{
	struct timespec ts[2] = { { 1000, 5 }, { 2000, 6 } };
	struct timeval tv[2] = { { 3000, 5 }, { 4000, 6 } };
	struct utimbuf ut = { 5000, 6000 };
	int fd = open(P("h"), O_RDWR);

	CALL(chmod(P("h"), 0604));
	ATTR("h");
	CALL(fchmod(fd, 04711));
	ATTR("h");
	CALL(fchmodat(AT_FDCWD, P("h"), 0640, 0));
	ATTR("h");
	CALL(fchmodat(AT_FDCWD, P("abs2"), 0600, AT_SYMLINK_NOFOLLOW));
	CALL(chmod(P("none"), 0600));
	CALL(fchmod(-1, 0600));
	CALL(chown(P("h"), (uid_t)-1, (gid_t)-1));
	CALL(lchown(P("abs2"), (uid_t)-1, (gid_t)-1));
	CALL(fchown(fd, (uid_t)-1, (gid_t)-1));
	CALL(fchownat(AT_FDCWD, P("h"), (uid_t)-1, (gid_t)-1, 0));
	CALL(fchownat(fd, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH));
	CALL(chown(P("none"), 0, 0));
	ATTR("h");
	CALL(utimensat(AT_FDCWD, P("h"), ts, 0));
	ATTR("h");
	CALL(utimensat(AT_FDCWD, P("abs2"), ts, AT_SYMLINK_NOFOLLOW));
	ATTR("abs2");
	CALL(utimes(P("h"), tv));
	ATTR("h");
	CALL(utime(P("h"), &ut));
	ATTR("h");
	ts[1].tv_sec = 7000;
	CALL(futimens(fd, ts));
	ATTR("h");
	tv[1].tv_sec = 8000;
	CALL(futimes(fd, tv));
	ATTR("h");
	CALL(lutimes(P("abs2"), tv));
	ATTR("abs2");
	tv[1].tv_sec = 9000;
	CALL(futimesat(AT_FDCWD, P("h"), tv));
	ATTR("h");
	CALL(utimensat(AT_FDCWD, P("none"), ts, 0));
	CALL(utimes(P("none"), NULL));
	CALL(futimens(-1, ts));
	ts[0].tv_nsec = 2000000000;
	CALL(futimens(fd, ts));
	close(fd);
}

static void door(void)
{
	unlinks();
	renames();
	links();
	directories();
	nodes();
	others();
}
