/* SPDX-License-Identifier: MIT */
/* Locks on files without a kernel file; see object_lock.h. */
#include "object_lock.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "lock_table.h"
#include "object.h"
#include "object_pin.h"
#include "base/real.h"
#include "stats/stats_layout.h"
#include "base/user.h"

static void waited(void *w)
{
	lock_wait_end(w);
}

static ssize_t set_or_wait(struct file *f, int fd, const struct lock *want, struct lock_wait *w)
{
	ssize_t r;

	while ((r = PINNED(f, fd, lock_set(want, w))) == -EAGAIN) {
		r = lock_wait(w);
		if (r < 0)
			break;
		object_cancellation_point();
	}
	return r;
}

/* The whole of a call that locks: waits, if it may, with nothing pinned. */
static ssize_t set(struct file *f, int fd, const struct lock *want, int wait)
{
	struct lock_wait w;
	ssize_t r;

	if (!wait || want->type == F_UNLCK)
		return PINNED(f, fd, lock_set(want, NULL));
	lock_wait_begin(&w);
	pthread_cleanup_push(waited, &w);
	r = set_or_wait(f, fd, want, &w);
	pthread_cleanup_pop(1);
	return r;
}

/* ---- flock ---- */

ssize_t object_flock(struct file *f, int fd, int op)
{
	static const int types[] = { [LOCK_SH] = F_RDLCK, [LOCK_EX] = F_WRLCK, [LOCK_UN] = F_UNLCK };
	struct lock l = { .start = 0, .end = INT64_MAX };
	int what = op & ~LOCK_NB;

	if (op & 32)      /* LOCK_MAND: the kernel has forgotten what it was */
		return 0;
	if (what != LOCK_SH && what != LOCK_EX && what != LOCK_UN)
		return -EINVAL;
	l.type = types[what];
	if (PINNED(f, fd, f->ofd->flags & O_PATH ? -EBADF : (lock_owned(&l, LOCK_FLOCK, f->ofd), 0)) < 0)
		return -EBADF;
	return set(f, fd, &l, !(op & LOCK_NB));
}

/* ---- fcntl ---- */

int object_is_lock(int cmd)
{
	switch (cmd) {
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return 1;
	}
	return 0;
}

/* Where a range's offset counts from, or -errno. */
static off_t base_of(struct file *f, int whence)
{
	struct object_at at = { f->mount, f, NULL };
	struct statx st;
	int r;

	switch (whence) {
	case SEEK_SET: return 0;
	case SEEK_CUR: return f->ofd->pos;
	case SEEK_END:
		r = f->mount->be->object->stat(&at, &st);
		return r < 0 ? r : (off_t)st.stx_size;
	}
	return -EINVAL;
}

