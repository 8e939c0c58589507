/* SPDX-License-Identifier: MIT */
/* Closing files without a kernel file, in all the ways there are; see object.h. */
#include <errno.h>
#include <string.h>
#include <sys/single_threaded.h>

#include "aio/aio_queue.h"
#include "files/fdtab.h"
#include "files/hide.h"
#include "files/mount.h"
#include "object.h"
#include "object_end.h"
#include "object_lock.h"
#include "object_map.h"
#include "ofd.h"
#include "files/pin.h"
#include "base/real.h"

static const struct object_ops *ops_of(const struct file *f)
{
	return f->mount->be->object;
}

/* Whoever must do this over, because we were killed in it, knows that it was closed. */
static int finish(struct mount *m, struct ofd *o, struct file *f)
{
	int r;

	o->closer = getpid();
	r = m->be->object->finish ? m->be->object->finish(m, o, f, OFD_CLOSED) : 0;
	object_unlock_description(o);
	ofd_forget(o);
	return r;
}

/* Where it cannot be known whether that was the last close, nothing must depend on it. */
static int play_safe(struct file *f)
{
	return ops_of(f)->sync ? ops_of(f)->sync(f, 0) : 0;
}

static _Atomic pid_t exiting;

/* A descriptor of f has been closed: `held` is ofd_end_lock's. At exit other threads may still use f. */
static int closed(struct file *f, int held)
{
	enum ofd_state state;

	if (held == 0 || f->ofd->ended)
		return 0;
	if (f->ofd->writer == fdtab_owner())
		f->ofd->writer = 0;
	state = held > 0 ? ofd_state(f->ofd) : OFD_UNKNOWN;
	if (state != OFD_DEAD)
		return state == OFD_UNKNOWN ? play_safe(f) : 0;
	object_map_ended(f);
	return finish(f->mount, f->ofd, exiting ? NULL : f);
}

/* As in the kernel a file is not closed while a call uses it: a hidden descriptor stays until then. */
static void keep_open(struct file *f, int fd)
{
	if (atomic_load(&f->kept) < 0)
		hide_copy(fd, &f->kept);
}

static int close_kept(struct file *f)
{
	int held, r;

	if (atomic_load(&f->kept) < 0)
		return 0;
	held = ofd_end_lock(f->ofd);
	hide_close(&f->kept);
	r = closed(f, held);
	ofd_end_unlock(f->ofd, held);
	return r;
}

void object_end_released(struct file *f)
{
	close_kept(f);
}

/* The caller's reference goes, too. */
static int close_one(struct file *f, int fd, int used)
{
	int held = ofd_end_lock(f->ofd), r, e;

	if (used)
		keep_open(f, fd);
	r = REAL(close)(fd) < 0 ? -errno : 0;
	object_unlock_process(f->ofd);
	e = closed(f, held);
	ofd_end_unlock(f->ofd, held);
	fdtab_put(f);
	return r < 0 ? r : e;
}

int object_close(struct file *f, int fd)
{
	int r, e;

	if (!fdtab_ref(f, fd))
		return REAL(close)(fd) < 0 ? -errno : 0;
	e = f->ofd->mapped ? map_sync_file(f) : 0;
	object_change(1);
	fdtab_forget(fd);
	r = close_one(f, fd, pin_held(f));
	object_change(-1);
	return r < 0 ? r : e;
}

int object_close_hidden(struct file *f, _Atomic int *fd)
{
	int held, r;

	object_change(1);
	held = ofd_end_lock(f->ofd);
	if (pin_held(f))
		keep_open(f, atomic_load(fd));
	hide_close(fd);
	r = closed(f, held);
	ofd_end_unlock(f->ofd, held);
	fdtab_put(f);
	object_change(-1);
	return r;
}

/* The hidden copy keeps the file open until it is known whether somebody uses it. */
struct file *object_hold(int fd)
{
	struct file *f = object_of(fd);

	if (!f || !fdtab_ours() || !fdtab_ref(f, fd))
		return NULL;
	keep_open(f, fd);
	return f;
}

int object_let_go(struct file *f, int closed)
{
	int r;

	if (closed)
		object_unlock_process(f->ofd);
	r = pin_held(f) ? 0 : close_kept(f);
	fdtab_put(f);
	return r;
}

/* ---- vfork children */

