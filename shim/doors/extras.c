/* SPDX-License-Identifier: MIT */
/* Entries of directories that the kernel does not know; see extras.h. */
#include "extras.h"

#include <errno.h>
#include <string.h>

#include "files/above.h"
#include "door.h"
#include "files/hide.h"

static int has(const struct extras *x, const char *name, size_t len)
{
	for (unsigned i = 0; i < x->n; i++)
		if (x->e[i].len == len && !memcmp(x->e[i].name, name, len))
			return 1;
	return 0;
}

/* Adds the name below p->virt, which has `n` bytes; looked at by our own door. */
static void add(struct extras *x, struct place *p, size_t n, const char *name, size_t len)
{
	struct extra *e = &x->e[x->n];
	struct stat st;

	if (n + len + 2 > sizeof(p->virt) || len > NAME_MAX)
		return;
	p->virt[n] = '/';
	memcpy(p->virt + n + 1, name, len);
	p->virt[n + 1 + len] = 0;
	*e = (struct extra){ .name = name, .len = (unsigned short)len };
	if (lstat(p->virt, &st) == 0) {
		e->type = IFTODT(st.st_mode);
		e->ino = st.st_ino;
	}
	x->n++;
}

static void find(struct extras *x, struct place *p)
{
	size_t n = strlen(p->virt), len;
	unsigned i = 0;
	const char *name;
	char dir[PATH_MAX];

	memcpy(dir, p->virt, n + 1);
	if (n == 1)
		n = 0;
	while ((len = mount_child(dir, &i, &name)))
		if (!has(x, name, len))
			add(x, p, n, name, len);
}

/* Whether the directory is the process's own /proc/PID/fd or fdinfo. */
static int lists_descriptors(const char *path)
{
	char own[32];
	size_t n = (size_t)snprintf(own, sizeof(own), "/proc/%d/fd", (int)getpid());

	return !strncmp(path, own, n) && (!path[n] || !strcmp(path + n, "info"));
}

unsigned extras_find(struct extras *x, int fd)
{
	int saved = errno;
	struct place *p;
	char proc[32];

	x->n = 0;
	x->hollow = 0;
	x->fds = 0;
	if (!mounts_redirect || fd < 0 || place_get(&p, AT_FDCWD, "", 0) < 0)
		return 0;
	place_of_fd(fd, p->virt);
	x->fds = hide_any() && lists_descriptors(p->virt);
	if (*p->virt && mount_is_ancestor(p->virt)) {
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
		if (mounts_above && REAL(readlink)(proc, p->real, sizeof(p->real)) > 0)
			x->hollow = above_is(p->real);
		find(x, p);
	}
	place_put(p);
	errno = saved;
	return x->n || x->fds;
}

size_t extras_write(const struct extra *e, long off, void *buf, size_t n)
{
	size_t len = (offsetof(struct dirent, d_name) + e->len + 1 + 7) & ~(size_t)7;
	struct dirent *d = buf;

	if (len > n)
		return 0;
	memset(d, 0, len);
	d->d_ino = e->ino;
	d->d_off = off;
	d->d_reclen = (unsigned short)len;
	d->d_type = e->type;
	memcpy(d->d_name, e->name, e->len);
	return len;
}

int extras_hide(const struct extras *x, const struct dirent *e)
{
	const char *name = e->d_name;

	if (x->hollow)
		return strcmp(name, ".") && strcmp(name, "..");
	if (x->fds)
		return hide_has(atoi(name));
	return has(x, name, strlen(name));
}
