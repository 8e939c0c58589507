/* SPDX-License-Identifier: MIT */
/* Names of files without a kernel file that are made, moved and removed; see object.h. */
#include <errno.h>
#include <string.h>

#include "object.h"
#include "object_at.h"
#include "object_name.h"
#include "base/real.h"

/* the functions here take what their doors have */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define OPS(p) ((p)->mount->be->object)

/* What was found wrong with a name; that nothing can be changed at all is said before it. */
static int or_readonly(struct mount *m, int r)
{
	const struct object_at root = { m, NULL, "" };

	return r < 0 && at_access(&root, W_OK, AT_EACCESS) == -EROFS ? -EROFS : r;
}

static int remove_name(const struct place *p, const char *name, int directory)
{
	struct statx st;
	int r;

	if (!*name)
		return directory ? -EBUSY : -EISDIR;
	if (!OPS(p)->remove)
		return -EROFS;
	r = object_name_stat(p->mount, name, &st);
	if (r == 0)
		r = OPS(p)->remove(p->mount, name, directory);
	if (r == 0)
		object_removed(p->mount, name, &st);
	return r < 0 && object_name_parent(p->mount, name) < 0 ? r : or_readonly(p->mount, r);
}

ssize_t object_unlink(const struct place *p, const char *path)
{
	return p->dots ? -EISDIR : NAMED(p, OBJECT_ANY, remove_name(p, name, 0));
}

ssize_t object_rmdir(const struct place *p, const char *path)
{
	if (p->dots)
		return p->dots == 1 ? -EINVAL : -ENOTEMPTY;
	return NAMED(p, OBJECT_ANY, remove_name(p, name, 1));
}

ssize_t object_unlinkat(const struct place *p, int dirfd, const char *path, int flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return flags ? object_rmdir(p, path) : object_unlink(p, path);
}

ssize_t object_remove(const struct place *p, const char *path)
{
	ssize_t r = object_unlink(p, path);

	return r == -EISDIR ? object_rmdir(p, path) : r;
}

/* What is wrong with a name that is to be made is said before what cannot be. */
static int missing(const struct place *p, const char *name, int otherwise)
{
	char parent[PATH_MAX];
	struct object_at at = { p->mount, NULL, parent };
	struct statx st;
	int r = object_name_stat(p->mount, name, &st);

	if (r != -ENOENT)
		return r < 0 ? r : -EEXIST;
	r = object_parent_name(name, parent);
	if (r == 0)
		r = at_access(&at, W_OK | X_OK, AT_EACCESS);
	return r < 0 ? r : otherwise;
}

static int make_directory(const struct place *p, const char *name, mode_t mode)
{
	if (!*name)
		return -EEXIST;
	return OPS(p)->mkdir ? OPS(p)->mkdir(p->mount, name, mode) : missing(p, name, -EROFS);
}

ssize_t object_mkdir(const struct place *p, const char *path, mode_t mode)
{
	return NAMED(p, OBJECT_NEWDIR, make_directory(p, name, mode));
}

ssize_t object_mkdirat(const struct place *p, int dirfd, const char *path, mode_t mode)
{
	return object_mkdir(p, path, mode);
}

static int make_node(const struct place *p, const char *name, mode_t mode, dev_t dev)
{
	if (!*name)
		return -EEXIST;
	return OPS(p)->mknod ? OPS(p)->mknod(p->mount, name, mode, dev) : missing(p, name, -EPERM);
}

/* As the kernel has it, before it looks at the name. */
static int wrong_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFDIR:
		return -EPERM;
	}
	return -EINVAL;
}

ssize_t object_mknod(const struct place *p, const char *path, mode_t mode, dev_t dev)
{
	int r = wrong_type(mode);

	return r < 0 ? r : NAMED(p, OBJECT_NEW, make_node(p, name, mode, dev));
}

ssize_t object_mknodat(const struct place *p, int dirfd, const char *path, mode_t mode, dev_t dev)
{
	return object_mknod(p, path, mode, dev);
}

ssize_t object_mkfifo(const struct place *p, const char *path, mode_t mode)
{
	return object_mknod(p, path, mode | S_IFIFO, 0);
}

ssize_t object_mkfifoat(const struct place *p, int dirfd, const char *path, mode_t mode)
{
	return object_mknod(p, path, mode | S_IFIFO, 0);
}

