/* SPDX-License-Identifier: MIT */
/*
 * What mmap and the calls on a mapping refuse, where the mapping is of a file:
 * EINVAL, ENOMEM, EFAULT, EACCES, EBADF, ENODEV, EOVERFLOW, EEXIST, EPERM,
 * EAGAIN, EBUSY; and what is left of the mapping then.
 */
#include "door.h"

#define PAGE 4096

static char *map(int fd, int prot, int flags, int pages)
{
	return mmap(NULL, (size_t)pages * PAGE, prot, flags, fd, 0);
}

static void maps(int fd)
{
	char *m = PTR(map(fd, PROT_READ | PROT_WRITE, MAP_SHARED, 4));
	int d = open(dir, O_RDONLY), path = open(P("file"), O_PATH), wo = open(P("file"), O_WRONLY), v[2];

	pipe(v);
	PTR(mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0));
	PTR(mmap(NULL, PAGE, PROT_READ, 0, fd, 0));
	PTR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 100));
	PTR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, -PAGE));
	PTR(mmap(NULL, SIZE_MAX - PAGE, PROT_READ, MAP_SHARED, fd, 0));
	PTR(mmap(NULL, PAGE * 4, PROT_READ, MAP_SHARED, fd, (off_t)(UINT64_MAX & ~(PAGE - 1ull)) - PAGE));
	PTR(mmap(m + 1, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0));
	PTR(mmap(m, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0));
	PTR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0));
	PTR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | (1 << 28), fd, 0));
	PTR(map(d, PROT_READ, MAP_PRIVATE, 1));
	PTR(map(path, PROT_READ, MAP_PRIVATE, 1));
	PTR(map(wo, PROT_READ, MAP_PRIVATE, 1));
	PTR(map(wo, PROT_WRITE, MAP_SHARED, 1));
	PTR(map(v[0], PROT_READ, MAP_PRIVATE, 1));
	PTR(map(900, PROT_READ, MAP_PRIVATE, 1));
	BYTES(m, 4 * PAGE);
	CALL(munmap(m, 4 * PAGE));
	closefrom(fd + 1);
}

static void calls(int fd)
{
	char *m = PTR(map(fd, PROT_READ | PROT_WRITE, MAP_SHARED, 4)), *ro;
	int rofd = open(P("file"), O_RDONLY);

	ro = PTR(map(rofd, PROT_READ, MAP_SHARED, 4));
	CALL(munmap(m + 1, PAGE));
	CALL(munmap(m, 0));
	CALL(munmap((void *)0x100000, PAGE));
	CALL(munmap(m, SIZE_MAX - 100));
	PTR(mremap(m + 1, PAGE, 2 * PAGE, 0));
	PTR(mremap(m, PAGE, 0, 0));
	PTR(mremap(m, 0, PAGE, 0));
	PTR(mremap(m, PAGE, PAGE, 1 << 10));
	PTR(mremap(m, PAGE, PAGE, MREMAP_FIXED, m + 8 * PAGE));
	PTR(mremap(m, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, m + 1));
	PTR(mremap(m, 2 * PAGE, 2 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, m + PAGE));
	PTR(mremap((void *)0x100000, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	PTR(mremap(m, 2 * PAGE, (size_t)1 << 60, MREMAP_MAYMOVE));
	CALL(msync(m + 1, PAGE, MS_SYNC));
	CALL(msync(m, PAGE, MS_SYNC | MS_ASYNC));
	CALL(msync(m, PAGE, 1 << 10));
	CALL(msync((void *)0x100000, PAGE, MS_SYNC));
	CALL(msync(m, SIZE_MAX - PAGE, MS_SYNC));
	CALL(mprotect(m + 1, PAGE, PROT_READ));
	CALL(mprotect((void *)0x100000, PAGE, PROT_READ));
	CALL(mprotect(m, PAGE, PROT_GROWSDOWN | PROT_GROWSUP));
	CALL(mprotect(m, PAGE, 0x5000));
	CALL(mprotect(ro, PAGE, PROT_READ | PROT_WRITE));
	CALL(pkey_mprotect(m, PAGE, PROT_READ, 99));
	CALL(pkey_mprotect(m + 1, PAGE, PROT_READ, -1));
	CALL(pkey_mprotect(ro, PAGE, PROT_WRITE, -1));
	CALL(madvise(m + 1, PAGE, MADV_NORMAL));
	CALL(madvise(m, PAGE, 9999));
	CALL(madvise((void *)0x100000, PAGE, MADV_NORMAL));
	CALL(madvise(ro, PAGE, MADV_REMOVE));
	CALL(mincore(m + 1, PAGE, (unsigned char *)ro));
	CALL(mincore((void *)0x100000, PAGE, OPAQUE((unsigned char *)&fd)));
	CALL(mincore(m, PAGE, (unsigned char *)bad_page()));
	if (!mlock(m, PAGE))
		CALL(msync(m, PAGE, MS_INVALIDATE | MS_SYNC)), munlock(m, PAGE);
	CALL(mlock(m, SIZE_MAX - PAGE));
	CALL(munlock((void *)0x100000, PAGE));
	/* a gap in between */
	CALL(munmap(m + PAGE, PAGE));
	CALL(msync(m, 3 * PAGE, MS_SYNC));
	CALL(mprotect(m, 3 * PAGE, PROT_READ | PROT_WRITE));
	PTR(mremap(m, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE));
	CALL(madvise(m, 3 * PAGE, MADV_NORMAL));
	BYTES(m, PAGE);
	BYTES(m + 2 * PAGE, 2 * PAGE);
	BYTES(ro, 4 * PAGE);
	m[0] = 'x', m[3 * PAGE] = 'y';
	CALL(munmap(m, 4 * PAGE));
	CALL(munmap(ro, 4 * PAGE));
	close(rofd);
	CONTENT(fd);
}

/* No more address space, and no more locked memory, than the process may have. */
static void limits(int fd)
{
	struct rlimit was, few = { 0, 0 };
	pid_t pid = split();

	if (!pid) {
		powerless();
		getrlimit(RLIMIT_MEMLOCK, &was);
		few.rlim_max = was.rlim_max;
		CALL(setrlimit(RLIMIT_MEMLOCK, &few));
		PTR(map(fd, PROT_READ, MAP_SHARED | MAP_LOCKED, 1));
		PTR(map(fd, PROT_READ, MAP_PRIVATE | MAP_LOCKED, 1));
		getrlimit(RLIMIT_AS, &was);
		few.rlim_max = was.rlim_max;
		few.rlim_cur = 1 << 20;
		CALL(setrlimit(RLIMIT_AS, &few));
		PTR(map(fd, PROT_READ, MAP_SHARED, 4));
		PTR(map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE, 4));
		if (has_nodes())        /* a file without a kernel file that was mapped is written through memory */
			CALL(pwrite(fd, "still", 5, 10));
		_exit(0);
	}
	WAIT(pid);
	CONTENT(fd);
}

static void door(void)
{
	int fd;

	make(P("file"), 4 * PAGE, 1);
	fd = open(P("file"), O_RDWR);
	maps(fd);
	calls(fd);
	limits(fd);
}
