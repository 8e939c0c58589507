/* SPDX-License-Identifier: MIT */
/*
 * What other programs do to a file through descriptors they were given: they
 * shorten it, or make it append. Fails if this one, which reads and writes it
 * all the time, still sees the old bytes, or loses its own. outside_later.c
 * is about programs without the library, which are noticed a tick later.
 */
#include "shorter.h"

#ifdef LATER
#define DONE(pid) (WAIT(pid), nap())
#else
#define DONE(pid) WAIT(pid)
#endif

extern char **environ;

/* The program the children are. */
static char *helper(void)
{
	static char path[PATH_MAX];
	const char *bin = getenv("BIN");

	snprintf(path, sizeof(path), "%s/child", bin ? bin : "build/tests");
	return path;
}

static char *number(int n)
{
	static char s[12];

	snprintf(s, sizeof(s), "%d", n);
	return s;
}

static void inherited(void)
{
	int fd = used();
	pid_t pid = split();

	if (!pid) {
		execl(helper(), "child", "shorten", number(fd), "10", (char *)NULL);
		_exit(9);
	}
	DONE(pid);
	SHORT(fd, 10);

	fd = used();
	fflush(stdout);
	pid = vfork();
	if (!pid) {
		execl(helper(), "child", "shorten", number(fd), "10", (char *)NULL);
		_exit(9);
	}
	DONE(pid);
	SHORT(fd, 10);

	/* under another number, and the child's own is closed */
	fd = used();
	pid = split();
	if (!pid) {
		dup2(fd, 77);
		close(fd);
		execl(helper(), "child", "shorten", "77", "10", (char *)NULL);
		_exit(9);
	}
	DONE(pid);
	SHORT(fd, 10);
}

static void spawned(void)
{
	char *argv[] = { (char *)"child", (char *)"shorten", number(1), (char *)"10", NULL };
	posix_spawn_file_actions_t fa;
	int fd = used();
	pid_t pid;

	argv[2] = number(fd);
	fflush(stdout);
	ERR(posix_spawn(&pid, helper(), NULL, NULL, argv, environ));
	DONE(pid);
	SHORT(fd, 10);

	fd = used();
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, fd, 1);
	posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	argv[2] = (char *)"1";
	fflush(stdout);
	ERR(posix_spawnp(&pid, helper(), &fa, NULL, argv, environ));
	DONE(pid);
	posix_spawn_file_actions_destroy(&fa);
	SHORT(fd, 10);
}

#ifndef LATER         /* these name the file, or are this program */
static void standard(void)
{
	static const char *const how[] = { "0<>", "1<>", "2<>", "1>>" };
	char script[2 * PATH_MAX];

	for (size_t i = 0; i < sizeof(how) / sizeof(*how); i++) {
		int fd = used();
		pid_t pid = split();

		if (!pid) {
			snprintf(script, sizeof(script), "exec '%s' shorten %c 10 %s'%s'", helper(), how[i][0], how[i], P("file"));
			execl("/bin/sh", "sh", "-c", script, (char *)NULL);
			_exit(9);
		}
		DONE(pid);
		SHORT(fd, 10);
	}
}

/* Through a stream that was something else before. */
static void reopened(void)
{
	int fd = used();
	FILE *f = fopen("/dev/null", "r");

	f = PTR(freopen(P("file"), "r+", f));
	CALL(ftruncate(fileno(f), 10));
	SHORT(fd, 10);
	CALL(fclose(f));

	fd = used();
	f = fopen(P("other"), "w");
	f = PTR(freopen(P("file"), "a", f));
	CALL(ftruncate(fileno(f), 10));
	SHORT(fd, 10);
	CALL(fclose(f));

	fd = used();
	f = fopen("/dev/null", "r");
	f = PTR(freopen(P("file"), "w", f));
	CALL(fputs("ten bytes.", f) >= 0);
	CALL(fclose(f));
	SHORT(fd, 10);
}

/* By a program that has no descriptor free when it first names the file. */
static void crowded(void)
{
	int fd = used();
	pid_t pid = split();

	if (!pid) {
		execl(helper(), "child", "crowded", P("file"), "10", (char *)NULL);
		_exit(9);
	}
	DONE(pid);
	SHORT(fd, 10);
}
#endif

/* The flag belongs to what all of them share. */
static void appends(void)
{
	int fd = used(), flags = fcntl(fd, F_GETFL);
	pid_t pid = split();

	if (!pid) {
		fcntl(fd, F_SETFL, flags | O_APPEND);
		nap();
		_exit(0);
	}
	DONE(pid);
	for (int i = 0; i < 50; i++)
		pwrite(fd, "zz", 2, 0);
	CALL(fcntl(fd, F_GETFL) & O_APPEND);
	CONTENT(fd);
	pid = split();
	if (!pid) {
		fcntl(fd, F_SETFL, flags & ~O_APPEND);
		nap();
		_exit(0);
	}
	DONE(pid);
	for (int i = 0; i < 50; i++)
		pwrite(fd, "yy", 2, 2 * i);
	CALL(fcntl(fd, F_GETFL) & O_APPEND);
	CONTENT(fd);
	close(fd);
}

static void door(void)
{
#ifdef LATER
	unsetenv("LD_PRELOAD");
#else
	standard();
	reopened();
	crowded();
#endif
	inherited();
	spawned();
	appends();
}
