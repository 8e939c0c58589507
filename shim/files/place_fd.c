/* SPDX-License-Identifier: MIT */
/* Paths that the kernel tells, and the descriptors they are of; see place.h. */
#include "place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "above.h"
#include "cwd.h"
#include "fdtab.h"
#include "object/object.h"
#include "base/real.h"

int place_unreal(char *path, size_t size)
{
	const char *rel;
	int in_root;
	struct mount *m;
	size_t n;

	if (objects_on && cwd_unreal(path))
		return 1;
	if (mounts_above && above_unreal(path))
		return 1;
	m = mount_find(path, &rel, &in_root);
	n = strlen(rel);
	if (!in_root)
		return 0;
	if (m->prefixlen == 1 && n)
		memmove(path, rel, n + 1);
	else if (m->prefixlen + n + 1 > size)
		return -ERANGE;
	else {
		memmove(path + m->prefixlen, rel, n + 1);
		memcpy(path, m->prefix, m->prefixlen);
	}
	return 1;
}

int place_fd_path(int fd, char *buf, size_t size)
{
	char proc[32];
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = REAL(readlink)(proc, buf, size - 1);
	if (n <= 0 || *buf != '/')
		return 0;
	buf[n] = 0;
	/* the name of what has none any more; a file may really be called so, and then the kernel walks */
	return n < 10 || strcmp(buf + n - 10, " (deleted)") != 0;
}

struct mount *place_of_fd(int fd, char *virt)
{
	const char *rel;
	int in_root;
	struct file *f = object_of(fd);

	if (f) {
		object_path(f, virt);
		return f->mount;
	}
	if (!place_fd_path(fd, virt, PATH_MAX)) {
		*virt = 0;
		return &mount_none;
	}
	place_unreal(virt, PATH_MAX);
	return mount_find(virt, &rel, &in_root);
}

struct file *place_magic_file(const char *path)
{
	char own[32], *end;
	int n = snprintf(own, sizeof(own), "/proc/%d/", (int)getpid());
	long fd;

	if (strncmp(path, own, (size_t)n))
		return NULL;
	path += n;
	if (!strncmp(path, "task/", 5)) {
		path += 5 + strspn(path + 5, "0123456789");
		path += *path == '/';
	}
	if (strncmp(path, "fd/", 3))
		return NULL;
	path += 3;
	fd = strtol(path, &end, 10);
	return *end || end == path || fd > INT_MAX ? NULL : object_of((int)fd);
}
