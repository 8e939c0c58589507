/* SPDX-License-Identifier: MIT */
/* Files that are published at fsync and at the last close; see publish.h. */
#include "publish.h"

#include <errno.h>
#include <string.h>

#include "base/hidden.h"
#include "object/ofd.h"
#include "options.h"
#include "base/real.h"

/* In ofd->priv. */
struct staged {
	_Atomic int on;
	_Atomic int dirty;         /* there is more in the stage than was published */
	_Atomic int removed;       /* the name is gone */
	_Atomic int error;         /* that nobody was told of */
};

static struct staged *staged(const struct ofd *o)
{
	return (struct staged *)(uintptr_t)o->priv;
}

int publish_on(const struct mount *m)
{
	return m->rule->value[OBJECT_PUBLISH] == OBJECT_PUBLISH_CLOSE;
}

int publish_is_staged(const struct ofd *o)
{
	return staged(o)->on;
}

static char *stage(const struct mount *m, const struct ofd *o, const char *suffix, char *path)
{
	snprintf(path, PATH_MAX, "%.2000s/stage/%s%s", m->rule->target, o->id, suffix);
	return path;
}

static char *object(const struct mount *m, const struct ofd *o, char *path)
{
	snprintf(path, PATH_MAX, "%.2000s/names%.2000s", m->rule->target, o->name);
	return path;
}

int publish_wanted(const struct mount *m, int fd, int flags)
{
	struct stat st;

	return publish_on(m) && !(flags & O_PATH) && (flags & O_TMPFILE) != O_TMPFILE &&
	       ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC)) &&
	       own_fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* The bytes of `from`, of which the descriptor may not let us read, and its mode. */
static int copy(int from, int to)
{
	char proc[32];
	struct stat st;
	ssize_t n;
	int in, r = 0;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", from);
	in = REAL(openat)(AT_FDCWD, proc, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return -errno;
	while ((n = REAL(sendfile)(to, in, NULL, 1 << 20)) > 0)
		;
	if (n < 0 || own_fstat(in, &st) < 0 || REAL(fchown)(to, st.st_uid, st.st_gid) < 0 ||
	    REAL(fchmod)(to, st.st_mode & 07777) < 0)
		r = -errno;
	REAL(close)(in);
	return r;
}

static int copy_mode(int from, int to)
{
	struct stat st;

	return own_fstat(from, &st) < 0 || REAL(fchmod)(to, st.st_mode & 07777) < 0 ? -errno : 0;
}

int publish_stage(struct file *f, int fd, int flags)
{
	char path[PATH_MAX];
	int to = REAL(openat)(AT_FDCWD, stage(f->mount, f->ofd, "", path),
			      O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	if (to < 0)
		return -errno;
	r = flags & O_TRUNC ? copy_mode(fd, to) : copy(fd, to);
	if (r < 0) {
		REAL(close)(to);
		REAL(unlink)(path);
		return r;
	}
	staged(f->ofd)->dirty = !!(flags & O_TRUNC);
	staged(f->ofd)->on = 1;
	return to;
}

int publish_attach(struct file *f)
{
	char path[PATH_MAX];
	int fd = REAL(openat)(AT_FDCWD, stage(f->mount, f->ofd, "", path), O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void publish_dirty(struct file *f)
{
	staged(f->ofd)->dirty = 1;
}

static int refused(const struct mount *m)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.2000s/fail", m->rule->target);
	return REAL(faccessat)(AT_FDCWD, path, F_OK, 0) == 0;
}

/* The file `path` becomes the object. */
static int replace(struct mount *m, const struct ofd *o, const char *path)
{
	char to[PATH_MAX];

	if (refused(m))
		return -EIO;
	return REAL(renameat)(AT_FDCWD, path, AT_FDCWD, object(m, o, to)) < 0 ? -errno : 0;
}

/* A copy becomes the object: the stage will be written on. */
static int publish_copy(struct mount *m, struct ofd *o)
{
	char from[PATH_MAX], path[PATH_MAX];
	int in = REAL(openat)(AT_FDCWD, stage(m, o, "", from), O_RDONLY | O_CLOEXEC);
	int out = in < 0 ? -1 : REAL(openat)(AT_FDCWD, stage(m, o, ".copy", path),
					     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r = out < 0 ? -errno : copy(in, out);

	if (r == 0)
		r = replace(m, o, path);
	if (out >= 0) {
		REAL(close)(out);
		REAL(unlink)(path);
	}
	if (in >= 0)
		REAL(close)(in);
	return r;
}

int publish_sync(struct file *f)
{
	struct staged *s = staged(f->ofd);
	int locked, r;

	if (!s->on)
		return 0;
	locked = ofd_lock(f->ofd);
	if (atomic_exchange(&s->dirty, 0) && !s->removed) {
		r = publish_copy(f->mount, f->ofd);
		if (r < 0) {
			s->dirty = 1;
			s->error = -r;
		}
	}
	ofd_unlock(f->ofd, locked);
	return -atomic_exchange(&s->error, 0);
}

/* Whoever comes second, after a kill, finds no stage where the first one had published. */
static int publish_last(struct mount *m, struct ofd *o, const char *path)
{
	struct staged *s = staged(o);
	int r = s->dirty && !s->removed ? replace(m, o, path) : 0;

	if (r == 0 || r == -ENOENT) {
		s->dirty = 0;
		REAL(unlink)(path);
	}
	return r == 0 || (r == -ENOENT && REAL(faccessat)(AT_FDCWD, path, F_OK, 0) < 0) ?
	       -atomic_exchange(&s->error, 0) : r;
}

int publish_finish(struct mount *m, struct ofd *o, enum ofd_end how, const char **word)
{
	char path[PATH_MAX];
	int r = 0;

	if (!staged(o)->on)
		return 0;
	REAL(unlink)(stage(m, o, ".copy", path));
	stage(m, o, "", path);
	if (how == OFD_CLOSED)
		r = publish_last(m, o, path);
	else if (!staged(o)->dirty)
		REAL(unlink)(path);
	if (r < 0 && staged(o)->dirty)
		*word = "failed";
	return r;
}

/* ---- names */

struct removal {
	struct mount *m;
	const char *name;
};

static int removed(struct ofd *o, void *arg)
{
	const struct removal *r = arg;

	if (ofd_is_of(o, r->m) && staged(o)->on && !strcmp(o->name, r->name))
		staged(o)->removed = 1;
	return 0;
}

void publish_removed(struct mount *m, const char *name)
{
	struct removal r = { m, name };

	ofd_each(removed, &r);
}

int publish_truncate(struct mount *m, const char *path, off_t len)
{
	int in = REAL(openat)(AT_FDCWD, path, O_WRONLY | O_CLOEXEC), out, r;
	char temp[PATH_MAX];

	if (in < 0)
		return -errno;
	snprintf(temp, sizeof(temp), "%.2000s/stage/truncate-%d", m->rule->target, (int)getpid());
	out = REAL(openat)(AT_FDCWD, temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	r = out < 0 ? -errno : copy(in, out);
	if (r == 0 && (REAL(ftruncate)(out, len) < 0 || REAL(renameat)(AT_FDCWD, temp, AT_FDCWD, path) < 0))
		r = -errno;
	if (out >= 0) {
		REAL(close)(out);
		REAL(unlink)(temp);
	}
	REAL(close)(in);
	return r;
}
