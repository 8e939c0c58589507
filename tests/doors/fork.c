/* SPDX-License-Identifier: MIT */
/*
 * Children of every kind: fork, vfork with exec, posix_spawn with file
 * actions, exec with inherited descriptors. Fails if a child sees other
 * bytes, or the parent's descriptors change under it.
 */
#include "door.h"

#include <pthread.h>

static char b[10000];
extern char **environ;

static void forked(void)
{
	int fd = open(P("file"), O_RDWR);
	pid_t pid;

	CALL(read(fd, b, 10));
	pid = split();
	if (!pid) {
		CALL(read(fd, b, 20));
		BYTES(b, 20);
		CALL(pwrite(fd, "child", 5, 100));
		CALL(ftruncate(fd, 4000));
		int own = CALL(open(P("child"), O_RDWR | O_CREAT, 0644));
		CALL(write(own, b, 10));
		CALL(close(fd));
		pid = split();
		if (!pid) {
			CALL(pwrite(own, "grandchild", 10, 10));
			_exit(4);
		}
		WAIT(pid);
		CONTENT(own);
		_exit(5);
	}
	WAIT(pid);
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(read(fd, b, 5));
	CONTENT(fd);
	FILE_AT(P("child"));
	CALL(close(fd));

	/* many, at once */
	fd = open(P("parts"), O_RDWR | O_CREAT | O_TRUNC, 0644);
	fflush(stdout);
	pid_t all[8];
	for (int i = 0; i < 8; i++) {
		all[i] = fork();
		if (!all[i]) {
			for (int k = 0; k < 50; k++) {
				memset(b, 'a' + i, 1000);
				pwrite(fd, b, 1000, (k * 8 + i) * 1000);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 8; i++)
		WAIT(all[i]);
	CONTENT(fd);
	close(fd);
}

static void *busy(void *arg)
{
	int *stop = arg, fd = open(P("busy"), O_RDWR | O_CREAT, 0644);
	char mine[3000];

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		pwrite(fd, mine, 3000, 0);
		pread(fd, mine, 3000, 100);
		close(dup(fd));
	}
	close(fd);
	return NULL;
}

/* fork while other threads are inside the library */
static void forked_busy(void)
{
	static int stop;
	pthread_t t[3];
	int bad = 0;

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, busy, &stop);
	for (int i = 0; i < 30; i++) {
		pid_t pid;
		int status = 0;

		pid = split();
		if (!pid) {
			int fd = open(P("file"), O_RDWR);
			char mine[100];

			_exit(fd >= 0 && pread(fd, mine, 100, 0) == 100 && pwrite(fd, mine, 100, 0) == 100 && !close(fd) ? 7 : 1);
		}
		waitpid(pid, &status, 0);
		bad += !WIFEXITED(status) || WEXITSTATUS(status) != 7;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	say("children that failed %d", bad);
}

static void *signals(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
		signal(SIGSEGV, SIG_DFL);
	return NULL;
}

/* fork while another thread sets handlers: the child can, too */
static void forked_signals(void)
{
	static int stop;
	int fd = open(P("file"), O_RDWR), hung = 0, bad = 0;
	pthread_t t;

	for (int i = 0; i < 100; i++)
		pread(fd, b, 64, 0);
	pthread_create(&t, NULL, signals, &stop);
	for (int i = 0; i < 100 && !hung; i++) {
		int status = 0, naps = 0;
		pid_t pid = split();

		if (!pid) {
			signal(SIGSEGV, SIG_IGN);
			signal(SIGSEGV, SIG_DFL);
			_exit(pread(fd, b, 64, 0) == 64 ? 7 : 1);
		}
		/* some 5 s, if it hangs: never so long otherwise */
		while (!waitpid(pid, &status, WNOHANG) && naps++ < 5000)
			nanosleep(&(struct timespec){ .tv_nsec = 1000 * 1000 }, NULL);
		if (naps >= 5000) {
			hung++;
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
		} else
			bad += !WIFEXITED(status) || WEXITSTATUS(status) != 7;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	close(fd);
	say("children that hung %d, that failed %d", hung, bad);
}

static void vforked(void)
{
	int fd = open(P("file"), O_RDONLY), out = open(P("out"), O_RDWR | O_CREAT | O_TRUNC, 0644);
	int keep = open(P("file"), O_RDWR);
	char *cat[] = { (char *)"cat", NULL };
	volatile pid_t pid;

	CALL(lseek(fd, 3990, SEEK_SET));
	fflush(stdout);
	pid = vfork();
	if (!pid) {
		dup2(fd, 0);
		dup2(out, 1);
		close(fd);
		close(out);
		close(keep);
		execve("/bin/cat", cat, environ);
		_exit(9);
	}
	WAIT(pid);
	/* all of them are still the parent's */
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(pread(fd, b, 10, 0));
	CALL(pwrite(keep, "kept", 4, 0));
	CONTENT(out);
	fflush(stdout);
	pid = vfork();
	if (!pid) {
		close_range(3, ~0U, 0);
		execve("/no/such/program", cat, environ);
		_exit(8);
	}
	WAIT(pid);
	CALL(pread(fd, b, 10, 0));
	CALL(pwrite(keep, "KEPT", 4, 0));
	CALL(lseek(out, 0, SEEK_END));
	close(fd);
	close(out);
	close(keep);
}

static void spawned(void)
{
	int fd = open(P("file"), O_RDONLY | O_CLOEXEC), out = open(P("out"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	posix_spawn_file_actions_t fa;
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"cat; ls /proc/self/fd | wc -l", NULL };
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, fd, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	ERR(posix_spawn(&pid, "/bin/sh", &fa, NULL, argv, environ));
	WAIT(pid);
	CONTENT(out);
	posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	CALL(lseek(fd, 100, SEEK_SET));
	ERR_ALONE(posix_spawnp(&pid, "sh", &fa, NULL, argv, environ));
	WAIT(pid);
	CONTENT(out);
	ERR(posix_spawn(&pid, "/no/such/program", &fa, NULL, argv, environ));
	posix_spawn_file_actions_destroy(&fa);
	CALL(lseek(fd, 0, SEEK_CUR));
	close(fd);
	close(out);
}

static void inherited(void)
{
	int fd = open(P("file"), O_RDWR), gone = open(P("file"), O_RDONLY | O_CLOEXEC);
	char script[600];
	pid_t pid;

	CALL(lseek(fd, 3000, SEEK_SET));
	CALL(dup2(fd, 7));
	CALL(dup2(gone, 8));
	CALL(fcntl(8, F_SETFD, FD_CLOEXEC));
	snprintf(script, sizeof(script),
		 "cat <&7 | cksum; echo appended >&7; cat <&8 2>/dev/null || echo 8 is closed; "
		 "cat < '%s' | cksum; echo redirected > '%s'; echo more >> '%s'; exec 5<> '%s'; read line <&5; echo $line; "
		 "head -c 100 '%s' | cksum",
		 P("file"), P("by-sh"), P("by-sh"), P("by-sh"), P("file"));
	pid = split();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(9);
	}
	WAIT(pid);
	CALL(lseek(fd, 0, SEEK_CUR));
	CONTENT(fd);
	FILE_AT(P("by-sh"));
	CALL(close(7));
	CALL(close(8));
	CALL(close(fd));
	CALL(close(gone));
	fflush(stdout);
	CALL(system("exit 3") == 3 << 8);
}

/* A program that lies in the rule. */
static void executed(void)
{
	int in = open("/bin/true", O_RDONLY), fd = open(P("prog"), O_RDWR | O_CREAT, 0755);
	char *argv[] = { (char *)"prog", NULL };
	pid_t pid;
	ssize_t n;

	while ((n = read(in, b, sizeof(b))) > 0)
		if (write(fd, b, (size_t)n) != n)
			say("copy: %s", name_of(errno));
	close(in);
	close(fd);
	pid = split();
	if (!pid) {
		execve(P("prog"), argv, environ);
		say("execve: %s", name_of(errno));
		_exit(9);
	}
	WAIT(pid);
	pid = split();
	if (!pid) {
		execv(P("file"), argv);
		say("execv: %s", name_of(errno));
		_exit(9);
	}
	WAIT(pid);
	pid = split();
	if (!pid) {
		execv(P("none"), argv);
		say("execv: %s", name_of(errno));
		_exit(9);
	}
	WAIT(pid);
	/* it is busy while it runs */
	fd = CALL(open(P("prog"), O_RDWR));
	close(fd);
}

static void door(void)
{
	make(P("file"), 5000, 1);
	forked();
	forked_busy();
	forked_signals();
	vforked();
	spawned();
	inherited();
	executed();
}
