/* SPDX-License-Identifier: MIT */
/*
 * fts with each option. Fails if an entry is missing, is in another state, or
 * cannot be reached by the name it is said to have.
 */
#include "door.h"
#include <fts.h>

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int nostat;      /* fts_statp is nothing then */

static void entry(const FTSENT *p)
{
	static const char *const names[] = {
		"?", "D", "DC", "DEFAULT", "DNR", "DOT", "DP", "ERR", "F", "INIT", "NS", "NSOK", "SL", "SLNONE", "W",
	};
	struct stat st = { 0 };
	int r = lstat(p->fts_accpath, &st);

	say("  %s %s level %d, name %s, length %d %d, %s %s%s", names[p->fts_info], shown(p->fts_path), p->fts_level,
	    p->fts_level ? p->fts_name : "-", p->fts_pathlen - (p->fts_path[0] == '/' ? (int)dirlen : 0),
	    p->fts_level ? (int)p->fts_namelen : 0, r ? "not to be found" : "there",
	    nostat || p->fts_info == FTS_NSOK || p->fts_statp->st_ino == st.st_ino ? "it" : "another",
	    p->fts_errno ? name_of(p->fts_errno) : "");
}

static void walk(const char *what, char *const *names, int options)
{
	FTS *s = fts_open(names, options, by_name);
	char cwd[PATH_MAX];
	FTSENT *p, *c;

	nostat = options & FTS_NOSTAT;
	say("%s, %x: %s", what, (unsigned)options, s ? "" : name_of(errno));
	if (!s)
		return;
	while ((p = fts_read(s))) {
		entry(p);
		if (strstr(p->fts_path, "skipped") && p->fts_info == FTS_D)
			CALL(fts_set(s, p, FTS_SKIP));
		if (strstr(p->fts_path, "followed") && p->fts_info == FTS_SL)
			CALL(fts_set(s, p, FTS_FOLLOW));
		if (strstr(p->fts_name, "looked") && p->fts_info == FTS_D) {
			int only = options & FTS_SEEDOT ? FTS_NAMEONLY : 0;

			for (c = fts_children(s, only); c; c = c->fts_link)
				say("    child %s %d", c->fts_name, c->fts_info);
		}
	}
	say("end: %s", name_of(errno));
	CALL(fts_close(s));
	say("back in %s", shown(getcwd(cwd, sizeof(cwd))));
}

static void door(void)
{
	static const int options[] = {
		FTS_PHYSICAL, FTS_LOGICAL, FTS_PHYSICAL | FTS_NOCHDIR, FTS_PHYSICAL | FTS_SEEDOT,
		FTS_PHYSICAL | FTS_NOSTAT, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_XDEV, FTS_LOGICAL | FTS_SEEDOT | FTS_XDEV,
		FTS_PHYSICAL | FTS_NOCHDIR | FTS_SEEDOT,
	};
	char whole[PATH_MAX];
	FTS *s;

	make(P("file"), 3, 1);
	mkdir(P("looked"), 0755), mkdir(P("looked/deep"), 0755), mkdir(P("skipped"), 0755), mkdir(P("empty"), 0755);
	make(P("looked/a"), 1, 1), make(P("looked/deep/b"), 1, 1), make(P("skipped/c"), 1, 1);
	symlink("looked", P("followed"));
	symlink("nothing", P("dangling"));
	symlink("..", P("looked/up"));
	if (has_nodes())
		mkfifo(P("fifo"), 0600);
	mkdir(P("unreadable"), 0755), mkdir(P("unreadable/x"), 0755), mkdir(P("blocked"), 0755), make(P("blocked/y"), 1, 1);
	chmod(P("unreadable"), 0311), chmod(P("blocked"), 0644);
	powerless();
	strcpy(whole, dir);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		chdir("/");
		walk("whole", (char *[]){ whole, NULL }, options[i]);
		chdir(dir);
		walk("relative", (char *[]){ "looked", "file", "followed", "none", "./empty/", NULL }, options[i]);
		walk("dot", (char *[]){ ".", NULL }, options[i]);
	}
	walk("empty name", (char *[]){ "", NULL }, FTS_PHYSICAL);
	walk("bad option", (char *[]){ ".", NULL }, 1 << 20);
	s = fts_open((char *[]){ "looked", "empty", NULL }, FTS_PHYSICAL, NULL);
	for (FTSENT *p = fts_children(s, 0); p; p = p->fts_link)
		say("root %s", p->fts_name);
	PTR(fts_children(s, 99));
	FTSENT *p = fts_read(s);
	CALL(fts_set(s, p, 99));
	CALL(fts_set(s, p, FTS_AGAIN));
	entry(fts_read(s));
	CALL(fts_close(s));
	chmod(P("unreadable"), 0755), chmod(P("blocked"), 0755);
}
