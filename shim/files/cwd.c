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

#define BASE "/dev/shm/shim-cwd-"

static size_t base(char *buf, size_t size)
{
	return (size_t)snprintf(buf, size, BASE "%u", (unsigned)geteuid());
}

/* Appends "/comp\001" for each component of path, making the directories; 0 or -errno. */
static int spell(char *to, const char *path)
{
	size_t n = strlen(to);

	while (*path) {
		size_t len = strcspn(path + 1, "/") + 1;

		if (n + len + 2 > PATH_MAX || len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(to + n, path, len);
		n += len;
		to[n++] = MARK;
		to[n] = 0;
		if (REAL(mkdir)(to, 0700) < 0 && errno != EEXIST)
			return -errno;
		path += len;
	}
	return 0;
}

int cwd_enter(const struct mount *m, const char *name)
{
	char path[PATH_MAX];
	int dir, r;

	base(path, sizeof(path));
	dir = tree_open_dir(path, 1);
	if (dir < 0)
		return dir;
	REAL(close)(dir);
	r = spell(path, m->prefix);
	if (r == 0)
		r = spell(path, name);
	return r < 0 ? r : REAL(chdir)(path) < 0 ? -errno : 0;
}

/* Of any user: the program may have been another one when it went there. */
int cwd_unreal(char *path)
{
	size_t n = sizeof(BASE) - 1;
	char *to = path;

	if (strncmp(path, BASE, n))
		return 0;
	n += strspn(path + n, "0123456789");
	if (path[n] != '/')
		return 0;
	for (const char *s = path + n; *s; s++)
		if (!(*s == MARK && (s[1] == '/' || !s[1])))
			*to++ = *s;
	*to = 0;
	return 1;
}
