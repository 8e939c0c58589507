/* SPDX-License-Identifier: MIT */
/*
 * Copies inside the kernel that are refused, large, or taken in part: what the
 * output did not take stays in the input. Fails if a result, a position or a
 * byte differs.
 */
#include "door.h"

#define LARGE 1500000

static char b[200000];

static void large(void)
{
	int in, out = open(P("large.out"), O_RDWR | O_CREAT | O_TRUNC, 0644), null = open("/dev/null", O_WRONLY);
	off64_t a = 100, c = 7;
	int s[2];
	pid_t pid;

	make(P("large"), LARGE, 3);
	in = open(P("large"), O_RDONLY);
	CALL(sendfile(out, in, NULL, LARGE + 50));
	CONTENT(out);
	CALL(lseek(in, 0, SEEK_CUR));
	CALL(sendfile(out, in, NULL, 10));
	ftruncate(out, 0);
	CALL(copy_file_range(in, &a, out, &c, LARGE, 0));
	say("offsets %lld %lld", (long long)a, (long long)c);
	CONTENT(out);
	CALL(lseek(out, 0, SEEK_SET));
	CALL(lseek(in, 0, SEEK_SET));
	CALL(sendfile(null, in, NULL, LARGE));
	a = LARGE - 5;
	CALL(sendfile(out, in, &a, 500));
	say("offset %lld", (long long)a);
	/* a socket takes it all, if somebody reads */
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pid = split();
	if (!pid) {
		size_t n = 0;
		ssize_t r;

		close(s[1]);
		while ((r = read(s[0], b, sizeof(b))) > 0)
			n += (size_t)r;
		say("the reader has %zu", n);
		_exit(0);
	}
	close(s[0]);
	a = 0;
	CALL(sendfile(s[1], in, &a, LARGE));
	close(s[1]);
	WAIT(pid);
	close(in);
	close(out);
	close(null);
}

/* Into a pipe: it takes less than it is given. */
static void into_pipes(void)
{
	int in = open(P("large"), O_RDONLY), v[2];
	off64_t off = 0;
	off_t off2 = 0;

	signal(SIGPIPE, SIG_IGN);
	pipe2(v, O_NONBLOCK);
	CALL(splice(in, NULL, v[1], NULL, 300000, 0));
	CALL(lseek(in, 0, SEEK_CUR));
	CALL(splice(in, NULL, v[1], NULL, 300000, 0));
	CALL(sendfile(v[1], in, &off2, 10));
	say("offset %lld", (long long)off2);
	CALL(lseek(in, 0, SEEK_CUR));
	CALL(read(v[0], b, sizeof(b)));
	BYTES(b, 65536);
	CALL(sendfile(v[1], in, &off2, 300000));
	say("offset %lld", (long long)off2);
	CALL(read(v[0], b, sizeof(b)));
	off = LARGE;
	CALL(splice(in, &off, v[1], NULL, 10, 0));
	CALL(splice(in, NULL, v[1], NULL, 0, 0));
	CALL(splice(in, NULL, v[1], &off, 10, 0));
	CALL(splice(in, NULL, v[1], NULL, 10, 0x8000));
	CALL(splice(in, OPAQUE((off64_t *)8), v[1], NULL, 10, 0));
	off = -1;
	CALL(splice(in, &off, v[1], NULL, 10, 0));
	CALL(splice(in, NULL, v[0], NULL, 10, 0));
	CALL(splice(in, NULL, 2, NULL, 0, 0));
	CALL(splice(in, NULL, -1, NULL, 10, 0));
	close(v[0]);
	CALL(splice(in, NULL, v[1], NULL, 10, 0));
	CALL(sendfile(v[1], in, NULL, 10));
	close(v[1]);
	close(in);
}

