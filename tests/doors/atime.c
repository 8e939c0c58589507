/* SPDX-License-Identifier: MIT */
/*
 * not: mem uring,map=on
 * The access time, where it is kept: moved by a read as without us. Not asked
 * of rules that say reads pass the kernel by.
 */
#include "door.h"

static char b[5000];

static void door(void)
{
	struct timespec old[2] = { { 1000, 0 }, { 2000, 0 } };
	struct iovec v = { b, 100 };
	struct stat st;
	int fd;

	make(P("file"), 5000, 1);
	for (int i = 0; i < 4; i++) {
		fd = open(P("file"), O_RDWR);
		futimens(fd, old);
		if (i == 0)
			pread(fd, b, 5000, 0);
		if (i == 1)
			read(fd, b, 10);
		if (i == 2)
			preadv(fd, &v, 1, 0);
		if (i == 3)
			pread(fd, b, 10, 10000);
		fstat(fd, &st);
		say("way %d: moved %d", i, st.st_atim.tv_sec != 1000);
		close(fd);
	}
}
