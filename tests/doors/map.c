/* SPDX-License-Identifier: MIT */
/*
 * mmap of a file of ours: shared and private, coherent with read and write in
 * both directions, and after the descriptor is gone. Fails if bytes differ.
 */
#include "door.h"

#define N (16 * 4096)

static char b[N];

static void door(void)
{
	char *m, *p, *q;
	int fd, ro, wo, d;
	pid_t pid;

	make(P("file"), N, 1);
	fd = open(P("file"), O_RDWR);
	m = PTR(mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	p = PTR(mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	q = PTR(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096));
	BYTES(m, N);
	BYTES(p, N);
	BYTES(q, 4096);

	CALL(pwrite(fd, "by pwrite", 9, 5000));
	say("in the mapping: %.9s", m + 5000);
	memcpy(m + 6000, "by memcpy", 9);
	CALL(pread(fd, b, 9, 6000));
	say("by pread: %.9s, other mapping: %.9s", b, q + 6000 - 4096);
	memcpy(p + 7000, "private!!", 9);
	CALL(pread(fd, b, 9, 7000));
	BYTES(b, 9);
	for (int i = 0; i < 200; i++) {
		char x[40] = "";

		sprintf(x, "round %d", i);
		pwrite(fd, x, 40, i * 300);
		if (memcmp(m + i * 300, x, 40))
			say("round %d: mapping behind pwrite", i);
		m[i * 300]++;
		pread(fd, x, 1, i * 300);
		if (x[0] != m[i * 300])
			say("round %d: pread behind mapping", i);
	}
	CALL(msync(m, N, MS_SYNC));
	CONTENT(fd);

	/* growth is seen, and the rest of the last page is zero */
	CALL(ftruncate(fd, N - 1000));
	say("byte past the end %d", m[N - 500]);
	CALL(ftruncate(fd, N));
	say("byte %d", m[N - 500]);
	CALL(ftruncate(fd, 2 * N));
	CALL(pwrite(fd, "tail", 4, N + 10));
	q = PTR(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, N));
	say("grown: %.4s", q + 10);

	pid = split();
	if (!pid) {
		memcpy(m, "child", 5);
		pwrite(fd, "child", 5, 100);
		_exit(0);
	}
	WAIT(pid);
	CALL(pread(fd, b, 200, 0));
	BYTES(b, 200);
	say("%.5s %.5s", m, m + 100);

	ro = open(P("file"), O_RDONLY);
	wo = open(P("file"), O_WRONLY);
	d = open(dir, O_RDONLY);
	PTR(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, ro, 0));
	PTR(mmap(NULL, 4096, PROT_WRITE | PROT_READ, MAP_PRIVATE, ro, 0));
	PTR(mmap(NULL, 4096, PROT_READ, MAP_SHARED, wo, 0));
	PTR(mmap(NULL, 4096, PROT_READ, MAP_SHARED, d, 0));
	PTR(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 1));
	PTR(mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0));
	PTR(mmap(NULL, 4096, PROT_READ, MAP_SHARED, -1, 0));
	PTR(mmap(NULL, 4096, PROT_READ, 0, fd, 0));
	PTR(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	CALL(close(fd));
	CALL(close(wo));
	CALL(close(ro));
	memcpy(m + 200, "after close", 11);
	FILE_AT(P("file"));
	CALL(unlink(P("file")));
	say("still there: %.11s", m + 200);
}
