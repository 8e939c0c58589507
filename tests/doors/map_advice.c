/* SPDX-License-Identifier: MIT */
/*
 * madvise on mappings of a file: what is dropped comes again from the file,
 * what is removed is zero there, and nothing that was stored is lost.
 */
#include "door.h"

#define PAGE 4096
#define N (8 * PAGE)

static void advised(int fd, int flags)
{
	char *m = PTR(mmap(NULL, N, PROT_READ | PROT_WRITE, flags, fd, 0));
	static const int harmless[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_COLD, MADV_PAGEOUT };

	memcpy(m + 100, "stored", 6);
	memcpy(m + 3 * PAGE, "stored", 6);
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		CALL(madvise(m, N, harmless[i]));
	BYTES(m, N);
	CALL(madvise(m, 4 * PAGE, MADV_DONTNEED));
	BYTES(m, N);
	CALL(madvise(m + PAGE, PAGE, MADV_POPULATE_READ));
	CALL(madvise(m + PAGE, PAGE, MADV_POPULATE_WRITE));
	CALL(madvise(m, PAGE, MADV_WIPEONFORK));
	CALL(madvise(m, PAGE, MADV_FREE));
	memcpy(m + 5 * PAGE, "again", 5);
	CALL(madvise(m + 2 * PAGE, 2 * PAGE, MADV_REMOVE));
	BYTES(m, N);
	CALL(msync(m, N, MS_SYNC));
	CONTENT(fd);
	CALL(madvise(m, N, MADV_DONTFORK));
	CALL(madvise(m, N, MADV_DOFORK));
	CALL(munmap(m, N));
	CONTENT(fd);
}

static void door(void)
{
	int fd;

	make(P("file"), N, 1);
	fd = open(P("file"), O_RDWR);
	advised(fd, MAP_SHARED);
	advised(fd, MAP_PRIVATE);
	close(fd);
	fd = open(P("file"), O_RDONLY);
	char *m = PTR(mmap(NULL, N, PROT_READ, MAP_SHARED, fd, 0));

	CALL(madvise(m, N, MADV_DONTNEED));
	CALL(madvise(m, N, MADV_REMOVE));
	BYTES(m, N);
	CALL(munmap(m, N));
	FILE_AT(P("file"));
}