static _Atomic pid_t lent_to;

void object_end_lent(void)
{
	atomic_store(&lent_to, getpid());
}

int object_close_lent(int fd)
{
	struct ofd *o = ofd_of(fd);
	struct mount *m = o ? object_mount_of(o) : NULL;
	int held = m ? ofd_end_lock(o) : 0;
	int r = REAL(close)(fd) < 0 ? -errno : 0;

	if (held > 0 && !o->ended && ofd_state(o) == OFD_DEAD)
		finish(m, o, NULL);
	if (m)
		ofd_end_unlock(o, held);
	if (o)
		ofd_unmap(o);
	return r;
}

static void close_lent(int fd)
{
	object_close_lent(fd);
}

/* ---- exit */

/*
 * The table stays as it is: other threads go on until the process ends, and
 * what they do does not need the placeholder.
 */
static void close_all(void)
{
	for (int fd = 0; (fd = fdtab_next(fd)) >= 0; fd++) {
		struct file *f = fdtab_get(fd);

		if (f && f->ofd && fdtab_ref(f, fd))
			close_one(f, fd, 0);
	}
}

/* Two threads may end the process: the second must not do so before the first is done here. */
static _Atomic int exit_done;

static void exit_ours(void)
{
	pid_t none = 0, me = gettid();

	if (atomic_compare_exchange_strong(&exiting, &none, me) || none == me) {
		aio_drain(0, ~0U);
		object_map_exit();
		close_all();
		exit_done = 1;
	}
	while (!exit_done)
		usleep(1000);
}

void object_exit(void)
{
	if (!objects_on)
		return;
	if (fdtab_ours())
		exit_ours();
	else if (atomic_load(&lent_to) == getpid())
		object_each_fd(close_lent);
}

/* ---- fork */

static _Atomic int changing;
static __thread signed char changing_here;

void object_change(int by)
{
	atomic_fetch_add(&changing, by);
	changing_here += by;
}

static void give_up_unknown(int fd)
{
	struct ofd *o = fdtab_get(fd) || hide_has(fd) ? NULL : ofd_of(fd);

	if (o) {
		ofd_unmap(o);
		REAL(close)(fd);
	}
}

/*
 * The kernel copies the descriptors first and the memory later, while other threads
 * go on: the table may have files whose descriptors were made in between, and
 * whose hidden ones have numbers that are free here. What is left of them stays
 * where it is: nothing may be given back that another thread was about to take.
 */
static void forget_unmade(void)
{
	struct stat st;

	hide_fork_child();
	for (int fd = 0; (fd = fdtab_next(fd)) >= 0; fd++) {
		struct file *f = fdtab_get(fd);

		if (f && f->ofd && (own_fstat(fd, &st) < 0 || st.st_ino != f->ofd->placeholder))
			fdtab_drop(fd);
	}
}

void object_fork_child(void)
{
	if (!objects_on)
		return;
	exiting = exit_done = 0;
	if (!__libc_single_threaded)
		forget_unmade();
	if (atomic_load(&changing) != changing_here)
		object_each_fd(give_up_unknown);
	atomic_store(&changing, changing_here);
}

/* ---- exec */

/*
 * A description that exec closes here is marked with our number, unless
 * another process is known to write it: if that was the last close, it ends as
 * one; if not, the new program's sweep or the next write takes the mark away.
 */
static void mark(pid_t pid)
{
	if (!objects_on || !fdtab_ours())
		return;
	object_map_mark(pid);
	for (int fd = 0; (fd = fdtab_next(fd)) >= 0; fd++) {
		struct file *f = fdtab_get(fd);
		enum pin pin = f && f->ofd ? pin_take(f, fd) : PIN_NONE;

		if (pin == PIN_NONE)
			continue;
		if (!pid || (REAL(fcntl)(fd, F_GETFD) & FD_CLOEXEC)) {
			int writer = f->ofd->writer;

			f->ofd->closer = !writer || writer == pid ? pid : 0;
		}
		pin_drop(f, pin);
	}
}

void object_exec_begin(void)
{
	object_map_sync_all();
	mark(getpid());
}

void object_exec_failed(void)
{
	mark(0);
}

void object_sweep(void)
{
	for (unsigned i = 0; i < mounts_count; i++)
		if (mounts[i].be->object)
			ofd_sweep(&mounts[i]);
}
