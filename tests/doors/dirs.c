/* SPDX-License-Identifier: MIT */
/*
 * Reading directories: opendir, fdopendir, readdir, rewinddir, scandir. Fails
 * if a name is missing, double, of the wrong type, or not the program's.
 */
#include "door.h"

static int by_name(const void *a, const void *c)
{
	return strcmp(*(char *const *)a, *(char *const *)c);
}

static void list(int line, DIR *d)
{
	static char *names[2000];
	struct dirent *e;
	int n = 0;

	if (!d) {
		say("%d: %s", line, name_of(errno));
		return;
	}
	errno = UNTOUCHED;
	while ((e = readdir(d)) && n < 2000)
		if (asprintf(&names[n++], "%s:%d", e->d_name, e->d_type) < 0)
			exit(1);
	say("%d: %d entries, errno %s", line, n, errno == UNTOUCHED ? "untouched" : name_of(errno));
	qsort(names, (size_t)n, sizeof(*names), by_name);
	for (int i = 0; i < n; i++) {
		if (n < 20 || i % 97 == 0)
			say("  %s", names[i]);
		free(names[i]);
	}
}
#define LIST(d) list(__LINE__, d)

static int not_dots(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void door(void)
{
	struct dirent **found;
	char name[64];
	DIR *d;
	int fd, n;

	make(P("file"), 60, 1);
	CALL(mkdir(P("sub"), 0755));
	CALL(mkdir(P("sub/many"), 0755));
	CALL(symlink("file", P("link")));
	if (has_nodes())
		CALL(mkfifo(P("fifo"), 0600));

	d = PTR(opendir(dir));
	LIST(d);
	rewinddir(d);
	LIST(d);
	CALL(closedir(d));
	d = PTR(opendir(P("sub/")));
	LIST(d);
	CALL(fstatat(dirfd(d), "many", &(struct stat){ 0 }, 0));
	CALL(closedir(d));
	PTR(opendir(P("none")));
	PTR(opendir(P("file")));
	PTR(opendir(P("file/x")));
	PTR(opendir(""));

	/* the number comes back */
	fd = CALL(open(P("file"), O_RDONLY));
	CALL(close(fd));

	for (int i = 0; i < 500; i++) {
		sprintf(name, "sub/many/n%d", i);
		close(open(P(name), O_CREAT | O_WRONLY, 0600));
	}
	d = PTR(opendir(P("sub/many")));
	LIST(d);
	rewinddir(d);
	for (int i = 0; i < 500; i += 2) {
		sprintf(name, "sub/many/n%d", i);
		if (unlink(P(name)))
			say("unlink %d: %s", i, name_of(errno));
	}
	CALL(closedir(d));
	d = opendir(P("sub/many"));
	LIST(d);
	closedir(d);

	fd = CALL(open(P("sub"), O_RDONLY | O_DIRECTORY));
	d = PTR(fdopendir(fd));
	LIST(d);
	CALL(closedir(d));
	CALL(read(fd, name, 1));
	fd = CALL(open(P("file"), O_RDONLY));
	PTR(fdopendir(fd));
	CALL(close(fd));
	PTR(fdopendir(-1));

	n = CALL(scandir(dir, &found, not_dots, alphasort));
	for (int i = 0; i < n; i++) {
		say("  %s", found[i]->d_name);
		free(found[i]);
	}
	n = CALL(scandir(P("none"), &found, NULL, NULL));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	n = CALL(scandirat(fd, "sub", &found, not_dots, alphasort));
	for (int i = 0; i < n; i++)
		say("  %s", found[i]->d_name);
	CALL(close(fd));

	/* relative, from inside */
	CALL(chdir(P("sub")));
	d = PTR(opendir("."));
	LIST(d);
	CALL(closedir(d));
	d = PTR(opendir(".."));
	LIST(d);
	CALL(closedir(d));
	CALL(chdir("/"));
	CALL(rmdir(P("sub")));
}
