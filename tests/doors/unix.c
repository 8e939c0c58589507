/* SPDX-License-Identifier: MIT */
/*
 * Sockets bound to a path, and the calls that are told one. Fails if a name
 * leads elsewhere, comes back as another, or an error is not the kernel's.
 * not: object
 */
#include "door.h"

static struct sockaddr_un un;

/* The address of a path, and its length. */
static socklen_t address(const char *path)
{
	memset(&un, 0, sizeof(un));
	un.sun_family = AF_UNIX;
	memcpy(un.sun_path, path, strnlen(path, sizeof(un.sun_path)));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}
#define A(path) (struct sockaddr *)&un, address(path)

static void name(const char *what, int r, const struct sockaddr_un *a, socklen_t len)
{
	size_t head = offsetof(struct sockaddr_un, sun_path);

	if (r < 0)
		say("%s: %s", what, name_of(errno));
	else if (len <= head)
		say("%s: unnamed, %u", what, len);
	else
		say("%s: %s, %d", what, shown(a->sun_path),
		    (int)(len - head) - (int)strlen(a->sun_path));
}

#define NAME(call) do {                                                       \
	struct sockaddr_un a = { 0 };                                         \
	socklen_t len = sizeof(a);                                            \
	int r = (int)(call);                                                  \
	name(#call, r, &a, len);                                              \
} while (0)
#define TO (struct sockaddr *)&a, &len

static void streams(void)
{
	int s = CALL(socket(AF_UNIX, SOCK_STREAM, 0)), c, x;
	struct sockaddr_un small;
	socklen_t n;
	char b[10];

	CALL(bind(s, A(P("s"))));
	NAME(getsockname(s, TO));
	CALL(bind(s, A(P("s"))));
	CALL(listen(s, 5));
	c = CALL(socket(AF_UNIX, SOCK_STREAM, 0));
	CALL(connect(c, A(P("s"))));
	NAME(getpeername(c, TO));
	NAME(getsockname(c, TO));
	x = CALL(accept(s, NULL, NULL));
	CALL(write(c, "hello", 5));
	CALL(read(x, b, 10));
	CALL(close(x));
	CALL(close(c));
	/* a client with a name of its own */
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL(bind(c, A(P("client"))));
	CALL(connect(c, A(P("s"))));
	NAME(x = accept(s, TO));
	NAME(getpeername(x, TO));
	close(x), close(c);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL(connect(c, A(P("s"))));
	NAME(x = accept4(s, TO, SOCK_CLOEXEC));
	CALL(fcntl(x, F_GETFD));
	close(x), close(c);
	/* room for less than the name: its length is given all the same */
	n = 12;
	memset(&small, 'x', sizeof(small));
	CALL(getsockname(s, (struct sockaddr *)&small, &n));
	say("%d, %d %.5s", (int)(n - offsetof(struct sockaddr_un, sun_path)) - (int)dirlen, small.sun_path[9] == 0, small.sun_path + 10);
	n = 0;
	CALL(getsockname(s, NULL, &n));
	CALL(getsockname(s, (struct sockaddr *)&small, NULL));
	CALL(getsockname(s, (struct sockaddr *)bad_page(), &n));
	n = 110;
	CALL(getsockname(s, (struct sockaddr *)bad_page(), &n));
	CALL(getsockname(s, (struct sockaddr *)&small, (socklen_t *)bad_page()));
	close(s);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL(connect(c, A(P("s"))));
	CALL(connect(c, A(P("none"))));
	CALL(connect(c, A(P("none/x"))));
	make(P("file"), 1, 1);
	CALL(connect(c, A(P("file"))));
	CALL(connect(c, A(P("file/x"))));
	CALL(bind(c, A(P("file"))));
	CALL(bind(c, A(P("none/x"))));
	CALL(bind(c, A(P("file/x"))));
	CALL(connect(c, (struct sockaddr *)bad_page(), 100));
	CALL(bind(c, (struct sockaddr *)bad_page(), 100));
	CALL(bind(c, (struct sockaddr *)&un, 3));
	close(c);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	address(P("s"));
	CALL(bind(c, (struct sockaddr *)&un, 1));
	CALL(bind(c, (struct sockaddr *)&un, sizeof(un) + 1));
	CALL(bind(-1, (struct sockaddr *)&un, sizeof(un)));
	close(c);
	CALL(unlink(P("s")));
	CALL(unlink(P("client")));
}

static void datagrams(void)
{
	int s = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM, 0);
	char b[16];
	struct iovec iov = { b, sizeof(b) };
	struct sockaddr_un from = { 0 }, to;
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1 };
	struct mmsghdr v[2] = { { .msg_hdr = m }, { .msg_hdr = m } };

	CALL(bind(s, A(P("server"))));
	CALL(bind(c, A(P("client"))));
	CALL(sendto(c, "one", 3, 0, A(P("server"))));
	NAME(recvfrom(s, b, sizeof(b), 0, TO));
	BYTES(b, 3);
	CALL(sendto(c, "one", 3, 0, A(P("none"))));
	CALL(sendto(c, "one", 3, 0, (struct sockaddr *)bad_page(), 100));
	address(P("server"));
	to = un;
	m.msg_name = &to;
	m.msg_namelen = sizeof(to);
	CALL(sendmsg(c, &m, 0));
	CALL(sendmsg(c, (struct msghdr *)bad_page(), 0));
	say("%s", shown(to.sun_path));
	m.msg_name = &from;
	m.msg_namelen = sizeof(from);
	CALL(recvmsg(s, &m, 0));
	name("recvmsg", 0, &from, m.msg_namelen);
	v[0].msg_hdr.msg_name = v[1].msg_hdr.msg_name = &to;
	CALL(sendmmsg(c, v, 2, 0));
	say("%u %u", v[0].msg_len, v[1].msg_len);
	v[0].msg_hdr.msg_name = &from;
	v[1].msg_hdr.msg_name = NULL;
	CALL(recvmmsg(s, v, 2, MSG_DONTWAIT, NULL));
	name("recvmmsg", 0, &from, v[0].msg_hdr.msg_namelen);
	CALL(connect(c, A(P("server"))));
	CALL(send(c, "two", 3, 0));
	CALL(recvfrom(s, b, sizeof(b), 0, NULL, NULL));
	close(s);
	close(c);
	CALL(unlink(P("server")));
	CALL(unlink(P("client")));
}

/* As the program wrote it, from where it is. */
static void relative(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat st;

	CALL(mkdir(P("d"), 0755));
	CALL(symlink("d", P("l")));
	CALL(chdir(P("d")));
	CALL(bind(s, A("name")));
	CALL(listen(s, 1));
	NAME(getsockname(s, TO));
	CALL(connect(c, A("../l/name")));
	CALL(stat(P("l/name"), &st));
	say("%o", (unsigned)st.st_mode);
	CALL(open(P("d/name"), O_RDWR));
	CALL(chdir("/"));
	close(s);
	close(c);
}

/* As long as a path can be; what serves it may be longer. */
static void longest(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), fd;
	char name[108], path[2 * PATH_MAX];

	memset(name, 'n', sizeof(name));
	name[sizeof(un.sun_path) - 2 - dirlen] = 0;
	strcpy(path, P(name));
	say("%zu", strlen(path));
	CALL(bind(s, A(path)));
	CALL(listen(s, 1));
	CALL(connect(c, A(path)));
	CALL(access(path, F_OK));
	CALL(bind(c, A(path)));
	close(c);
	close(s);
	fd = CALL(open("/dev/null", O_RDONLY));
	CALL(close(fd));
}

static void door(void)
{
	longest();
	streams();
	datagrams();
	relative();
}
