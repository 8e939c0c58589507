/* SPDX-License-Identifier: MIT */
/*
 * The program's own signals, before and after I/O: its SIGBUS and SIGSEGV
 * handlers, what sigaction reports, masks, defaults. Fails if a handler of
 * its own is lost, told another address, or a child lives that should die.
 */
#include "door.h"

static char b[20000];
static sigjmp_buf back;
static void *volatile seen;
static volatile int code, count, signo;

static void caught(int sig, siginfo_t *info, void *context)
{
	(void)context;
	signo = sig;
	seen = info->si_addr;
	code = info->si_code;
	count++;
	siglongjmp(back, 1);
}

static void counted(int sig)
{
	signo = sig;
	count++;
}

static void io(void)
{
	int fd = open(P("file"), O_RDWR);

	if (pread(fd, b, 9000, 100) != 9000 || pwrite(fd, b, 100, 9000) != 100)
		say("I/O failed: %s", name_of(errno));
	CONTENT(fd);
	close(fd);
}

static void what(int line, int sig)
{
	struct sigaction sa;

	memset(&sa, 0x55, sizeof(sa));
	if (sigaction(sig, NULL, &sa))
		say("%d: %s", line, name_of(errno));
	else
		say("%d: signal %d: handler %s, flags %x, masked %d", line, sig,
		    sa.sa_handler == SIG_DFL ? "default" : sa.sa_handler == SIG_IGN ? "ignore" :
		    sa.sa_sigaction == caught ? "caught" : sa.sa_handler == counted ? "counted" : "another",
		    (unsigned)sa.sa_flags & ~0x04000000u, sigismember(&sa.sa_mask, SIGUSR2));
}
#define WHAT(sig) what(__LINE__, sig)

static void masks(int line)
{
	sigset_t set;
	char s[200] = "", *end = s;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	for (int i = 1; i < 65; i++)
		if (sigismember(&set, i))
			end += sprintf(end, " %d", i);
	say("%d: blocked:%s", line, s);
}
#define MASKS() masks(__LINE__)

/* Touches addr; says whether the handler was told so. */
static void touch(int line, volatile char *addr)
{
	seen = NULL;
	if (!sigsetjmp(back, 1)) {
		(void)*addr;
		say("%d: no fault", line);
	} else
		say("%d: signal %d, code %d, right address %d", line, signo, code, seen == (void *)addr);
}
#define TOUCH(addr) touch(__LINE__, addr)

static void faults(void)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO };
	int fd = open(P("mapped"), O_RDWR | O_CREAT, 0644);
	char *m;

	sa.sa_sigaction = caught;
	sigaddset(&sa.sa_mask, SIGUSR2);
	CALL(sigaction(SIGSEGV, &sa, NULL));
	CALL(sigaction(SIGBUS, &sa, NULL));
	WHAT(SIGSEGV);
	WHAT(SIGBUS);
	TOUCH(bad_page() + 17);
	ftruncate(fd, 8192);
	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	m[5000] = 1;
	ftruncate(fd, 4096);
	TOUCH(m + 5000);
	io();
	TOUCH(bad_page() + 18);
	TOUCH(m + 5001);
	/* a fault in the kernel's hands is no signal */
	CALL(pread(fd, bad_page(), 10, 0));
	CALL(pread(fd, m + 4096, 10, 0));
	CALL(pwrite(fd, m + 4096, 10, 0));
	int other = open(P("file"), O_RDWR);
	CALL(pwrite(other, m + 4000, 200, 0));
	CALL(pread(other, m + 4000, 200, 0));
	close(other);
	WHAT(SIGSEGV);
	WHAT(SIGBUS);
	MASKS();
	munmap(m, 8192);
	close(fd);
}

static void sent(void)
{
	struct sigaction sa = { 0 }, old;

	sa.sa_handler = counted;
	sa.sa_flags = SA_RESTART;
	CALL(sigaction(SIGBUS, &sa, &old));
	say("old is caught %d", old.sa_sigaction == caught);
	count = 0;
	raise(SIGBUS);
	kill(getpid(), SIGBUS);
	say("count %d, signal %d", count, signo);
	WHAT(SIGBUS);
	sa.sa_flags = (int)SA_RESETHAND;
	CALL(sigaction(SIGBUS, &sa, NULL));
	raise(SIGBUS);
	WHAT(SIGBUS);
	say("signal() says default %d", signal(SIGBUS, SIG_IGN) == SIG_DFL);
	raise(SIGBUS);
	WHAT(SIGBUS);
	io();
	raise(SIGBUS);
	say("signal() says ignore %d", signal(SIGBUS, counted) == SIG_IGN);
	raise(SIGBUS);
	WHAT(SIGBUS);
	say("count %d", count);
	say("sigset says counted %d", sigset(SIGBUS, SIG_HOLD) == counted);
	MASKS();
	say("sigset says hold %d", sigset(SIGBUS, SIG_DFL) == SIG_HOLD);
	MASKS();
	WHAT(SIGBUS);
	CALL(sigignore(SIGBUS));
	WHAT(SIGBUS);
	say("sysv_signal says ignore %d", sysv_signal(SIGBUS, counted) == SIG_IGN);
	WHAT(SIGBUS);
	signal(SIGBUS, SIG_DFL);
	CALL(siginterrupt(SIGBUS, 1));
	WHAT(SIGBUS);
	CALL(sigaction(0, NULL, &old));
	CALL(sigaction(SIGKILL, &sa, NULL));
	CALL(sigaction(65, &sa, NULL));
	CALL(sigaction(SIGBUS, OPAQUE((struct sigaction *)NULL), NULL));
}

