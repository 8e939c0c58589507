/* SPDX-License-Identifier: MIT */
/* Stand-ins for directories that do not exist; see above.h. */
#include "above.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "mount.h"
#include "base/real.h"

#define ROOT "/dev/shm/shim-above-"

/* ROOT and the user's number, and the length of that. */
static size_t root(char *path, size_t size)
{
	return (size_t)snprintf(path, size, ROOT "%u", (unsigned)geteuid());
}

static int own_root(const char *path)
{
	struct stat st;

	if (REAL(mkdir)(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (own_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077) ? 0 : -EPERM;
}

/* One more directory, below one that is closed to writers but for now. */
static int make_below(char *path, char *slash)
{
	int r = REAL(mkdir)(path, 0555);

	if (r < 0 && errno == EACCES) {
		*slash = 0;
		REAL(chmod)(path, 0755);
		*slash = '/';
		r = REAL(mkdir)(path, 0555);
		*slash = 0;
		REAL(chmod)(path, 0555);
		*slash = '/';
	}
	return r < 0 && errno != EEXIST ? -errno : 0;
}

/* All of them down to the prefix itself, so that none can be removed. */
static int make(const char *prefix, char *path, size_t n)
{
	int r = own_root(path);

	for (const char *end = prefix; r == 0 && *end;) {
		const char *start = end;

		end += 1 + strcspn(end + 1, "/");
		memcpy(path + n, start, (size_t)(end - start));
		path[n + (size_t)(end - start)] = 0;
		r = make_below(path, path + n);
		n += (size_t)(end - start);
	}
	return r;
}

int above_real(const char *virt, char *path, size_t size)
{
	char tree[PATH_MAX + 64];
	size_t n = root(tree, sizeof(tree));
	const struct mount *m = mount_below(virt);
	struct stat st;

	if (n + strlen(m->prefix) >= sizeof(tree) || n + strlen(virt) >= size)
		return -ENAMETOOLONG;
	memcpy(path, tree, n);
	strcpy(path + n, virt);
	return own_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? make(m->prefix, tree, n) : 0;
}

int above_is(const char *path)
{
	return own_below(path, ROOT) != NULL;      /* anybody's: the user may have been another one */
}

int above_unreal(char *path)
{
	const char *rest = own_below(path, ROOT);

	if (!rest)
		return 0;
	memmove(path, rest, strlen(rest) + 1);
	return 1;
}
