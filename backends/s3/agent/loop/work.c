/* SPDX-License-Identifier: MIT */
/*
 * Work that waits: threads that come with it and go when there is none for a
 * while. The only locks of the agent are here.
 */
#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define THREADS 16
#define IDLE_SECONDS 10
#define STACK (256 << 10)

struct job {
	void (*work)(void *arg), (*done)(void *arg);
	void *arg;
	struct job *next;
};

struct jobs {
	struct job *first, **last;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct jobs todo = { NULL, &todo.first }, over = { NULL, &over.first };
static unsigned threads, idle, ntodo;
static int bell = -1;

static void add(struct jobs *l, struct job *j)
{
	j->next = NULL;
	*l->last = j;
	l->last = &j->next;
}

static struct job *take(struct jobs *l)
{
	struct job *j = l->first;

	if (j && !(l->first = j->next))
		l->last = &l->first;
	return j;
}

/* The next job, waited for a while; NULL: there is none. */
static struct job *next_job(void)
{
	struct timespec until;
	struct job *j;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += IDLE_SECONDS;
	while (!(j = take(&todo)) && err != ETIMEDOUT) {
		idle++;
		err = pthread_cond_timedwait(&more, &lock, &until);
		idle--;
	}
	ntodo -= j != NULL;
	return j;
}

static void *thread(void *arg)
{
	struct job *j;

	pthread_mutex_lock(&lock);
	while ((j = next_job())) {
		pthread_mutex_unlock(&lock);
		j->work(j->arg);
		pthread_mutex_lock(&lock);
		add(&over, j);
		eventfd_write(bell, 1);
	}
	threads--;
	pthread_mutex_unlock(&lock);
	return arg;
}

/* Signals are for the loop's thread. */
static int begin_thread(void)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t t;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&t, &attr, thread, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

static void ended(void *arg, uint32_t events)
{
	struct job *j;
	eventfd_t n;

	(void)arg;
	(void)events;
	eventfd_read(bell, &n);
	for (;;) {
		pthread_mutex_lock(&lock);
		j = take(&over);
		pthread_mutex_unlock(&lock);
		if (!j)
			return;
		j->done(j->arg);
		free(j);
	}
}

static void here_and_now(void *arg)
{
	struct job *j = arg;

	j->work(j->arg);
	j->done(j->arg);
	free(j);
}

void loop_work(void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	struct job *j = malloc(sizeof(*j));

	if (!j)
		abort();
	*j = (struct job){ work, done, arg, NULL };
	if (bell < 0) {
		bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (bell < 0 || loop_watch(bell, EPOLLIN, ended, NULL))
			abort();
	}
	pthread_mutex_lock(&lock);
	if (ntodo >= idle && threads < THREADS && begin_thread() == 0)
		threads++;
	if (threads) {
		add(&todo, j);
		ntodo++;
		pthread_cond_signal(&more);
		j = NULL;
	}
	pthread_mutex_unlock(&lock);
	if (j)
		loop_soon(here_and_now, j);
}
