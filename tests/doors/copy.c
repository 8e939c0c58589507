/* SPDX-License-Identifier: MIT */
/*
 * Copies inside the kernel: sendfile, copy_file_range, splice, tee, vmsplice,
 * between files of ours, pipes, sockets and files that are not ours. Fails
 * if a result, a position or a byte differs.
 */
#include "door.h"

static char b[100000];

static void sendfiles(int in, int out)
{
	off_t off = 100;
	int s[2];

	CALL(sendfile(out, in, NULL, 10000));
	CALL(sendfile(out, in, &off, 20000));
	say("offset %lld", (long long)off);
	CALL(lseek(in, 0, SEEK_CUR));
	CALL(lseek(out, 0, SEEK_CUR));
	CONTENT(out);
	off = 1 << 20;
	CALL(sendfile(out, in, &off, 10));
	off = -1;
	CALL(sendfile(out, in, &off, 10));
	CALL(sendfile(out, in, OPAQUE((off_t *)-1), 10));
	CALL(sendfile(out, -1, NULL, 10));
	CALL(sendfile(-1, in, NULL, 10));
	CALL(sendfile(in, out, NULL, 0));
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	off = 3;
	CALL(sendfile(s[1], in, &off, 5000));
	CALL(read(s[0], b, 5000));
	BYTES(b, 5000);
	close(s[0]);
	close(s[1]);
	CALL(fcntl(out, F_SETFL, O_APPEND));
	CALL(sendfile(out, in, NULL, 10));
	CALL(fcntl(out, F_SETFL, 0));
}

static void ranges(int in, int out, int foreign)
{
	off64_t a = 10, c = 70000;

	CALL(copy_file_range(in, &a, out, &c, 9000, 0));
	say("offsets %lld %lld", (long long)a, (long long)c);
	lseek(in, 1000, SEEK_SET);
	lseek(out, 0, SEEK_SET);
	CALL(copy_file_range(in, NULL, out, NULL, 5000, 0));
	CALL(lseek(in, 0, SEEK_CUR));
	CALL(lseek(out, 0, SEEK_CUR));
	CONTENT(out);
	a = 0;
	c = 100;
	CALL(copy_file_range(in, &a, in, &c, 1000, 0));
	a = 1 << 30;
	CALL(copy_file_range(in, &a, out, NULL, 10, 0));
	CALL(copy_file_range(in, NULL, out, NULL, 10, 99));
	a = 0;
	c = 5;
	CALL(copy_file_range(in, &a, foreign, &c, 3000, 0));
	CONTENT(foreign);
	a = 0;
	c = 50000;
	CALL(copy_file_range(foreign, &a, out, &c, 3000, 0));
	CONTENT(out);
	CALL(copy_file_range(-1, NULL, out, NULL, 10, 0));
	CALL(copy_file_range(in, NULL, -1, NULL, 10, 0));
}

static void pipes(int in, int out)
{
	off64_t off = 33;
	int v[2], w[2];
	struct iovec iov = { (char *)"gift", 4 };

	pipe(v);
	pipe(w);
	CALL(splice(in, &off, v[1], NULL, 8000, 0));
	say("offset %lld", (long long)off);
	CALL(tee(v[0], w[1], 8000, 0));
	off = 90000;
	CALL(splice(v[0], NULL, out, &off, 8000, 0));
	say("offset %lld", (long long)off);
	CALL(read(w[0], b, 8000));
	BYTES(b, 8000);
	lseek(in, 5, SEEK_SET);
	CALL(splice(in, NULL, v[1], NULL, 100, 0));
	CALL(lseek(in, 0, SEEK_CUR));
	CALL(lseek(out, 0, SEEK_SET));
	CALL(splice(v[0], NULL, out, NULL, 100, 0));
	CALL(lseek(out, 0, SEEK_CUR));
	CALL(vmsplice(w[1], &iov, 1, 0));
	CALL(read(w[0], b, 10));
	CALL(splice(in, NULL, out, NULL, 10, 0));
	CALL(splice(v[0], &off, out, NULL, 10, 0));
	CALL(splice(-1, NULL, out, NULL, 10, 0));
	CALL(tee(in, w[1], 10, 0));
	CALL(vmsplice(in, &iov, 1, 0));
	CONTENT(out);
	close(v[0]);
	close(v[1]);
	close(w[0]);
	close(w[1]);
}

static void door(void)
{
	int in, out, foreign = memfd_create("foreign", 0), ro;

	make(P("in"), 40000, 1);
	in = open(P("in"), O_RDWR);
	out = open(P("out"), O_RDWR | O_CREAT, 0644);
	/* a file of no rule: of the same file system it may be refused otherwise */
	sendfiles(in, out);
	ranges(in, out, foreign);
	pipes(in, out);
	ro = open(P("in"), O_RDONLY);
	CALL(sendfile(ro, in, NULL, 10));
	CALL(copy_file_range(in, NULL, ro, NULL, 10, 0));
	close(ro);
	ro = open(P("out"), O_WRONLY);
	CALL(sendfile(out, ro, NULL, 10));
	CALL(copy_file_range(ro, NULL, out, NULL, 10, 0));
	CONTENT(in);
	CONTENT(out);
}
