/* SPDX-License-Identifier: MIT */
/* A file that is in use while something shortens it. */
#ifndef SHORTER_H
#define SHORTER_H

#include "door.h"

#define SIZE 4096

static char b[SIZE];

/* A file that is in use: copies are made from it, if they ever are. */
static int used(void)
{
	int fd = open(P("file"), O_RDWR | O_CREAT | O_TRUNC, 0644);

	memset(b, 'A', SIZE);
	pwrite(fd, b, SIZE, 0);
	for (int i = 0; i < 200; i++) {
		pread(fd, b, 64, 0);
		pwrite(fd, b, 64, 0);
	}
	return fd;
}

/* It has `size` bytes now, whichever way they are asked for and however often. */
static void is_short(int line, int fd, int size)
{
	int odd = 0, other = open(P("file"), O_RDWR);

	for (int i = 0; i < 100; i++) {
		odd += pread(fd, b, 100, 0) != size;
		odd += pread(other, b, 100, 0) != size;
		odd += pread(fd, b, 100, 3000) != 0;
		odd += pread(fd, b, 1, size) != 0;
	}
	say("%d: reads of what is gone %d, size %lld", line, odd, (long long)lseek(fd, 0, SEEK_END));
	/* written again, nothing old comes back and nothing new is lost */
	for (int i = 0; i < 200; i++) {
		char x = (char)('0' + i % 10);

		odd += pwrite(fd, &x, 1, 500 + i) != 1;
		odd += pread(other, &x, 1, 500 + i) != 1 || x != '0' + i % 10;
	}
	say("%d: writes that were lost %d", line, odd);
	content(line, "fd", fd);
	file_at(line, P("file"));
	close(other);
	close(fd);
}
#define SHORT(fd, size) is_short(__LINE__, fd, size)

#endif