/* The bytes that *fl means: 0 or -errno, in the kernel's order of complaints. */
static int range(struct file *f, const struct flock *fl, struct lock *l)
{
	off_t start = base_of(f, fl->l_whence);

	if (start < 0)
		return (int)start;
	if (__builtin_add_overflow(start, fl->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	l->start = start;
	l->end = INT64_MAX;
	if (fl->l_len > 0 && __builtin_add_overflow(start, fl->l_len - 1, &l->end))
		return -EOVERFLOW;
	if (fl->l_len < 0) {
		if (start + fl->l_len < 0)
			return -EINVAL;
		l->end = start - 1;
		l->start = start + fl->l_len;
	}
	return 0;
}

static int may_lock(const struct file *f, int type)
{
	return (type == F_RDLCK && !ofd_reads(f->ofd)) || (type == F_WRLCK && !ofd_writes(f->ofd)) ? -EBADF : 0;
}

enum purpose { TEST, SET, WAIT };

static const struct {
	int cmd, kind;
	enum purpose purpose;
} commands[] = {
	{ F_GETLK, LOCK_POSIX, TEST },
	{ F_SETLK, LOCK_POSIX, SET },
	{ F_SETLKW, LOCK_POSIX, WAIT },
	{ F_OFD_GETLK, LOCK_OFD, TEST },
	{ F_OFD_SETLK, LOCK_OFD, SET },
	{ F_OFD_SETLKW, LOCK_OFD, WAIT },
};

/* What the call is about, checked: 0 or -errno. */
static int lock_of(struct file *f, int kind, enum purpose purpose, const struct flock *fl, struct lock *l)
{
	int unlock = purpose != TEST || kind == LOCK_OFD, r;

	if (f->ofd->flags & O_PATH)
		return -EBADF;
	l->type = fl->l_type;
	if (l->type != F_RDLCK && l->type != F_WRLCK && (l->type != F_UNLCK || !unlock))
		return -EINVAL;
	r = range(f, fl, l);
	if (r == 0 && purpose != TEST)
		r = may_lock(f, l->type);
	if (r == 0 && kind == LOCK_OFD && fl->l_pid)
		r = -EINVAL;
	lock_owned(l, kind, f->ofd);
	return r;
}

/* Who is in the way, as F_GETLK tells it. */
static ssize_t test(struct file *f, int fd, struct lock *l, struct flock *fl)
{
	ssize_t r = PINNED(f, fd, lock_test(l));

	if (r < 0)
		return r;
	fl->l_type = F_UNLCK;
	if (r == 0)
		return 0;
	fl->l_type = (short)l->type;
	fl->l_whence = SEEK_SET;
	fl->l_start = l->start;
	fl->l_len = l->end == INT64_MAX ? 0 : l->end - l->start + 1;
	fl->l_pid = l->kind == LOCK_OFD ? -1 : SEG_OWNER_PID(l->owner.process);
	return 0;
}

/* *fl is ours. */
static ssize_t lock(struct file *f, int fd, int cmd, struct flock *fl)
{
	struct lock l = { .kind = LOCK_NONE };
	size_t i = 0;
	ssize_t r;

	while (commands[i].cmd != cmd)
		i++;
	r = PINNED(f, fd, lock_of(f, commands[i].kind, commands[i].purpose, fl, &l));
	if (r < 0)
		return r;
	return commands[i].purpose == TEST ? test(f, fd, &l, fl) : set(f, fd, &l, commands[i].purpose == WAIT);
}

ssize_t object_lock(struct file *f, int fd, int cmd, void *arg)
{
	struct flock fl = { 0 };
	ssize_t r;

	if (f->ofd->flags & O_PATH)
		return -EBADF;
	if (user_get(&fl, arg, sizeof(fl)) < 0)
		return -EFAULT;
	r = lock(f, fd, cmd, &fl);
	if (r == 0 && (cmd == F_GETLK || cmd == F_OFD_GETLK))
		r = user_put(arg, &fl, sizeof(fl));
	return r;
}

/* As libc makes it of fcntl. */
ssize_t object_lockf(struct file *f, int fd, int cmd, off_t len)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = len };
	ssize_t r;

	switch (cmd) {
	case F_TEST:
		fl.l_type = F_RDLCK;
		r = lock(f, fd, F_GETLK, &fl);
		return r < 0 || fl.l_type == F_UNLCK || fl.l_pid == getpid() ? r : -EACCES;
	case F_ULOCK:
		fl.l_type = F_UNLCK;
		return lock(f, fd, F_SETLK, &fl);
	case F_LOCK:
		return lock(f, fd, F_SETLKW, &fl);
	case F_TLOCK:
		return lock(f, fd, F_SETLK, &fl);
	}
	return -EINVAL;
}

/* ---- the end ---- */

static void unlock(const struct ofd *o, int kind)
{
	struct lock l = { .start = 0, .end = INT64_MAX, .type = F_UNLCK };

	if (!lock_any(o))
		return;
	lock_owned(&l, kind, o);
	lock_set(&l, NULL);
}

void object_unlock_process(const struct ofd *o)
{
	unlock(o, LOCK_POSIX);
}

void object_unlock_description(const struct ofd *o)
{
	unlock(o, LOCK_FLOCK);
	unlock(o, LOCK_OFD);
}
