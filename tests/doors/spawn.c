/* SPDX-License-Identifier: MIT */
/*
 * posix_spawn and posix_spawnp: every file action and attribute, programs and
 * files in the directory, scripts, environments, errors. Fails if a child
 * gets other descriptors, attributes or bytes, or the parent's change.
 */
#include "door.h"

#include <pty.h>
#include <sched.h>

static char *child, *file;
static char *two[] = { (char *)"A=1", (char *)"B=two words", NULL };
static char *show[] = { (char *)"name", (char *)"show", NULL, (char *)"x", NULL };
static posix_spawn_file_actions_t fa;
static posix_spawnattr_t at;
static int shared;               /* where children write, the parent reads */

static void text(const char *path, const char *s)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	write(fd, s, strlen(s));
	close(fd);
}

#define SPAWN(...) spawned(__LINE__, __VA_ARGS__)
static void spawned(int line, int search, const char *path, char **argv, char **env)
{
	pid_t pid = -7;
	int r;

	fflush(stdout);
	r = (search ? posix_spawnp : posix_spawn)(&pid, path, &fa, &at, argv, env);
	if (r)
		say("%d: spawn: %s, pid %d", line, name_of(r), (int)pid);
	else
		wait_for(line, pid);
}

/* A shell command with the actions and attributes; `cd /` for relative names that are none. */
#define SHELL(cmd) SPAWN(0, "/bin/sh", ((char *[]){ (char *)"sh", (char *)"-c", (char *)(cmd), NULL }), two)

static void fresh(void)
{
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&at);
}

static void flags(short f)
{
	ERR(posix_spawnattr_setflags(&at, f));
}

static void programs(void)
{
	char path[2 * PATH_MAX], *sh[] = { (char *)"0", (char *)"one", NULL }, *none[] = { NULL };
	pid_t pid;

	SPAWN(0, child, show, two);
	SPAWN(0, P("bin/prog"), show, two);
	SPAWN(0, P("bin/prog"), show, none);
	SPAWN(0, P("bin/prog"), show, OPAQUE((char **)NULL));
	SPAWN(0, P("bin/script"), sh, two);
	SPAWN(0, P("bin/inner"), sh, two);
	SPAWN(0, P("bin/plain"), sh, two);
	SPAWN(0, P("bin/none"), sh, two);
	SPAWN(0, P("bin"), sh, two);
	SPAWN(0, P("file"), sh, two);
	SPAWN(0, P("file/x"), sh, two);
	SPAWN(0, "", sh, two);
	SPAWN(1, "", sh, two);
	SPAWN(0, OPAQUE((char *)NULL), sh, two);
	SPAWN(1, P("bin/prog"), show, two);
	SPAWN(1, "no-such-program", show, two);
	snprintf(path, sizeof(path), "%s:%s:/usr/bin:/bin", P("none"), P("bin"));
	char **before = environ, *search[] = { NULL, NULL };
	char entry[2 * PATH_MAX + 10];

	snprintf(entry, sizeof(entry), "PATH=%s", path);
	search[0] = entry;
	environ = search;
	SPAWN(1, "prog", show, two);
	SPAWN(1, "plain", sh, two);
	SPAWN(1, "script", sh, two);
	SPAWN(0, "prog", show, two);
	SPAWN(1, "true", sh, two);
	environ = before;
	if (!posix_spawn(&pid, P("bin/prog"), NULL, NULL, show, two))
		WAIT(pid);
	if (!posix_spawn(NULL, P("bin/prog"), NULL, NULL, show, two))
		say("a child %d", wait(NULL) > 0);
}

