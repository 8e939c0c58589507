/* SPDX-License-Identifier: MIT */
/*
 * The doors that close and duplicate descriptors. The table forgets a number
 * before the kernel frees it, so that a reuse by another thread is never
 * forgotten after it was learnt.
 */
#include "aio/aio_queue.h"
#include "door.h"
#include "files/hide.h"
#include "aio/io_resfd.h"

/* Whether the table takes part in what happens to fd. */
static struct file *ours(int fd)
{
	struct file *f = fdtab_get(fd);

	if (__builtin_expect(!f, 1))
		return NULL;
	return fdtab_ours() ? f : NULL;
}

/* What the program is told of a descriptor of our own: it has none there. */
static int hidden(void)
{
	errno = EBADF;
	return -1;
}

/* A descriptor that is not in the table. */
static int close_other(int fd)
{
	if (hide_has(fd))
		return hidden();
	io_resfd_forget((unsigned)fd, (unsigned)fd);
	if (aio_any_foreign())
		aio_drain((unsigned)fd, (unsigned)fd);
	if (__builtin_expect(fdtab_lent, 0) && objects_on && !fdtab_ours())
		return (int)OBJECT_RESULT(object_close_lent(fd));
	return REAL(close)(fd);
}

EXPORT int close(int fd)
{
	struct file *f = ours(fd);
	struct mount *m;
	unsigned slot;

	if (__builtin_expect(!f, 1))
		return close_other(fd);
	aio_drain((unsigned)fd, (unsigned)fd);
	m = f->mount;
	slot = f->stat_slot;

	uint64_t t0 = stats_begin();
	int r;

	if (f->ofd) {
		r = (int)OBJECT_ROW(CALL_close, object_close(f, fd));
	} else {
		fdtab_forget(fd);
		r = REAL(close)(fd);
	}

	if (t0)
		door_end(CALL_close, m, slot, t0, 0, r);
	return r;
}

TWIN_OF(__close, close)

/* Files without a kernel file are closed one by one: each may be the last. */
static void forget_range(unsigned first, unsigned last)
{
	int saved = errno;

	aio_drain(first, last);
	io_resfd_forget(first, last);
	for (int fd = first < FDTAB_FLAT ? (int)first : FDTAB_FLAT;
	     objects_on && (fd = fdtab_next(fd)) >= 0 && (unsigned)fd <= last; fd++) {
		struct file *f = fdtab_get(fd);

		if (f && f->ofd)
			object_close(f, fd);
	}
	errno = saved;
	fdtab_forget_range(first, last);
}

/* The range less our own descriptors; first <= last. */
static int close_around(unsigned first, unsigned last, int flags)
{
	int r = 0, mine;

	while (r == 0 && first <= last && (mine = hide_next((int)first)) >= 0 && (unsigned)mine <= last) {
		if ((unsigned)mine > first)
			r = REAL(close_range)(first, (unsigned)mine - 1, flags);
		first = (unsigned)mine + 1;
	}
	return r < 0 || first > last ? r : REAL(close_range)(first, last, flags);
}

/* Not before Linux 5.9, and not under filters older than that: too late to be found out when ours are closed. */
static int has_close_range(void)
{
	return REAL(close_range)(~0U, ~0U, 0) == 0;
}

EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	int closes = !(flags & ~CLOSE_RANGE_UNSHARE);

	if (closes && first <= last && fdtab_ours() && has_close_range())
		forget_range(first, last);
	if (first > last || first > INT_MAX)
		return REAL(close_range)(first, last, flags);
	return close_around(first, last, flags);
}

EXPORT void closefrom(int low)
{
	int fd = low < 0 ? 0 : low;

	if (fdtab_ours())
		forget_range((unsigned)fd, ~0U);
	if (hide_next(fd) >= 0 && close_around((unsigned)fd, ~0U, 0) == 0)
		return;
	/* as libc does on a kernel before 5.9 or under a filter that does not know close_range */
	for (; fd <= atomic_load(&hide_high); fd++)
		if (!hide_has(fd))
			REAL(close)(fd);
	REAL(closefrom)(fd);
}

