/* SPDX-License-Identifier: MIT */
/*
 * Everything that reads a directory, on one with a directory `sub` in it: each
 * finds every name once, of the right type and with the inode number that stat
 * gives, and positions lead where they came from. above.sh runs it where `sub`
 * is the prefix of a rule and on no disk.
 */
#include "door.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *text[64];
static int texts;

static void note(const struct dirent *e)
{
	struct stat st = { 0 };
	int r = lstat(P(e->d_name), &st);

	if (texts < 64 && asprintf(&text[texts++], "%s type %d%s%s", e->d_name, e->d_type,
				   r ? " not to be found" : "",
				   strcmp(e->d_name, "..") && e->d_ino != st.st_ino ? " other inode" : "") < 0)
		exit(1);
}

static void show(const char *what)
{
	say("%s: %d", what, texts);
	qsort(text, (size_t)texts, sizeof(*text), by_text);
	for (int i = 0; i < texts; i++) {
		say("  %s", text[i]);
		free(text[i]);
	}
	texts = 0;
}

static void by_readdir(DIR *d, const char *what)
{
	struct dirent *e;

	errno = UNTOUCHED;
	while ((e = readdir(d)))
		note(e);
	say("errno %s", errno == UNTOUCHED ? "untouched" : name_of(errno));
	show(what);
}

static void by_readdir_r(DIR *d)
{
	struct dirent e, *p;

	while (!readdir_r(d, &e, &p) && p)
		note(p);
	show("readdir_r");
}

/* From each position the same names follow as the first time. */
static void positions(DIR *d)
{
	long pos[32];
	char name[32][256];
	struct dirent *e;
	int n = 0, bad = 0;

	rewinddir(d);
	while (n < 32 && (pos[n] = telldir(d), e = readdir(d)))
		strcpy(name[n++], e->d_name);
	for (int i = n - 1; i >= 0; i--) {
		seekdir(d, pos[i]);
		bad += telldir(d) != pos[i];
		for (int j = i; j < n; j++) {
			e = readdir(d);
			bad += !e || strcmp(e->d_name, name[j]);
		}
		bad += readdir(d) != NULL;
	}
	say("positions: %d names, %d wrong", n, bad);
}

static void by_getdents(int fd, size_t size, int old)
{
	char buf[4096] __attribute__((aligned(8)));
	off_t base;
	ssize_t n;

	lseek(fd, 0, SEEK_SET);
	while ((n = old ? getdirentries(fd, buf, size, &base) : getdents64(fd, buf, size)) > 0)
		for (ssize_t i = 0; i < n; i += ((struct dirent *)(buf + i))->d_reclen)
			note((struct dirent *)(buf + i));
	say("at the end %zd", n);
	show("getdents64");
}

/* getdents(2) puts the type last */
static void by_number(int fd)
{
	char buf[4096] __attribute__((aligned(8)));
	long n;

	lseek(fd, 0, SEEK_SET);
	while ((n = syscall(SYS_getdents, fd, buf, sizeof(buf))) > 0)
		for (long i = 0; i < n;) {
			struct dirent e = { .d_ino = *(ino_t *)(buf + i) };
			unsigned short len = *(unsigned short *)(buf + i + 16);

			strcpy(e.d_name, buf + i + 18);
			e.d_type = (unsigned char)buf[i + len - 1];
			note(&e);
			i += len;
		}
	show("getdents");
}

static int pick(const struct dirent *e)
{
	return e->d_name[0] == 's' || e->d_name[0] == 'f';
}

static void by_scandir(void)
{
	struct dirent **list = NULL;
	int fd = open(dir, O_RDONLY | O_DIRECTORY);

	for (int at = 0; at < 2; at++) {
		int n = at ? CALL(scandirat(fd, ".", &list, pick, alphasort))
			   : CALL(scandir(dir, &list, NULL, NULL));

		for (int i = 0; i < n; i++) {
			note(list[i]);
			free(list[i]);
		}
		free(list);
		show("scandir");
	}
	CALL(scandir(P("file"), &list, NULL, NULL));
	CALL(scandir(P("none"), &list, NULL, NULL));
	CALL(scandirat(-1, "x", &list, NULL, NULL));
	close(fd);
}

static void door(void)
{
	struct stat st;
	DIR *d;
	int fd;

	mkdir(P("sub"), 0755);
	make(P("file"), 5, 1);
	CALL(symlink("file", P("symlink")));
	if (has_nodes())
		CALL(mkfifo(P("fifo"), 0600));

	d = PTR(opendir(dir));
	CALL(fstat(dirfd(d), &st));
	CALL(fcntl(dirfd(d), F_GETFD));
	by_readdir(d, "readdir");
	positions(d);
	CALL(unlink(P("fifo")));
	rewinddir(d);
	by_readdir_r(d);
	CALL(fstatat(dirfd(d), "sub", &st, AT_SYMLINK_NOFOLLOW));
	CALL(close(dup(dirfd(d))));
	fd = dirfd(d);
	CALL(closedir(d));
	CALL(fcntl(fd, F_GETFD));

	fd = CALL(open(dir, O_RDONLY | O_DIRECTORY));
	by_getdents(fd, 4096, 0);
	by_getdents(fd, 256, 1);
	by_number(fd);
	CALL(getdents64(fd, bad_page(), 4096));
	lseek(fd, 0, SEEK_SET);
	CALL(getdents64(fd, &st, 4));
	d = PTR(fdopendir(fd));
	CALL(dirfd(d) - fd);
	by_readdir(d, "fdopendir");
	CALL(closedir(d));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_PATH);
	d = PTR(fdopendir(fd));
	if (d)
		CALL(readdir(d) ? 1 : 0), CALL(closedir(d));
	else
		close(fd);
	fd = open(P("file"), O_RDWR);
	CALL(getdents64(fd, &st, sizeof(st)));
	PTR(fdopendir(fd));
	close(fd);
	CALL(getdents64(-1, &st, sizeof(st)));

	by_scandir();

	/* a child has the same position */
	d = opendir(dir);
	readdir(d);
	if (!split()) {
		int n = 0;

		while (readdir(d))
			n++;
		say("the child reads %d more", n);
		_exit(0);
	}
	wait(NULL);
	closedir(d);
}
