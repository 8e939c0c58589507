/* SPDX-License-Identifier: MIT */
/*
 * The agent's parent where orphans would be the program's (start.h). A child
 * that is no exec's has the exit signal it was made with, none: no SIGCHLD comes
 * of it and wait(2) does not see it, unless asked for such (__WALL, __WCLONE).
 * An exec'd agent would have one. So this one, a copy of the program that gives
 * all its memory back but its own code and stack, is the agent's parent for as
 * long as the program lives; it does not end before, for nobody would wait for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/real.h"
#include "spawn.h"

#define PAGE 4096ul
#define END_WAIT 200            /* times 5 ms for an agent that was killed to be gone */
#define LOOK_EVERY 10           /* seconds, where there are no pidfds */

/* ---- without libc: its memory is given back */

#if defined(__x86_64__)
#define CALL(n, a, b, c, d, e) ({ \
	long r_; \
	register long d_ __asm__("r10") = (long)(d), e_ __asm__("r8") = (long)(e); \
	__asm__ volatile("syscall" : "=a"(r_) : "a"((long)(n)), "D"((long)(a)), "S"((long)(b)), "d"((long)(c)), "r"(d_), "r"(e_) \
			 : "rcx", "r11", "memory"); \
	r_; })
#elif defined(__aarch64__)
#define CALL(n, a, b, c, d, e) ({ \
	register long n_ __asm__("x8") = (long)(n), a_ __asm__("x0") = (long)(a), b_ __asm__("x1") = (long)(b); \
	register long c_ __asm__("x2") = (long)(c), d_ __asm__("x3") = (long)(d), e_ __asm__("x4") = (long)(e); \
	__asm__ volatile("svc 0" : "+r"(a_) : "r"(n_), "r"(b_), "r"(c_), "r"(d_), "r"(e_) : "memory"); \
	a_; })
#endif

#if __has_attribute(no_stack_protector)
#define BARE __attribute__((noinline, noreturn, no_stack_protector, no_sanitize("address", "undefined", "thread")))
#else
#define BARE __attribute__((noinline, noreturn, no_sanitize("address", "undefined", "thread")))
#endif

#ifdef CALL
/*
 * Gives back all but two pages from its own first and two below the end of the
 * stack; where the address space ends is tried. Constants are volatile so that
 * none is in a page that is gone.
 */
BARE static void stay(uintptr_t code, uintptr_t stack, long parent, int fd)
{
	uintptr_t low = code & ~(PAGE - 1), high = (stack & ~(PAGE - 1)) - 2 * PAGE;

	if (low > high) {
		uintptr_t t = low;

		low = high;
		high = t;
	}
	CALL(SYS_munmap, 0, low, 0, 0, 0);
	CALL(SYS_munmap, low + 2 * PAGE, high - low - 2 * PAGE, 0, 0, 0);
	for (int bits = 56; bits > 37; bits--)
		CALL(SYS_munmap, high + 3 * PAGE, (1ul << bits) - PAGE - (high + 3 * PAGE), 0, 0, 0);
	for (;;) {
		volatile struct pollfd p;
		volatile long time[2];
		long r;

		p.fd = fd;
		p.events = POLLIN;
		p.revents = 0;
		time[0] = LOOK_EVERY;
		time[1] = 0;
		r = CALL(SYS_ppoll, &p, 1, fd < 0 ? time : NULL, 0, 0);
		if ((r < 0 && r != -EINTR) || p.revents || CALL(SYS_getppid, 0, 0, 0, 0, 0) != parent)
			CALL(SYS_exit_group, 0, 0, 0, 0, 0);
	}
}
#endif

/* Elsewhere the copy stays whole. */
static void stay_whole(long parent, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (getppid() == parent && (REAL(poll)(&p, 1, fd < 0 ? LOOK_EVERY * 1000 : -1) >= 0 || errno == EINTR))
		;
	REAL(_exit)(0);
}

/* ---- the copy */

/* Nothing of the program's is held; the program's own pidfd, by which its end is noticed, is 0: or -1. */
static int let_go(pid_t parent)
{
	int fd = (int)REAL(syscall)(SYS_pidfd_open, (long)parent, 0l);

	if (fd > 0 && REAL(dup2)(fd, 0) < 0)
		fd = -1;
	fd = fd < 0 ? -1 : 0;
	REAL(closefrom)(fd + 1);
	REAL(chdir)("/");
	return fd;
}

static int keeper(void *arg)
{
	struct spawn *s = arg;
	pid_t parent = s->owner;
	int fd;

	setsid();
	prctl(PR_SET_NAME, "shim-keeper");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	spawn_reset_signals(SIGCHLD);
	if (clone(spawn_agent, s->stack, CLONE_VM | CLONE_VFORK, s) < 0)
		s->error = errno;
	REAL(write)(s->told, &s->error, sizeof(s->error));
	if (s->error)
		REAL(_exit)(0);
	fd = let_go(parent);
#ifdef CALL
	if (sysconf(_SC_PAGESIZE) == (long)PAGE)
		stay((uintptr_t)stay, (uintptr_t)s->keeper_stack, parent, fd);
#endif
	stay_whole(parent, fd);
	return 0;
}

/* ---- in the program, and the child that shares its memory */

static pid_t last;                      /* the one before */

int keeper_wanted(void)
{
	int sub = 0;

	return getpid() == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &sub) == 0 && sub);
}

/* Whether it has no child any more, not even one that is about to end: that would be ours then. */
static int is_idle(pid_t keeper)
{
	char path[64], c;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)keeper, (int)keeper);
	fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = REAL(read)(fd, &c, 1);
	REAL(close)(fd);
	return n == 0;
}

/* If it is ours still, and no other process has its number. One that cannot be ended stays as long as we do. */
void keeper_end(void)
{
	const struct timespec moment = { .tv_nsec = 5000000 };
	siginfo_t info;
	int idle = 0;

	if (last && waitid(P_PID, (id_t)last, &info, WEXITED | WNOHANG | WNOWAIT | __WCLONE) == 0)
		for (int i = 0; i < END_WAIT && !(idle = is_idle(last)); i++)
			nanosleep(&moment, NULL);
	if (idle) {
		kill(last, SIGKILL);
		while (waitpid(last, NULL, __WCLONE) < 0 && errno == EINTR)
			;
	}
	last = 0;
}

void keeper_start(struct spawn *s)
{
	int told[2], err = ECHILD;

	if (REAL(pipe2)(told, O_CLOEXEC) < 0) {
		s->error = errno;
		return;
	}
	s->told = told[1];
	last = clone(keeper, s->keeper_stack, CLONE_PARENT, s);
	REAL(close)(told[1]);
	if (last < 0 || REAL(read)(told[0], &err, sizeof(err)) < 0)
		err = errno;
	s->error = err;
}
