/* SPDX-License-Identifier: MIT */
/*
 * holders DIR SEED: until it is killed, opens files in DIR, writes a version of
 * each, LINES lines, in many writes, and lets the description go in a way
 * drawn by lot: by close, dup, fork, exec, spawn, a message, a thread. Others
 * may still hold it when its writer is done. Run by last_close.sh.
 *
 * holders hold MS: sleeps with whatever it inherited.
 * holders whole FILE: 0 if the file has one whole version, or is empty.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINES 40
#define FILES 4

extern char **environ;
static char self[4096], milliseconds[16];
static char *hold[] = { self, "hold", milliseconds, NULL };
static int serial;

static void nap(void)
{
	usleep((useconds_t)(rand() % 8) * 1000);
}

/* A description with a whole version in it. */
static int version(const char *dir, int cloexec)
{
	char path[4096], line[64];
	int fd;

	snprintf(path, sizeof(path), "%s/f%d", dir, rand() % FILES);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | (cloexec ? O_CLOEXEC : 0), 0644);
	if (fd < 0)
		_exit(10);
	serial++;
	for (int i = 0; i < LINES; i++) {
		int n = snprintf(line, sizeof(line), "%d %d %d\n", (int)getpid(), serial, i);

		if (write(fd, line, (size_t)n) != n)
			_exit(11);
		if (rand() % 16 == 0)
			usleep(500);
	}
	return fd;
}

static void let_go(int fd)
{
	if (close(fd) < 0)
		_exit(12);
}

static void by_close(const char *dir) { let_go(version(dir, 0)); }

static void by_dup(const char *dir)
{
	int fd = version(dir, 1), other = dup(fd), third = dup2(fd, 50);

	let_go(fd);
	nap();
	let_go(third);
	let_go(other);
}

/* The child has it while it is being written, and may be the last. */
static void by_fork(const char *dir)
{
	int fd = version(dir, 0);

	if (fork() == 0) {
		nap();
		_exit(0);
	}
	let_go(fd);
}

static void by_exec(const char *dir)
{
	int fd = version(dir, 0);

	if (fork() == 0) {
		execv(self, hold);
		_exit(13);
	}
	let_go(fd);
}

/* Its writer becomes another program that has it no more. */
static void by_own_exec(const char *dir)
{
	if (fork() == 0) {
		version(dir, 1);
		execv(self, hold);
		_exit(13);
	}
}

static void by_vfork(const char *dir)
{
	int fd = version(dir, 0);

	if (vfork() == 0) {
		execv(self, hold);
		_exit(13);
	}
	let_go(fd);
}

static void by_spawn(const char *dir)
{
	int fd = version(dir, 0);
	pid_t pid;

	if (posix_spawn(&pid, self, NULL, NULL, hold, environ))
		_exit(14);
	let_go(fd);
}

static void by_message(const char *dir)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c = { 0 };
	char b = 'x';
	struct iovec iov = { &b, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	int s[2], fd;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
		_exit(15);
	if (fork() == 0) {
		close(s[0]);
		recvmsg(s[1], &m, 0);
		nap();
		_exit(0);
	}
	close(s[1]);
	fd = version(dir, 1);
	c.h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	if (sendmsg(s[0], &m, MSG_NOSIGNAL) != 1)
		_exit(16);
	let_go(fd);
	close(s[0]);
}

static void *close_in_thread(void *fd)
{
	nap();
	let_go((int)(intptr_t)fd);
	return NULL;
}

static void by_thread(const char *dir)
{
	int fd = version(dir, 0), other = dup(fd);
	pthread_t t;

	if (pthread_create(&t, NULL, close_in_thread, (void *)(intptr_t)other))
		_exit(17);
	let_go(fd);
	pthread_join(t, NULL);
}

static void (*const ways[])(const char *) = {
	by_close, by_dup, by_fork, by_exec, by_own_exec, by_vfork, by_spawn, by_message, by_thread,
};

static int whole(const char *path)
{
	FILE *f = fopen(path, "r");
	int pid, number, i, first = 0, second = 0, lines = 0;

	if (!f)
		return 1;
	while (fscanf(f, "%d %d %d\n", &pid, &number, &i) == 3) {
		if (lines++ == 0)
			first = pid, second = number;
		if (pid != first || number != second || i != lines - 1)
			return 1;
	}
	return !feof(f) || (lines != 0 && lines != LINES);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "whole"))
		return whole(argv[2]);
	if (!strcmp(argv[1], "hold"))
		return usleep((useconds_t)atoi(argv[2]) * 1000) != 0;
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 3;
	srand((unsigned)atoi(argv[2]));
	alarm(30);
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 3; i++)
		if (fork() == 0) {
			alarm(30);
			srand((unsigned)atoi(argv[2]) * 10 + (unsigned)i);
			break;
		}
	for (;;) {
		snprintf(milliseconds, sizeof(milliseconds), "%d", rand() % 20);
		ways[(size_t)rand() % (sizeof(ways) / sizeof(*ways))](argv[1]);
	}
}