static void opened(void)
{
	int fd = open(file, O_RDONLY);

	fresh();
	ERR(posix_spawn_file_actions_addopen(&fa, 0, file, O_RDONLY, 0));
	ERR(posix_spawn_file_actions_addopen(&fa, 8, P("made"), O_RDWR | O_CREAT | O_TRUNC, 0640));
	ERR(posix_spawn_file_actions_addopen(&fa, fd, P("made2"), O_WRONLY | O_CREAT | O_APPEND, 0600));
	ERR(posix_spawn_file_actions_adddup2(&fa, 8, 9));
	ERR(posix_spawn_file_actions_addclose(&fa, 8));
	SHELL("cat >&9; echo more >&9; (: >&8) 2>/dev/null || echo 8 is closed");
	FILE_AT(P("made"));
	FILE_AT(P("made2"));
	CONTENT(fd);
	CALL(lseek(fd, 0, SEEK_CUR));
	/* errors */
	fresh();
	ERR(posix_spawn_file_actions_addopen(&fa, 5, P("none/x"), O_RDONLY, 0));
	SHELL("echo never");
	fresh();
	ERR(posix_spawn_file_actions_addopen(&fa, 5, P("new"), O_RDWR | O_CREAT, 0600));
	ERR(posix_spawn_file_actions_adddup2(&fa, 700, 5));
	SHELL("echo never");
	FILE_AT(P("new"));
	ERR(posix_spawn_file_actions_addopen(&fa, -1, "x", O_RDONLY, 0));
	ERR(posix_spawn_file_actions_addclose(&fa, -1));
	ERR(posix_spawn_file_actions_adddup2(&fa, 1, -1));
	fresh();
	ERR(posix_spawn_file_actions_addclose(&fa, 600));
	SHELL("echo closing what is closed");
	close(fd);
}

