/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that go from one process to another: SCM_RIGHTS, pidfd_getfd,
 * fork, /proc/self/fd and /dev/fd. Position, flags and locks go with them.
 * Fails if a result or a byte differs.
 */
#include "door.h"

#include <sys/pidfd.h>

static int s[2];

static void send_fds(int n, const int *fds)
{
	char space[CMSG_SPACE(4 * sizeof(int))] = "", byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space,
			    .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
	if (sendmsg(s[0], &m, 0) != 1)
		say("sendmsg: %s", name_of(errno));
}

static int receive_fds(int *fds)
{
	char space[CMSG_SPACE(4 * sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space) };
	struct cmsghdr *c;
	int n;

	CALL(recvmsg(s[1], &m, MSG_CMSG_CLOEXEC));
	c = CMSG_FIRSTHDR(&m);
	if (!c)
		return 0;
	n = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(c), (size_t)n * sizeof(int));
	return n;
}

/* In the other process, which never opened the file. */
static void other(void)
{
	int fds[4], n = receive_fds(fds);
	char b[100];

	say("received %d", n);
	CALL(read(fds[0], b, 10));
	BYTES(b, 10);
	CALL(lseek(fds[0], 0, SEEK_CUR));
	CALL(fcntl(fds[0], F_GETFD));
	CALL(fcntl(fds[0], F_GETFL));
	CALL(pwrite(fds[0], "written by the other", 20, 500));
	CALL(flock(fds[0], LOCK_EX));
	CALL(read(fds[1], b, 10));
	CALL(write(fds[1], "appended", 8));
	CALL(close(fds[0]));
	CALL(close(fds[1]));
}

static void messages(void)
{
	int fds[2], look;
	pid_t pid;

	make(P("file"), 1000, 1);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pid = split();
	if (!pid) {
		close(s[0]);
		other();
		_exit(0);
	}
	fds[0] = open(P("file"), O_RDWR);
	fds[1] = open(P("file"), O_WRONLY | O_APPEND);
	lseek(fds[0], 100, SEEK_SET);
	send_fds(2, fds);
	WAIT(pid);
	CALL(lseek(fds[0], 0, SEEK_CUR));
	CALL(lseek(fds[1], 0, SEEK_CUR));
	CONTENT(fds[0]);
	/* the lock is the description's, and that is still here */
	look = open(P("file"), O_RDONLY);
	CALL(flock(look, LOCK_SH | LOCK_NB));
	CALL(flock(fds[0], LOCK_UN));
	CALL(flock(look, LOCK_SH | LOCK_NB));
	close(look);
	/* to ourselves, the last descriptor while it is on its way */
	send_fds(1, fds);
	close(fds[0]);
	say("%d", receive_fds(fds));
	CALL(lseek(fds[0], 0, SEEK_CUR));
	CONTENT(fds[0]);
	close(fds[0]);
	close(fds[1]);
	close(s[0]);
	close(s[1]);
}

static void taken(void)
{
	int up[2], pidfd, fd;
	char x;
	pid_t pid;

	pipe(up);
	pid = split();
	if (!pid) {
		fd = open(P("file"), O_RDWR);
		dup2(fd, 77);
		lseek(fd, 33, SEEK_SET);
		write(up[1], "x", 1);
		pause();
	}
	read(up[0], &x, 1);
	pidfd = pidfd_open(pid, 0);
	fd = CALL(pidfd_getfd(pidfd, 77, 0));
	CALL(lseek(fd, 0, SEEK_CUR));
	kill(pid, SIGKILL);
	WAIT(pid);
	CONTENT(fd);
	CALL(pwrite(fd, "still", 5, 0));
	CONTENT(fd);
	close(fd);
	close(pidfd);
	close(up[0]);
	close(up[1]);
}

static void by_name(void)
{
	static const char *const names[] = { "/proc/self/fd/%d", "/dev/fd/%d", "/proc/thread-self/fd/%d" };
	int fd = open(P("file"), O_RDWR), again;
	char name[64], link[PATH_MAX + 1];
	ssize_t n;

	lseek(fd, 10, SEEK_SET);
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), names[i], fd);
		n = readlink(name, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = 0;
		say("%s", shown(link));
		again = CALL(open(name, O_RDWR));
		CALL(lseek(again, 0, SEEK_CUR));
		CONTENT(again);
		CALL(close(again));
		again = CALL(open(name, O_RDONLY | O_NOFOLLOW));
		close(again);
		again = CALL(open(name, O_WRONLY | O_TRUNC | O_APPEND));
		CALL(write(again, "from the start", 14));
		CALL(close(again));
	}
	CALL(unlink(P("file")));
	snprintf(name, sizeof(name), names[0], fd);
	n = readlink(name, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = 0;
	say("%s", shown(link));
	again = CALL(open(name, O_RDONLY));
	CONTENT(again);
	close(again);
	close(fd);
}

/* A descriptor that another process has, and this one does not. */
static void of_another(void)
{
	int fd = open(P("file"), O_RDWR | O_CREAT, 0644), d = open(dir, O_RDONLY | O_DIRECTORY), again;
	char name[64], link[PATH_MAX + 1];
	struct stat st;
	ssize_t n;
	pid_t pid;

	pwrite(fd, "another's", 9, 0);
	lseek(fd, 5, SEEK_SET);
	pid = split();
	if (!pid) {
		close(fd);
		snprintf(name, sizeof(name), "/proc/%d/fd/%d", (int)getppid(), fd);
		n = readlink(name, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = 0;
		say("%s", shown(link));
		again = CALL(open(name, O_RDWR));
		CALL(lseek(again, 0, SEEK_CUR));
		CALL(pwrite(again, "ANOTHER", 7, 0));
		CALL(stat(name, &st));
		say("a regular file %d of %lld", S_ISREG(st.st_mode), (long long)st.st_size);
		CALL(truncate(name, 8));
		CALL(access(name, R_OK));
		snprintf(name, sizeof(name), "/proc/%d/fd/%d/file", (int)getppid(), d);
		again = CALL(open(name, O_RDONLY));
		CONTENT(again);
		_exit(0);
	}
	WAIT(pid);
	CONTENT(fd);
	close(fd), close(d);
}

static void door(void)
{
	messages();
	taken();
	by_name();
	of_another();
}