static void blocked(void)
{
	sigset_t set, pending;
	siginfo_t info;

	sigfillset(&set);
	CALL(sigprocmask(SIG_BLOCK, &set, NULL));
	MASKS();
	io();
	MASKS();
	raise(SIGBUS);
	raise(SIGSEGV);
	sigpending(&pending);
	say("pending %d %d", sigismember(&pending, SIGBUS), sigismember(&pending, SIGSEGV));
	io();
	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	CALL(sigtimedwait(&set, &info, &(struct timespec){ 5, 0 }));
	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	CALL(sigtimedwait(&set, &info, &(struct timespec){ 5, 0 }));
	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	CALL(pthread_sigmask(SIG_SETMASK, &set, NULL));
	MASKS();
	io();
	MASKS();
	CALL(sigprocmask(99, &set, NULL));
	CALL(sigblock(1 << (SIGUSR1 - 1)) != 0);
	MASKS();
	CALL(sigsetmask(0) != 0);
	MASKS();
	CALL(sighold(SIGBUS));
	MASKS();
	io();
	CALL(sigrelse(SIGBUS));
	MASKS();
}

static void own_stack(void)
{
	stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 }, old;
	struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sa.sa_sigaction = caught;
	CALL(sigaltstack(&ss, &old));
	say("was %s", old.ss_flags & SS_DISABLE ? "disabled" : "set");
	CALL(sigaction(SIGSEGV, &sa, NULL));
	TOUCH(bad_page() + 99);
	io();
	TOUCH(bad_page() + 98);
	ss.ss_flags = SS_DISABLE;
	CALL(sigaltstack(&ss, NULL));
	free(ss.ss_sp);
}

static void deaths(void)
{
	static const int sigs[] = { SIGSEGV, SIGBUS };

	for (int i = 0; i < 2; i++) {
		struct rlimit none = { 0, 0 };
		pid_t pid;

		pid = split();
		if (!pid) {
			setrlimit(RLIMIT_CORE, &none);
			signal(sigs[i], SIG_DFL);
			int fd = open(P("file"), O_RDWR);
			pread(fd, b, 100, 0);
			raise(sigs[i]);
			_exit(0);
		}
		WAIT(pid);
		pid = split();
		if (!pid) {
			setrlimit(RLIMIT_CORE, &none);
			signal(SIGSEGV, SIG_DFL);
			signal(SIGBUS, SIG_DFL);
			int fd = open(P("mapped2"), O_RDWR | O_CREAT, 0644);
			ftruncate(fd, 4096);
			char *m = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
			pread(fd, b, 100, 0);
			ftruncate(fd, 0);
			b[0] = *(volatile char *)(i ? m + 10 : bad_page());
			_exit(0);
		}
		WAIT(pid);
		/* ignored, a real fault still kills */
		pid = split();
		if (!pid) {
			setrlimit(RLIMIT_CORE, &none);
			int fd = open(P("mapped2"), O_RDWR | O_CREAT, 0644);
			ftruncate(fd, 4096);
			char *m = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
			pread(fd, b, 100, 0);
			signal(SIGSEGV, SIG_IGN);
			signal(SIGBUS, SIG_IGN);
			ftruncate(fd, 0);
			b[0] = *(volatile char *)(i ? m + 10 : bad_page());
			_exit(0);
		}
		WAIT(pid);
	}
}

/* What a program started from here finds. */
static void inherited(void)
{
	pid_t pid;

	signal(SIGBUS, SIG_IGN);
	signal(SIGSEGV, counted);
	io();
	pid = split();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status", (char *)NULL);
		_exit(9);
	}
	WAIT(pid);
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
}

/* I/O from inside a handler. */
static void in_handler(int sig)
{
	int e = errno, fd = open(P("file"), O_RDWR);

	if (pread(fd, b, 100, 0) != 100 || pwrite(fd, b, 100, 300) != 100)
		count = -1000000;
	close(fd);
	count++;
	(void)sig;
	errno = e;
}

static void interrupted(void)
{
	struct sigaction sa = { .sa_flags = SA_RESTART };
	int each = has_nodes() ? 500 : 5000;      /* an open and a close there take longer */
	struct itimerval it = { { 0, each }, { 0, each } };
	static char mine[9000];
	int fd = open(P("file2"), O_RDWR | O_CREAT, 0644), bad = 0;

	pattern(mine, sizeof(mine), 8);
	pwrite(fd, mine, sizeof(mine), 0);
	sa.sa_handler = in_handler;
	count = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	for (int i = 0; count < 50 && count >= 0 && i < 50000000; i++) {
		errno = UNTOUCHED;
		if (pwrite(fd, mine, sizeof(mine), 0) != sizeof(mine) || pread(fd, mine, sizeof(mine), 0) != sizeof(mine))
			bad++;
	}
	it = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &it, NULL);
	say("handlers worked %d, interrupted calls failed %d, intact %d", count >= 50, bad,
	    is_pattern(fd, 0, sizeof(mine), 8));
	close(fd);
}

static void door(void)
{
	make(P("file"), 20000, 1);
	WHAT(SIGSEGV);
	WHAT(SIGBUS);
	io();
	WHAT(SIGSEGV);
	WHAT(SIGBUS);
	MASKS();
	faults();
	sent();
	blocked();
	own_stack();
	deaths();
	inherited();
	interrupted();
}
