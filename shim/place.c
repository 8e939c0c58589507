/* SPDX-License-Identifier: MIT */
/* Path resolution; see place.h. */
#include "place.h"

#include <errno.h>
#include <string.h>

#include "above.h"
#include "cwd.h"
#include "fdtab.h"
#include "object.h"
#include "object_name.h"
#include "pool.h"
#include "real.h"

#define LINKS_MAX 40     /* MAXSYMLINKS in the kernel's include/linux/namei.h */

static struct pool places = POOL_INIT(struct place, 4);

void place_put(struct place *p)
{
	if (p)
		pool_put(&places, p);
}

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

/* The path of a descriptor as the kernel knows it; 0 if it has none. */
static int fd_path(int fd, char *buf, size_t size)
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
	struct file *f = objects_on ? fdtab_get(fd) : NULL;

	if (f && f->ofd) {
		object_path(f, virt);
		return f->mount;
	}
	if (!fd_path(fd, virt, PATH_MAX)) {
		*virt = 0;
		return &mount_none;
	}
	place_unreal(virt, PATH_MAX);
	return mount_find(virt, &rel, &in_root);
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
	} else if (objects_on && (f = fdtab_get(dirfd)) && f->ofd) {
		object_path(f, p->virt);
		p->translated = 1;
	} else if (!fd_path(dirfd, p->virt, sizeof(p->virt))) {
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

static void pop(char *virt)
{
	char *slash = strrchr(virt, '/');

	if (slash)
		*slash = 0;
}

/* A directory above a prefix is served by a stand-in while the disk has none. */
static int translate_above(struct place *p)
{
	struct stat st;

	if (REAL(lstat)(p->real, &st) == 0 || errno != ENOENT)
		return 0;
	p->translated = 1;
	return above_real(p->virt, p->real, sizeof(p->real));
}

/* virt -> p->real, the name the kernel knows it by, and p->mount. */
static int translate(struct place *p)
{
	const char *rel, *virt = *p->virt ? p->virt : "/";
	int in_root;
	size_t n = 0;

	p->mount = mount_find(virt, &rel, &in_root);
	if (p->mount->rootlen) {
		n = p->mount->rootlen;
		memcpy(p->real, p->mount->root, n);
		p->translated = 1;
	} else {
		rel = virt;
	}
	strcpy(p->real + n, rel);
	p->name = p->mount->be->object ? p->real + n : NULL;
	if (mounts_above && !n && mount_below(virt))
		return translate_above(p);
	return n + strlen(rel) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Whether what was walked to is a directory that may be passed: 0 or -errno. */
static int may_pass(struct place *p)
{
	size_t n = strlen(p->real);
	struct statx x;
	struct stat st;
	int r;

	if (p->name) {
		r = object_name_stat(p->mount, p->name, &x);
		return r < 0 ? r : S_ISDIR(x.stx_mode) ? 0 : -ENOTDIR;
	}
	strcpy(p->real + n, "/.");
	r = REAL(stat)(p->real, &st) < 0 ? -errno : 0;
	p->real[n] = 0;
	return r;
}

/* `.` and `..` need a directory before them, as the kernel insists. */
static int check_directory(struct place *p)
{
	int r = translate(p);

	if (r < 0)
		return r;
	r = may_pass(p);
	return r < 0 && mount_is_ancestor(p->virt) ? 0 : r;
}

/* Puts the text of a link before what is left to walk. */
static int splice_link(struct place *p, const char *rest, size_t n)
{
	size_t left = strlen(rest);

	if (n + left + 1 >= sizeof(p->rest))
		return -ENAMETOOLONG;
	memmove(p->rest + n, rest, left + 1);
	memcpy(p->rest, p->link, n);
	if (*p->rest == '/')
		*p->virt = 0;
	else
		pop(p->virt);
	return 0;
}

/* Appends what the walk did not reach: the kernel will say what is wrong with it. */
static int finish_raw(struct place *p, const char *rest)
{
	size_t n = strlen(p->real);

	if (n + strlen(rest) >= sizeof(p->real))
		return -ENAMETOOLONG;
	strcpy(p->real + n, rest);
	if (*rest && rest[1])
		*p->virt = 0;
	return 0;
}

/* Appends one component to virt. */
static int push(struct place *p, const char *comp, size_t n)
{
	size_t len = strlen(p->virt);

	if (len + n + 2 > sizeof(p->virt))
		return -ENAMETOOLONG;
	p->virt[len] = '/';
	memcpy(p->virt + len + 1, comp, n);
	p->virt[len + 1 + n] = 0;
	return 0;
}

static int is_magic(const char *path)
{
	return !strncmp(path, "/proc/", 6);
}

/*
 * A descriptor's link leads to the file itself, not to its name: the kernel
 * follows it, and the name only tells whose file it is.
 */
static int magic(struct place *p, size_t n)
{
	const char *rel;
	int in_root;

	p->link[n < sizeof(p->link) ? n : n - 1] = 0;
	p->mount = mount_find(p->link, &rel, &in_root);
	return 2;
}

struct file *place_magic_file(const char *path)
{
	char own[32], *end;
	int n = snprintf(own, sizeof(own), "/proc/%d/", (int)getpid());
	struct file *f;
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
	f = *end || end == path ? NULL : fdtab_get((int)fd);
	return f && f->ofd ? f : NULL;
}

/* Likewise for a file without a kernel file; a directory is walked on from. */
static int magic_object(struct place *p, int more)
{
	object_path(p->file, p->virt);
	p->magic = 1;
	if (more)
		p->file = NULL;
	return translate(p);
}

static ssize_t link_text(struct place *p)
{
	ssize_t n;

	if (p->name)
		return object_link_text(p->mount, p->name, p->link, sizeof(p->link));
	n = REAL(readlink)(p->real, p->link, sizeof(p->link));
	return n < 0 ? -errno : n;
}

/*
 * Looks at the component just pushed, `rest` after it: 1 a link was put in
 * front of the rest, 0 go on, 2 stop here and let the kernel speak, or
 * -errno.
 */
static int step(struct place *p, const char *rest)
{
	ssize_t n = link_text(p);

	if (n < 0)
		return n == -EINVAL || mount_is_ancestor(p->virt) ? 0 : 2;
	if (objects_on && is_magic(p->real) && (p->file = place_magic_file(p->real)))
		return magic_object(p, *rest != 0);
	if (is_magic(p->real) && *p->link == '/' && !*rest)
		return magic(p, (size_t)n);
	if (++p->links > LINKS_MAX)
		return -ELOOP;
	n = splice_link(p, rest, (size_t)n);
	return n < 0 ? (int)n : 1;
}

static const char *skip_slashes(const char *s)
{
	while (*s == '/')
		s++;
	return s;
}

/* Walks p->rest from p->virt; leaves the result in p->real. */
static int walk(struct place *p, int follow)
{
	const char *s = p->rest;
	int r;

	for (s = skip_slashes(s); *s; s = skip_slashes(s)) {
		size_t n = strcspn(s, "/");
		const char *rest = s + n;
		int last = !*skip_slashes(rest);

		if (*s == '.' && (n == 1 || (n == 2 && s[1] == '.'))) {
			r = s == p->rest && n == 2 && p->dirfd == AT_FDCWD ? 0 : check_directory(p);
			if (r < 0 && (p->mount->be->object || r == -ENAMETOOLONG))
				return r;
			if (r < 0)
				return finish_raw(p, n == 1 ? "/." : "/..");
			/* a name that ends so is neither made nor removed: the kernel says why */
			if (last && (n == 1 || follow == PLACE_PARENT)) {
				if (translate(p) < 0)
					return -ENAMETOOLONG;
				if (n == 1 || !p->mount->be->object)
					return finish_raw(p, n == 1 ? "/." : "/..");
			}
			if (n == 2)
				pop(p->virt);
			s = rest;
			continue;
		}
		r = push(p, s, n);
		if (r == 0)
			r = translate(p);
		if (r < 0)
			return r;
		if (last && (follow == PLACE_PARENT || (!follow && !*rest)))
			return finish_raw(p, rest);
		r = step(p, rest);
		if (r < 0)
			return r;
		if (r == 2)
			return finish_raw(p, rest);
		if (last && r == 0 && *rest)
			return finish_raw(p, "/");
		s = r == 1 ? p->rest : rest;
	}
	return translate(p);
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
	for (const char *s = skip_slashes(p->rest); *s; s = skip_slashes(s)) {
		size_t n = strcspn(s, "/");

		if (n == 2 && s[0] == '.' && s[1] == '.')
			pop(p->virt);
		else if (!(n == 1 && *s == '.') && push(p, s, n) < 0)
			*p->virt = 0;
		s += n;
	}
}

static int resolve(struct place *p, int dirfd, const char *path, int follow)
{
	ssize_t n = place_copy_path(p->rest, PATH_MAX, path);
	int r;

	if (n == 0 && fdtab_get(dirfd)) {       /* AT_EMPTY_PATH */
		struct file *f = fdtab_get(dirfd);

		p->mount = f->mount;
		p->file = f->ofd ? f : NULL;
	}
	if (objects_on && n == 1 && *p->rest == '.' && (p->file = fdtab_get(dirfd)) && p->file->ofd) {
		object_path(p->file, p->virt);
		p->magic = 1;           /* also where it has no name any more */
		return translate(p);
	}
	p->file = n == 0 ? p->file : NULL;
	if (n <= 0 || !start_at(p, dirfd))
		return 0;       /* "", too long, a bad pointer, no path: the kernel's to judge */
	if (!mounts_redirect) {
		clean_text(p);
		attribute(p);
		return 0;
	}
	r = walk(p, follow);
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