/* Open files follow their names. */
static int move_name(struct mount *m, const char *from, const char *to, unsigned flags)
{
	struct statx was;
	int there = object_name_stat(m, to, &was) == 0, r;

	r = m->be->object->rename ? m->be->object->rename(m, from, to, flags) : -EROFS;
	if (r == 0 && there && !(flags & RENAME_EXCHANGE) && strcmp(from, to))
		object_removed(m, to, &was);
	if (r == 0)
		object_renamed(m, from, to, flags & RENAME_EXCHANGE);
	return r;
}

/* One of the names of a rename. */
struct side {
	char name[PATH_MAX];
	int slash;               /* there was one at its end */
};

static int side_of(const struct place *p, struct side *s)
{
	if (p->file && !p->dots)
		return -ENOENT;
	if (strlen(p->name) >= sizeof(s->name))
		return -ENAMETOOLONG;
	strcpy(s->name, p->name);
	s->slash = object_name_trim(s->name);
	return p->dots ? 0 : object_name_parent(p->mount, s->name);
}

static int is_below(const char *name, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(name, dir, n) && name[n] == '/';
}

/* What the kernel finds wrong with two names of one file system, in its order. */
static int rename_error(struct mount *m, const struct side *a, const struct side *b, unsigned flags)
{
	int exchange = flags & RENAME_EXCHANGE, directory, r;
	struct statx old, new;

	r = object_name_stat(m, a->name, &old);
	if (r < 0)
		return r;
	directory = S_ISDIR(old.stx_mode);
	r = object_name_stat(m, b->name, &new);
	if (r == 0 && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (r < 0 && (r != -ENOENT || exchange))
		return r;
	if (exchange && b->slash && !S_ISDIR(new.stx_mode))
		return -ENOTDIR;
	if (!directory && (a->slash || (b->slash && !exchange)))
		return -ENOTDIR;
	if (is_below(b->name, a->name))
		return -EINVAL;
	return is_below(a->name, b->name) ? (exchange ? -EINVAL : -ENOTEMPTY) : 0;
}

int object_rename(const struct place *from, const struct place *to, unsigned flags)
{
	struct side a, b;
	int r;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT) ||
	    ((flags & RENAME_EXCHANGE) && (flags & ~RENAME_EXCHANGE)))
		return -EINVAL;
	r = side_of(from, &a);
	if (r == 0)
		r = side_of(to, &b);
	if (r < 0)
		return r;
	if (from->dots || !*a.name)
		return -EBUSY;
	if (to->dots || !*b.name)
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	r = or_readonly(from->mount, rename_error(from->mount, &a, &b, flags));
	return r < 0 ? r : move_name(from->mount, a.name, b.name, flags);
}

/* An open file is given a name by whom the kernel lets; one that cannot be made tells. */
static int may_link_open(const struct place *from)
{
	struct object_at at = { from->mount, from->file, NULL };
	struct statx st;

	if (!from->file)
		return 0;
	if (from->file->ofd->gone && at_look(&at, &st) == 0 && !st.stx_nlink)
		return -ENOENT;
	if (from->magic)
		return 0;
	return REAL(linkat)(from->dirfd, "", AT_FDCWD, "/dev/null/x", AT_EMPTY_PATH) < 0 && errno == ENOENT ?
	       -ENOENT : 0;
}

static int give_link(const struct object_at *at, const struct place *to, const char *name)
{
	int r = OPS(to)->link ? OPS(to)->link(at, name) : -EPERM;

	return r == -EPERM ? missing(to, name, r) : r;
}

static int link_to(const struct object_at *at, const struct place *from, const struct place *to)
{
	struct statx st;
	int r = may_link_open(from);

	if (r == 0)
		r = at_look(at, &st);
	return r < 0 ? r : (int)NAMED(to, OBJECT_NEW, give_link(at, to, name));
}

int object_link(const struct place *from, const struct place *to, int flags)
{
	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return ABOUT(from, flags, link_to(at, from, to));
}

int object_symlink(const char *target, const struct place *p)
{
	char text[PATH_MAX];
	ssize_t n = place_copy_path(text, sizeof(text), target);

	if (n <= 0)
		return n < 0 ? (int)n : -ENOENT;
	return (int)NAMED(p, OBJECT_NEW, OPS(p)->symlink ? OPS(p)->symlink(p->mount, text, name) :
			  missing(p, name, -EPERM));
}
