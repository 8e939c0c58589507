/* SPDX-License-Identifier: MIT */
/*
 * The doors behind which libc starts a shell, or a daemon. Its own calls to
 * do so pass no door: they are left to it while the environment has what puts
 * the shell under the shim, and done here when it was cleared.
 */
#include "process.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>

#include "door.h"
#include "base/env.h"
#include "exec.h"

/* Whether a shell that libc starts would be lost, or another than /bin/sh means. */
static int is_lost(void)
{
	struct env_plan plan;

	return env_plan(&plan, environ) || (mounts_redirect && exec_elsewhere("/bin/sh"));
}

static int start_shell(pid_t *pid, const char *command, const posix_spawn_file_actions_t *fa,
		       const posix_spawnattr_t *attr)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)command, NULL };

	return posix_spawn(pid, "/bin/sh", fa, attr, argv, environ);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

/* ---- system, as glibc's (sysdeps/posix/system.c) */

/* While any thread is in system(), the process ignores the terminal's signals. */
static struct {
	pthread_mutex_t lock;
	int users;
	struct sigaction intr, quit;
} quiet = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void quiet_on(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	pthread_mutex_lock(&quiet.lock);
	if (!quiet.users++) {
		sigaction(SIGINT, &ignore, &quiet.intr);
		sigaction(SIGQUIT, &ignore, &quiet.quit);
	}
	pthread_mutex_unlock(&quiet.lock);
}

static void quiet_off(void)
{
	pthread_mutex_lock(&quiet.lock);
	if (!--quiet.users) {
		sigaction(SIGINT, &quiet.intr, NULL);
		sigaction(SIGQUIT, &quiet.quit, NULL);
	}
	pthread_mutex_unlock(&quiet.lock);
}

struct system {
	pid_t pid;
	sigset_t mask;           /* the caller's */
};

/* The calling thread is cancelled as it waits. */
static void cancelled(void *arg)
{
	struct system *s = arg;

	kill(s->pid, SIGKILL);
	wait_for(s->pid);
	quiet_off();
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

static int start_system(struct system *s, const char *command)
{
	posix_spawnattr_t attr;
	sigset_t defaults;
	int r;

	sigemptyset(&defaults);
	if (quiet.intr.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGINT);
	if (quiet.quit.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGQUIT);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &s->mask);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	r = start_shell(&s->pid, command, NULL, &attr);
	posix_spawnattr_destroy(&attr);
	return r;
}

static int run_system(const char *command)
{
	struct system s;
	sigset_t child;
	int status = 127 << 8, r;      /* of a shell that cannot be run */

	quiet_on();
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &s.mask);
	r = start_system(&s, command);
	if (r == 0) {
		pthread_cleanup_push(cancelled, &s);
		status = wait_for(s.pid);
		pthread_cleanup_pop(0);
	}
	quiet_off();
	sigprocmask(SIG_SETMASK, &s.mask, NULL);
	if (r)
		errno = r;
	return status;
}

EXPORT int system(const char *command)
{
	if (!is_lost())
		return REAL(system)(command);
	return command ? run_system(command) : run_system("exit 0") == 0;
}

/* ---- popen, as glibc's (libio/iopopen.c) */

/* Our own open ones. */
static struct piped {
	FILE *stream;
	pid_t pid;
	struct piped *next;
} *all;

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;

/* Mode as pipe ends: 1 to read from the command, 0 to write, -1 for nonsense. */
static int direction(const char *mode, int *cloexec)
{
	int reads = 0, writes = 0;

	for (*cloexec = 0; *mode; mode++)
		switch (*mode) {
		case 'r': reads = 1; break;
		case 'w': writes = 1; break;
		case 'e': *cloexec = 1; break;
		default: return -1;
		}
	return reads == writes ? -1 : reads;
}

/* The command gets its end of the pipe, and none of the streams there are already. */
static int start_piped(struct piped *p, const char *command, int end, int to)
{
	posix_spawn_file_actions_t fa;
	int r = posix_spawn_file_actions_init(&fa);

	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&fa, end, to);
	for (struct piped *o = all; o && r == 0; o = o->next)
		if (fileno(o->stream) != to)
			r = posix_spawn_file_actions_addclose(&fa, fileno(o->stream));
	if (r == 0)
		r = start_shell(&p->pid, command, &fa, NULL);
	posix_spawn_file_actions_destroy(&fa);
	return r;
}

static FILE *open_piped(struct piped *p, const char *command, int reads, int ends[2])
{
	int r;

	p->stream = fdopen(ends[!reads], reads ? "r" : "w");
	if (!p->stream)
		return NULL;
	pthread_mutex_lock(&all_lock);
	r = start_piped(p, command, ends[reads], reads);
	if (r == 0)
		p->next = all, all = p;
	pthread_mutex_unlock(&all_lock);
	if (r == 0)
		return p->stream;
	REAL(fclose)(p->stream);
	ends[!reads] = -1;
	errno = r;
	return NULL;
}

static FILE *piped(const char *command, const char *mode)
{
	int ends[2], cloexec, reads = direction(mode, &cloexec);
	struct piped *p;
	FILE *s;

	if (reads < 0) {
		errno = EINVAL;
		return NULL;
	}
	p = malloc(sizeof(*p));
	if (!p || pipe2(ends, O_CLOEXEC) < 0) {
		free(p);
		return NULL;
	}
	s = open_piped(p, command, reads, ends);
	REAL(close)(ends[reads]);
	if (s && !cloexec)
		REAL(fcntl)(ends[!reads], F_SETFD, 0);
	if (!s) {
		int saved = errno;

		if (ends[!reads] >= 0)
			REAL(close)(ends[!reads]);
		free(p);
		errno = saved;
	}
	return s;
}

static struct piped *take(FILE *s)
{
	struct piped *p = NULL;

	if (!__atomic_load_n(&all, __ATOMIC_RELAXED))
		return NULL;
	pthread_mutex_lock(&all_lock);
	for (struct piped **at = &all; *at; at = &(*at)->next)
		if ((*at)->stream == s) {
			p = *at;
			*at = p->next;
			break;
		}
	pthread_mutex_unlock(&all_lock);
	return p;
}

int process_close(FILE *s, int *status)
{
	struct piped *p = take(s);

	if (!p)
		return 0;
	REAL(fclose)(s);
	*status = wait_for(p->pid);
	free(p);
	return 1;
}

/* With one of ours open, libc's would hand it down to the command. */
EXPORT FILE *popen(const char *command, const char *mode)
{
	FILE *s = all || is_lost() ? piped(command, mode) : REAL(popen)(command, mode);

	if (s)
		door_fresh(fileno(s));
	return s;
}

TWIN_OF(_IO_popen, popen)

EXPORT int pclose(FILE *s)
{
	int status;

	door_fresh(fileno(s));
	return process_close(s, &status) ? status : REAL(pclose)(s);
}

/* ---- daemon */

/* libc opens /dev/null in place of the standard streams. */
EXPORT int daemon(int keep_cwd, int keep_streams)
{
	int r = REAL(daemon)(keep_cwd, keep_streams);

	for (int fd = 0; fd < 3 && r == 0 && !keep_streams; fd++)
		door_fresh(fd);
	return r;
}
