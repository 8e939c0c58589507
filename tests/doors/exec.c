/* SPDX-License-Identifier: MIT */
/*
 * Becoming another program: every exec by every name, PATH, scripts, what
 * the new program sees of its arguments and environment, and the errors.
 * Fails if a program that lies in the directory is not found, one that was
 * given no environment has one, or a failed exec leaves something behind.
 */
#include "door.h"

static char *child;                  /* tests/child.c */
static char *file;
static char *empty[] = { NULL };
static char *two[] = { (char *)"A=1", (char *)"B=two words", NULL };
static char *preload[] = { (char *)"LD_PRELOAD=libc.so.6", (char *)"C=", NULL };
static char *args[] = { (char *)"name", (char *)"show", NULL, (char *)"x", (char *)"", (char *)"y z", NULL };

/* A file of `n` bytes of text, or a copy of the child if that is NULL. */
static void program(const char *path, const char *text, mode_t mode)
{
	static char b[1 << 16];
	int in = text ? -1 : open(child, O_RDONLY), out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t n;

	if (text)
		n = write(out, text, strlen(text));
	else
		while ((n = read(in, b, sizeof(b))) > 0)
			write(out, b, (size_t)n);
	if (out < 0 || n < 0)
		say("program %s: %s", shown(path), name_of(errno));
	close(in);
	fchmod(out, mode);
	close(out);
}

/* The call in a child of its own; only failures return. */
#define RUN(call) do {                                                        \
	pid_t pid_ = split();                                                 \
	if (!pid_) {                                                          \
		CALL(call);                                                   \
		_exit(99);                                                    \
	}                                                                     \
	WAIT(pid_);                                                           \
} while (0)

static void all_names(void)
{
	char *prog = P("bin/prog");
	int fd;

	RUN(execve(child, args, two));
	RUN(execve(prog, args, two));
	RUN(execve(prog, args, empty));
	RUN(execve(prog, args, OPAQUE((char **)NULL)));
	RUN(execve(prog, args, preload));
	environ = two;
	RUN(execv(prog, args));
	RUN(execl(prog, "l", "show", file, "1", "2", (char *)NULL));
	RUN(execlp(prog, "lp", "show", file, (char *)NULL));
	RUN(execvp(prog, args));
	RUN(execle(prog, "le", "show", file, "1", (char *)NULL, preload));
	RUN(execvpe(prog, args, preload));
	fd = open(prog, O_RDONLY);
	RUN(fexecve(fd, args, two));
	RUN(fexecve(fd, args, OPAQUE((char **)NULL)));
	RUN(execveat(fd, "", args, preload, AT_EMPTY_PATH));
	RUN(execveat(fd, "", args, two, 0));
	close(fd);
	fd = open(P("bin"), O_RDONLY | O_DIRECTORY);
	RUN(execveat(fd, "prog", args, two, 0));
	RUN(execveat(fd, "../bin/prog", args, two, AT_SYMLINK_NOFOLLOW));
	CALL(symlink("prog", P("bin/link")));
	RUN(execveat(fd, "link", args, two, 0));
	RUN(execveat(fd, "link", args, two, AT_SYMLINK_NOFOLLOW));
	RUN(execveat(fd, "script", args, two, 0));
	CALL(fcntl(fd, F_SETFD, FD_CLOEXEC));
	RUN(execveat(fd, "prog", args, two, 0));
	close(fd);
	CALL(chdir(P("bin")));
	RUN(execl("./prog", "./prog", "show", "../file", (char *)NULL));
	RUN(execl("../bin/link", "./prog", "show", "../file", (char *)NULL));
	CALL(chdir("/"));
}

/* execvp with this PATH, from an environment of nothing else */
static void search(const char *path, const char *name)
{
	say("search %s", name);
	environ = two;
	if (path)
		setenv("PATH", path, 1);
	else
		unsetenv("PATH");
	RUN(execvp(name, args));
	RUN(execvpe(name, args, two));
	RUN(execlp(name, name, "show", file, "lp", (char *)NULL));
	environ = two;
}

static void paths(void)
{
	char path[3 * PATH_MAX];
	static char name[NAME_MAX + 2];

	program(P("no/prog"), "text", 0644);
	snprintf(path, sizeof(path), "%s", P("bin"));
	search(path, "prog");
	search(path, "none");
	search(path, "");
	search(NULL, "prog");
	search("", "prog");
	snprintf(path, sizeof(path), "%s:/usr/bin:%s", P("no"), P("bin"));
	search(path, "prog");
	snprintf(path, sizeof(path), "%s:%s", P("none"), P("no"));
	search(path, "prog");
	snprintf(path, sizeof(path), "%s:%s", P("file"), P("bin"));
	search(path, "prog");
	CALL(chdir(P("bin")));
	search("/usr/bin:", "prog");
	search("/usr/bin::/bin", "plain");
	CALL(chdir("/"));
	memset(name, 'n', sizeof(name) - 1);
	snprintf(path, sizeof(path), "%s:%s", P("none"), P("bin"));
	environ = two;
	setenv("PATH", path, 1);
	RUN(execvp(name, args));
	RUN(execvp("sub", args));
	RUN(execvp("plain", args));
	RUN(execlp("plain", "0", "one", "two", (char *)NULL));
	environ = two;
}

