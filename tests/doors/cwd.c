/* SPDX-License-Identifier: MIT */
/*
 * The working directory inside a rule: chdir, fchdir, getcwd and getwd,
 * relative names, realpath. Fails if a relative name leads elsewhere, or the program is told
 * another directory than the one it asked for.
 */
#include "door.h"

static char b[PATH_MAX];

static void where(int line)
{
	char *s = get_current_dir_name();

	errno = UNTOUCHED;
	say("%d: getcwd %s", line, getcwd(b, sizeof(b)) ? shown(b) : name_of(errno));
	say("%d: get_current_dir_name %s", line, shown(s));
	free(s);
	s = getcwd(NULL, 0);
	say("%d: getcwd(NULL) %s", line, shown(s));
	free(s);
	/* a linker warns of getwd where it is named */
	char *(*getwd_)(char *) = (char *(*)(char *))dlsym(RTLD_DEFAULT, "getwd");
	char *(*getwd_chk)(char *, size_t) = (char *(*)(char *, size_t))dlsym(RTLD_DEFAULT, "__getwd_chk");

	memset(b, 'x', sizeof(b));
	errno = UNTOUCHED;
	s = getwd_(b);
	say("%d: getwd %s %s, its buffer %d", line, s ? shown(s) : "(null)", name_of(errno == UNTOUCHED ? 0 : errno), s == b);
	memset(b, 'x', sizeof(b));
	s = getwd_chk(b, sizeof(b));
	say("%d: __getwd_chk %s", line, s ? shown(s) : "(null)");
}
#define WHERE() where(__LINE__)

static void real(int line, const char *path)
{
	char *s = realpath(path, NULL);

	say("%d: realpath %s: %s", line, shown(path), s ? shown(s) : name_of(errno));
	free(s);
	s = realpath(path, b);
	if (s)
		say("%d: %s", line, shown(s));
	s = canonicalize_file_name(path);
	say("%d: canonical %s", line, s ? shown(s) : name_of(errno));
	free(s);
}
#define REAL_PATH(path) real(__LINE__, path)

/* It and those above it get other names, by this process and by another, and it has the longest one. */
static void moved(void)
{
	char longest[NAME_MAX + 1];
	pid_t pid;

	CALL(mkdir(P("one"), 0755));
	CALL(mkdir(P("one/in"), 0755));
	CALL(chdir(P("one/in")));
	make(P("one/in/file"), 20, 3);
	CALL(rename(P("one"), P("two")));
	WHERE();
	FILE_AT("file");
	CALL(rename("../in", "../out"));
	WHERE();
	pid = split();
	if (!pid) {
		CALL(rename(P("two/out"), P("three")));
		CALL(chdir(P("three")));
		_exit(0);
	}
	WAIT(pid);
	WHERE();
	FILE_AT("file");
	/* in place of an empty one, and with another */
	CALL(mkdir(P("four"), 0755));
	CALL(rename(P("three"), P("four")));
	WHERE();
	CALL(mkdir(P("three"), 0755));
	CALL(renameat2(AT_FDCWD, P("three"), AT_FDCWD, P("four"), 2));
	WHERE();
	FILE_AT("file");
	CALL(chdir(P("four")));
	CALL(renameat2(AT_FDCWD, P("three"), AT_FDCWD, P("four"), 2));
	WHERE();
	CALL(open("file", O_RDONLY));
	CALL(chdir(".."));
	WHERE();
	memset(longest, 'n', NAME_MAX);
	longest[NAME_MAX] = 0;
	CALL(mkdir(longest, 0755));
	CALL(chdir(longest));
	WHERE();
	make(P("file2"), 10, 1);
	CALL(rename("../file2", "file2"));
	FILE_AT("file2");
	longest[0] = 'm';
	CALL(rename(P("three"), P(longest)));
	CALL(chdir(P(longest)));
	WHERE();
	CALL(rename(P(longest), P("short")));
	WHERE();
	CALL(rename(P("short"), P(longest)));
	WHERE();
	FILE_AT("file");
	CALL(chdir("/"));
}

static void door(void)
{
	struct stat st;
	int fd, d;
	pid_t pid;

	make(P("file"), 60, 1);
	CALL(mkdir(P("sub"), 0755));
	make(P("sub/inner"), 70, 2);
	CALL(symlink("sub", P("link")));

	CALL(chdir(dir));
	WHERE();
	CALL(stat("file", &st));
	fd = CALL(open("file", O_RDWR));
	CONTENT(fd);
	CALL(close(fd));
	FILE_AT("./sub/../file");
	fd = CALL(open("made", O_RDWR | O_CREAT, 0644));
	CALL(write(fd, "made", 4));
	CALL(close(fd));
	FILE_AT(P("made"));
	CALL(chdir("sub"));
	WHERE();
	FILE_AT("inner");
	FILE_AT("../made");
	CALL(rename("../made", "made"));
	CALL(access("made", F_OK));
	CALL(truncate("made", 2));
	FILE_AT("made");
	CALL(unlink("made"));
	CALL(chdir(".."));
	WHERE();
	CALL(chdir("link"));
	WHERE();
	CALL(chdir("/"));
	WHERE();
	d = CALL(open(P("sub"), O_RDONLY | O_DIRECTORY));
	CALL(fchdir(d));
	WHERE();
	FILE_AT("inner");
	CALL(close(d));
	CALL(chdir("none"));
	CALL(chdir("inner"));
	CALL(chdir(""));
	CALL(fchdir(-1));
	WHERE();
	PTR(getcwd(OPAQUE((char *)b), 3));
	PTR(getcwd(OPAQUE((char *)b), 0));

	pid = split();
	if (!pid) {
		FILE_AT("inner");
		CALL(chdir(".."));
		FILE_AT("file");
		_exit(0);
	}
	WAIT(pid);
	FILE_AT("inner");
	/* and in a program of its own */
	pid = split();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", "cat < inner | cksum; cat ../file | cksum; pwd | sed 's,.*/,,'", (char *)NULL);
		_exit(9);
	}
	WAIT(pid);

	REAL_PATH(P("file"));
	REAL_PATH(P("link/inner"));
	REAL_PATH(P("link/../sub/./inner"));
	REAL_PATH("inner");
	REAL_PATH("../link");
	REAL_PATH(P("none"));
	REAL_PATH(P("none/x"));
	REAL_PATH(P("file/x"));
	REAL_PATH("");
	REAL_PATH("/dev/null");
	PTR(realpath(OPAQUE((char *)NULL), NULL));

	moved();

	/* a working directory that is removed */
	CALL(mkdir(P("gone"), 0700));
	CALL(chdir(P("gone")));
	CALL(rmdir(P("gone")));
	say("%s", getcwd(b, sizeof(b)) ? shown(b) : name_of(errno));
	PTR(((char *(*)(char *))dlsym(RTLD_DEFAULT, "getwd"))(b));
	CALL(open("x", O_CREAT | O_RDWR, 0600));
	CALL(chdir(".."));
	WHERE();
	CALL(chdir("/"));
}
