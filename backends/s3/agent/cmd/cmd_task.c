/* SPDX-License-Identifier: MIT */
/* Tasks, some at a time; see cmd_task.h. */
#include "cmd_task.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd_progress.h"
#include "cmd_target.h"
#include "loop/loop.h"
#include "request/count.h"
#include "write/copy.h"
#include "write/multi.h"

#define AT_ONCE 16
#define WEIGHT (96ll << 20)             /* of those at once: small files are in memory as a whole */
#define HEAVY (16ll << 20)
#define TICK (LOOP_SECOND / 5)
#define LAST_SECONDS 5                  /* for aborts, when a signal came */

struct task_options task_options;

static struct {
	struct task_list *l;
	size_t next;
	struct task *going[AT_ONCE];
	unsigned ngoing;
	int64_t weight;
	int status;
	int signal;                     /* that ends us */
	uint64_t until;
	struct loop_timer timer;
} run;

/* ---- lists */

struct task *task_add(struct task_list *l, struct task_end from, struct task_end to, int64_t size)
{
	struct task *t;

	if (l->n == l->room) {
		l->room = l->room * 2 + 16;
		l->t = realloc(l->t, l->room * sizeof(*l->t));
		if (!l->t)
			abort();
	}
	t = &l->t[l->n++];
	*t = (struct task){ .from = from, .to = to, .size = size };
	l->bytes += size > 0 ? size : 0;
	return t;
}

void task_list_free(struct task_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->t[i].from.name);
		free(l->t[i].to.name);
	}
	free(l->t);
	*l = (struct task_list){ 0 };
}

static void print_end(const struct task_end *e)
{
	int tty = isatty(1);

	if (e->b)
		printf("s3://%s/", e->b->name);
	for (const char *p = e->name; *p; p++)
		putchar(tty && ((unsigned char)*p < ' ' || *p == 127) ? '?' : *p);
}

void task_print(const struct task *t)
{
	progress_clear();
	print_end(&t->from);
	fputs(" -> ", stdout);
	print_end(&t->to);
	putchar('\n');
}

/* ---- why */

static int is_about(const struct task_end *e, const struct s3_request *r)
{
	return e->b == r->bucket && r->key && !strcmp(e->name, r->key);
}

/* A look at what came of a failure, an upload aborted after one. */
static int is_aftermath(const struct task *t, const struct s3_request *r)
{
	return (t->why && !strcmp(r->method, "HEAD")) || (!strcmp(r->method, "DELETE") && r->nquery);
}

static void note_failure(const struct s3_request *r, int err)
{
	(void)err;
	for (unsigned i = 0; i < run.ngoing; i++) {
		struct task *t = run.going[i];

		if ((!is_about(&t->from, r) && !is_about(&t->to, r)) || is_aftermath(t, r))
			continue;
		free(t->why);
		t->why = strdup(r->message);
	}
}

static void tell_failure(const struct task *t, int err, const char *why)
{
	const struct task_end *e = &t->from;

	run.status = CMD_FAILED;
	if (!why)
		why = t->why ? t->why : strerror(-err);
	cmd_warn("%s%s%s%s: %s", e->b ? "s3://" : "", e->b ? e->b->name : "", e->b ? "/" : "",
		 strcmp(e->name, "-") ? e->name : "standard input", why);
}

/* No such object; perhaps it is a directory. */
static void tell_missing(struct task *t)
{
	struct cmd_target dir = { .bucket = t->from.b };
	struct s3_attr attr;

	if (names_of_key(t->from.b, t->from.name, dir.name) > 0 && !target_attr(&dir, &attr) && S_ISDIR(attr.mode))
		tell_failure(t, -EISDIR, "is a directory; -r copies what is in it");
	else
		tell_failure(t, -ENOENT, NULL);
	free(t->why);
	t->why = NULL;
}

/* ---- some at a time */

static void start_more(void *arg);

static int64_t weight_of(const struct task *t)
{
	return t->size < 0 || t->size > HEAVY ? HEAVY : t->size;
}

