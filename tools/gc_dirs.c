/* SPDX-License-Identifier: MIT */
/* shim gc: stand-in directories and dead placeholders; see gc_dirs.h. */
#include "gc_dirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "stats/stats_tree.h"
#include "tool.h"

#define AGE (24 * 60 * 60)       /* s; a process of another pid namespace is not seen */
#define OPEN_FILES 16            /* of a walk */
#define ID_LENGTH 32             /* hex digits of a placeholder's name */

/* Paths below the directory at hand that are in use, or stay for another reason. */
static struct { char **path; size_t n; } kept;
static char base[64];
static int removed, dry_run;

static void keep(const char *path)
{
	char **more = realloc(kept.path, (kept.n + 1) * sizeof(*more));

	if (!more)
		die(1, "out of memory");
	kept.path = more;
	kept.path[kept.n++] = format_text("%s", path);
}

static void keep_none(void)
{
	while (kept.n)
		free(kept.path[--kept.n]);
}

/* Whether the directory or one below it stays. */
static int is_kept(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < kept.n; i++)
		if (!strncmp(kept.path[i], path, len) && (!kept.path[i][len] || kept.path[i][len] == '/'))
			return 1;
	return 0;
}

/* A link of /proc that leads below base. */
static void keep_target(const char *link)
{
	char path[PATH_MAX];
	size_t len = strlen(base);
	ssize_t n = readlink(link, path, sizeof(path) - 1);

	if (n <= (ssize_t)len)
		return;
	path[n] = 0;
	if (!strncmp(path, base, len) && path[len] == '/')
		keep(path);
}

static void keep_open(const char *pid)
{
	char *link = format_text("/proc/%s/cwd", pid), *dir = format_text("/proc/%s/fd", pid);
	DIR *d = opendir(dir);
	struct dirent *e;

	keep_target(link);
	while (d && (e = readdir(d))) {
		free(link);
		link = format_text("%s/%s", dir, e->d_name);
		keep_target(link);
	}
	if (d)
		closedir(d);
	free(link);
	free(dir);
}

static void keep_all_open(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strspn(e->d_name, "0123456789") == strlen(e->d_name))
			keep_open(e->d_name);
	if (d)
		closedir(d);
}

/* The one above may be closed to writers (shim/files/above.c), its owner too. */
static int remove_directory(const char *path)
{
	char *above;
	int r = rmdir(path);

	if (r == 0 || errno != EACCES)
		return r;
	above = format_text("%.*s", (int)(strrchr(path, '/') - path), path);
	chmod(above, 0755);
	r = rmdir(path);
	chmod(above, 0555);
	free(above);
	return r;
}

/* From the deepest up; `st` is from before anything below it went. */
static int visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	if (!at->level)
		return 0;
	if (type != FTW_DP || is_kept(path) || time(NULL) - st->st_mtime < AGE)
		keep(path);
	else if (dry_run || remove_directory(path) == 0)
		removed++;
	else
		keep(path);
	return 0;
}

static void say(const char *what)
{
	if (removed)
		printf("%s %d %s of %s\n", dry_run ? "would remove" : "removed", removed, what, base);
}

/* Whether base is a directory of ours alone; its name is made here. */
static int ours(const char *kind)
{
	int dir;

	snprintf(base, sizeof(base), "/dev/shm/shim-%s-%u", kind, (unsigned)geteuid());
	dir = tree_open_dir(base, 0);
	if (dir >= 0)
		close(dir);
	removed = 0;
	return dir >= 0;
}

static void remove_stand_ins(const char *kind)
{
	if (!ours(kind))
		return;
	keep_all_open();
	nftw(base, visit, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
	keep_none();
	say("unused directories");
}

/* Whether nobody has the socket any more: it refuses, whatever the type. */
static int is_dead(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	r = s >= 0 && connect(s, (struct sockaddr *)&a, sizeof(a)) < 0 && errno == ECONNREFUSED;
	if (s >= 0)
		close(s);
	return r;
}

/* One that has a record is for its back end to end, in the next program under the rule. */
static int remove_placeholder(const char *name, void *arg)
{
	char *path, *record;

	(void)arg;
	if (strspn(name, "0123456789abcdef") != ID_LENGTH || !strcmp(name + ID_LENGTH, ".ofd"))
		return 0;
	path = format_text("%s/%s", base, name);
	record = format_text("%s/%.*s.ofd", base, ID_LENGTH, name);
	if (is_dead(path) && access(record, F_OK) < 0 && errno == ENOENT && (dry_run || unlink(path) == 0))
		removed++;
	free(path);
	free(record);
	return 0;
}

static void remove_placeholders(void)
{
	int dir;

	if (!ours("ofd"))
		return;
	dir = tree_open_dir(base, 0);
	if (dir < 0)
		return;
	tree_each(dir, remove_placeholder, NULL);
	close(dir);
	say("placeholders");
}

void gc_dirs(int dry)
{
	dry_run = dry;
	remove_stand_ins("above");
	remove_stand_ins("cwd");
	remove_placeholders();
}
