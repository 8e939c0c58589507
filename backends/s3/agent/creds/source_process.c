/* SPDX-License-Identifier: MIT */
/* credential_process: a program that prints credentials. Split into words as botocore does, never given to a shell. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#define WORDS 64
#define PATIENCE 60000                  /* ms; some open a browser's window */
#define LOOK 10                         /* ms between looks whether it has ended */

extern char **environ;

/* What runs in a thread of the pool; nobody else looks at it meanwhile. */
struct run {
	struct source *s;
	char command[4096];
	char *word[WORDS + 1];
	char out[SOURCE_ANSWER], err[512];
	size_t out_len, err_len;
	int status;                     /* of waitpid */
	int errnum;                     /* it could not be run */
};

/* ---- words, by the rules of Python's shlex.split */

/* One word in place: quotes are taken off. *end is what follows. 0 or -EINVAL. */
static int word(char *in, char **end)
{
	char *out = in, quote = 0;

	for (; *in && (quote || !strchr(" \t\r\n", *in)); in++) {
		if (quote ? *in == quote : *in == '"' || *in == '\'')
			quote = quote ? 0 : *in;
		else if (*in == '\\' && (!quote || (quote == '"' && strchr("\"\\", in[1]))) && !*++in)
			return -EINVAL;
		else
			*out++ = *in;
	}
	*end = *in ? in + 1 : in;
	*out = 0;
	return quote ? -EINVAL : 0;
}

static int split(struct run *r)
{
	char *at = r->command;
	int n = 0;

	for (at += strspn(at, " \t\r\n"); *at; at += strspn(at, " \t\r\n")) {
		if (n == WORDS)
			return -E2BIG;
		r->word[n++] = at;
		if (word(at, &at))
			return -EINVAL;
	}
	return n ? 0 : -EINVAL;
}

/* ---- in a thread */

static int spawn(struct run *r, pid_t *pid, const int out[2], const int err[2])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int e;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out[1], 1);
	posix_spawn_file_actions_adddup2(&files, err[1], 2);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	e = posix_spawnp(pid, r->word[0], &files, &attr, r->word, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return e;
}

/* What comes beyond the room is dropped. 0 at the end. */
static int read_some(int fd, char *to, size_t room, size_t *len)
{
	char drop[512];
	size_t n = room - 1 - *len;
	ssize_t got = n ? read(fd, to + *len, n) : read(fd, drop, sizeof(drop));

	if (got > 0 && n)
		*len += (size_t)got;
	return got > 0 || (got < 0 && errno == EINTR);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until it has closed its standard output; 0 or ETIMEDOUT. */
static int read_both(struct run *r, int out, int err, long end)
{
	struct pollfd p[] = { { .fd = out, .events = POLLIN }, { .fd = err, .events = POLLIN } };

	while (p[0].fd >= 0) {
		long left = end - now_ms();

		if (left <= 0)
			return ETIMEDOUT;
		poll(p, 2, (int)left);
		if (p[1].fd >= 0 && p[1].revents && !read_some(err, r->err, sizeof(r->err), &r->err_len))
			p[1].fd = -1;
		if (p[0].revents && !read_some(out, r->out, sizeof(r->out), &r->out_len))
			p[0].fd = -1;
	}
	return 0;
}

/* It may go on without its standard output: 0 when it has ended, or ETIMEDOUT. */
static int await_end(struct run *r, pid_t pid, long end)
{
	pid_t ended;

	while (!(ended = waitpid(pid, &r->status, WNOHANG)) && now_ms() < end)
		poll(NULL, 0, LOOK);
	return ended ? 0 : ETIMEDOUT;
}

static void close_both(int p[2])
{
	close(p[0]);
	if (p[1] >= 0)
		close(p[1]);
	p[1] = -1;
}

static void run_spawned(struct run *r, int out[2], int err[2])
{
	long end = now_ms() + PATIENCE;
	pid_t pid;

	r->errnum = spawn(r, &pid, out, err);
	close(out[1]);
	close(err[1]);
	out[1] = err[1] = -1;
	if (r->errnum)
		return;
	r->errnum = read_both(r, out[0], err[0], end);
	if (!r->errnum)
		r->errnum = await_end(r, pid, end);
	if (!r->errnum)
		return;
	kill(-pid, SIGKILL);
	while (waitpid(pid, &r->status, 0) < 0 && errno == EINTR)
		;
}

static void run(void *arg)
{
	struct run *r = arg;
	int out[2], err[2];

	if (pipe2(out, O_CLOEXEC)) {
		r->errnum = errno;
		return;
	}
	if (pipe2(err, O_CLOEXEC)) {
		r->errnum = errno;
		close_both(out);
		return;
	}
	run_spawned(r, out, err);
	close_both(out);
	close_both(err);
}

/* ---- in the loop again */

static int take(struct run *r)
{
	struct source *s = r->s;
	json_t *j;
	int err;

	r->err[strcspn(r->err, "\r\n")] = 0;
	if (r->errnum)
		return source_fail(s, "%s: it could not be run: %s", s->got.from, strerror(r->errnum));
	if (r->status)
		return source_fail(s, "%s: it ended with %s %d%s%.160s", s->got.from,
				   WIFSIGNALED(r->status) ? "signal" : "status",
				   WIFSIGNALED(r->status) ? WTERMSIG(r->status) : WEXITSTATUS(r->status),
				   *r->err ? ": " : "", r->err);
	j = source_json(s, s->got.from, r->out, r->out_len);
	if (!j)
		return -EACCES;
	if (json_integer_value(json_object_get(j, "Version")) != 1)
		err = source_fail(s, "%s: its \"Version\" is not 1", s->got.from);
	else
		err = source_take_json(s, j, "SessionToken");
	source_json_free(j);
	return err;
}

static void has_run(void *arg)
{
	struct run *r = arg;

	source_end(r->s, take(r));
}

int source_process(struct source *s)
{
	const char *command = source_setting(s, "credential_process");
	struct run *r = command ? source_state(s, sizeof(*r)) : NULL;
	int err;

	if (!command)
		return 0;
	source_from(s, "credential_process of profile %.64s", s->profile);
	if (!r)
		return source_fail(s, "no memory");
	r->s = s;
	err = snprintf(r->command, sizeof(r->command), "%s", command) < (int)sizeof(r->command) ? split(r) : -E2BIG;
	if (err)
		return source_fail(s, "%s: the command is %s", s->got.from,
				   err == -E2BIG ? "too long" : "empty, or a quote in it is not closed");
	loop_work(run, has_run, r);
	return 1;
}
