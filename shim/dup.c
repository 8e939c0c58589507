/* SPDX-License-Identifier: MIT */
/*
 * The doors that close and duplicate descriptors. The table forgets a number
 * before the kernel frees it, so that a reuse by another thread is never
 * forgotten after it was learnt.
 */
#include "door.h"

/* Whether the table takes part in what happens to fd. */
static struct file *ours(int fd)
{
	struct file *f = fdtab_get(fd);

	if (__builtin_expect(!f, 1))
		return NULL;
	return fdtab_ours() ? f : NULL;
}

EXPORT int close(int fd)
{
	struct file *f = ours(fd);
	struct mount *m;
	unsigned slot;

	if (__builtin_expect(!f, 1))
		return REAL(close)(fd);
	m = f->mount;
	slot = f->stat_slot;

	uint64_t t0 = stats_begin();

	fdtab_forget(fd);

	int r = REAL(close)(fd);

	if (t0)
		door_end(CALL_close, m, slot, t0, 0, r);
	return r;
}

TWIN_OF(__close, close)

EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	if (!(flags & CLOSE_RANGE_CLOEXEC) && first <= last && fdtab_ours())
		fdtab_forget_range(first, last);
	return REAL(close_range)(first, last, flags);
}

EXPORT void closefrom(int low)
{
	if (fdtab_ours())
		fdtab_forget_range(low < 0 ? 0 : (unsigned)low, ~0U);
	REAL(closefrom)(low);
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
		if (REAL(fstat)(to, &st) < 0 || st.st_ino != f->ino || st.st_dev != f->dev)
			fdtab_forget(to);
	}
	errno = saved;
}

/* A duplicate made by `expr` of fd; timed if fd is ours. */
#define DUPLICATE(name, fd, expr) ({                                          \
	struct file *f_ = ours(fd);                                           \
	int to_ = f_ ? TIMED(name, f_, 0, expr) : door_fresh(expr);           \
	if (f_ && to_ >= 0)                                                   \
		duplicated(f_, fd, to_);                                      \
	to_; })

EXPORT int dup(int fd)
{
	return DUPLICATE(dup, fd, REAL(dup)(fd));
}

EXPORT int dup2(int fd, int to)
{
	if (fd == to)
		return REAL(dup2)(fd, to);
	return DUPLICATE(dup2, fd, REAL(dup2)(fd, to));
}

TWIN_OF(__dup2, dup2)

EXPORT int dup3(int fd, int to, int flags)
{
	return DUPLICATE(dup3, fd, REAL(dup3)(fd, to, flags));
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
	r = TIMED(fcntl, f, 0, REAL(fcntl)(fd, cmd, arg));
	if (cmd == F_SETFL && r == 0) {
		int changed = O_APPEND | O_DIRECT;

		f->flags = (f->flags & ~changed) | ((int)(intptr_t)arg & changed);
	}
	return r;
}

TWIN_OF(fcntl64, fcntl)
TWIN_OF(__fcntl, fcntl)
