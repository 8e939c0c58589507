/* SPDX-License-Identifier: MIT */
/*
 * Shells and daemons that libc starts by itself: system, popen, wordexp,
 * daemon, with the environment as it is and after it was cleared. Fails if a
 * command finds other files or variables, a status or signal is not as libc
 * has it, or the standard streams of a daemon are taken for what they were.
 */
#include "door.h"

#include <pthread.h>
#include <wordexp.h>

static char b[10000];

/* cat FILE | cksum, and what the command sees of its environment but for the shell's own */
static const char *command(const char *more)
{
	static char cmd[3 * PATH_MAX];

	snprintf(cmd, sizeof(cmd), "cat '%s' | cksum; %s", P("file"), more);
	return cmd;
}

static void signals_of(const char *line)
{
	snprintf(b, sizeof(b), "sed -n '/^%s/p' /proc/self/status", line);
	CALL(system(b));
}

static void on_signal(int n)
{
	(void)n;
}

static void *waits(void *arg)
{
	system(arg);
	return NULL;
}

static void by_system(void)
{
	struct sigaction act;
	pthread_t t;
	void *ended;

	CALL(system(command("exit 3")) >> 8);
	CALL(system("kill -9 $$"));
	CALL(system(OPAQUE((char *)NULL)));
	CALL(system(""));
	CALL(system("no-such-command 2>/dev/null") >> 8);
	CALL(system(command("env | grep -vE '^(PWD|OLDPWD|SHLVL|_)=' | grep -E '^(A|SHIM_HIDDEN)'; echo \"  $0\"")));
	FILE_AT(P("none"));
	snprintf(b, sizeof(b), "echo made >'%s'", P("made"));
	CALL(system(b));
	FILE_AT(P("made"));
	signal(SIGUSR1, SIG_IGN);
	signal(SIGINT, on_signal);
	signals_of("SigIgn");
	signals_of("SigBlk");
	signal(SIGUSR1, SIG_DFL);
	sigaction(SIGINT, NULL, &act);
	say("SIGINT is as it was %d", act.sa_handler == on_signal);
	sigaction(SIGQUIT, NULL, &act);
	say("SIGQUIT is as it was %d", act.sa_handler == SIG_DFL);
	CALL(system("kill -INT $PPID; kill -QUIT $PPID"));
	signal(SIGINT, SIG_IGN);
	signals_of("SigIgn");
	signal(SIGINT, SIG_DFL);
	/* a thread that is cancelled takes its command with it */
	pthread_create(&t, NULL, waits, (void *)(uintptr_t)"exec sleep 30");
	nap();
	pthread_cancel(t);
	pthread_join(t, &ended);
	say("cancelled %d, children %d", ended == PTHREAD_CANCELED, waitpid(-1, NULL, WNOHANG));
	sigaction(SIGINT, NULL, &act);
	say("SIGINT is as it was %d", act.sa_handler == SIG_DFL);
}

static void read_all(FILE *f)
{
	size_t n = fread(b, 1, sizeof(b), f);

	say("%zu bytes, %08x", n, sum(b, n));
}

static void by_popen(void)
{
	FILE *f, *g;

	f = PTR(popen(command("exit 3"), "r"));
	read_all(f);
	CALL(pclose(f) >> 8);
	snprintf(b, sizeof(b), "cat >'%s'", P("written"));
	f = PTR(popen(b, "w"));
	fprintf(f, "through a pipe\n");
	CALL(pclose(f));
	FILE_AT(P("written"));
	PTR(popen("true", "x"));
	PTR(popen("true", "rw"));
	PTR(popen("true", ""));
	/* an earlier stream is not handed down: the first command sees its end */
	f = PTR(popen("cat", "w"));
	g = PTR(popen("cat; echo second", "r"));
	say("flags %d %d", fcntl(fileno(f), F_GETFD), fcntl(fileno(g), F_GETFD));
	fprintf(f, "first\n");
	CALL(pclose(f));
	read_all(g);
	CALL(pclose(g));
	f = PTR(popen("echo e; exit 4", "re"));
	say("flags %d", fcntl(fileno(f), F_GETFD));
	read_all(f);
	CALL(fclose(OPAQUE(f)) >> 8);
	f = PTR(popen("no-such-command 2>/dev/null", "r"));
	read_all(f);
	CALL(pclose(f) >> 8);
}

/* What the shell does in it is as ever; the environment stays, for wordexp it is libc's. */
static void by_wordexp(void)
{
	wordexp_t w;

	snprintf(b, sizeof(b), "a $(cat '%s') ${NONE-c}", P("words"));
	if (!CALL(wordexp(b, &w, 0))) {
		for (size_t i = 0; i < w.we_wordc; i++)
			say("%s", w.we_wordv[i]);
		wordfree(&w);
	}
}

static void as_daemon(int keep)
{
	int ends[2], fd = open(P("file"), O_RDWR);
	char got[200];
	ssize_t n;
	pid_t pid;

	CALL(pipe(ends));
	pid = split();
	if (!pid) {
		struct stat st;
		char where[PATH_MAX];

		for (int i = 0; i < 3; i++)
			dup2(fd, i);
		if (daemon(0, keep))
			_exit(1);
		fstat(0, &st);
		errno = 0;
		n = pread(0, b, 10, 0);
		dprintf(ends[1], "read %zd, a device %d, ", n, S_ISCHR(st.st_mode));
		dprintf(ends[1], "wrote %zd, in %s, group %d, ", pwrite(1, "daemon", 6, 4000),
			getcwd(where, sizeof(where)), getpgid(0) != getpid());
		n = pread(fd, b, 10, 0);
		dprintf(ends[1], "then read %zd", n);
		_exit(0);
	}
	WAIT(pid);
	close(ends[1]);
	for (n = 0; n < (ssize_t)sizeof(got) - 1; ) {
		ssize_t r = read(ends[0], got + n, sizeof(got) - 1 - (size_t)n);

		if (r <= 0)
			break;
		n += r;
	}
	got[n] = 0;
	say("%s", got);
	close(ends[0]);
	CONTENT(fd);
	close(fd);
}

static void door(void)
{
	int fd = open(P("words"), O_WRONLY | O_CREAT, 0644);

	write(fd, "one two\n", 8);
	close(fd);
	make(P("file"), 5000, 1);
	by_system();
	by_popen();
	by_wordexp();
	clearenv();
	say("cleared");
	by_system();
	by_popen();
	setenv("A", "1", 1);
	CALL(system(command("env | grep ^A")));
	as_daemon(0);
	as_daemon(1);
}