static void duplicated(void)
{
	int fd = open(file, O_RDWR | O_CLOEXEC), keep = open(P("keep"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CALL(lseek(fd, 100, SEEK_SET));
	fresh();
	ERR(posix_spawn_file_actions_adddup2(&fa, fd, 7));
	ERR(posix_spawn_file_actions_adddup2(&fa, keep, keep));
	char cmd[200];

	snprintf(cmd, sizeof(cmd), "head -c 50 <&7 | cksum; echo kept >&%d; (: <&%d) 2>/dev/null || echo closed", keep, fd);
	SHELL(cmd);
	CALL(lseek(fd, 0, SEEK_CUR) >= 150);
	CONTENT(keep);
	/* the parent's are its own */
	say("flags %d %d", fcntl(fd, F_GETFD), fcntl(keep, F_GETFD));
	fresh();
	ERR(posix_spawn_file_actions_adddup2(&fa, keep, 1));
	ERR(posix_spawn_file_actions_adddup2(&fa, fd, 0));
	ERR(posix_spawn_file_actions_addclosefrom_np(&fa, 3));
	SHELL("ls /proc/self/fd | wc -l; cat | wc -c");
	CONTENT(keep);
	CALL(pwrite(fd, "mine", 4, 0));
	CONTENT(fd);
	close(fd);
	close(keep);
}

static void directories(void)
{
	int dirfd = open(P("bin"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	fresh();
	ERR(posix_spawn_file_actions_addchdir_np(&fa, dir));
	ERR(posix_spawn_file_actions_addopen(&fa, 0, "file", O_RDONLY, 0));
	ERR(posix_spawn_file_actions_addopen(&fa, 5, "bin/out", O_RDWR | O_CREAT | O_TRUNC, 0644));
	SHELL("cat | wc -c; pwd >/dev/null; test . -ef \"$(pwd)\" && echo there >&5; cat bin/script | wc -l");
	FILE_AT(P("bin/out"));
	ERR(posix_spawn_file_actions_addfchdir_np(&fa, dirfd));
	ERR(posix_spawn_file_actions_addopen(&fa, 5, "out", O_RDWR | O_APPEND, 0));
	SHELL("cat ../file | wc -c; pwd >/dev/null; test . -ef \"$(pwd)\" && echo there >&5; ls");
	SPAWN(0, "./script", ((char *[]){ (char *)"s", (char *)"one", NULL }), two);
	SPAWN(0, "prog", ((char *[]){ (char *)"p", (char *)"show", (char *)"../file", NULL }), two);
	SPAWN(0, "../none", show, two);
	FILE_AT(P("bin/out"));
	fresh();
	ERR(posix_spawn_file_actions_addchdir_np(&fa, P("none")));
	SHELL("echo never");
	fresh();
	ERR(posix_spawn_file_actions_addfchdir_np(&fa, 700));
	SHELL("echo never");
	close(dirfd);
}

static void on_signal(int n)
{
	(void)n;
}

#define STATUS(what) "sed -n '/^" what "/p' /proc/self/status"

static void attributes(void)
{
	sigset_t set;
	struct sched_param param = { 0 };

	fresh();
	flags(POSIX_SPAWN_SETPGROUP);
	ERR(posix_spawnattr_setpgroup(&at, 0));
	SHELL("test $(cut -d' ' -f5 /proc/$$/stat) = $$ && echo own group");
	fresh();
	flags(POSIX_SPAWN_SETPGROUP);
	ERR(posix_spawnattr_setpgroup(&at, 1));
	SHELL("echo never");
	fresh();
	flags(POSIX_SPAWN_SETSID);
	SHELL("test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo own session");
	fresh();
	SHELL("test $(cut -d' ' -f6 /proc/$$/stat) = $$ || echo not its session");

	/* signals */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGWINCH, SIG_IGN);
	signal(SIGTERM, on_signal);
	SHELL(STATUS("Sig[BIC]"));
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	ERR(posix_spawnattr_setsigmask(&at, &set));
	SHELL(STATUS("Sig[BIC]"));
	flags(POSIX_SPAWN_SETSIGMASK);
	SHELL(STATUS("Sig[BIC]"));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	ERR(posix_spawnattr_setsigdefault(&at, &set));
	flags(POSIX_SPAWN_SETSIGDEF);
	SHELL(STATUS("Sig[BIC]"));
	flags(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_USEVFORK);
	SHELL(STATUS("Sig[BIC]"));
	signal(SIGUSR1, SIG_DFL);
	signal(SIGWINCH, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);

	fresh();
	flags(POSIX_SPAWN_SETSCHEDULER);
	ERR(posix_spawnattr_setschedpolicy(&at, SCHED_RR));
	param.sched_priority = 1;
	ERR(posix_spawnattr_setschedparam(&at, &param));
	SHELL("cut -d' ' -f41 /proc/self/stat");
	ERR(posix_spawnattr_setschedpolicy(&at, 99));
	SHELL("echo never");
	flags(POSIX_SPAWN_SETSCHEDPARAM);
	SHELL("cut -d' ' -f41 /proc/self/stat");
	param.sched_priority = 105;
	ERR(posix_spawnattr_setschedparam(&at, &param));
	SHELL("echo never");
	fresh();
	flags(POSIX_SPAWN_RESETIDS);
	SHELL("id -u | wc -l");

	fresh();
	ERR(posix_spawn_file_actions_addtcsetpgrp_np(&fa, 0));
	SHELL("echo never: no terminal");
}

/* On a terminal: the child's group is in the foreground before it runs. */
static void terminal(void)
{
	char cmd[PATH_MAX + 200];
	int m, status = 0;
	pid_t pid;

	snprintf(cmd, sizeof(cmd), "read a </proc/$$/stat; set -- ${a##*) }; echo $(($3 == $6)) $(($3 == $4)) >'%s'", P("tty"));
	fflush(stdout);
	pid = forkpty(&m, NULL, NULL, NULL);
	if (!pid) {
		fresh();
		posix_spawnattr_setflags(&at, POSIX_SPAWN_SETPGROUP);
		posix_spawnattr_setpgroup(&at, 0);
		posix_spawn_file_actions_addtcsetpgrp_np(&fa, 0);
		if (posix_spawn(&pid, "/bin/sh", &fa, &at, (char *[]){ (char *)"sh", (char *)"-c", cmd, NULL }, environ))
			_exit(9);
		waitpid(pid, &status, 0);
		_exit(WEXITSTATUS(status));
	}
	WAIT(pid);
	close(m);
	FILE_AT(P("tty"));
}

static void parent(void)
{
	char b[10];

	fresh();
	ERR(posix_spawn_file_actions_adddup2(&fa, shared, 1));
	for (int i = 0; i < 10; i++)
		SHELL("echo a line");
	errno = UNTOUCHED;
	SPAWN(0, P("none"), show, two);
	CALL(pread(shared, b, 10, 10));
	BYTES(b, 10);
	CONTENT(shared);
	say("own flags %d", fcntl(shared, F_GETFD));
	for (char **e = two; *e; e++)
		say("%s", *e);
}

static void door(void)
{
	char s[PATH_MAX];

	child = malloc(PATH_MAX);
	snprintf(child, PATH_MAX, "%s/child", getenv("BIN"));
	make(P("file"), 5000, 1);
	file = strdup(P("file"));
	show[2] = file;
	CALL(mkdir(P("bin"), 0755));
	copy(child, P("bin/prog"));
	text(P("bin/script"), "#!/bin/sh\necho \"  $# ${0##*/} $1 $A\"\n");
	text(P("bin/plain"), "echo plain\n");
	snprintf(s, sizeof(s), "#!%s show\n", P("bin/prog"));
	text(P("bin/inner"), s);
	shared = open(P("shared"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&at);
	programs();
	opened();
	duplicated();
	directories();
	attributes();
	terminal();
	parent();
}
