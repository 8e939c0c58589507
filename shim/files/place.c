/* SPDX-License-Identifier: MIT */
/* Path resolution; see place.h. */
#include "place.h"

#include <errno.h>
#include <string.h>

#include "fdtab.h"
#include "object/object.h"
#include "place_walk.h"
#include "base/pool.h"
#include "base/real.h"

static struct pool places = POOL_INIT(struct place, 4);

void place_put(struct place *p)
{
	if (p)
		pool_put(&places, p);
}

ssize_t place_copy_path(char *dst, size_t size, const char *src)
{
	size_t n = 0;

	while (n < size) {
		size_t left = 4096 - ((uintptr_t)(src + n) & 4095);
		struct iovec to = { dst + n, left < size - n ? left : size - n };
		struct iovec from = { (char *)src + n, to.iov_len };
		ssize_t r = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
		char *end;

		if (r < 0 && errno != EFAULT) {  /* forbidden here: trust it */
			r = (ssize_t)strnlen(src + n, to.iov_len);
			memcpy(to.iov_base, src + n, (size_t)r);
			if ((size_t)r < to.iov_len)
				dst[n + (size_t)r++] = 0;
		}
		if (r <= 0)
			return -EFAULT;
		end = memchr(dst + n, 0, (size_t)r);
		if (end)
			return end - dst;
		n += (size_t)r;
	}
	return -ENAMETOOLONG;
}

/* Where a relative path starts, as the program sees it, without a trailing slash. */
static int start_at(struct place *p, int dirfd)
{
	struct file *f;
	int r;

	if (*p->rest == '/') {
		*p->virt = 0;
		return 1;
	}
	if (dirfd == AT_FDCWD) {
		if (!REAL(getcwd)(p->virt, sizeof(p->virt)) || *p->virt != '/')
			return 0;
	} else if ((f = object_of(dirfd))) {
		if (f->ofd->mode != S_IFDIR)
			return 0;
		object_path(f, p->virt);
		p->translated = 1;
	} else if (!place_fd_path(dirfd, p->virt, sizeof(p->virt))) {
		return 0;
	}
	r = place_unreal(p->virt, sizeof(p->virt));
	if (r < 0)
		return 0;
	p->translated |= r;     /* what is beside it on the disk is not for the program */
	if (!p->virt[1])
		*p->virt = 0;
	return 1;
}

/* Without redirection: the rule by the letters of the path alone. */
static void attribute(struct place *p)
{
	const char *rel;
	int in_root;

	if (*p->virt)
		p->mount = mount_find(p->virt, &rel, &in_root);
}

/* virt = base + rest with `.` and `..` taken as text; good enough for a rule's name. */
static void clean_text(struct place *p)
{
	for (const char *s = place_skip_slashes(p->rest); *s; s = place_skip_slashes(s)) {
		size_t n = strcspn(s, "/");

		if (n == 2 && s[0] == '.' && s[1] == '.')
			place_pop(p->virt);
		else if (!(n == 1 && *s == '.') && place_push(p, s, n) < 0)
			*p->virt = 0;
		s += n;
	}
}

static int resolve(struct place *p, int dirfd, const char *path, int follow)
{
	ssize_t n = place_copy_path(p->rest, PATH_MAX, path);
	struct file *f = n == 0 ? fdtab_get(dirfd) : NULL;
	int r;

	if (f) {        /* AT_EMPTY_PATH */
		p->mount = f->mount;
		p->file = f->ofd ? f : NULL;
	}
	if (n == 1 && *p->rest == '.' && (p->file = object_of(dirfd))) {
		if (p->file->ofd->mode != S_IFDIR)
			return -ENOTDIR;
		object_path(p->file, p->virt);
		p->magic = p->dots = 1; /* also where it has no name any more */
		return place_translate(p);
	}
	p->file = n == 0 ? p->file : NULL;
	if (n <= 0 || !start_at(p, dirfd))
		return 0;       /* "", too long, a bad pointer, no path: the kernel's to judge */
	if (!mounts_redirect) {
		clean_text(p);
		attribute(p);
		return 0;
	}
	r = place_walk(p, follow);
	if (r < 0)
		return p->translated ? r : 0;
	if (p->translated) {
		p->dirfd = AT_FDCWD;
		p->path = p->real;
	}
	return 0;
}

int place_get(struct place **out, int dirfd, const char *path, int follow)
{
	struct place *p;
	int saved = errno, r;

	p = *out = pool_get(&places);
	if (!p)
		return -ENOMEM;
	p->mount = &mount_none;
	p->dirfd = dirfd;
	p->path = path;
	p->translated = 0;
	p->name = NULL;
	p->file = NULL;
	p->magic = 0;
	p->dots = 0;
	p->links = 0;
	*p->virt = 0;
	r = mounts_count ? resolve(p, dirfd, path, follow) : 0;
	if (r == 0)
		r = mount_start(p->mount);
	if (r == 0)
		mount_looked_at(p->mount);
	if (r < 0) {
		place_put(p);
		*out = NULL;
	}
	errno = saved;
	return r;
}
