/* SPDX-License-Identifier: MIT */
/* The life of a file without a kernel file; see object.h. */
#include "object.h"

#include <errno.h>
#include <string.h>

#include "files/cwd.h"
#include "files/fdtab.h"
#include "map_image.h"
#include "files/mount.h"
#include "object_dir.h"
#include "object_end.h"
#include "object_name.h"
#include "object_pin.h"
#include "ofd.h"
#include "base/real.h"
#include "stats/stats.h"
#include "stats/stats_tree.h"

__thread unsigned char object_cancellable;

void object_cancellation_point(void)
{
	int ours;

	pthread_setcancelstate(object_cancellable ? PTHREAD_CANCEL_ENABLE : PTHREAD_CANCEL_DISABLE, &ours);
	pthread_testcancel();
	pthread_setcancelstate(ours, NULL);
}

static const struct object_ops *ops_of(const struct file *f)
{
	return f->mount->be->object;
}

static struct file *new_file(struct mount *m, struct ofd *o)
{
	struct file *f = fdtab_new();

	if (!f)
		return NULL;
	f->mount = m;
	f->ofd = o;
	return f;
}

static void name_file(struct file *f)
{
	char path[PATH_MAX];

	object_path(f, path);
	f->dev = f->ofd->dev;
	f->ino = f->ofd->ino;
	f->stat_slot = stats_file(f->dev, f->ino, path);
}

/* A description that was never opened. */
static void discard(struct ofd *o, int fd)
{
	int held = ofd_end_lock(o);

	ofd_forget(o);
	REAL(close)(fd);
	ofd_end_unlock(o, held);
	ofd_unmap(o);
}

/* Undoes what object_open did before the back end refused. */
static int give_up(struct file *f, int fd, int error)
{
	discard(f->ofd, fd);
	f->ofd = NULL;
	f->mount = &mount_none;
	fdtab_put(f);
	return error;
}

/*
 * In a vfork child the table is the parent's: the descriptor is the child's
 * alone, and whoever it executes adopts it.
 */
static int keep(struct file *f, int fd)
{
	if (fdtab_ours()) {
		fdtab_set(fd, f);
	} else {
		object_end_lent();
		fdtab_put(f);
	}
	return fd;
}

static int open_new(const struct place *p, int flags, mode_t mode)
{
	struct mount *m = p->mount;
	char name[PATH_MAX];
	struct ofd *o;
	struct file *f;
	struct object_at at = { m, p->file, name };
	int fd, r = p->dots == 1 && (flags & O_CREAT) ? (flags & O_EXCL ? -EEXIST : -EISDIR) : p->name ? object_name_of(p, name, flags & O_CREAT ? OBJECT_CREATE : OBJECT_ANY) : -ENOENT;

	if (r < 0)
		return r;
	fd = ofd_make(m, name, flags, &o);
	if (fd < 0)
		return fd;
	f = new_file(m, o);
	if (!f) {
		discard(o, fd);
		return -ENOMEM;
	}
	r = m->be->object->open(f, &at, flags, mode);
	if (r < 0)
		return give_up(f, fd, r);
	if (flags & O_TRUNC)
		IMAGE_TOLD(image_of_file(f), f, 0, (image_resize(im_, 0), image_doubt(im_, f)));
	name_file(f);
	return keep(f, fd);
}

int object_open(const struct place *p, int flags, mode_t mode)
{
	int fd;

	if (flags & O_PATH)      /* which ignores the others */
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;         /* as since Linux 6.4 */
	object_change(1);
	fd = open_new(p, flags, mode);
	object_change(-1);
	return fd;
}

struct mount *object_mount_of(const struct ofd *o)
{
	for (unsigned i = 0; i < mounts_count; i++)
		if (mounts[i].be->object && ofd_is_of(o, &mounts[i]))
			return mount_start(&mounts[i]) < 0 ? NULL : &mounts[i];
	return NULL;
}

/* A file of the table with the same description: its duplicates share one. */
static struct file *same_description(const struct ofd *o)
{
	for (int fd = 0; (fd = fdtab_next(fd)) >= 0; fd++) {
		struct file *f = fdtab_get(fd);

		if (!f || !fdtab_ref(f, fd))
			continue;
		if (f->ofd && !strcmp(f->ofd->id, o->id))
			return f;
		fdtab_put(f);
	}
	return NULL;
}

static struct file *attach(struct ofd *o)
{
	struct mount *m = object_mount_of(o);
	struct file *f = m ? new_file(m, o) : NULL;

