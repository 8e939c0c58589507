/* SPDX-License-Identifier: MIT */
/*
 * posix_spawn. libc's child passes no door; where a rule redirects paths, the
 * child is ours: one that shares our memory and runs on a stack of its own
 * while its parent thread waits, as libc's does (glibc, spawni.c).
 */
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "door.h"
#include "base/env.h"
#include "exec.h"
#include "base/quiet.h"
#include "base/real.h"

/* Of a posix_spawn_file_actions_t, as glibc keeps them. */
enum tag { CLOSE, DUP2, OPEN, CHDIR, FCHDIR, CLOSEFROM, TCSETPGRP, TAGS };

struct __spawn_action {
	int tag;
	union {
		int fd;
		char *path;
		struct { int fd, to; } dup;
		struct { int fd; char *path; int flags; mode_t mode; } open;
	};
};

struct spawn {
	const char *file;
	int search;              /* along PATH */
	char *const *argv, *const *envp;
	const posix_spawn_file_actions_t *actions;    /* or NULL */
	short flags;
	pid_t group;
	sigset_t defaults, mask;                      /* the child's */
	int policy;
	struct sched_param param;
	int error;               /* of the child */
};

/* ---- libc's list of actions */

static int is_list(const posix_spawn_file_actions_t *fa, const char *path)
{
	const struct __spawn_action *a = fa->__actions;

	for (int i = 0; i < TAGS; i++)
		if (a[i].tag != i)
			return 0;
	return a[CLOSE].fd == 1 && a[DUP2].dup.fd == 2 && a[DUP2].dup.to == 3 &&
	       a[OPEN].open.fd == 4 && !strcmp(a[OPEN].open.path, path) &&
	       a[OPEN].open.flags == 5 && a[OPEN].open.mode == 6 && !strcmp(a[CHDIR].path, path) &&
	       a[FCHDIR].fd == 7 && a[CLOSEFROM].fd == 8 && a[TCSETPGRP].fd == 9;
}

/* Lets libc make a list with one of each, to see whether we can read it. */
static int try_list(void)
{
	posix_spawn_file_actions_t fa;
	int ok = 0;

	if (posix_spawn_file_actions_init(&fa))
		return 0;
	if (!posix_spawn_file_actions_addclose(&fa, 1) && !posix_spawn_file_actions_adddup2(&fa, 2, 3) &&
	    !posix_spawn_file_actions_addopen(&fa, 4, "/", 5, 6) &&
	    !posix_spawn_file_actions_addchdir_np(&fa, "/") &&
	    !posix_spawn_file_actions_addfchdir_np(&fa, 7) &&
	    !posix_spawn_file_actions_addclosefrom_np(&fa, 8) &&
	    !posix_spawn_file_actions_addtcsetpgrp_np(&fa, 9))
		ok = fa.__used == TAGS && is_list(&fa, "/");
	posix_spawn_file_actions_destroy(&fa);
	return ok;
}

static int can_read_lists(void)
{
	static _Atomic int known;        /* 1 yes, -1 no */

	if (!known)
		known = try_list() ? 1 : -1;
	return known > 0;
}

/* ---- in the child: 0, or -1 and errno */

#define INTERNAL 32              /* from here to SIGRTMIN libc keeps signals for itself */

/* They are ignored, as its own children have them. */
static void ignore_internal(void)
{
	struct { void (*handler)(int); unsigned long flags, restorer, mask; } act = { .handler = SIG_IGN };

	for (int n = INTERNAL; n < SIGRTMIN; n++)
		REAL(syscall)(SYS_rt_sigaction, n, &act, NULL, sizeof(act.mask));
}

/* No handler may run in our memory. */
static void reset_signals(const struct spawn *s)
{
	struct sigaction act;

	ignore_internal();
	for (int n = 1; n < NSIG; n++) {
		int wanted = (s->flags & POSIX_SPAWN_SETSIGDEF) && sigismember(&s->defaults, n) == 1;

		if ((n >= INTERNAL && n < SIGRTMIN) || REAL(sigaction)(n, NULL, &act) < 0 ||
		    (!wanted && (act.sa_handler == SIG_DFL || act.sa_handler == SIG_IGN)))
			continue;
		act.sa_handler = SIG_DFL;
		REAL(sigaction)(n, &act, NULL);
	}
}

/* Of this process alone: libc's own calls are for all threads. */
static int reset_ids(void)
{
	return REAL(syscall)(SYS_setresuid, -1L, (long)getuid(), -1L) < 0 ||
	       REAL(syscall)(SYS_setresgid, -1L, (long)getgid(), -1L) < 0 ? -1 : 0;
}

static int set_attributes(const struct spawn *s)
{
	int r = 0;

	if (s->flags & POSIX_SPAWN_SETSCHEDULER)
		r = sched_setscheduler(0, s->policy, &s->param);
	else if (s->flags & POSIX_SPAWN_SETSCHEDPARAM)
		r = sched_setparam(0, &s->param);
	if (r == 0 && (s->flags & POSIX_SPAWN_SETSID))
		r = setsid();
	if (r >= 0 && (s->flags & POSIX_SPAWN_SETPGROUP))
		r = setpgid(0, s->group);
	if (r >= 0 && (s->flags & POSIX_SPAWN_RESETIDS))
		r = reset_ids();
	return r < 0 ? -1 : 0;
}

