/* SPDX-License-Identifier: MIT */
/* The walk along a path; see place_walk.h. */
#include "place_walk.h"

#include <errno.h>
#include <string.h>

#include "above.h"
#include "object/object.h"
#include "object/object_name.h"
#include "base/real.h"

#define LINKS_MAX 40     /* MAXSYMLINKS in the kernel's include/linux/namei.h */

void place_pop(char *virt)
{
	char *slash = strrchr(virt, '/');

	if (slash)
		*slash = 0;
}

int place_push(struct place *p, const char *comp, size_t n)
{
	size_t len = strlen(p->virt);

	if (len + n + 2 > sizeof(p->virt))
		return -ENAMETOOLONG;
	p->virt[len] = '/';
	memcpy(p->virt + len + 1, comp, n);
	p->virt[len + 1 + n] = 0;
	return 0;
}

const char *place_skip_slashes(const char *s)
{
	while (*s == '/')
		s++;
	return s;
}

/*
 * Whether the name leads to something, as lstat would say: 0 or -errno. By
 * readlink, since the next library's stat may come back here (libfakeroot's
 * calls __xstat).
 */
static int look_up(const char *path)
{
	char c;

	return REAL(readlink)(path, &c, 1) < 0 && errno != EINVAL ? -errno : 0;
}

/* A directory above a prefix is served by a stand-in while the disk has none. */
static int translate_above(struct place *p)
{
	if (look_up(p->real) != -ENOENT)
		return 0;
	p->translated = 1;
	return above_real(p->virt, p->real, sizeof(p->real));
}

int place_translate(struct place *p)
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
	int r;

	if (p->name)
		return object_name_pass(p->mount, p->name);
	strcpy(p->real + n, "/.");
	r = look_up(p->real);
	p->real[n] = 0;
	return r;
}

/* `.` and `..` need a directory before them, as the kernel insists. */
static int check_directory(struct place *p)
{
	int r = place_translate(p);

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
		place_pop(p->virt);
	return 0;
}

/* Appends what the walk did not reach: the kernel will say what is wrong with it. */
static int finish_raw(struct place *p, const char *rest)
{
	size_t n = strlen(p->real);

	if (n + strlen(rest) >= PATH_MAX)       /* it fails before that, all the same */
		rest = rest[strspn(rest, "/")] ? "/x" : "/";
	if (n + strlen(rest) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(p->real + n, rest);
	if (*rest && rest[1])
		*p->virt = 0;
	return 0;
}

static int is_magic(const char *path)
{
	return !strncmp(path, "/proc/", 6);
}

/*
 * A link of /proc leads to the file itself, not to its name: at the end of a
 * path the kernel follows it, and the name only tells whose file it is, unless
 * the kernel has no such file. 2, or 0 to walk on along p->link.
 */
static int magic(struct place *p, size_t n, int more)
{
	struct mount *m;
	const char *rel;
	int in_root;

	p->link[n < sizeof(p->link) ? n : n - 1] = 0;
	place_unreal(p->link, sizeof(p->link));
	m = mount_find(p->link, &rel, &in_root);
	if (more || m->be->object)
		return 0;
	p->mount = m;
	return 2;
}

/* Likewise for a file without a kernel file; a directory is walked on from. */
static int magic_object(struct place *p, int more)
{
	object_path(p->file, p->virt);
	p->magic = 1;
	if (more)
		p->file = NULL;
	return place_translate(p);
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
	if (objects_on && is_magic(p->real)) {
		p->file = place_magic_file(p->real);
		if (p->file)
			return magic_object(p, *rest != 0);
		if (object_elsewhere(p->link, (size_t)n))
			n = (ssize_t)strlen(p->link);
	}
	if (is_magic(p->real) && *p->link == '/') {
		if (magic(p, (size_t)n, *rest != 0))
			return 2;
		n = (ssize_t)strlen(p->link);
	}
	if (++p->links > LINKS_MAX)
		return -ELOOP;
	n = splice_link(p, rest, (size_t)n);
	return n < 0 ? (int)n : 1;
}

int place_walk(struct place *p, int follow)
{
	const char *s = p->rest;
	int r;

	for (s = place_skip_slashes(s); *s; s = place_skip_slashes(s)) {
		size_t n = strcspn(s, "/");
		const char *rest = s + n;
		int last = !*place_skip_slashes(rest);

		if (*s == '.' && (n == 1 || (n == 2 && s[1] == '.'))) {
			r = s == p->rest && n == 2 && p->dirfd == AT_FDCWD ? 0 : check_directory(p);
			if (r < 0 && (p->mount->be->object || r == -ENAMETOOLONG))
				return r;
			if (r < 0)
				return finish_raw(p, n == 1 ? "/." : "/..");
			p->dots = last ? (int)n : 0;
			/* a name that ends so is neither made nor removed: the kernel says why */
			if (last && (n == 1 || follow == PLACE_PARENT)) {
				if (place_translate(p) < 0)
					return -ENAMETOOLONG;
				if (n == 1 || !p->mount->be->object)
					return finish_raw(p, n == 1 ? "/." : "/..");
			}
			if (n == 2)
				place_pop(p->virt);
			s = rest;
			continue;
		}
		r = place_push(p, s, n);
		if (r == 0)
			r = place_translate(p);
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
	return place_translate(p);
}
