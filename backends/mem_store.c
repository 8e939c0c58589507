/* SPDX-License-Identifier: MIT */
/* The stores of the mem back end; see mem_store.h. */
#include "mem_store.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "real.h"

#define LOCK_WAIT_NS 50000000

void mem_store_root(char root[MEM_ROOT_MAX], const char *name)
{
	snprintf(root, MEM_ROOT_MAX, "/dev/shm/shim-mem-%u/%s/files", (unsigned)geteuid(),
		 *name ? name : "default");
}

/* A directory of ours that nobody else may enter, or an error. */
static int own_directory(const char *path)
{
	struct stat st;

	if (REAL(mkdir)(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (REAL(lstat)(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return -EPERM;
	return 0;
}

int mem_store_make(const char *root)
{
	char path[MEM_ROOT_MAX];
	int r;

	for (int up = 2; up >= 1; up--) {
		strcpy(path, root);
		for (int i = 0; i < up; i++)
			*strrchr(path, '/') = 0;
		r = own_directory(path);
		if (r < 0)
			return r;
	}
	if (REAL(mkdir)(root, 0755) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

struct mem_control *mem_store_map(const char *root, int *error)
{
	char path[MEM_ROOT_MAX + 8];
	struct mem_control *c = MAP_FAILED;
	int fd;

	strcpy(path, root);
	strcpy(strrchr(path, '/'), "/control");
	fd = REAL(openat)(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* every page is there before it is touched: a full tmpfs must not kill */
	if (fd >= 0 && REAL(fallocate)(fd, 0, 0, sizeof(*c)) == 0)
		c = REAL(mmap)(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*error = -errno;
	if (fd >= 0)
		REAL(close)(fd);
	return c == MAP_FAILED ? NULL : c;
}

/* One entry of getdents64(2). */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

static int count_directory(int dir, uint64_t *used);

static int count_entry(int dir, const char *name, uint64_t *used)
{
	struct stat st;
	int sub, r;

	if (!strcmp(name, ".") || !strcmp(name, "..") ||
	    REAL(fstatat)(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;       /* gone meanwhile */
	*used += (uint64_t)st.st_blocks * 512 / (st.st_nlink ? st.st_nlink : 1);
	if (!S_ISDIR(st.st_mode))
		return 0;
	sub = REAL(openat)(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0)
		return errno == ENOENT ? 0 : -errno;
	r = count_directory(sub, used);
	REAL(close)(sub);
	return r;
}

static int count_directory(int dir, uint64_t *used)
{
	_Alignas(struct entry) char buf[1024];
	long n;

	while ((n = REAL(syscall)(SYS_getdents64, dir, buf, sizeof(buf))) > 0)
		for (long i = 0; i < n;) {
			const struct entry *e = (const struct entry *)(buf + i);
			int r = count_entry(dir, e->name, used);

			if (r < 0)
				return r;
			i += e->len;
		}
	return n < 0 ? -errno : 0;
}

int mem_store_count(const char *root, uint64_t *used)
{
	int dir, r, cancel;

	*used = 0;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	dir = REAL(openat)(AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? -errno : count_directory(dir, used);
	if (dir >= 0)
		REAL(close)(dir);
	pthread_setcancelstate(cancel, NULL);
	return r;
}

struct mem_slot *mem_slot_of(struct mem_control *c, ino_t ino)
{
	return &c->slot[ino % MEM_SLOTS];
}

/* Who we are in an owner word; kept per thread, void after a fork. */
static __thread uint32_t my_tid;
static _Atomic uint32_t my_ns;

static uint64_t self(void)
{
	if (!my_tid)
		my_tid = (uint32_t)REAL(syscall)(SYS_gettid);
	if (!atomic_load_explicit(&my_ns, memory_order_relaxed)) {
		struct stat st;

		atomic_store(&my_ns, REAL(stat)("/proc/self/ns/pid", &st) == 0 ?
				     (uint32_t)st.st_ino : 1);
	}
	return (uint64_t)atomic_load_explicit(&my_ns, memory_order_relaxed) << 32 | my_tid;
}

void mem_store_fork_child(void)
{
	my_tid = 0;
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
static int locked(struct mem_slot *s)
{
	uint64_t g = atomic_load(&s->generation);

	if (g & 1)
		atomic_store(&s->generation, g + 1);
	return 1;
}

static int lock_slowly(struct mem_slot *s, uint64_t me)
{
	int64_t deadline = now_ns() + LOCK_WAIT_NS;

	for (unsigned spins = 1;; spins++) {
		uint64_t owner = 0;

		if (atomic_compare_exchange_strong(&s->owner, &owner, me))
			return locked(s);
		if (owner == me)
			return 0;
		if (spins % 64)
			continue;
		if (is_dead(owner, me) &&
		    atomic_compare_exchange_strong(&s->owner, &owner, me))
			return locked(s);
		if (now_ns() > deadline)
			return 0;
		sched_yield();
	}
}

int mem_lock(struct mem_slot *s)
{
	uint64_t me = self(), none = 0;

	if (__builtin_expect(atomic_compare_exchange_strong(&s->owner, &none, me), 1))
		return locked(s);
	return lock_slowly(s, me);
}

void mem_unlock(struct mem_slot *s)
{
	atomic_store_explicit(&s->owner, 0, memory_order_release);
}
