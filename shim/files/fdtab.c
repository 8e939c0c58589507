/* SPDX-License-Identifier: MIT */
/* The descriptor table; see fdtab.h. */
#include "fdtab.h"

#include <pthread.h>
#include <string.h>

#include "mount.h"
#include "object/object.h"
#include "pin.h"
#include "base/pool.h"
#include "base/real.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct file *_Atomic fdtab_flat[FDTAB_FLAT];
__thread unsigned char fdtab_lent;

static struct pool files = POOL_INIT(struct file, 64);
static _Atomic unsigned flat_top;    /* no entry of the index is at or above it */
static _Atomic pid_t owner;

/* Descriptors from FDTAB_FLAT up. */
struct high {
	int fd;
	struct file *file;
	UT_hash_handle hh;
};

static struct high *highs;
static _Atomic unsigned nhighs;
static pthread_mutex_t high_lock = PTHREAD_MUTEX_INITIALIZER;

/* A handler that calls close() must not find its own thread holding the lock. */
static void lock_high(sigset_t *saved)
{
	sigset_t all;

	sigfillset(&all);
	REAL(pthread_sigmask)(SIG_BLOCK, &all, saved);
	pthread_mutex_lock(&high_lock);
}

static void unlock_high(const sigset_t *saved)
{
	pthread_mutex_unlock(&high_lock);
	REAL(pthread_sigmask)(SIG_SETMASK, saved, NULL);
}

struct file *fdtab_get_high(int fd)
{
	struct high *h;
	struct file *f;
	sigset_t saved;

	if (fd < 0 || !atomic_load_explicit(&nhighs, memory_order_acquire))
		return NULL;
	lock_high(&saved);
	HASH_FIND_INT(highs, &fd, h);
	f = h ? h->file : NULL;
	unlock_high(&saved);
	return f;
}

/* Without memory for the entry the file goes unserved, which is always right. */
static struct file *set_high(int fd, struct file *f)
{
	struct file *old = f;
	struct high *h;
	sigset_t saved;

	lock_high(&saved);
	HASH_FIND_INT(highs, &fd, h);
	if (h) {
		old = h->file;
		h->file = f;
		if (!f) {
			HASH_DEL(highs, h);
			free(h);
		}
	} else if (!f) {
		old = NULL;
	} else if ((h = malloc(sizeof(*h)))) {
		h->fd = fd;
		h->file = f;
		h->hh.tbl = NULL;
		HASH_ADD_INT(highs, fd, h);
		if (h->hh.tbl)
			old = NULL;
		else
			free(h);
	}
	atomic_store_explicit(&nhighs, HASH_COUNT(highs), memory_order_release);
	unlock_high(&saved);
	return old;
}

static void raise_top(unsigned fd)
{
	unsigned top = atomic_load(&flat_top);

	while (fd >= top && !atomic_compare_exchange_weak(&flat_top, &top, fd + 1))
		;
}

static struct file *set_flat(unsigned fd, struct file *f)
{
	if (f)
		raise_top(fd);
	return atomic_exchange(&fdtab_flat[fd], f);
}

struct file *fdtab_new(void)
{
	struct file *f = pool_get(&files);
	unsigned none = 0;

	if (!f)
		return NULL;
	f->ofd = NULL;
	f->listing = NULL;
	atomic_store_explicit(&f->kept, -1, memory_order_relaxed);
	atomic_store_explicit(&f->stat_slot, 0, memory_order_relaxed);
	atomic_store_explicit(&f->hint, NULL, memory_order_relaxed);
	memset(f->priv, 0, sizeof(f->priv));
	/* A late fdtab_ref may look at this word: it finds 0 until now. */
	atomic_compare_exchange_strong(&f->refs, &none, 1);
	return f;
}

int fdtab_ref(struct file *f, int fd)
{
	unsigned refs = atomic_load(&f->refs);

	do {
		if (!refs)
			return 0;
	} while (!atomic_compare_exchange_weak(&f->refs, &refs, refs + 1));
	if (fdtab_get(fd) == f)
		return 1;
	fdtab_put(f);
	return 0;
}

/* Files whose last descriptor closed while they were pinned. */
struct file *_Atomic fdtab_retired;

static void retire(struct file *f)
{
	f->next_retired = atomic_load(&fdtab_retired);
	while (!atomic_compare_exchange_weak(&fdtab_retired, &f->next_retired, f))
		;
}

/* Frees f unless it is pinned; whether it did. */
static int release(struct file *f)
{
	if (mounts_pin && pin_held(f))
		return 0;
	if (f->ofd)
		object_released(f);
	else if (f->mount->be->closed)
		f->mount->be->closed(f);
	pool_put(&files, f);
	return 1;
}

void fdtab_reap(void)
{
	struct file *f = atomic_exchange(&fdtab_retired, NULL), *next;

	for (; f; f = next) {
		next = f->next_retired;
		if (!release(f))
			retire(f);
	}
}

void fdtab_put(struct file *f)
{
	if (atomic_fetch_sub(&f->refs, 1) != 1 || release(f))
		return;
	retire(f);
	/* whoever pinned it looks at the list after letting go: one of us sees the other */
	fdtab_reap();
}

void fdtab_set(int fd, struct file *f)
{
	struct file *old;

	if (fd < 0)
		old = f;
	else if (fd < FDTAB_FLAT)
		old = set_flat(fd, f);
	else
		old = set_high(fd, f);
	if (old)
		fdtab_put(old);
}

void fdtab_drop(int fd)
{
	if (fd < FDTAB_FLAT)
		set_flat((unsigned)fd, NULL);
	else
		set_high(fd, NULL);
}

int fdtab_next(int from)
{
	for (int top = (int)atomic_load(&flat_top); from < top; from++)
		if (fdtab_get(from))
			return from;
	return -1;
}

void fdtab_forget_range(unsigned first, unsigned last)
{
	unsigned top = atomic_load(&flat_top);
	struct high *h, *next;

	for (unsigned fd = first; fd <= last && fd < top; fd++)
		fdtab_forget((int)fd);
	while (last >= FDTAB_FLAT && atomic_load(&nhighs)) {
		sigset_t saved;
		int fd = -1;

		lock_high(&saved);
		HASH_ITER(hh, highs, h, next)
			if ((unsigned)h->fd >= first && (unsigned)h->fd <= last)
				fd = h->fd;
		unlock_high(&saved);
		if (fd < 0)
			return;
		fdtab_set(fd, NULL);
	}
}

pid_t fdtab_owner(void)
{
	pid_t pid = atomic_load_explicit(&owner, memory_order_relaxed);

	return pid ? pid : getpid();
}

int fdtab_ours(void)
{
	int ours = getpid() == atomic_load_explicit(&owner, memory_order_relaxed);

	fdtab_lent = !ours;
	return ours;
}

void fdtab_own(void)
{
	atomic_store(&owner, getpid());
	fdtab_lent = 0;
}

void fdtab_fork_lock(void)
{
	pthread_mutex_lock(&high_lock);
}

void fdtab_fork_unlock(void)
{
	pthread_mutex_unlock(&high_lock);
}
