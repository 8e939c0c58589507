/* SPDX-License-Identifier: MIT */
/*
 * publish WAY FILE: opens FILE, writes "new content\n" in two parts and ends in
 * the way named, without closing the file. What is in the file afterwards is
 * what publish.sh looks at. Without arguments it lists the ways.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static const char *path;
static int fd;

static void put(const char *s)
{
	if (write(fd, s, strlen(s)) != (ssize_t)strlen(s))
		_exit(50);
}

static int await(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status ? 1 : 0;
}

static int way_return(void) { return 0; }
static int way_exit(void) { exit(0); }
static int way__exit(void) { _exit(0); }
static int way_quick_exit(void) { quick_exit(0); }
static int way_exit_group(void) { return (int)syscall(SYS_exit_group, 0); }
static int way_close(void) { return close(fd); }
static int way_closefrom(void) { closefrom(3); return 0; }
static int way_close_range(void) { return close_range(3, ~0u, 0); }
static int way_dup2(void) { return dup2(open("/dev/null", O_RDONLY), fd) == fd ? 0 : 1; }

/* the file is close-on-exec */
static int way_exec(void)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	execl("/bin/true", "true", NULL);
	return 1;
}

static int way_exec_inherits(void)
{
	execl("/bin/true", "true", NULL);
	return 1;
}

static int way_exec_fails(void)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	execl("/nonexistent/program", "true", NULL);
	if (errno != ENOENT)
		return 1;
	put("after\n");
	return close(fd);
}

static int way_daemon(void)
{
	int p[2];
	char c;

	pipe(p);
	if (fork() > 0)
		_exit(read(p[0], &c, 1) != 1);      /* the child has ended */
	close(p[0]);
	setsid();
	put("daemon\n");
	if (close(fd) < 0)
		return 1;
	return write(p[1], "", 1) != 1;
}

static int way_forks(void)
{
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			put("child\n");
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	put("parent\n");
	return 0;
}

/* the parent goes first, and its child is the last */
static int way_orphan(void)
{
	int p[2];

	pipe(p);
	if (fork() == 0) {
		char c;

		close(p[1]);
		read(p[0], &c, 1);
		put("orphan\n");
		_exit(0);
	}
	return 0;
}

static void *last_thread(void *arg)
{
	(void)arg;
	usleep(20000);
	put("thread\n");
	pthread_exit(NULL);
}

static int way_pthread_exit(void)
{
	pthread_t t;

	pthread_create(&t, NULL, last_thread, NULL);
	pthread_exit(NULL);
}

static void *reader(void *arg)
{
	char b[8];

	for (;;)
		if (pread(*(int *)arg, b, sizeof(b), 0) < 0 && errno != EBADF)
			_exit(51);
}

static int way_busy_threads(void)
{
	pthread_t t;

	for (int i = 0; i < 2; i++)
		pthread_create(&t, NULL, reader, &fd);
	usleep(20000);
	exit(0);
}

static void handler_exits(int s) { (void)s; _exit(0); }

static int way_handler(void)
{
	signal(SIGALRM, handler_exits);
	raise(SIGALRM);
	return 1;
}

/* the child's end is not the parent's */
static int way_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	await(pid);
	if (fork() == 0)
		_exit(0);
	wait(NULL);
	put("and more\n");
	return close(fd);
}

/* a vfork child's own file that nobody writes, and one that ends in a program */
static int way_vfork_truncates(void)
{
	pid_t pid;

	close(fd);
	pid = vfork();
	if (pid == 0)
		_exit(open(path, O_WRONLY | O_TRUNC) < 0);
	return await(pid);
}

static int way_vfork_opens(void)
{
	pid_t pid;
	int mine;

	close(fd);
	pid = vfork();
	if (pid == 0) {
		mine = open(path, O_WRONLY | O_TRUNC);
		if (mine < 0 || dup2(mine, 1) < 0 || close(mine) < 0)
			_exit(1);
		execl("/bin/echo", "echo", "vforked", NULL);
		_exit(1);
	}
	return await(pid);
}

static int way_spawn(void)
{
	posix_spawn_file_actions_t fa;
	char *argv[] = { "sh", "-c", "echo spawned", NULL };
	pid_t pid;

	close(fd);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, path, O_WRONLY | O_APPEND, 0);
	if (posix_spawn(&pid, "/bin/sh", &fa, NULL, argv, environ))
		return 1;
	return await(pid);
}

static int way_spawn_inherits(void)
{
	char *argv[] = { "sh", "-c", "echo spawned >&0", NULL };
	pid_t pid;

	dup2(fd, 0);
	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ))
		return 1;
	return await(pid);
}

/* the last reference is in a message, and then in its receiver */
static int way_message(void)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c = { 0 };
	char b = 'x';
	struct iovec iov = { &b, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	int s[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	c.h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	if (sendmsg(s[0], &m, 0) != 1)
		return 1;
	close(fd);
	if (recvmsg(s[1], &m, 0) != 1)
		return 1;
	memcpy(&fd, CMSG_DATA(&c.h), sizeof(fd));
	put("received\n");
	return 0;
}

static int way_fsync_killed(void)
{
	if (fsync(fd) < 0)
		return 1;
	put("after the sync\n");
	return raise(SIGKILL);
}

static int way_killed(void) { return raise(SIGKILL); }

static int way_child_killed(void)
{
	pid_t pid = fork();

	if (pid == 0)
		raise(SIGKILL);
	await(pid);
	put("parent\n");
	return 0;
}

#define WAY(name) { #name, way_##name }
static const struct { const char *name; int (*end)(void); } ways[] = {
	WAY(return), WAY(exit), WAY(_exit), WAY(quick_exit), WAY(exit_group), WAY(close), WAY(closefrom),
	WAY(close_range), WAY(dup2), WAY(exec), WAY(exec_inherits), WAY(exec_fails), WAY(daemon),
	WAY(forks), WAY(orphan), WAY(pthread_exit), WAY(busy_threads), WAY(handler), WAY(vfork), WAY(vfork_opens), WAY(vfork_truncates),
	WAY(spawn), WAY(spawn_inherits), WAY(message), WAY(child_killed), WAY(killed), WAY(fsync_killed),
};

int main(int argc, char **argv)
{
	if (argc < 2) {
		for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
			puts(ways[i].name);
		return 0;
	}
	path = argv[2];
	alarm(60);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (strcmp(ways[i].name, argv[1]))
			continue;
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
		if (fd < 0)
			return 2;
		put("new ");
		put("content\n");
		return ways[i].end();
	}
	return 3;
}