/*
 * `to` is now a duplicate of `from`, whose file was f when the call began.
 * Another thread may have duplicated onto the same number, in this order in
 * the kernel and in the other here: the kernel has the last word.
 */
static void duplicated(struct file *f, int from, int to)
{
	int saved = errno;
	struct stat st;

	if (to != from) {
		if (fdtab_ref(f, from))
			fdtab_set(to, f);
		else
			fdtab_forget(to);
		if (!f->ofd && (REAL(fstat)(to, &st) < 0 || st.st_ino != f->ino || st.st_dev != f->dev))
			fdtab_forget(to);
	}
	errno = saved;
}

/* A duplicate made by `expr` of fd; timed if fd is ours. */
#define DUPLICATE(name, fd, expr) ({                                          \
	struct file *f_ = ours(fd);                                           \
	int object_ = f_ && f_->ofd, to_;                                     \
	if (object_)                                                          \
		object_change(1);                                             \
	to_ = f_ ? TIMED(name, f_, 0, expr) : door_fresh(expr);               \
	if (f_ && to_ >= 0)                                                   \
		duplicated(f_, fd, to_);                                      \
	if (object_)                                                          \
		object_change(-1);                                            \
	to_; })

EXPORT int dup(int fd)
{
	return DUPLICATE(dup, fd, REAL(dup)(fd));
}

/* The kernel, too, tells nobody what a close by dup2 had to say. */
static void let_go(struct file *f, int closed)
{
	int saved = errno;

	object_let_go(f, closed);
	errno = saved;
}

/* A duplicate onto `to`: what that was is closed, and a descriptor of our own moved away. */
#define ONTO(name, fd, to, expr) ({                                           \
	struct file *was_ = object_hold(to);                                  \
	if (ours(to) || aio_any_foreign())                                    \
		aio_drain((unsigned)(to), (unsigned)(to));                    \
	io_resfd_forget((unsigned)(to), (unsigned)(to));                      \
	int v_ = (hide_has(to) && hide_move(to) < 0) ? (errno = EBUSY, -1) :    \
		 hide_has(fd) ? hidden() : DUPLICATE(name, fd, expr);         \
	if (was_)                                                             \
		let_go(was_, v_ >= 0);                                               \
	v_; })

EXPORT int dup2(int fd, int to)
{
	if (fd == to)
		return hide_has(fd) ? hidden() : REAL(dup2)(fd, to);
	return ONTO(dup2, fd, to, REAL(dup2)(fd, to));
}

TWIN_OF(__dup2, dup2)

EXPORT int dup3(int fd, int to, int flags)
{
	return ONTO(dup3, fd, to, REAL(dup3)(fd, to, flags));
}

static int control_object(struct file *f, int fd, int cmd, void *arg)
{
	if (cmd == F_SETLKW || cmd == F_OFD_SETLKW)
		pthread_testcancel();
	return TIMED(fcntl, f, 0, (int)OBJECT_RESULT(object_fcntl(f, fd, cmd, arg)));
}

EXPORT int fcntl(int fd, int cmd, ...)
{
	struct file *f;
	va_list ap;
	void *arg;
	int r;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return DUPLICATE(fcntl, fd, REAL(fcntl)(fd, cmd, arg));
	f = fdtab_get(fd);
	if (__builtin_expect(!f, 1))
		return REAL(fcntl)(fd, cmd, arg);
	if (f->ofd && cmd != F_GETOWN)       /* whose result may be negative, and is the placeholder's */
		return control_object(f, fd, cmd, arg);
	r = TIMED(fcntl, f, 0, REAL(fcntl)(fd, cmd, arg));
	if (cmd == F_SETFL && r == 0) {
		int changed = O_APPEND | O_DIRECT;

		f->flags = (f->flags & ~changed) | ((int)(intptr_t)arg & changed);
	}
	return r;
}

TWIN_OF(fcntl64, fcntl)
TWIN_OF(__fcntl, fcntl)
