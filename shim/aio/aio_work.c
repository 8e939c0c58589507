/* SPDX-License-Identifier: MIT */
/* Threads for asynchronous requests; see aio_work.h. */
#include "aio_work.h"

#include <pthread.h>
#include <time.h>

#define STACK (1 << 20)
#define IDLE_SECONDS 1

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct aio_list todo = TAILQ_HEAD_INITIALIZER(todo);
static int queued, workers, idle;

int aio_thread(void *(*fn)(void *))
{
	pthread_attr_t attr;
	sigset_t all;
	pthread_t t;
	int r;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK);
	r = pthread_attr_setsigmask_np(&attr, &all);
	if (r == 0)
		r = pthread_create(&t, &attr, fn, NULL);
	pthread_attr_destroy(&attr);
	return r;
}

/* The next request, or NULL after a second without; the lock is held. */
static struct aio_req *next(void)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += IDLE_SECONDS;
	while (!queued && r == 0) {
		idle++;
		r = pthread_cond_timedwait(&more, &lock, &until);
		idle--;
	}
	return TAILQ_FIRST(&todo);
}

static void take(struct aio_req *req)
{
	TAILQ_REMOVE(&todo, req, todo);
	queued--;
	req->phase = AIO_RUNS;
}

static void *work(void *unused)
{
	struct aio_req *req;

	(void)unused;
	pthread_mutex_lock(&lock);
	while ((req = next())) {
		take(req);
		pthread_mutex_unlock(&lock);
		req->result = aio_req_perform(req);
		aio_req_over(req);
		pthread_mutex_lock(&lock);
	}
	workers--;
	pthread_mutex_unlock(&lock);
	return NULL;
}

void aio_work_add(struct aio_req *req)
{
	int alone = 0;

	pthread_mutex_lock(&lock);
	TAILQ_INSERT_TAIL(&todo, req, todo);
	queued++;
	if (idle >= queued)
		pthread_cond_signal(&more);
	else if (workers < AIO_WORKERS && aio_thread(work) == 0)
		workers++;
	else
		alone = !workers;
	if (alone)
		take(req);
	pthread_mutex_unlock(&lock);
	if (alone) {
		req->result = aio_req_perform(req);
		aio_req_over(req);
	}
}

int aio_work_remove(struct aio_req *req)
{
	int waits;

	pthread_mutex_lock(&lock);
	waits = req->phase == AIO_WAITS;
	if (waits)
		take(req);
	pthread_mutex_unlock(&lock);
	return waits;
}

void aio_work_fork_child(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	more = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	TAILQ_INIT(&todo);
	queued = workers = idle = 0;
}