/* Closing what is closed is no error, but what never could be open. */
static int close_it(int fd)
{
	struct rlimit rl;

	if (REAL(close)(fd) == 0)
		return 0;
	return fd < 0 || (getrlimit(RLIMIT_NOFILE, &rl) == 0 && (rlim_t)fd >= rl.rlim_cur) ? -1 : 0;
}

static int open_it(int fd, const char *path, int flags, mode_t mode)
{
	int got;

	REAL(close)(fd);
	got = open_at(CALL_open, AT_FDCWD, path, flags, mode);
	if (got < 0 || got == fd)
		return got;
	return REAL(dup2)(got, fd) < 0 ? -1 : REAL(close)(got);
}

/* Onto itself, it is kept open by the exec. */
static int dup_it(int fd, int to)
{
	int flags;

	if (fd != to)
		return REAL(dup2)(fd, to);
	flags = REAL(fcntl)(fd, F_GETFD);
	return flags < 0 ? -1 : REAL(fcntl)(fd, F_SETFD, flags & ~FD_CLOEXEC);
}

static int act(const struct spawn *s, const struct __spawn_action *a)
{
	int own_group = (s->flags & POSIX_SPAWN_SETPGROUP) && s->group;

	switch ((enum tag)a->tag) {
	case CLOSE: return close_it(a->fd);
	case DUP2: return dup_it(a->dup.fd, a->dup.to);
	case OPEN: return open_it(a->open.fd, a->open.path, a->open.flags, a->open.mode);
	case CHDIR: return chdir(a->path);
	case FCHDIR: return fchdir(a->fd);
	case CLOSEFROM: return REAL(closefrom)(a->fd), 0;
	case TCSETPGRP: return tcsetpgrp(a->fd, own_group ? s->group : getpgid(0));
	case TAGS: break;
	}
	errno = EINVAL;
	return -1;
}

static int child(void *arg)
{
	struct spawn *s = arg;
	int r;

	reset_signals(s);
	r = set_attributes(s);
	for (int i = 0; r >= 0 && s->actions && i < s->actions->__used; i++)
		r = act(s, &s->actions->__actions[i]);
	if (r >= 0) {
		REAL(pthread_sigmask)(SIG_SETMASK, &s->mask, NULL);
		if (s->search)
			exec_search(s->file, s->argv, s->envp, 0);
		else
			exec_at(AT_FDCWD, s->file, s->argv, s->envp, 0);
	}
	s->error = errno ? errno : ECHILD;
	REAL(_exit)(127);
	return 0;
}

/* ---- in the parent */

static void read_attributes(struct spawn *s, const posix_spawnattr_t *attr)
{
	sigset_t mask;

	if (!attr)
		return;
	posix_spawnattr_getflags(attr, &s->flags);
	posix_spawnattr_getpgroup(attr, &s->group);
	posix_spawnattr_getsigdefault(attr, &s->defaults);
	posix_spawnattr_getschedpolicy(attr, &s->policy);
	posix_spawnattr_getschedparam(attr, &s->param);
	posix_spawnattr_getsigmask(attr, &mask);
	if (s->flags & POSIX_SPAWN_SETSIGMASK)
		s->mask = mask;
}

#define STACK 262144             /* exec_at's needs, with room; the argument list comes on top */

/* Starts the child and waits until it is another program or gone; its pid, or -errno. */
static pid_t start(struct spawn *s)
{
	long argc = env_count(s->argv);
	size_t size = STACK + (size_t)(argc < 0 ? 0 : argc) * 4 * sizeof(char *);
	char *stack = REAL(mmap)(NULL, size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t pid;

	if (stack == MAP_FAILED)
		return -errno;
	pid = clone(child, stack + size, CLONE_VM | CLONE_VFORK | SIGCHLD, s);
	if (pid < 0)
		pid = -errno;
	REAL(munmap)(stack, size);
	return pid;
}

static int spawn(struct spawn *s, pid_t *pid, const posix_spawnattr_t *attr)
{
	struct quiet q;
	pid_t p;

	quiet_begin(&q);
	s->mask = q.mask;
	read_attributes(s, attr);
	p = start(s);
	if (p > 0 && s->error)
		waitpid(p, NULL, 0);
	quiet_end(&q);
	if (p < 0)
		s->error = -p;
	else if (!s->error && pid)
		*pid = p;
	if (s->error)
		errno = s->error;        /* which the child left there, as libc's does */
	return s->error;
}

#define SPAWN(name, is_search) ({                                             \
	char *const *env_ = ENV_COMPLETE(envp);                               \
	mounts_redirect && (!fa || can_read_lists()) ?                        \
		spawn(&(struct spawn){ .file = file, .search = is_search,     \
				       .argv = argv, .envp = env_, .actions = fa }, \
		      pid, attr) :                                            \
		REAL(name)(pid, file, fa, attr, argv, env_); })

EXPORT int posix_spawn(pid_t *pid, const char *file, const posix_spawn_file_actions_t *fa,
		       const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	return SPAWN(posix_spawn, 0);
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *fa,
			const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	return SPAWN(posix_spawnp, 1);
}