	if (f && m->be->object->attach && m->be->object->attach(f) < 0) {
		f->ofd = NULL;
		fdtab_put(f);
		f = NULL;
	}
	if (f)
		name_file(f);
	return f;
}

struct file *object_adopt(int fd)
{
	struct ofd *o = ofd_of(fd);
	struct file *f;

	if (!o)
		return NULL;
	f = same_description(o);
	if (f) {
		ofd_unmap(o);
	} else {
		f = attach(o);
		if (!f)
			ofd_unmap(o);
	}
	if (f)
		fdtab_set(fd, f);
	return f;
}

struct each {
	int dir;
	void (*call)(int fd);
};

static int call_each(const char *name, void *arg)
{
	const struct each *e = arg;
	int fd = atoi(name);

	if (fd != e->dir)
		e->call(fd);
	return 0;
}

void object_each_fd(void (*call)(int fd))
{
	struct each e = { REAL(openat)(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), call };

	if (e.dir < 0)
		return;
	tree_each(e.dir, call_each, &e);
	REAL(close)(e.dir);
}

static void adopt_unknown(int fd)
{
	if (!fdtab_get(fd))
		object_adopt(fd);
}

void object_adopt_all(void)
{
	object_each_fd(adopt_unknown);
}

struct change {
	struct mount *m;
	const char *from, *to;
	const struct statx *gone;
	int both;
};

/* The name `name` with `from` at its start replaced, if it is that or below it. */
static int replaced(struct ofd *o, const char *from, const char *to)
{
	size_t n = strlen(from);
	char name[CONF_PATH_MAX];

	if (strncmp(o->name, from, n) || (o->name[n] && o->name[n] != '/') ||
	    snprintf(name, sizeof(name), "%s%s", to, o->name + n) >= (int)sizeof(name))
		return 0;
	strcpy(o->name, name);
	return 1;
}

static int change_one(struct ofd *o, void *arg)
{
	const struct change *c = arg;

	if (!ofd_is_of(o, c->m) || o->gone)
		return 0;
	if (c->gone)
		o->gone = (c->m->be->object->versions || o->ino == c->gone->stx_ino) && !strcmp(o->name, c->from);
	else if (!replaced(o, c->from, c->to) && c->both)
		replaced(o, c->to, c->from);
	return 0;
}

void object_renamed(struct mount *m, const char *from, const char *to, int both)
{
	struct change c = { .m = m, .from = from, .to = to, .both = both };

	ofd_each(change_one, &c);
	cwd_renamed(m, from, to, both);
}

void object_removed(struct mount *m, const char *name, const struct statx *st)
{
	struct change c = { .m = m, .from = name, .gone = st };

	ofd_each(change_one, &c);
}

void object_released(struct file *f)
{
	object_end_released(f);
	if (ops_of(f)->detach)
		ops_of(f)->detach(f);
	object_dir_released(f);
	ofd_unmap(f->ofd);
	f->ofd = NULL;
}

void object_path(const struct file *f, char *path)
{
	if (snprintf(path, PATH_MAX, "%s%s%s", f->mount->prefix, f->ofd->name,
		     f->ofd->gone ? " (deleted)" : "") >= PATH_MAX)
		*path = 0;
}

struct sought {
	uint64_t placeholder;
	char *path;
};

static int is_sought(struct ofd *o, void *arg)
{
	const struct sought *s = arg;
	struct mount *m;

	if (o->placeholder != s->placeholder || o->gone || ofd_state(o) != OFD_ALIVE)
		return 0;
	m = object_mount_of(o);
	return m && snprintf(s->path, PATH_MAX, "%s%s", m->prefix, o->name) < PATH_MAX;
}

int object_elsewhere(char *text, size_t n)
{
	static const char kind[] = "socket:[";
	struct sought s = { 0, text };

	if (n < sizeof(kind) || memcmp(text, kind, sizeof(kind) - 1))
		return 0;
	for (size_t i = sizeof(kind) - 1; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		s.placeholder = s.placeholder * 10 + (uint64_t)(text[i] - '0');
	return ofd_each(is_sought, &s);
}

enum pin object_pin(struct file *f, int fd)
{
	if (__builtin_expect(fdtab_lent && !fdtab_ours(), 0)) {
		struct ofd *o = ofd_of(fd);
		int same = o && !strcmp(o->id, f->ofd->id);

		if (o)
			ofd_unmap(o);
		if (!same)
			return PIN_NONE;
	}
	return pin_take(f, fd);
}
