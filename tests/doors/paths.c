/* SPDX-License-Identifier: MIT */
/*
 * How a path leads to a file: dots, slashes, symbolic links within the rule
 * and in and out of it, loops, long names, bad pointers. Fails if a name leads
 * elsewhere than the kernel's walk.
 */
#include "door.h"

static char b[100];

static void try(int line, const char *path)
{
	struct stat st, lst;
	int fd;

	errno = UNTOUCHED;
	fd = open(path, O_RDONLY);
	say("%d: %.200s: open %s, stat %s, lstat %s, access %s", line, shown(path),
	    fd < 0 ? name_of(errno) : "ok",
	    stat(path, &st) ? name_of(errno) : "ok",
	    lstat(path, &lst) ? name_of(errno) : S_ISLNK(lst.st_mode) ? "link" : "ok",
	    access(path, F_OK) ? name_of(errno) : "ok");
	if (fd >= 0) {
		ssize_t n = pread(fd, b, sizeof(b), 0);

		if (n >= 0)
			BYTES(b, n);
		close(fd);
	}
}
#define TRY(path) try(__LINE__, path)

static void spellings(void)
{
	char s[PATH_MAX * 2];

	TRY(P("file"));
	TRY(P("./file"));
	TRY(P("/file"));
	TRY(P("///.///file"));
	TRY(P("sub/../file"));
	TRY(P("sub/./../sub/inner"));
	TRY(P("file/."));
	TRY(P("file/.."));
	TRY(P("file/"));
	TRY(P("sub/"));
	TRY(P("sub"));
	TRY(P("none/../file"));
	TRY(P("..none"));
	TRY(P("..."));
	TRY(P(""));
	TRY(P("."));

	/* out of the rule and in again */
	snprintf(s, sizeof(s), "%s/../%s/file", dir, strrchr(dir, '/') + 1);
	CALL(open(OPAQUE((char *)s), O_RDONLY));
	snprintf(s, sizeof(s), "/..//../.%s/file", dir);
	CALL(open(OPAQUE((char *)s), O_RDONLY));
	snprintf(s, sizeof(s), "/proc/self/root%s/sub/../file", dir);
	CALL(open(OPAQUE((char *)s), O_RDONLY));
	snprintf(s, sizeof(s), "//%s//file", dir);
	CALL(open(OPAQUE((char *)s), O_RDONLY));
	/* a name that only begins like the rule's */
	snprintf(s, sizeof(s), "%sx/file", dir);
	CALL(open(OPAQUE((char *)s), O_RDONLY));
	snprintf(s, sizeof(s), "%sfile", dir);
	CALL(open(OPAQUE((char *)s), O_RDONLY));
}

static void symlinks(void)
{
	char s[PATH_MAX + 50];

	CALL(symlink("file", P("rel")));
	CALL(symlink("../file", P("sub/up")));
	CALL(symlink("sub", P("dirlink")));
	CALL(symlink(P("file"), P("abs")));
	CALL(symlink(P("sub"), P("absdir")));
	CALL(symlink("absdir/up", P("chain")));
	CALL(symlink("none", P("dangling")));
	CALL(symlink("loop2", P("loop1")));
	CALL(symlink("loop1", P("loop2")));
	CALL(symlink("self", P("self")));
	CALL(symlink("/", P("root")));
	CALL(symlink("/dev/null", P("null")));
	CALL(symlink("..", P("sub/parent")));
	snprintf(s, sizeof(s), "../%s/file", strrchr(dir, '/') + 1);
	CALL(symlink(OPAQUE((char *)s), P("around")));

	TRY(P("rel"));
	TRY(P("rel/"));
	TRY(P("sub/up"));
	TRY(P("dirlink/inner"));
	TRY(P("dirlink/../file"));
	TRY(P("dirlink"));
	TRY(P("dirlink/"));
	TRY(P("abs"));
	TRY(P("absdir/inner"));
	TRY(P("absdir/../file"));
	TRY(P("chain"));
	TRY(P("dangling"));
	TRY(P("loop1"));
	TRY(P("loop1/x"));
	TRY(P("self"));
	TRY(P("null"));
	TRY(P("root/dev/null"));
	TRY(P("sub/parent/file"));
	TRY(P("sub/parent/sub/parent/sub/up"));
	TRY(P("around"));
	snprintf(s, sizeof(s), "%s%s/file", P("root"), dir);
	say("through / and back: %d", open(s, O_RDONLY) >= 0);

	CALL(open(P("dangling"), O_WRONLY | O_CREAT | O_EXCL, 0600));
	CALL(close(open(P("dangling"), O_WRONLY | O_CREAT, 0600)));
	TRY(P("none"));
	CALL(unlink(P("abs")));
	CALL(unlink(P("dirlink/")));
	CALL(unlink(P("dirlink")));
	CALL(rmdir(P("absdir")));
	CALL(rmdir(P("absdir/")));
	CALL(mkdir(P("rel"), 0700));
	CALL(mkdir(P("rel2/"), 0700));
	CALL(symlink("to-be-made", P("future")));
	CALL(mkdir(P("future"), 0700));
	CALL(mkdir(P("future/"), 0700));
	CALL(rename(P("rel"), P("rel3")));
	TRY(P("rel3"));
}

