/* SPDX-License-Identifier: MIT */
/* The table of locks as shared memory, and who owns a lock; see lock_shared.h. */
#include "lock_shared.h"

#include <errno.h>
#include <string.h>

#include "base/grow.h"
#include "object_number.h"
#include "ofd.h"
#include "ofd_files.h"
#include "base/real.h"
#include "base/shared_lock.h"
#include "stats/stats_layout.h"
#include "stats/stats_tree.h"

#define MAGIC (0x6b636f6c6d696873ull + sizeof(struct lock_table))    /* "shimlock" */
#define NAME "locks"

static struct lock_table *_Atomic table;
static _Atomic int absent;           /* it was not there when we looked */

static struct lock_table *map(int fd)
{
	void *t = REAL(mmap)(NULL, sizeof(struct lock_table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return t == MAP_FAILED ? NULL : t;
}

/* It gets its name when it is complete; who comes second takes the first one's. */
static void make(int dir)
{
	char name[32];
	struct lock_table *t = NULL;
	int fd;

	snprintf(name, sizeof(name), NAME ".%d", (int)gettid());
	REAL(unlinkat)(dir, name, 0);
	fd = own_create(dir, name, O_EXCL);
	if (fd < 0)
		return;
	if (grow_allocate(fd, 0, 0, sizeof(*t)) == 0 && (t = map(fd))) {
		shared_lock_init(&t->lock);
		t->magic = MAGIC;
		REAL(munmap)(t, sizeof(*t));
	}
	REAL(close)(fd);
	if (!t || REAL(renameat2)(dir, name, dir, NAME, RENAME_NOREPLACE) < 0)
		REAL(unlinkat)(dir, name, 0);
}

static struct lock_table *open_table(int dir)
{
	int fd = REAL(openat)(dir, NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct lock_table *t = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (own_fstat(fd, &st) == 0 && st.st_size == sizeof(*t))
		t = map(fd);
	REAL(close)(fd);
	if (t && t->magic != MAGIC) {
		REAL(munmap)(t, sizeof(*t));
		t = NULL;
	}
	return t;
}

struct lock_table *lock_table(int must)
{
	struct lock_table *t = atomic_load(&table), *none = NULL;
	int dir;

	if (t || (!must && atomic_load(&absent)))
		return t;
	dir = ofd_directory(must);
	if (dir >= 0) {
		t = open_table(dir);
		if (!t && must) {
			make(dir);
			t = open_table(dir);
		}
		REAL(close)(dir);
	}
	if (!t)
		atomic_store(&absent, 1);
	else if (!atomic_compare_exchange_strong(&table, &none, t)) {
		REAL(munmap)(t, sizeof(*t));
		t = none;
	}
	return t;
}

/* A handler that locks or closes must not find its own thread in here. */
int lock_enter(struct lock_table *t, sigset_t *saved)
{
	sigset_t all;
	int r;

	sigfillset(&all);
	REAL(pthread_sigmask)(SIG_BLOCK, &all, saved);
	r = pthread_mutex_lock(&t->lock);
	if (r == EOWNERDEAD)
		r = pthread_mutex_consistent(&t->lock);
	if (r)
		REAL(pthread_sigmask)(SIG_SETMASK, saved, NULL);
	return r ? -ENOLCK : 0;
}

void lock_leave(struct lock_table *t, const sigset_t *saved)
{
	pthread_mutex_unlock(&t->lock);
	REAL(pthread_sigmask)(SIG_SETMASK, saved, NULL);
}

/* ---- owners ---- */

static uint64_t this_process(void)
{
	static _Atomic uint64_t known;
	uint64_t p = atomic_load(&known);
	struct process found;

	if (p && SEG_OWNER_PID(p) == getpid())
		return p;
	process_find(getpid(), &found);
	p = SEG_OWNER(getpid(), found.start);
	atomic_store(&known, p);
	return p;
}

uint64_t lock_number(const struct ofd *o)
{
	const struct backend *be = backend_find(o->be);

	return be && be->object->versions ? number_of_name(o->target, o->name) : o->ino;
}

void lock_owned(struct lock *l, int kind, const struct ofd *o)
{
	memset(&l->owner, 0, sizeof(l->owner));
	l->kind = kind;
	l->dev = o->dev;
	l->ino = lock_number(o);
	if (kind != LOCK_POSIX) {
		memcpy(l->owner.id, o->id, OFD_ID);
		return;
	}
	l->owner.process = this_process();
	l->owner.pidns = process_pidns();
}

int lock_same_owner(const struct lock *a, const struct lock *b)
{
	return a->kind == b->kind && a->owner.process == b->owner.process &&
	       a->owner.pidns == b->owner.pidns && !strcmp(a->owner.id, b->owner.id);
}

/* Its locks went when it ended, not when its parent has heard of it. */
static int process_ended(const struct lock_owner *o)
{
	struct process p;

	if (process_gone(o->process, o->pidns))
		return 1;
	return o->pidns == process_pidns() && process_find(SEG_OWNER_PID(o->process), &p) == 0 && p.zombie;
}

int lock_dead(const struct lock *l)
{
	return l->kind == LOCK_POSIX ? process_ended(&l->owner) : ofd_gone(l->owner.id);
}
