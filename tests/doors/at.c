/* SPDX-License-Identifier: MIT */
/*
 * The *at calls with real directory descriptors: of the rule's root, of
 * directories in it, of others, and of things that are no directories. Fails
 * if a name leads elsewhere.
 */
#include "door.h"

static char b[PATH_MAX];

static void inside(int d, int s)
{
	struct stat st;
	int fd;
	ssize_t n;

	fd = CALL(openat(d, "file", O_RDWR));
	CONTENT(fd);
	CALL(close(fd));
	fd = CALL(openat(s, "new", O_RDWR | O_CREAT | O_EXCL, 0640));
	CALL(pwrite(fd, "new", 3, 0));
	CALL(close(fd));
	FILE_AT(P("sub/new"));
	CALL(openat(s, "none", O_RDONLY));
	fd = CALL(openat(s, "../file", O_RDONLY));
	CONTENT(fd);
	CALL(close(fd));
	fd = CALL(openat(s, "..", O_RDONLY | O_DIRECTORY));
	CALL(fstatat(fd, "file", &st, 0));
	CALL(close(fd));
	fd = CALL(openat(s, ".", O_RDONLY));
	CALL(fstatat(fd, "new", &st, 0));
	CALL(close(fd));
	fd = CALL(openat(s, P("file"), O_RDONLY));
	CONTENT(fd);
	CALL(close(fd));
	CALL(openat(d, "", O_RDONLY));

	CALL(mkdirat(d, "made", 0750));
	CALL(mkdirat(d, "made", 0750));
	CALL(renameat(s, "new", d, "made/renamed"));
	FILE_AT(P("made/renamed"));
	CALL(linkat(d, "made/renamed", s, "linked", 0));
	CALL(symlinkat("linked", s, "soft"));
	n = CALL(readlinkat(s, "soft", b, sizeof(b)));
	BYTES(b, n);
	CALL(fstatat(s, "soft", &st, 0));
	say("size %lld, links %d", (long long)st.st_size, (int)st.st_nlink);
	CALL(fstatat(s, "soft", &st, AT_SYMLINK_NOFOLLOW));
	say("mode %o", (unsigned)st.st_mode);
	CALL(faccessat(s, "soft", W_OK, 0));
	CALL(fchmodat(s, "linked", 0600, 0));
	CALL(fstatat(d, "made/renamed", &st, 0));
	say("mode %o", (unsigned)st.st_mode);
	CALL(unlinkat(s, "linked", 0));
	CALL(fstatat(s, "soft", &st, 0));
	CALL(unlinkat(d, "made", 0));
	CALL(unlinkat(d, "made", AT_REMOVEDIR));
	CALL(unlinkat(d, "made/renamed", 0));
	CALL(unlinkat(d, "made", AT_REMOVEDIR));
	CALL(unlinkat(s, "soft", AT_REMOVEDIR));
	CALL(unlinkat(s, "soft", 99));
	CALL(mknodat(s, "node", S_IFREG | 0600, 0));
	if (has_nodes())
		CALL(mkfifoat(s, "fifo", 0600));
	CALL(fstatat(s, "fifo", &st, 0));
	say("mode %o", (unsigned)st.st_mode);
}

static void others(int d)
{
	int root = open("/", O_RDONLY | O_DIRECTORY), file = open(P("file"), O_RDONLY), fd, p, v[2];
	struct stat st;

	/* from / by a relative name into the rule */
	fd = CALL(openat(root, dir + 1, O_RDONLY | O_DIRECTORY));
	CALL(fstatat(fd, "file", &st, 0));
	say("size %lld", (long long)st.st_size);
	close(fd);
	fd = CALL(openat(root, "dev/null", O_RDWR));
	close(fd);
	CALL(openat(file, "x", O_RDONLY));
	CALL(openat(file, "", O_RDONLY));
	CALL(openat(-1, "x", O_RDONLY));
	CALL(openat(-1, P("none"), O_RDONLY));
	fd = CALL(openat(-1, P("file"), O_RDONLY));
	close(fd);
	pipe(v);
	CALL(openat(v[0], "x", O_RDONLY));
	CALL(unlinkat(v[0], "x", 0));
	CALL(mkdirat(-5, "x", 0700));
	/* an O_PATH directory works alike */
	p = CALL(open(P("sub"), O_PATH | O_DIRECTORY));
	fd = CALL(openat(p, "node", O_RDWR));
	CALL(pwrite(fd, "node", 4, 0));
	close(fd);
	FILE_AT(P("sub/node"));
	/* as does a duplicate, and one of a removed directory fails */
	CALL(dup2(p, 60));
	CALL(fstatat(60, "node", &st, 0));
	CALL(mkdirat(d, "gone", 0700));
	fd = CALL(openat(d, "gone", O_RDONLY | O_DIRECTORY));
	CALL(unlinkat(d, "gone", AT_REMOVEDIR));
	CALL(openat(fd, "x", O_RDWR | O_CREAT, 0600));
	CALL(fstatat(fd, ".", &st, 0));
	/* the number's next owner is meant */
	CALL(dup2(d, fd));
	CALL(fstatat(fd, "file", &st, 0));
	/* one renamed is followed */
	CALL(renameat(d, "sub", d, "sub2"));
	CALL(fstatat(p, "node", &st, 0));
	CALL(fstatat(p, "../file", &st, 0));
	CALL(fstatat(d, "sub2/node", &st, 0));
	CALL(fstatat(d, "sub/node", &st, 0));
	closefrom(3);
}

static void door(void)
{
	int d, s;

	make(P("file"), 60, 1);
	CALL(mkdir(P("sub"), 0755));
	d = CALL(open(dir, O_RDONLY | O_DIRECTORY));
	s = CALL(open(P("sub"), O_RDONLY | O_DIRECTORY));
	inside(d, s);
	others(d);
}