/* Forty links lead on, one more is a loop. */
static void depth(void)
{
	char a[32], c[32];

	for (int i = 1; i <= 45; i++) {
		snprintf(a, sizeof(a), "d%d", i);
		snprintf(c, sizeof(c), i > 1 ? "d%d" : "file", i - 1);
		if (symlink(c, P(a)))
			say("symlink %s: %s", a, name_of(errno));
	}
	TRY(P("d39"));
	TRY(P("d40"));
	TRY(P("d41"));
	TRY(P("d45"));
}

static void lengths(void)
{
	char name[600], path[3 * PATH_MAX];
	size_t n;

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	CALL(close(open(P(name), O_CREAT | O_WRONLY, 0600)));
	CALL(access(P(name), F_OK));
	CALL(unlink(P(name)));
	name[255] = 'n';
	name[256] = '\0';
	CALL(open(P(name), O_CREAT | O_WRONLY, 0600));
	CALL(access(P(name), F_OK));
	CALL(mkdir(P(name), 0700));
	CALL(symlink("x", P(name)));

	/* PATH_MAX counts the final NUL */
	for (int extra = -2; extra <= 2; extra++) {
		n = (size_t)sprintf(path, "%s", dir);
		while (n < (size_t)(PATH_MAX - 1 + extra - 4))
			path[n++] = '/';
		strcpy(path + n, "file");
		n = strlen(path);
		say("PATH_MAX - 1 %+d: %s %s %s", (int)n - (PATH_MAX - 1),
		    open(path, O_RDONLY) < 0 ? name_of(errno) : "ok",
		    access(path, F_OK) ? name_of(errno) : "ok",
		    rename(path, path) ? name_of(errno) : "ok");
	}
	n = (size_t)sprintf(path, "%s", dir);
	while (n < 2 * PATH_MAX)
		n += (size_t)sprintf(path + n, "/.");
	say("long: %s", open(path, O_RDONLY) < 0 ? name_of(errno) : "ok");
	say("long: %s", symlink(path, P("longlink")) ? name_of(errno) : "ok");
}

static void pointers(void)
{
	char *bads[] = { OPAQUE((char *)-1), bad_page(), OPAQUE((char *)NULL), OPAQUE((char *)1) };
	struct stat st;

	for (int i = 0; i < 4; i++) {
		char *bad = bads[i];

		say("pointer %d", i);
		CALL(open(bad, O_RDONLY));
		CALL(open(bad, O_CREAT | O_RDWR, 0600));
		CALL(openat(AT_FDCWD, bad, O_RDONLY));
		CALL(creat(bad, 0600));
		CALL(stat(bad, &st));
		CALL(lstat(bad, &st));
		CALL(access(bad, F_OK));
		CALL(unlink(bad));
		CALL(rename(bad, P("x")));
		CALL(rename(P("file"), bad));
		CALL(link(bad, P("x")));
		CALL(link(P("file"), bad));
		CALL(symlink(bad, P("x")));
		CALL(symlink("x", bad));
		CALL(readlink(bad, b, 10));
		CALL(mkdir(bad, 0700));
		CALL(rmdir(bad));
		CALL(truncate(bad, 0));
		CALL(chmod(bad, 0600));
		CALL(chdir(bad));
		CALL(statfs(bad, (struct statfs *)(void *)b));
		CALL(mknod(bad, S_IFREG | 0600, 0));
		CALL(getxattr(bad, "user.x", b, 10));
	}
	/* a name that runs into a page that faults */
	char *edge = cliff();
	memcpy(edge - 3, "abc", 3);
	CALL(open(edge - 3, O_RDONLY));
	CALL(access(edge - 3, F_OK));
	CALL(unlink(edge - 3));
	/* one that ends just before it */
	memcpy(edge - dirlen - 6, dir, dirlen);
	memcpy(edge - 6, "/file", 6);
	CALL(access(edge - dirlen - 6, F_OK));
	CALL(close(open(edge - dirlen - 6, O_RDONLY)));
	/* names the kernel would take as they are */
	CALL(close(open(P("a\nb\\\x80\xff;="), O_CREAT | O_WRONLY, 0600)));
	CALL(access(P("a\nb\\\x80\xff;="), F_OK));
	CALL(unlink(P("a\nb\\\x80\xff;=")));
}

static void door(void)
{
	make(P("file"), 60, 1);
	CALL(mkdir(P("sub"), 0755));
	make(P("sub/inner"), 70, 2);
	spellings();
	closefrom(3);
	symlinks();
	depth();
	closefrom(3);
	lengths();
	closefrom(3);
	pointers();
}
