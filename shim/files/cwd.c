/* SPDX-License-Identifier: MIT */
/* A working directory without a kernel directory; see cwd.h. */
#include "cwd.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/hidden.h"
#include "object/ofd.h"
#include "base/real.h"
#include "stats/stats_tree.h"

/* Ends each component, so that no name a program uses is found by chance. */
#define MARK '\001'
#define MORE '\002'      /* the first part of one */

#define BASE "/dev/shm/shim-cwd-"

static size_t base(char *buf, size_t size)
{
	return (size_t)snprintf(buf, size, BASE "%u", (unsigned)geteuid());
}

/*
 * Appends "/comp\001" for each component of path, making the directories if
 * asked to; one that is too long for the mark is two. 0 or -errno.
 */
static int spell(char *to, const char *path, int make)
{
	size_t n = strlen(to);

	while (*path) {
		size_t left = strcspn(++path, "/");

		do {
			size_t part = left < NAME_MAX ? left : NAME_MAX - 1;

			if (n + part + 3 > PATH_MAX)
				return -ENAMETOOLONG;
			to[n++] = '/';
			memcpy(to + n, path, part);
			n += part, path += part, left -= part;
			to[n++] = left ? MORE : MARK;
			to[n] = 0;
			if (make && REAL(mkdir)(to, 0700) < 0 && errno != EEXIST)
				return -errno;
		} while (left);
	}
	return 0;
}

/* The stand-in for `name` of m, in the user's directory. 0 or -errno. */
static int stand_in(char path[PATH_MAX], const struct mount *m, const char *name, int make)
{
	int dir, r;

	base(path, PATH_MAX);
	dir = tree_open_dir(path, make);
	if (dir < 0)
		return dir;
	REAL(close)(dir);
	r = spell(path, m->prefix, make);
	return r < 0 ? r : spell(path, name, make);
}

int cwd_enter(const struct mount *m, const char *name)
{
	char path[PATH_MAX];
	int r = stand_in(path, m, name, 1);

	return r < 0 ? r : REAL(chdir)(path) < 0 ? -errno : 0;
}

/* Whether somebody has, or had, that for a working directory, or one below it. */
static int is_used(const struct mount *m, const char *name)
{
	char path[PATH_MAX];

	return stand_in(path, m, name, 0) == 0 && REAL(faccessat)(AT_FDCWD, path, F_OK, 0) == 0;
}

void cwd_renamed(const struct mount *m, const char *from, const char *to, int both)
{
	char a[PATH_MAX], b[PATH_MAX];

	if (!is_used(m, from) && !(both && is_used(m, to)))
		return;
	if (stand_in(a, m, from, 1) < 0 || stand_in(b, m, to, 1) < 0 ||
	    REAL(renameat2)(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) < 0)
		return;
	if (!both)      /* what was in its place is gone */
		REAL(rmdir)(a);
}

/* Of any user: the program may have been another one when it went there. */
int cwd_unreal(char *path)
{
	const char *s = own_below(path, BASE);
	char *to = path;

	if (!s)
		return 0;
	for (; *s; s++)
		if (*s == MORE && s[1] == '/')
			s++;
		else if (!(*s == MARK && (s[1] == '/' || !s[1])))
			*to++ = *s;
	*to = 0;
	return 1;
}
