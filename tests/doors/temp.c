/* SPDX-License-Identifier: MIT */
/*
 * Files with made-up names: the mkstemp family, mkdtemp, tmpfile. Fails if
 * the name given back is not the program's, or the file not the one named.
 */
#include "door.h"

static void made(int line, int fd, const char *name, int suffix)
{
	size_t n = strlen(name);
	struct stat a, c;
	char shape[2 * PATH_MAX];

	if (fd < 0)
		return;
	snprintf(shape, sizeof(shape), "%s", shown(name));
	n = strlen(shape);
	if (memcmp(shape + n - 6 - (size_t)suffix, "XXXXXX", 6))
		memset(shape + n - 6 - (size_t)suffix, '#', 6);
	say("%d: %s", line, shape);
	pwrite(fd, "temporary", 9, 0);
	say("%d: named %d %d", line, stat(name, &a), fstat(fd, &c));
	say("%d: the same file %d, mode %o, size %lld, flags %o, cloexec %d", line,
	    a.st_ino == c.st_ino && a.st_dev == c.st_dev, (unsigned)a.st_mode,
	    (long long)a.st_size, (unsigned)fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	content(line, "it", fd);
	say("%d: unlink %d", line, unlink(name));
	close(fd);
}
#define MADE(fd, name, suffix) made(__LINE__, fd, name, suffix)

static char *template(const char *s)
{
	static char t[PATH_MAX + 100];

	snprintf(t, sizeof(t), "%s", P(s));
	return t;
}

static void door(void)
{
	struct stat st;
	char *t, b[20];
	FILE *f;
	int fd;

	t = template("tXXXXXX");
	fd = CALL(mkstemp(t));
	MADE(fd, t, 0);
	t = template("tXXXXXX.c");
	fd = CALL(mkstemps(t, 2));
	MADE(fd, t, 2);
	t = template("tXXXXXX");
	fd = CALL(mkostemp(t, O_CLOEXEC | O_APPEND));
	MADE(fd, t, 0);
	t = template("tXXXXXX.txt");
	fd = CALL(mkostemps(t, 4, O_CLOEXEC));
	MADE(fd, t, 4);
	CALL(mkstemp(template("tXXXXX")));
	CALL(mkstemp(template("t")));
	CALL(mkstemps(template("tXXXXXX.c"), 3));
	CALL(mkstemps(template("tXXXXXX.c"), 300));
	CALL(mkstemp(template("none/tXXXXXX")));
	CALL(mkstemp(template("tXXXXXX/")));
	t = template("dXXXXXX");
	PTR(mkdtemp(t));
	CALL(stat(t, &st));
	say("mode %o", (unsigned)st.st_mode);
	CALL(rmdir(t));
	PTR(mkdtemp(template("none/dXXXXXX")));
	PTR(mkdtemp(template("dXXX")));
	CALL(chdir(dir));
	strcpy(t, "relXXXXXX");
	fd = CALL(mkstemp(t));
	MADE(fd, t, 0);
	CALL(chdir("/"));

	f = PTR(tmpfile());
	fd = fileno(f);
	CALL(fprintf(f, "in a stream"));
	CALL(fflush(f));
	CALL(pread(fd, b, 20, 0));
	BYTES(b, 11);
	CALL(fstat(fd, &st));
	say("links %d", (int)st.st_nlink);
	CALL(fclose(f));
	CALL(pread(fd, b, 20, 0));
}
