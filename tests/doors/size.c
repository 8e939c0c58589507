/* SPDX-License-Identifier: MIT */
/*
 * The size of a file: truncate, ftruncate, fallocate, posix_fallocate, up and
 * down, with zeros where bytes were cut off. Fails if a byte or errno differs.
 */
#include "door.h"

static char b[65536];

static void sizes(int line, int fd)
{
	struct stat st;

	fstat(fd, &st);
	say("%d: size %lld, allocated %s", line, (long long)st.st_size,
	    st.st_blocks * 512 >= st.st_size ? "all" : "less");
}
#define SIZES(fd) (fsync(fd), sizes(__LINE__, fd))

static void truncates(int fd)
{
	pattern(b, 65536, 2);
	pwrite(fd, b, 65536, 0);
	CALL(ftruncate(fd, 10000));
	CONTENT(fd);
	CALL(ftruncate(fd, 20000));
	CONTENT(fd);                     /* zeros, not what was there */
	CALL(pread(fd, b, 20, 9990));
	BYTES(b, 20);
	CALL(ftruncate(fd, 3 << 20));
	CALL(pread(fd, b, 65536, 1 << 20));
	BYTES(b, 65536);
	CALL(ftruncate(fd, 0));
	CALL(read(fd, b, 1));
	CALL(ftruncate(fd, 5));
	CALL(pread(fd, b, 10, 0));
	BYTES(b, 5);
	CALL(ftruncate(fd, -1));
	CALL(ftruncate(fd, INT64_MAX));
	CALL(ftruncate(fd, 5));
	CALL(ftruncate(-1, 0));
	/* the position stays, past the end */
	CALL(lseek(fd, 100, SEEK_SET));
	CALL(ftruncate(fd, 1));
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(write(fd, "x", 1));
	CONTENT(fd);
	/* an odd cut, then growth over the page's rest */
	pattern(b, 8192, 4);
	pwrite(fd, b, 8192, 0);
	for (int cut = 8000; cut > 0; cut -= 777) {
		ftruncate(fd, cut);
		ftruncate(fd, 8192);
		if (pread(fd, b, 8192, 0) != 8192)
			say("short at %d", cut);
		for (int i = cut; i < 8192; i++)
			if (b[i]) {
				say("byte %d is back after a cut at %d", i, cut);
				break;
			}
	}
	CONTENT(fd);
}

static void by_path(int fd)
{
	CALL(ftruncate(fd, 0));
	CALL(pwrite(fd, "0123456789", 10, 0));
	CALL(truncate(P("file"), 4));
	CALL(pread(fd, b, 20, 0));
	CALL(truncate(P("file"), 100000));
	CONTENT(fd);
	CALL(truncate(P("file"), -1));
	CALL(truncate(P("none"), 0));
	CALL(truncate(dir, 0));
	CALL(truncate(P("file/x"), 0));
	CALL(symlink("file", P("link")));
	CALL(truncate(P("link"), 7));
	CONTENT(fd);
}

static void allocates(int fd)
{
	pattern(b, 65536, 6);
	CALL(ftruncate(fd, 0));
	CALL(fallocate(fd, 0, 0, 40000));
	SIZES(fd);
	CONTENT(fd);
	CALL(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 200000));
	sizes(__LINE__, fd);
	CALL(pwrite(fd, b, 65536, 0));
	CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000, 20000));
	CONTENT(fd);
	CALL(pread(fd, b, 30000, 0));
	BYTES(b, 30000);
	CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 5000, 20000));
	CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 60000, 1 << 20));
	CONTENT(fd);
	CALL(fallocate(fd, FALLOC_FL_ZERO_RANGE, 100, 5000));
	CALL(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	CALL(fallocate(fd, FALLOC_FL_INSERT_RANGE, 4096, 4096));
	CALL(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 1, 4095));
	CONTENT(fd);
	CALL(fallocate(fd, 0x4000, 0, 1));
	CALL(fallocate(fd, 0, -1, 10));
	CALL(fallocate(fd, 0, 0, 0));
	CALL(fallocate(fd, 0, 0, -1));
	CALL(fallocate(fd, 0, INT64_MAX, 10));
	CALL(fallocate(-1, 0, 0, 10));
	SIZES(fd);
}

static void posix_style(int fd)
{
	CALL(ftruncate(fd, 0));
	ERR(posix_fallocate(fd, 0, 30000));
	SIZES(fd);
	CONTENT(fd);
	CALL(pwrite(fd, "kept", 4, 100));
	ERR(posix_fallocate(fd, 50, 100000));
	SIZES(fd);
	CONTENT(fd);
	ERR(posix_fallocate(fd, 0, 0));
	ERR(posix_fallocate(fd, -1, 10));
	ERR(posix_fallocate(fd, 0, -10));
	ERR(posix_fallocate(fd, INT64_MAX, 10));
	ERR(posix_fallocate(-1, 0, 10));
	ERR(posix_fallocate(999, 0, 10));
}

static void wrong(void)
{
	int fd = open(P("file"), O_RDONLY), d = open(dir, O_RDONLY), v[2];

	CALL(ftruncate(fd, 0));
	CALL(fallocate(fd, 0, 0, 10));
	ERR(posix_fallocate(fd, 0, 10));
	CALL(ftruncate(d, 0));
	CALL(fallocate(d, 0, 0, 10));
	close(fd);
	close(d);
	pipe(v);
	CALL(ftruncate(v[1], 0));
	CALL(fallocate(v[1], 0, 0, 10));
	ERR(posix_fallocate(v[1], 0, 10));
	close(v[0]);
	close(v[1]);
}

static void door(void)
{
	int fd = open(P("file"), O_RDWR | O_CREAT, 0644);

	truncates(fd);
	by_path(fd);
	allocates(fd);
	posix_style(fd);
	close(fd);
	wrong();
}
