/* SPDX-License-Identifier: MIT */
/*
 * not: mem
 * Calls that walk paths inside libc where no symbol of ours is passed: ftw,
 * glob, spawn's open action, execvp. On rules whose files have their own
 * names they act on the real file; elsewhere they are refused.
 */
#include "door.h"

#include <ftw.h>
#include <glob.h>

static int visited;
extern char **environ;

static int visit(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)path;
	(void)st;
	(void)type;
	visited += f->level + 1;
	return 0;
}

static void door(void)
{
	posix_spawn_file_actions_t fa;
	char *argv[] = { (char *)"cat", NULL };
	pid_t pid;
	glob_t g;

	make(P("file"), 100, 1);
	CALL(mkdir(P("sub"), 0755));
	make(P("sub/inner"), 100, 2);
	CALL(nftw(dir, visit, 8, FTW_PHYS));
	say("visited %d", visited);
	CALL(glob(P("*/inn*"), 0, NULL, &g));
	say("found %zu: %s", g.gl_pathc, g.gl_pathc ? shown(g.gl_pathv[0]) : "");
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, P("file"), O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 1, P("spawned"), O_WRONLY | O_CREAT, 0644);
	ERR_ALONE(posix_spawnp(&pid, "cat", &fa, NULL, argv, environ));
	WAIT(pid);
	FILE_AT(P("spawned"));
}
