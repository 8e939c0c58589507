/* SPDX-License-Identifier: MIT */
/*
 * Calls that walk over many names: glob, ftw, nftw with each flag and limit.
 * Fails if a name is missing, of another type or depth, or the order of a
 * directory and what is in it is another.
 */
#include "door.h"
#include <ftw.h>
#include <glob.h>

static char *text[200];
static int texts, action, chdirs;

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show(void)
{
	qsort(text, (size_t)texts, sizeof(*text), by_text);
	for (int i = 0; i < texts; i++) {
		say("  %s", text[i]);
		free(text[i]);
	}
	texts = 0;
}

static int base_of(const char *path, const struct FTW *f)
{
	if (!f || strncmp(path, dir, dirlen))
		return f ? f->base : 0;
	return f->base <= (int)dirlen ? -1 : f->base - (int)dirlen;
}

/* What is seen of each; a directory says how many came before it. */
static int each(const char *path, const struct stat *st, int type, struct FTW *f)
{
	static const char *const names[] = { "F", "D", "DNR", "NS", "SL", "DP", "SLN" };
	struct stat now = { 0 };
	const char *name = chdirs ? path + f->base : path;
	int r = lstat(*name ? name : ".", &now), last = 0;

	if (type == FTW_D || type == FTW_DP)
		for (int i = 0; i < texts; i++)
			last += strstr(text[i], shown(path)) != NULL;
	if (texts < 200 && asprintf(&text[texts++], "%s %s level %d base %d, %s%s size %lld, below %d",
				    shown(path), names[type], f ? f->level : -1, base_of(path, f),
				    r ? "not to be found" : "there",
				    now.st_ino == st->st_ino ? ", it" : "",
				    type == FTW_NS || S_ISDIR(st->st_mode) ? 0LL : (long long)st->st_size, last) < 0)
		exit(1);
	if (action && strstr(path, "/skip"))
		return action;
	return 0;
}

static int each_old(const char *path, const struct stat *st, int type)
{
	return each(path, st, type, NULL);
}

static int stop(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st, (void)type, (void)f;
	return strstr(path, "deep") ? 77 : 0;
}

static int failing(const char *path, int error)
{
	say("glob: %s: %s", shown(path), name_of(error));
	return 0;
}

static void globs(void)
{
	static const char *const patterns[] = {
		"*", "*/*", "sub/*", "s*/d*/f?", "none*", "none", "file", "{file,none,sub}", "sub/",
		"*/", "[fs]*", ".*", "sub/../f*", "link/*", "no/*", "dangl*", "dangling",
	};
	static const int flags[] = { 0, GLOB_MARK, GLOB_NOCHECK | GLOB_BRACE, GLOB_ONLYDIR, GLOB_ERR, GLOB_PERIOD };
	glob_t g;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		for (size_t j = 0; j < sizeof(flags) / sizeof(*flags); j++) {
			memset(&g, 0, sizeof(g));
			int r = glob(P(patterns[i]), flags[j], failing, &g);
			say("glob %s %x: %d, %zu, flags %x", patterns[i], (unsigned)flags[j], r, g.gl_pathc, (unsigned)g.gl_flags);
			for (size_t k = 0; k < g.gl_pathc; k++)
				say("  %s", shown(g.gl_pathv[k]));
			globfree(&g);
		}
	memset(&g, 0, sizeof(g));
	g.gl_offs = 2;
	CALL(glob(P("f*"), GLOB_DOOFFS, NULL, &g));
	CALL(glob(P("s*"), GLOB_DOOFFS | GLOB_APPEND, NULL, &g));
	for (size_t k = 0; k < g.gl_pathc; k++)
		say("  %s", shown(g.gl_pathv[k + 2]));
	globfree(&g);
	CALL(chdir(P("sub")));
	CALL(glob("*", 0, NULL, &g));
	for (size_t k = 0; k < g.gl_pathc; k++)
		say("  %s", g.gl_pathv[k]);
	globfree(&g);
}

static void door(void)
{
	static const int flags[] = {
		0, FTW_PHYS, FTW_DEPTH, FTW_PHYS | FTW_DEPTH, FTW_CHDIR, FTW_CHDIR | FTW_DEPTH | FTW_PHYS,
		FTW_MOUNT | FTW_PHYS, FTW_CHDIR | FTW_MOUNT,
	};

	make(P("file"), 3, 1);
	mkdir(P("sub"), 0755);
	mkdir(P("sub/deep"), 0755);
	mkdir(P("sub/deep/er"), 0755);
	mkdir(P("skip"), 0755);
	make(P("skip/in"), 2, 1);
	make(P("sub/deep/f1"), 4, 1);
	make(P("sub/deep/er/f2"), 5, 1);
	make(P("sub/.hidden"), 6, 1);
	symlink("sub", P("link"));
	symlink("nothing", P("dangling"));
	symlink("..", P("sub/deep/up"));
	symlink("loop", P("loop"));
	globs();
	CALL(chdir("/"));
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		for (int limit = 0; limit < 4; limit++) {
			char cwd[PATH_MAX];

			say("nftw %x, %d", (unsigned)flags[i], limit);
			chdirs = flags[i] & FTW_CHDIR;
			/* a link that leads up makes it matter which comes first */
			CALL(nftw(flags[i] & FTW_PHYS ? dir : P("sub/deep/er"), each, limit, flags[i]));
			show();
			say("back in %s", getcwd(cwd, sizeof(cwd)));
		}
	chdirs = 0;
	for (action = FTW_STOP; action <= FTW_SKIP_SIBLINGS; action++) {
		say("action %d", action);
		CALL(nftw(P("skip"), each, 9, FTW_ACTIONRETVAL | FTW_PHYS));
		show();
		if (action == FTW_SKIP_SUBTREE) {
			CALL(nftw(dir, each, 9, FTW_ACTIONRETVAL | FTW_PHYS));
			show();
		}
	}
	action = 0;
	CALL(ftw(P("sub/deep/er"), each_old, 5));
	show();
	CALL(ftw(P("skip/"), each_old, 1));
	show();
	CALL(nftw(dir, stop, 5, FTW_PHYS));
	CALL(nftw(P("none"), each, 5, 0));
	CALL(nftw(P("file/x"), each, 5, 0));
	CALL(nftw("", each, 5, 0));
	CALL(nftw(dir, each, 5, 1 << 20));
	CALL(nftw(P("loop"), each, 5, 0));
	CALL(nftw(P("dangling"), each, 5, 0));
	CALL(nftw(P("dangling"), each, 5, FTW_PHYS));
	CALL(nftw(P("file"), each, 5, 0));
	CALL(nftw(P("link"), each, 5, FTW_PHYS));
	show();
	CALL(chdir(dir));
	CALL(nftw("skip", each, 5, FTW_PHYS));
	CALL(nftw("./skip//", each, 5, FTW_DEPTH));
	chdirs = 1;
	CALL(nftw("skip", each, 5, FTW_CHDIR));
	CALL(nftw(".", each, 5, FTW_CHDIR | FTW_PHYS));
	show();
	CALL(access("skip", F_OK));
}