/* Out of a pipe, into a file that takes less than there is. */
static void out_of_pipes(void)
{
	int out = open(P("out"), O_RDWR | O_CREAT | O_TRUNC, 0644), ro = open(P("out"), O_RDONLY), v[2];
	struct rlimit small = { 5000, RLIM_INFINITY }, was;
	off64_t off = 0;

	pipe2(v, O_NONBLOCK);
	pattern(b, 20000, 9);
	CALL(splice(v[0], NULL, out, NULL, 10, SPLICE_F_NONBLOCK));
	CALL(write(v[1], b, 20000));
	CALL(splice(v[0], NULL, out, &off, 3000, 0));
	CALL(splice(v[0], NULL, out, NULL, 100, 0));
	CALL(lseek(out, 0, SEEK_CUR));
	CALL(splice(v[0], NULL, ro, NULL, 100, 0));
	CALL(fcntl(out, F_SETFL, O_APPEND));
	CALL(splice(v[0], NULL, out, NULL, 100, 0));
	CALL(fcntl(out, F_SETFL, 0));
	CALL(splice(v[0], NULL, out, OPAQUE((off64_t *)8), 10, 0));
	CALL(splice(v[0], &off, out, NULL, 10, 0));
	off = -5;
	CALL(splice(v[0], NULL, out, &off, 10, 0));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	small.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	off = 5000;
	CALL(splice(v[0], NULL, out, &off, 4096, 0));
	setrlimit(RLIMIT_FSIZE, &was);
	CALL(read(v[0], b, sizeof(b)));
	BYTES(b, 16900);
	CONTENT(out);
	close(v[1]);
	CALL(splice(v[0], NULL, out, NULL, 10, 0));
	close(v[0]);
	close(out);
	close(ro);
}

static void refused(void)
{
	int in = open(P("large"), O_RDONLY), out = open(P("out"), O_RDWR), d = open(dir, O_RDONLY), v[2];
	int path = open(P("out"), O_PATH), app = open(P("out"), O_RDWR | O_APPEND);
	struct iovec iov = { b, 10 };
	off64_t a = 0, c = 50;

	pipe(v);
	CALL(copy_file_range(in, &a, out, &c, 10, 1));
	CALL(copy_file_range(in, &a, d, &c, 10, 0));
	CALL(copy_file_range(d, &a, out, &c, 10, 0));
	CALL(copy_file_range(in, &a, v[1], NULL, 10, 0));
	CALL(copy_file_range(v[0], NULL, out, &c, 10, 0));
	CALL(copy_file_range(in, &a, path, &c, 10, 0));
	CALL(copy_file_range(in, &a, app, &c, 10, 0));
	CALL(copy_file_range(out, &a, out, &c, 100, 0));
	CALL(copy_file_range(out, &a, out, &c, 50, 0));
	say("offsets %lld %lld", (long long)a, (long long)c);
	a = -1;
	CALL(copy_file_range(in, &a, out, &c, 10, 0));
	a = INT64_MAX - 3;
	CALL(copy_file_range(in, &a, out, &c, 10, 0));
	a = 0;
	CALL(copy_file_range(in, &a, out, OPAQUE((off64_t *)8), 10, 0));
	CALL(copy_file_range(in, &a, out, &c, 0, 0));
	CALL(sendfile(out, d, NULL, 10));
	CALL(sendfile(d, in, NULL, 10));
	CALL(sendfile(path, in, NULL, 10));
	CALL(sendfile(out, path, NULL, 10));
	CALL(sendfile(out, v[0], NULL, 10));
	CALL(sendfile(app, in, NULL, 10));
	CALL(splice(in, NULL, out, NULL, 10, 0));
	CALL(splice(path, NULL, v[1], NULL, 10, 0));
	CALL(tee(v[0], out, 10, 0));
	CALL(vmsplice(out, &iov, 1, 0));
	CONTENT(out);
	close(v[0]);
	close(v[1]);
	close(in);
	close(out);
	close(d);
	close(path);
	close(app);
}

static void door(void)
{
	large();
	into_pipes();
	out_of_pipes();
	refused();
}
