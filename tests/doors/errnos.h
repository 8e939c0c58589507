/* SPDX-License-Identifier: MIT */
/*
 * What the errno doors share: a directory with one of everything that makes a
 * call fail, built anew after each call that succeeds, and a line for each
 * call that says how it takes each of them.
 */
#ifndef ERRNOS_H
#define ERRNOS_H

#include "door.h"

/* The names that are tried; what they stand for is in build(). */
static const char *const tried[] = {
	"file", "dir", "none", "none/x", "file/x", "file/", "file/.", "dir/", "dir/.", "dir/..", "dir/../none",
	"empty", "empty/", "link", "link/", "dlink", "dlink/", "dlink/in", "dangling", "dangling/", "loop",
	"loop/x", "closed", "closed/x", "sealed/in", "sealed/none", "fifo", "none/..", "file/..", "closed/..", "closed/../file", "//file", ".",
};

static char longname[300], longpath[PATH_MAX + 100];

/* What has no name of its own: the empty path, bad pointers, what is too long. */
static const struct {
	const char *what;
	const char *path;
} pointers[] = {
	{ "empty", "" }, { "NULL", NULL }, { "bad", (const char *)1 }, { "name", longname }, { "path", longpath },
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void wipe(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char sub[PATH_MAX];

	while (d && (e = readdir(d))) {
		snprintf(sub, sizeof(sub), "%.2000s/%s", path, e->d_name);
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || unlink(sub) == 0)
			continue;
		chmod(sub, 0700);
		wipe(sub);
		rmdir(sub);
	}
	if (d)
		closedir(d);
}

static void build(void)
{
	chmod(dir, 0755);
	wipe(dir);
	make(P("file"), 10, 1);
	mkdir(P("dir"), 0755), mkdir(P("empty"), 0755), mkdir(P("closed"), 0755), mkdir(P("sealed"), 0755);
	make(P("dir/in"), 4, 1);
	make(P("sealed/in"), 4, 1);
	symlink("file", P("link"));
	symlink("dir", P("dlink"));
	symlink("nothing", P("dangling"));
	symlink("loop", P("loop"));
	if (has_nodes())
		mkfifo(P("fifo"), 0644);
	chmod(P("file"), 0644);
	chmod(P("closed"), 0);      /* cannot be passed */
	chmod(P("sealed"), 0555);   /* nothing can be made or removed */
}

static char line[8192];
static int looking;      /* what succeeds changes nothing */

__attribute__((unused)) static int outcome(const char *what, long r)
{
	size_t n = strlen(line);

	snprintf(line + n, sizeof(line) - n, " %s=%s", what, r == -1 ? name_of(errno) : "ok");
	return r != -1 && !looking;
}

#define TRY_NAMES(call) do {                                                  \
	*line = 0;                                                            \
	for (size_t i_ = 0; i_ < COUNT(tried); i_++) {                        \
		const char *path = P(tried[i_]);                              \
		if (outcome(tried[i_], (long)(call)))                         \
			build();                                              \
	}                                                                     \
} while (0)

/* `call`, an expression in `path`, on every name that is tried. */
#define EACH_NAME(call) do {                                                  \
	TRY_NAMES(call);                                                      \
	say("%d: %s:%s", __LINE__, #call, line);                              \
} while (0)

#define TRY_POINTERS(call) do {                                               \
	for (size_t i_ = 0; i_ < COUNT(pointers); i_++) {                     \
		const char *path = OPAQUE(pointers[i_].path);                 \
		if (path == (const char *)1)                                  \
			path = bad_page();                                    \
		if (outcome(pointers[i_].what, (long)(call)))                 \
			build();                                              \
	}                                                                     \
} while (0)

/* Likewise, and on bad pointers, which libc itself must not look at. */
#define EACH_PATH(call) do {                                                  \
	TRY_NAMES(call);                                                      \
	TRY_POINTERS(call);                                                   \
	say("%d: %s:%s", __LINE__, #call, line);                              \
} while (0)

/* Before the first: no privileges, long names, everything there. */
__attribute__((unused)) static void begin(void)
{
	powerless();
	signal(SIGPIPE, SIG_IGN);
	memset(longname, 'n', sizeof(longname) - 1);
	for (int i = 0; i < PATH_MAX / 2 + 10; i++)
		strcpy(longpath + 2 * i, "./");
	build();
}

#endif
