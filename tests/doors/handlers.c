/* SPDX-License-Identifier: MIT */
/*
 * Handlers again: reads left by siglongjmp, the stack a handler runs on, and
 * what a program started from here ignores. Fails if a fault of the program's
 * own does not reach its handler, or reaches it elsewhere than natively.
 */
#include "door.h"

#define BIG (4 << 20)
#define ALT 65536

static char b[8192];
static char alt[ALT];
static sigjmp_buf out, back;
static volatile int hits, on_alt;
extern char **environ;

static int used(void)
{
	int fd = open(P("file"), O_RDWR);

	for (int i = 0; i < 200; i++)
		if (pread(fd, b, 64, 0) != 64 || pwrite(fd, b, 64, 0) != 64)
			say("I/O failed: %s", name_of(errno));
	return fd;
}

static void leaves(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

static void counts(int sig)
{
	char here;

	(void)sig;
	on_alt = &here >= alt && &here < alt + ALT;
	hits++;
	siglongjmp(back, 1);
}

/* Reads until the alarm, from far below the caller's stack frame. */
__attribute__((noinline)) static void deep(int n, int fd, char *buf)
{
	volatile char room[4096];

	room[0] = (char)n;
	if (n)
		deep(n - 1, fd, buf);
	else
		while (hits >= 0)
			pread(fd, buf, BIG, 0);
	room[1] = room[0];
}

static void left(int depth)
{
	char *buf = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction sa = { .sa_flags = 0 };
	volatile int wrong = 0, i;
	int fd = open(P("big"), O_RDWR | O_CREAT, 0644);

	memset(buf, 'A', BIG);
	for (i = 0; i < 3; i++)
		pwrite(fd, buf, BIG, 0);
	sa.sa_handler = leaves;
	sigaction(SIGALRM, &sa, NULL);
	sa.sa_handler = counts;
	sigaction(SIGSEGV, &sa, NULL);
	for (i = 0; i < 20; i++) {
		if (!sigsetjmp(out, 1)) {
			struct itimerval it = { { 0, 0 }, { 0, 3000 } };

			setitimer(ITIMER_REAL, &it, NULL);
			deep(depth, fd, buf);
		}
		if (pread(fd, buf, 100, 4096 * i) != 100 || buf[0] != 'A' || buf[99] != 'A')
			wrong++;
	}
	mprotect(buf, BIG, PROT_READ);
	hits = 0;
	for (i = 0; i < 5; i++)
		if (!sigsetjmp(back, 1))
			*(volatile char *)(buf + 4096 * i) = 1;
	say("depth %d: reads afterwards that failed %d, faults handled %d of 5", depth, wrong, hits);
	/* the kernel's answer is still to be had */
	CALL(pread(fd, buf, 10, 0));
	mprotect(buf, BIG, PROT_READ | PROT_WRITE);
	CALL(pread(fd, buf, 10, 0));
	CALL(close(fd));
	munmap(buf, BIG);
	signal(SIGALRM, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
}

static void faults(int line, const char *when)
{
	hits = on_alt = 0;
	if (!sigsetjmp(back, 1))
		*(volatile char *)bad_page() = 1;
	say("%d: %s: handled %d, on the other stack %d", line, when, hits, on_alt);
}
#define FAULT(when) faults(__LINE__, when)

static void stacks(void)
{
	stack_t ss = { .ss_sp = alt, .ss_size = ALT };
	struct sigaction sa = { .sa_flags = 0 };

	CALL(sigaltstack(&ss, NULL));
	sa.sa_handler = counts;
	CALL(sigaction(SIGSEGV, &sa, NULL));
	FAULT("without SA_ONSTACK");
	close(used());
	FAULT("without SA_ONSTACK, after I/O");
	sa.sa_flags = SA_ONSTACK;
	CALL(sigaction(SIGSEGV, &sa, NULL));
	FAULT("with SA_ONSTACK");
	close(used());
	FAULT("with SA_ONSTACK, after I/O");
	sa.sa_flags = SA_NODEFER;
	CALL(sigaction(SIGSEGV, &sa, NULL));
	FAULT("without again");
	ss.ss_flags = SS_DISABLE;
	CALL(sigaltstack(&ss, NULL));
	FAULT("with none");
	signal(SIGSEGV, SIG_DFL);
}

/* Which signals the programs ignore that this one becomes, or starts. */
static void ignores(int line, int sig)
{
	char *sh[] = { (char *)"sh", (char *)"-c", (char *)"sed -n /^SigIgn/p /proc/self/status", NULL };
	char *bad[] = { (char *)"none", NULL }, helper[PATH_MAX];
	const char *bin = getenv("BIN");
	pid_t pid;

	snprintf(helper, sizeof(helper), "%s/child", bin ? bin : "build/tests");
	say("%d: ignoring signal %d", line, sig);
	signal(sig, SIG_IGN);
	kill(getpid(), sig);
	close(used());
	kill(getpid(), sig);
	say("execv");
	pid = split();
	if (!pid) {
		execv("/bin/sh", sh);
		_exit(9);
	}
	WAIT(pid);
	say("vfork, execve");
	pid = vfork();
	if (!pid) {
		execve("/bin/sh", sh, environ);
		_exit(9);
	}
	WAIT(pid);
	say("execl");
	pid = split();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", sh[2], (char *)NULL);
		_exit(9);
	}
	WAIT(pid);
	say("execvp");
	pid = split();
	if (!pid) {
		execvp("sh", sh);
		_exit(9);
	}
	WAIT(pid);
	say("fexecve");
	pid = split();
	if (!pid) {
		fexecve(open("/bin/sh", O_RDONLY), sh, environ);
		_exit(9);
	}
	WAIT(pid);
	say("posix_spawn");
	int e = posix_spawn(&pid, "/bin/sh", NULL, NULL, sh, environ);
	WAIT(e ? -1 : pid);
	say("system");
	CALL(system(sh[2]));
	/* after one that failed, all is as before */
	pid = split();
	if (!pid) {
		CALL(execve("/no/such/program", bad, environ));
		close(used());
		kill(getpid(), sig);
		CALL(pread(open(P("file"), O_RDONLY), bad_page(), 10, 0));
		fflush(stdout);
		execv("/bin/sh", sh);
		_exit(9);
	}
	WAIT(pid);
	/* a program that does I/O itself passes it on */
	say("execv, and again");
	char *again[] = { (char *)"child", (char *)"ignored", P("file"), NULL };
	pid = split();
	if (!pid) {
		execv(helper, again);
		_exit(9);
	}
	WAIT(pid);
	signal(sig, SIG_DFL);
	say("not ignored any more");
	pid = split();
	if (!pid) {
		execv("/bin/sh", sh);
		_exit(9);
	}
	WAIT(pid);
}

static void door(void)
{
	make(P("file"), sizeof(b), 1);
	left(0);
	left(8);
	stacks();
	ignores(__LINE__, SIGSEGV);
	ignores(__LINE__, SIGBUS);
}