static void scripts(void)
{
	char text[PATH_MAX + 300], *sh[] = { (char *)"0", (char *)"one", (char *)"two words", NULL };

	environ = two;
	RUN(execv(P("bin/script"), sh));
	RUN(execv(P("bin/script"), empty));
	RUN(execv(P("bin/plain"), sh));
	RUN(execvp(P("bin/plain"), sh));
	/* the interpreter lies here, too, and is a script */
	snprintf(text, sizeof(text), "#! %s  -e \t\necho never\n", P("bin/script"));
	program(P("bin/two"), text, 0755);
	RUN(execv(P("bin/two"), sh));
	snprintf(text, sizeof(text), "#!%s show", P("bin/prog"));
	program(P("bin/asked"), text, 0755);
	RUN(execl(P("bin/asked"), "0", "a", "b", (char *)NULL));
	program(P("bin/loop"), "", 0755);
	snprintf(text, sizeof(text), "#!%s\n", P("bin/loop"));
	program(P("bin/loop"), text, 0755);
	RUN(execv(P("bin/loop"), sh));
	program(P("bin/lost"), "#!/no/such/interpreter\n", 0755);
	RUN(execv(P("bin/lost"), sh));
	RUN(execvp(P("bin/lost"), sh));
	program(P("bin/bare"), "#!\necho bare\n", 0755);
	RUN(execv(P("bin/bare"), sh));
	program(P("bin/blank"), "#!  \t \n", 0755);
	RUN(execv(P("bin/blank"), sh));
	snprintf(text, sizeof(text), "#!%s\n", P("bin"));
	program(P("bin/dir"), text, 0755);
	RUN(execv(P("bin/dir"), sh));
	program(P("bin/mode"), "#!/bin/sh\n", 0644);
	RUN(execv(P("bin/mode"), sh));
	memset(text, 'x', sizeof(text));
	memcpy(text, "#!/", 3);
	text[290] = 0;
	program(P("bin/long"), text, 0755);
	RUN(execv(P("bin/long"), sh));
	memcpy(text, "#!/bin/true ", 12);
	program(P("bin/cut"), text, 0755);
	RUN(execv(P("bin/cut"), empty));
	program(P("bin/void"), "", 0755);
	RUN(execv(P("bin/void"), sh));
}

/* A path as long as the kernel takes one, through what is not there. */
static void longest(void)
{
	char path[PATH_MAX];
	size_t n = (size_t)snprintf(path, sizeof(path), "%s", P("gone"));

	while (n < PATH_MAX - 1)
		path[n] = n % 2 ? '/' : 'a', n++;
	path[n] = 0;
	RUN(execv(path, args));
	CALL(open(path, O_RDONLY));
	CALL(dlopen(path, RTLD_NOW) ? 0 : -1);
	memset(path + strlen(P("bin")), '/', PATH_MAX - 1 - strlen(P("bin")));
	CALL(access(path, F_OK));
}

static void errors(void)
{
	static char name[PATH_MAX + 10];
	int fd;

	RUN(execve(OPAQUE((char *)NULL), args, two));
	RUN(execve(OPAQUE(bad_page()), args, two));
	RUN(execve(P("bin/prog"), OPAQUE((char **)(void *)bad_page()), two));
	RUN(execve(P("bin/script"), OPAQUE((char **)(void *)bad_page()), two));
	RUN(execve(P("bin/prog"), args, OPAQUE((char **)(void *)bad_page())));
	char *bad[] = { (char *)"A=1", bad_page(), NULL };
	RUN(execve(P("bin/prog"), args, OPAQUE((char **)bad)));
	RUN(execv("", args));
	RUN(execv(P("none"), args));
	RUN(execv(P("bin"), args));
	RUN(execv(P("file"), args));
	RUN(execv(P("file/x"), args));
	RUN(execv(P("bin/prog/"), args));
	RUN(execveat(-1, "prog", args, two, 0));
	memset(name, 'n', sizeof(name) - 1);
	RUN(execv(name, args));
	RUN(execv(P(name), args));
	fd = open(P("bin/prog"), O_RDWR);
	RUN(execv(P("bin/prog"), args));
	close(fd);
	RUN(execv(P("bin/prog"), args));
}

/* In the process itself: after each failure everything is as it was. */
static void afterwards(void)
{
	int fd = open(file, O_RDWR);
	char b[100];

	CALL(read(fd, b, 10));
	environ = two;
	CALL(execv(P("none"), args));
	CALL(execvp("no-such-program", args));
	CALL(execve(P("bin/lost"), args, empty));
	CALL(execve(P("bin/void"), args, empty));
	CALL(fexecve(fd, args, two));
	for (char **e = environ; *e; e++)
		say("%s", *e);
	CALL(read(fd, b, 10));
	BYTES(b, 10);
	CALL(pwrite(fd, "after", 5, 5000));
	CONTENT(fd);
	close(fd);
	FILE_AT(file);
}

static void door(void)
{
	const char *bin = getenv("BIN");
	char **before = environ;
	bool disk = has_nodes();

	child = malloc(PATH_MAX);
	snprintf(child, PATH_MAX, "%s/child", bin);
	make(P("file"), 5000, 1);
	file = strdup(P("file"));
	args[2] = file;
	CALL(mkdir(P("bin"), 0755));
	CALL(mkdir(P("no"), 0755));
	CALL(mkdir(P("bin/sub"), 0755));
	program(P("bin/prog"), NULL, 0755);
	program(P("bin/script"), "#!/bin/sh\necho \"  $# ${0##*/} ${1##*/}, $2, $A $PATH\" | sed s,/.*,,\nhead -c 1 \"$0\"; echo\n", 0755);
	program(P("bin/plain"), "echo \"  plain ${0##*/} $# $1\"\n", 0755);
	all_names();
	paths();
	scripts();
	errors();
	if (disk)        /* the object back end of the tests puts more before a name */
		longest();
	afterwards();
	environ = before;
}
