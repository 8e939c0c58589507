/* SPDX-License-Identifier: MIT */
/*
 * read, write, pread, pwrite: plain, at and past the end, into holes, with
 * odd sizes, offsets and descriptors. Fails if a result or a byte differs.
 */
#include "door.h"

#define N 100000

static char a[N], b[N];

static void plain(int fd)
{
	pattern(a, N, 1);
	CALL(write(fd, a, N));
	CALL(read(fd, b, 10));
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(pread(fd, b, N, 0));
	BYTES(b, N);
	CALL(lseek(fd, 5, SEEK_SET));
	CALL(read(fd, b, 4096));
	BYTES(b, 4096);
	CALL(read(fd, b, N));
	BYTES(b, N - 5 - 4096);
	CALL(read(fd, b, N));
	CALL(pread(fd, b, 10, N - 5));
	CALL(pread(fd, b, 10, N));
	CALL(pread(fd, b, 10, N + 1000000));
	CALL(pwrite(fd, "xyz", 3, 7));
	CALL(pread(fd, b, 20, 0));
	BYTES(b, 20);
	CALL(lseek(fd, 0, SEEK_CUR));
	for (long n = 1; n < N; n = n * 3 + 1)
		if (pread(fd, b, n, n / 2) != (N - n / 2 < n ? N - n / 2 : n))
			say("pread of %ld is short", n);
	CONTENT(fd);
}

static void odd(int fd)
{
	char *bad = bad_page();
	char *any = OPAQUE(b);

	CALL(read(fd, b, 0));
	CALL(write(fd, b, 0));
	CALL(pread(fd, b, 0, 0));
	CALL(pwrite(fd, b, 0, 0));
	CALL(pwrite(fd, b, 0, 1 << 30));
	CALL(read(fd, NULL, 0));
	CALL(pread(fd, bad, 0, 0));
	CALL(pread(fd, b, 1, -1));
	CALL(pwrite(fd, b, 1, -1));
	CALL(pread(fd, b, 1, INT64_MIN));
	CALL(pread(fd, b, 1, INT64_MAX));
	CALL(pwrite(fd, b, 1, INT64_MAX));
	CALL(pread(fd, b, 0, -1));
	CALL(pwrite(fd, b, 0, -1));
	CALL(pread(fd, any, SIZE_MAX, 0));
	CALL(pread(fd, any, (size_t)SSIZE_MAX + 1, 0));
	CALL(pwrite(fd, any, SIZE_MAX, 0));
	CALL(write(fd, any, (size_t)SSIZE_MAX + 1));
	CALL(pread(fd, any, (size_t)1 << 31, N - 10));   /* more than there is, fewer than asked */

	CALL(lseek(fd, 0, SEEK_SET));
	CALL(read(fd, bad, 10));
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(pread(fd, bad, 10, 0));
	CALL(pread(fd, bad, N, 0));
	CALL(pread(fd, bad, 10, N + 10));    /* nothing to copy: no fault */
	CALL(write(fd, bad, 10));
	CALL(pwrite(fd, bad, 10, 0));
	CALL(pwrite(fd, bad, 10, 10 * N));
	CALL(pread(fd, OPAQUE((char *)-1), 10, 0));
	CALL(pwrite(fd, OPAQUE((char *)-1), 10, 0));
	CALL(pread(fd, OPAQUE((char *)8), 4000, 0));
	CALL(pwrite(fd, OPAQUE((char *)8), 4000, 0));
	CALL(read(fd, OPAQUE((char *)NULL), 10));
	CALL(write(fd, OPAQUE((char *)NULL), 10));
	CALL(lseek(fd, 0, SEEK_CUR));
	CONTENT(fd);
}

static void read_only_memory(int fd)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CALL(pread(fd, page, 100, 0));
	CALL(pread(fd, page, 4096, 0));
	CALL(pwrite(fd, page, 4096, 0));
	munmap(page, 4096);
	CONTENT(fd);
}

static void overlapping(int fd)
{
	/* the buffer is a mapping of the file itself */
	char *m;

	ftruncate(fd, 3 * 4096);
	pattern(a, 3 * 4096, 9);
	pwrite(fd, a, 3 * 4096, 0);
	m = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CALL(pread(fd, m, 4096, 4096));
	CONTENT(fd);
	CALL(pwrite(fd, m + 4096, 4096, 8192));
	CONTENT(fd);
	munmap(m, 3 * 4096);
}

static void holes(int fd)
{
	ftruncate(fd, 0);
	CALL(pwrite(fd, "end", 3, 1 << 20));
	CALL(pread(fd, b, N, 1000));
	BYTES(b, N);
	CALL(pread(fd, b, 10, (1 << 20) - 5));
	BYTES(b, 8);
	CALL(pwrite(fd, "mid", 3, 500000));
	CALL(pread(fd, b, 100, 499950));
	BYTES(b, 100);
	CONTENT(fd);
	CALL(lseek(fd, (off_t)1 << 40, SEEK_SET));
	CALL(write(fd, "far", 3));
	struct stat st;
	CALL(fstat(fd, &st));
	say("size %lld, allocated less than 4 MiB: %d", (long long)st.st_size, st.st_blocks < 8192);
	CALL(pread(fd, b, 10, ((off_t)1 << 40) - 4));
	BYTES(b, 7);
	CALL(pread(fd, b, N, (off_t)1 << 39));
	BYTES(b, N);
}

static void wrong(void)
{
	int d = open(dir, O_RDONLY | O_DIRECTORY);

	CALL(read(-1, b, 1));
	CALL(write(-1, b, 1));
	CALL(pread(-1, b, 1, 0));
	CALL(pread(-1, b, 1, -1));
	CALL(pwrite(999, b, 1, 0));
	CALL(read(1 << 30, b, 1));
	CALL(pread(INT_MAX, b, 1, 0));
	CALL(write(INT_MIN, b, 1));
	CALL(read(d, b, 1));
	CALL(pwrite(d, b, 1, 0));
	close(d);
	CALL(read(d, b, 1));
	CALL(close(d));
	CALL(close(-1));
	CALL(close(1 << 30));
}

static void door(void)
{
	int fd = open(P("file"), O_RDWR | O_CREAT, 0644);

	plain(fd);
	odd(fd);
	read_only_memory(fd);
	overlapping(fd);
	holes(fd);
	CALL(close(fd));
	wrong();
}
