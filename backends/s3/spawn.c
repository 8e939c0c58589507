/* SPDX-License-Identifier: MIT */
/*
 * Starting the agent so that the program does not notice (start.h). A child
 * makes the agent and ends: it shares our memory, as posix_spawn's does, and
 * sends no signal when it ends, so that wait(2) in another thread does not see
 * it and SIGCHLD does not come. All signals are blocked meanwhile. Where the
 * orphan would be the program's, a keeper is its parent (keeper.c).
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/real.h"
#include "spawn.h"
#include "start.h"

#define STACK 65536
#define NSIGNALS 64

/* What it must not inherit: ourselves, and what is not for it. */
static int is_kept(const char *entry)
{
	return strncmp(entry, "LD_PRELOAD=", 11) &&
	       (strncmp(entry, "SHIM_", 5) || (!strncmp(entry, "SHIM_AGENT_", 11) && strncmp(entry, "SHIM_AGENT_CACHE=", 17))) &&
	       strncmp(entry, "SHIM=", 5);
}

static char **environment(char **list, char *cache)
{
	size_t n = 0;

	for (char **e = environ; e && *e; e++)
		if (is_kept(*e))
			list[n++] = *e;
	list[n++] = (char *)(uintptr_t)"SHIM=off";
	list[n++] = cache;
	list[n] = NULL;
	return list;
}

/* ---- in the children: 0, or -1 and errno */

void spawn_reset_signals(int ignored)
{
	struct { void (*handler)(int); unsigned long flags, restorer, mask; } act = { .handler = SIG_DFL };
	uint64_t none = 0;

	for (int n = 1; n <= NSIGNALS; n++) {
		act.handler = n == ignored ? SIG_IGN : SIG_DFL;
		REAL(syscall)(SYS_rt_sigaction, n, &act, NULL, sizeof(act.mask));
	}
	REAL(syscall)(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

/* The listening socket is 0, /dev/null the rest; nothing else is open. */
static int set_descriptors(int listener)
{
	int high = REAL(fcntl)(listener, F_DUPFD, 3), null = REAL(open)("/dev/null", O_RDWR);

	if (high < 0 || null < 0 || REAL(dup2)(high, 0) < 0 || REAL(dup2)(null, 1) < 0 || REAL(dup2)(null, 2) < 0)
		return -1;
	REAL(closefrom)(3);     /* has a way where there is no close_range */
	return 0;
}

/* Of this process alone. */
static int set_ids(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	return REAL(syscall)(SYS_setresgid, (long)gid, (long)gid, (long)gid) < 0 ||
	       REAL(syscall)(SYS_setresuid, (long)uid, (long)uid, (long)uid) < 0 ? -1 : 0;
}

int spawn_agent(void *arg)
{
	struct spawn *s = arg;

	if (setsid() >= 0 && set_descriptors(s->listener) == 0 && REAL(chdir)("/") == 0 && set_ids() == 0) {
		umask(077);
		spawn_reset_signals(0);
		REAL(execve)(s->program, s->argv, s->envp);
	}
	s->error = errno ? errno : ECHILD;
	REAL(_exit)(127);
	return 0;
}

static int between(void *arg)
{
	struct spawn *s = arg;

	if (s->keep)
		keeper_start(s);
	else if (clone(spawn_agent, s->stack, CLONE_VM | CLONE_VFORK, s) < 0)
		s->error = errno;
	REAL(_exit)(0);
	return 0;
}

int start_spawn(const char *program, const char *dir, int listener, long long cache)
{
	char pid[16], bytes[48];
	struct spawn s = { .program = program, .listener = listener, .owner = getpid(), .keep = keeper_wanted() };
	size_t size = 3 * STACK, n = 3;
	char *room;
	pid_t p;

	for (char **e = environ; e && *e; e++)
		n++;
	room = REAL(mmap)(NULL, size + n * sizeof(char *), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (room == MAP_FAILED)
		return -errno;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	snprintf(bytes, sizeof(bytes), "SHIM_AGENT_CACHE=%lld", cache);
	memcpy(s.argv, (char *[]){ (char *)(uintptr_t)program, (char *)(uintptr_t)"serve",
				   (char *)(uintptr_t)dir, pid, NULL }, sizeof(s.argv));
	s.envp = environment((char **)(room + size), bytes);
	s.stack = room + STACK;
	s.keeper_stack = room + 2 * STACK;
	keeper_end();
	p = clone(between, room + size, CLONE_VM | CLONE_VFORK, &s);
	if (p < 0)
		s.error = errno;
	else
		while (waitpid(p, NULL, __WALL) < 0 && errno == EINTR)
			;
	REAL(munmap)(room, size + n * sizeof(char *));
	return -s.error;
}
