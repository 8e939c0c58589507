/* SPDX-License-Identifier: MIT */
/*
 * ioctl, terminals and the calls for sockets, on files: what a file says to
 * them. Fails if a result differs.
 */
#include "door.h"

#include <linux/fs.h>
#include <sys/un.h>
#include <termios.h>

static void about(int fd)
{
	int n = -1, on = 1, off = 0;
	char name[100];
	struct termios t;
	struct winsize w;

	CALL(lseek(fd, 100, SEEK_SET));
	CALL(ioctl(fd, FIONREAD, &n));
	say("%d", n);
	CALL(lseek(fd, 1500, SEEK_SET));
	CALL(ioctl(fd, FIONREAD, &n));
	say("%d", n);
	CALL(ioctl(fd, FIONREAD, OPAQUE((int *)8)));
	CALL(ioctl(fd, FIOCLEX));
	CALL(fcntl(fd, F_GETFD));
	CALL(ioctl(fd, FIONCLEX));
	CALL(fcntl(fd, F_GETFD));
	CALL(ioctl(fd, FIONBIO, &on));
	CALL(fcntl(fd, F_GETFL));
	CALL(ioctl(fd, FIONBIO, &off));
	CALL(fcntl(fd, F_GETFL));
	CALL(ioctl(fd, FIOASYNC, &on));
	CALL(ioctl(fd, FIOASYNC, &off));
	CALL(ioctl(fd, TCGETS, &t));
	CALL(ioctl(fd, TIOCGWINSZ, &w));
	CALL(ioctl(fd, TIOCOUTQ, &n));
	CALL(ioctl(fd, BLKGETSIZE64, name));
	CALL(ioctl(fd, 0x8901, &n));
	CALL(ioctl(fd, 0x12345678, &n));
	CALL(isatty(fd));
	CALL(tcgetattr(fd, &t));
	CALL(tcgetpgrp(fd));
	say("ttyname %d", ttyname_r(fd, name, sizeof(name)));
}

static void sockets(int fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "x" };
	struct mmsghdr mm = { 0 };
	struct msghdr m = { 0 };
	socklen_t len = sizeof(a);
	char b[10];
	int n = 0;

	CALL(getsockname(fd, (struct sockaddr *)&a, &len));
	CALL(getpeername(fd, (struct sockaddr *)&a, &len));
	CALL(listen(fd, 5));
	CALL(accept(fd, NULL, NULL));
	CALL(accept4(fd, NULL, NULL, 0));
	CALL(shutdown(fd, SHUT_RDWR));
	CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, &n, &len));
	CALL(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n)));
	CALL(send(fd, b, 1, 0));
	CALL(recv(fd, b, OPAQUE(1ul), 0));
	CALL(sendto(fd, b, 1, 0, NULL, 0));
	CALL(recvfrom(fd, b, OPAQUE(1ul), 0, NULL, NULL));
	CALL(sendmsg(fd, &m, 0));
	CALL(recvmsg(fd, &m, 0));
	CALL(sendmmsg(fd, &mm, 1, 0));
	CALL(recvmmsg(fd, &mm, 1, 0, NULL));
	len = sizeof(a.sun_family) + 2;
	CALL(connect(fd, (struct sockaddr *)&a, len));
	CALL(bind(fd, (struct sockaddr *)&a, len));
}

static void door(void)
{
	int fd, v[2], d;

	make(P("file"), 1000, 1);
	fd = open(P("file"), O_RDWR);
	d = open(dir, O_RDONLY | O_DIRECTORY);
	about(fd);
	sockets(fd);
	CALL(isatty(d));
	CALL(ioctl(d, FIOCLEX));
	/* and others are as ever */
	pipe(v);
	write(v[1], "abc", 3);
	CALL(ioctl(v[0], FIONREAD, &fd));
	say("%d", fd);
	CALL(ioctl(-1, FIONREAD, &fd));
	CALL(listen(v[0], 1));
	CALL(isatty(v[0]));
}
