/* SPDX-License-Identifier: MIT */
/*
 * A malloc as jemalloc starts: at its first use, with its lock held, it looks
 * for a configuration, by readlink, open and read. Whoever is called by these
 * and allocates comes back in while the lock is held: that ends the process,
 * by SIGILL. Preloaded by malloc.sh. Memory is never given back.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA (4ul << 30)     /* reserved; what is not touched costs nothing */
#define ALIGN 16ul

static atomic_flag lock = ATOMIC_FLAG_INIT;
static _Atomic pthread_t owner;
static _Atomic int held;
static char *arena, *next;

static void take(void)
{
	pthread_t me = pthread_self();

	if (atomic_load(&held) && atomic_load(&owner) == me)
		__builtin_trap();
	while (atomic_flag_test_and_set(&lock))
		;
	atomic_store(&owner, me);
	atomic_store(&held, 1);
}

static void give(void)
{
	atomic_store(&held, 0);
	atomic_flag_clear(&lock);
}

/* With the lock held. What is found does not matter. */
static void configure(void)
{
	static const char *const files[] = { "/etc/malloc.conf", "/proc/sys/vm/overcommit_memory" };
	char buf[256];
	int fd;

	(void)!readlink(files[0], buf, sizeof(buf));
	for (int i = 0; i < 2; i++) {
		fd = open(files[i], O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			(void)!read(fd, buf, sizeof(buf));
			close(fd);
		}
	}
	(void)!access(files[0], R_OK);
	arena = next = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena == MAP_FAILED)
		__builtin_trap();
}

/* n bytes behind a header that says so. */
static void *get(size_t align, size_t n)
{
	int saved = errno;
	uintptr_t p;

	if (align < ALIGN)
		align = ALIGN;
	if (n > ARENA / 2) {
		errno = ENOMEM;
		return NULL;
	}
	take();
	if (!arena)
		configure();
	p = ((uintptr_t)next + ALIGN + align - 1) & -align;
	if (p + n > (uintptr_t)arena + ARENA) {
		give();
		errno = ENOMEM;
		return NULL;
	}
	next = (char *)p + n;
	give();
	((size_t *)p)[-1] = n;
	errno = saved;
	return (void *)p;
}

void *malloc(size_t n)
{
	return get(ALIGN, n);
}

void free(void *p)
{
	(void)p;
}

void *calloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return get(ALIGN, bytes);     /* new, so zero */
}

void *realloc(void *old, size_t n)
{
	size_t had = old ? ((size_t *)old)[-1] : 0;
	void *p = get(ALIGN, n);

	if (p && old)
		memcpy(p, old, had < n ? had : n);
	return p;
}

void *memalign(size_t align, size_t n)
{
	return get(align, n);
}

void *aligned_alloc(size_t align, size_t n)
{
	return get(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
	*p = get(align, n);
	return *p ? 0 : ENOMEM;
}

size_t malloc_usable_size(void *p)
{
	return p ? ((size_t *)p)[-1] : 0;
}