static void over(struct task *t, int err, const char *why)
{
	unsigned i = 0;

	t->missing = err == -ENOENT && t->from.b && !why;
	if (err && !t->missing)
		tell_failure(t, err, why);
	else if (!err && task_options.verbose)
		task_print(t);
	if (!err && t->size > 0)
		task_so_far(t, t->size);
	while (run.going[i] != t)
		i++;
	run.going[i] = run.going[--run.ngoing];
	run.weight -= weight_of(t);
	if (!t->missing) {
		free(t->why);
		t->why = NULL;
	}
	loop_soon(start_more, NULL);
}

void task_so_far(struct task *t, int64_t bytes)
{
	progress_add(bytes - t->told);
	t->told = bytes;
}

void task_done(struct task *t, int err, const char *why)
{
	t->tick = t->stop = NULL;
	if (!err && task_options.move && strcmp(t->from.name, "-"))
		task_remove_source(t, over);
	else
		over(t, err, why);
}

static void start(struct task *t)
{
	run.going[run.ngoing++] = t;
	run.weight += weight_of(t);
	if (!t->from.b)
		task_send(t);
	else if (!t->to.b)
		task_fetch(t);
	else
		task_between(t);
}

static void start_more(void *arg)
{
	(void)arg;
	while (!run.signal && run.next < run.l->n && run.ngoing < AT_ONCE) {
		struct task *t = &run.l->t[run.next];

		if (run.ngoing && run.weight + weight_of(t) > WEIGHT)
			break;
		run.next++;
		start(t);
	}
	if (!run.ngoing && (run.signal || run.next == run.l->n) && !multi_aborting())
		cmd_ready();
}

/* ---- now and then, and the end by a signal */

/* An upload that is just being begun has to be waited for: nobody would know of it. */
static void abort_upload(void *arg, struct stage *st)
{
	if (*st->j->upload)
		multi_abort(st);
	else
		*(unsigned *)arg += st->multi != NULL;
}

static void end_if_clean(void)
{
	unsigned pending = copy_stop();
	sigset_t one;

	stage_each(abort_upload, &pending);
	if ((pending || multi_aborting()) && loop_now() < run.until)
		return;
	fflush(stdout);
	progress_end();
	signal(run.signal, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, run.signal);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	raise(run.signal);
}

static void ticked(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < run.ngoing; i++)
		if (run.going[i]->tick)
			run.going[i]->tick(run.going[i]);
	progress_show();
	loop_timer_set(&run.timer, loop_now() + (run.signal ? TICK / 10 : TICK));
	if (run.signal)
		end_if_clean();
	else
		start_more(NULL);
}

static void got_signal(void *arg, uint32_t events)
{
	int fd = *(int *)arg;
	struct signalfd_siginfo s;

	(void)events;
	if (read(fd, &s, sizeof(s)) != sizeof(s))
		return;
	if (run.signal)                 /* again: at once */
		run.until = 0;
	else
		run.until = loop_now() + LAST_SECONDS * LOOP_SECOND;
	run.signal = (int)s.ssi_signo;
	for (unsigned i = 0; i < run.ngoing; i++)
		if (run.going[i]->stop)
			run.going[i]->stop(run.going[i]);
	ticked(NULL);
}

static void watch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	static int fd;
	struct sigaction now;
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < 3; i++)
		if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd >= 0)
		loop_watch(fd, EPOLLIN, got_signal, &fd);
}

int task_run(struct task_list *l)
{
	run.l = l;
	count_failed = note_failure;
	watch_signals();
	run.timer = (struct loop_timer){ .fired = ticked };
	progress_begin(task_options.quiet ? NULL : task_options.move ? "moved" : "copied", l->bytes ? l->bytes : -1, 0);
	ticked(NULL);
	cmd_wait();
	loop_timer_clear(&run.timer);
	progress_end();
	for (size_t i = 0; i < l->n; i++)
		if (l->t[i].missing)
			tell_missing(&l->t[i]);
	return run.status;
}
