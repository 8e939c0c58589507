/* SPDX-License-Identifier: MIT */
/*
 * The functions of libc that take a name and make their system calls where no
 * door stands, and the calls with two names, each on the names that make them
 * fail: what errno_paths has of system calls.
 * not: uring uring,engine=ring
 */
#include "errnos.h"

#include <fts.h>
#include <ftw.h>
#include <glob.h>

static int closed(FILE *f)
{
	return f ? fclose(f) : -1;
}

static int reopened(const char *path, const char *mode)
{
	FILE *f = fopen("/dev/null", "r");

	return closed(freopen(path, mode, f));
}

/* EACH_NAME, but of what could be opened; a fifo would wait. */
#define EACH_STREAM(call) EACH_NAME(strstr(path, "fifo") ? 0 : (call))

static void streams(void)
{
	EACH_STREAM(closed(fopen(path, "r")));
	EACH_STREAM(closed(fopen(path, "w")));
	EACH_STREAM(closed(fopen(path, "a+")));
	EACH_STREAM(closed(fopen(path, "r+")));
	EACH_STREAM(closed(fopen(path, "wx")));
	/* a link to where nothing is, and that is elsewhere */
	symlink("/dev/shm/shim-test-none", P("away"));
	PTR(fopen(P("away"), "w+x"));
	CALL(reopened(P("away"), "wx"));
	CALL(access("/dev/shm/shim-test-none", F_OK));
	EACH_STREAM(reopened(path, "r"));
	EACH_STREAM(reopened(path, "w"));
	EACH_STREAM(reopened(path, "a"));
	EACH_STREAM(reopened(path, "ax"));
}

static int made(int (*make)(char *), const char *path)
{
	static char name[PATH_MAX * 2];
	int fd;

	snprintf(name, sizeof(name), "%s/tXXXXXX", path);
	fd = make(name);
	if (fd < 0)
		return -1;
	unlink(name), rmdir(name);
	return fd ? close(fd) : 0;
}

static int with_suffix(char *name)
{
	return mkstemps(name, 0);
}

static int with_flags(char *name)
{
	return mkostemp(name, O_CLOEXEC);
}

static int directory(char *name)
{
	return mkdtemp(name) ? 0 : -1;
}

static void temporary(void)
{
	EACH_NAME(made(mkstemp, path));
	EACH_NAME(made(with_suffix, path));
	EACH_NAME(made(with_flags, path));
	EACH_NAME(made(directory, path));
}

static int looked_at(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)path, (void)st, (void)type, (void)f;
	return 0;
}

static int looked_at_old(const char *path, const struct stat *st, int type)
{
	return looked_at(path, st, type, NULL);
}

static int listed(const char *path)
{
	struct dirent **list = NULL;
	int n = scandir(path, &list, NULL, NULL);

	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return n < 0 ? -1 : 0;
}

static int opened(const char *path)
{
	DIR *d = opendir(path);

	return d ? closedir(d) : -1;
}

/* What the first entry is. */
static int walked(const char *path)
{
	FTS *s = fts_open((char *[]){ (char *)(uintptr_t)path, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e = s ? fts_read(s) : NULL;
	int r = e && (e->fts_info == FTS_NS || e->fts_info == FTS_ERR) ? e->fts_errno : 0;

	if (s)
		fts_close(s);
	errno = r;
	return s && !r ? 0 : -1;
}

static int globbed(const char *path)
{
	static char pattern[PATH_MAX * 2];
	glob_t g;
	int r;

	snprintf(pattern, sizeof(pattern), "%s/*", path);
	r = glob(pattern, GLOB_ERR, NULL, &g);
	globfree(&g);
	errno = r == GLOB_NOMATCH ? ENOENT : r == GLOB_ABORTED ? EIO : r;
	return r ? -1 : 0;
}

static int real(char *(*get)(const char *), const char *path)
{
	char *s = get(path);

	free(s);
	return s ? 0 : -1;
}

static char *resolved(const char *path)
{
	return realpath(path, NULL);
}

static void walks(void)
{
	looking = 1;
	EACH_NAME(opened(path));
	EACH_NAME(listed(path));
	EACH_NAME(nftw(path, looked_at, 5, FTW_PHYS));
	EACH_NAME(nftw(path, looked_at, 5, 0));
	EACH_NAME(nftw(path, looked_at, 5, FTW_CHDIR | FTW_PHYS));
	EACH_NAME(ftw(path, looked_at_old, 5));
	EACH_NAME(walked(path));
	EACH_NAME(globbed(path));
	EACH_NAME(real(resolved, path));
	EACH_NAME(real(canonicalize_file_name, path));
	for (size_t i = 0; i < COUNT(pointers); i++)
		if (pointers[i].path != (const char *)1)        /* libc reads them itself */
			CALL(real(resolved, pointers[i].path)), CALL(real(canonicalize_file_name, pointers[i].path));
	looking = 0;
}

/* Of two names one is right; the long one is beside it. */
static void pairs(void)
{
	CALL(chdir(dir));
	EACH_PATH(rename(P("file"), path));
	EACH_PATH(rename(path, P("new")));
	EACH_PATH(rename(P("empty"), path));
	EACH_PATH(link(P("file"), path));
	EACH_PATH(link(path, P("new")));
	EACH_PATH(symlink(path, P("new")));
}

static void door(void)
{
	begin();
	streams();
	temporary();
	walks();
	pairs();
}
