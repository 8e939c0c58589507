/* SPDX-License-Identifier: MIT */
/*
 * The calls with two names: each with each. Besides what a single name does:
 * EINVAL (a directory into itself), EISDIR, ENOTDIR, ENOTEMPTY, EEXIST, EBUSY,
 * EXDEV; and what is left where two names change places.
 * not: uring uring,engine=ring
 */
#include <sys/utsname.h>

#include "errnos.h"

static const char *const names[] = {
	"file", "dir", "none", "none/x", "file/x", "dir/", "dir/in", "dir/new", "empty", "link", "dlink/in",
	"dangling", "loop", "closed/x", "sealed/in", "sealed/none", "fifo", "none/", "file/", ".", "dir/.", "dir/..",
};

/* `call`, an expression in `a` and `b`. */
#define EACH_PAIR(call) do {                                                  \
	for (size_t j_ = 0; j_ < COUNT(names); j_++) {                        \
		const char *a = P(names[j_]), *b;                             \
		char copy[PATH_MAX];                                          \
		*line = 0;                                                    \
		a = strcpy(copy, a);                                          \
		for (size_t i_ = 0; i_ < COUNT(names); i_++) {                \
			b = P(names[i_]);                                     \
			if (outcome(names[i_], (long)(call)))                 \
				build();                                      \
		}                                                             \
		say("%d: %s, %s:%s", __LINE__, #call, names[j_], line);       \
	}                                                                     \
} while (0)

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif

static void exchange(void)
{
	struct stat a, b, c;

	stat(P("file"), &a);
	stat(P("dir"), &b);
	CALL(renameat2(AT_FDCWD, P("file"), AT_FDCWD, P("dir"), RENAME_EXCHANGE));
	stat(P("dir"), &c);
	say("changed places: %d", a.st_ino == c.st_ino);
	stat(P("file"), &c);
	say("changed places: %d", b.st_ino == c.st_ino);
	CALL(renameat2(AT_FDCWD, P("file"), AT_FDCWD, P("dir"), RENAME_EXCHANGE));
	CALL(renameat2(AT_FDCWD, P("file"), AT_FDCWD, P("none"), RENAME_EXCHANGE));
	CALL(renameat2(AT_FDCWD, P("file"), AT_FDCWD, P("dir"), RENAME_NOREPLACE));
	CALL(renameat2(AT_FDCWD, P("file"), AT_FDCWD, P("none"), RENAME_NOREPLACE));
	CALL(renameat2(AT_FDCWD, P("none"), AT_FDCWD, P("file"), RENAME_NOREPLACE));
	CALL(renameat2(AT_FDCWD, P("file"), AT_FDCWD, P("none"), RENAME_NOREPLACE | RENAME_EXCHANGE));
	CALL(renameat2(AT_FDCWD, P("file"), AT_FDCWD, P("none"), 1 << 20));
	build();
}

/* Before 6.10 a kernel looks for a capability before it looks at a path that might be empty. */
static int path_first(void)
{
	struct utsname u;
	int major = 0, minor = 0;

	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 10);
}

static void pointed(void)
{
	int d = open(dir, O_RDONLY | O_DIRECTORY), f = open(P("file"), O_RDONLY), path = open(dir, O_PATH);

	chdir(dir);
	for (size_t i = 0; i < COUNT(pointers); i++) {
		const char *p = OPAQUE(pointers[i].path);

		if (p == (const char *)1)
			p = bad_page();
		say("%s", pointers[i].what);
		CALL(rename(p, P("none")));
		CALL(rename(P("file"), p));
		CALL(link(p, P("none")));
		CALL(link(P("file"), p));
		CALL(symlink(p, P("none")));
		unlink(P("none"));
		CALL(symlink("text", p));
		if (pointers[i].path != longname || path_first())
			CALL(linkat(d, p, d, "none", AT_EMPTY_PATH));
		unlink(P("none"));
	}
	CALL(renameat(d, "file", d, "new"));
	CALL(renameat(d, "new", path, "file"));
	CALL(renameat(f, "file", d, "new"));
	CALL(renameat(d, "file", f, "new"));
	CALL(renameat(-1, "file", d, "new"));
	CALL(renameat(d, "file", 999, "new"));
	CALL(renameat(-1, P("file"), 999, P("new")));
	build();
	CALL(linkat(d, "file", d, "new", 0));
	unlink(P("new"));
	CALL(linkat(d, "link", d, "new", AT_SYMLINK_FOLLOW));
	unlink(P("new"));
	CALL(linkat(f, "", d, "new", AT_EMPTY_PATH));
	CALL(linkat(-1, "file", d, "new", 0));
	CALL(linkat(d, "file", f, "new", 0));
	CALL(linkat(d, "file", d, "new", 1));
	CALL(symlinkat("text", f, "new"));
	CALL(symlinkat("text", -1, "new"));
	CALL(symlinkat("text", d, "new"));
	CALL(symlinkat("text", d, ""));
	chdir("/");
	close(d), close(f), close(path);
	unlink(P("new"));
	build();
}

/* Between file systems. */
static void apart(void)
{
	CALL(rename(P("file"), "/proc/self/x"));
	CALL(link(P("file"), "/proc/version"));
	CALL(link(P("none"), "/proc/x"));
	CALL(rename(P("none/x"), "/proc/x"));
	CALL(rename(P("file"), "/none/x"));
	CALL(rename(P("file"), "/dev/null/x"));
	CALL(rename("/proc/version", P("none")));
	CALL(link("/proc/version", P("none")));
}

static void door(void)
{
	begin();
	EACH_PAIR(rename(a, b));
	EACH_PAIR(link(a, b));
	EACH_PAIR(linkat(AT_FDCWD, a, AT_FDCWD, b, AT_SYMLINK_FOLLOW));
	EACH_PAIR(renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE));
	exchange();
	pointed();
	apart();
}
