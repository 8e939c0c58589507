/* SPDX-License-Identifier: MIT */
/* What processes tell each other about their files; see generation.h. */
#include "generation.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/quiet.h"
#include "base/real.h"
#include "base/thread.h"

#define LOCK_WAIT_NS 50000000

int private_directory(const char *path)
{
	struct stat st;

	if (REAL(mkdir)(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (own_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return -EPERM;
	return 0;
}

void *private_map(const char *path, size_t size, int *error)
{
	void *p = MAP_FAILED;
	struct quiet q;
	int fd;

	quiet_begin(&q);
	fd = own_create(AT_FDCWD, path, O_NOFOLLOW);
	/* every page is there before it is touched: a full tmpfs must not kill */
	if (fd >= 0 && REAL(fallocate)(fd, 0, 0, (off_t)size) == 0)
		p = REAL(mmap)(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*error = -errno;
	if (fd >= 0)
		REAL(close)(fd);
	quiet_end(&q);
	return p == MAP_FAILED ? NULL : p;
}

struct generation *generation_of(struct generations *all, dev_t dev, ino_t ino)
{
	return &all->of[(ino + dev * 61) % GENERATIONS];
}

/* Who we are in an owner word; void after a fork, which may have entered a new namespace. */
static _Atomic uint32_t my_ns;

static uint64_t self(void)
{
	if (!atomic_load_explicit(&my_ns, memory_order_relaxed)) {
		struct stat st;

		atomic_store(&my_ns, own_stat(AT_FDCWD, "/proc/self/ns/pid", &st, 0) == 0 ?
				     (uint32_t)st.st_ino : 1);
	}
	return (uint64_t)atomic_load_explicit(&my_ns, memory_order_relaxed) << 32 | (uint32_t)thread_id();
}

void generation_fork_child(void)
{
	thread_id_forget();
	atomic_store(&my_ns, 0);
}

static int is_dead(uint64_t owner, uint64_t me)
{
	int saved = errno, dead;

	if (owner >> 32 != me >> 32)     /* its number means nothing here */
		return 0;
	dead = kill((pid_t)(uint32_t)owner, 0) < 0 && errno == ESRCH;
	errno = saved;
	return dead;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* The lock is ours: an odd generation was left by an owner that died. */
static int locked(struct generation *g)
{
	uint64_t count = atomic_load(&g->count);

	if (count & 1)
		atomic_store(&g->count, count + 1);
	return 1;
}

static int lock_slowly(struct generation *g, uint64_t me)
{
	int64_t deadline = now_ns() + LOCK_WAIT_NS;

	for (unsigned spins = 1;; spins++) {
		uint64_t owner = 0;

		if (atomic_compare_exchange_strong(&g->owner, &owner, me))
			return locked(g);
		if (owner == me)
			return 0;
		if (spins % 64)
			continue;
		if (is_dead(owner, me) &&
		    atomic_compare_exchange_strong(&g->owner, &owner, me))
			return locked(g);
		if (now_ns() > deadline)
			return 0;
		sched_yield();
	}
}

int generation_lock(struct generation *g)
{
	uint64_t me = self(), none = 0;

	if (__builtin_expect(atomic_compare_exchange_strong(&g->owner, &none, me), 1))
		return locked(g);
	return lock_slowly(g, me);
}

void generation_unlock(struct generation *g)
{
	atomic_store_explicit(&g->owner, 0, memory_order_release);
}

void generation_repair(struct generation *g)
{
	if (generation_lock(g))
		generation_unlock(g);
}

int generation_begin(struct generation *g)
{
	int held = generation_lock(g);

	atomic_fetch_add(&g->count, 1);
	return held;
}

void generation_end(struct generation *g, int held)
{
	atomic_fetch_add(&g->count, 1);
	if (held)
		generation_unlock(g);
}
