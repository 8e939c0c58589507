/* SPDX-License-Identifier: MIT */
/* The thread that owns all asynchronous requests; see aio_queue.h. */
#include "aio_queue.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "aio_direct.h"
#include "aio_engine.h"
#include "aio_req.h"
#include "aio_work.h"
#include "files/fdtab.h"
#include "io_context.h"
#include "io_kernel.h"
#include "base/quiet.h"
#include "base/real.h"
#include "stats/stats.h"

/* A question to the queue, on the stack of who waits for the answer. */
struct ask {
	struct aio_note note;    /* first */
	struct ask *next;        /* of those who wait for the end of requests */
	unsigned first, last;
	struct aiocb *cb;
	int answer;
	_Atomic uint32_t answered;
};

_Atomic int aio_in_flight, aio_foreign;

static struct aio_note *_Atomic inbox;   /* the last one first */
static _Atomic uint32_t bell;
static _Atomic int asleep;               /* the queue is to be woken by the bell */

static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int started;

/* The queue's own from here. */
static struct aio_list live = TAILQ_HEAD_INITIALIZER(live);
static struct aio_list waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct ask *draining;
static int ended;                         /* requests have, since the last aio_wake */

/* Any thread, any signal handler. */
static void post(struct aio_note *note)
{
	struct aio_note *top = atomic_load(&inbox);

	do {
		note->next = top;
	} while (!atomic_compare_exchange_weak(&inbox, &top, note));
	if (atomic_load(&asleep) && atomic_exchange(&asleep, 0)) {
		atomic_fetch_add(&bell, 1);
		aio_engine_wake(&bell);
	}
}

static void end(struct aio_req *req, ssize_t r)
{
	TAILQ_REMOVE(&live, req, live);
	ended = 1;
	aio_req_end(req, r);
}

static int is_sync(const struct aio_req *req)
{
	return req->op == AIO_OP_FSYNC || req->op == AIO_OP_FDATASYNC;
}

/* One after the other, as libc does it. */
static int is_ordered(const struct aio_req *req)
{
	return (!req->f && !req->order) || (req->f && (req->f->mount->flags & BE_AIO_ORDER));
}

/* Whether `early`, on the same file, must be over before req may start. */
static int goes_first(const struct aio_req *early, const struct aio_req *req)
{
	if (early->fd != req->fd && (!req->f || early->f != req->f))
		return 0;
	return is_sync(req) || is_ordered(req) || (req->appends && early->appends);
}

static int must_wait(const struct aio_req *req)
{
	if (!is_sync(req) && !is_ordered(req) && !req->appends)
		return 0;
	for (struct aio_req *r = TAILQ_FIRST(&live); r && r != req; r = TAILQ_NEXT(r, live))
		if (goes_first(r, req))
			return 1;
	return 0;
}

static void start(struct aio_req *req)
{
	TAILQ_REMOVE(&waiting, req, todo);
	if (!aio_engine_fits(req)) {
		aio_work_add(req);
		return;
	}
	req->phase = AIO_RUNS;
	aio_engine_put(req);
}

static void start_all(void)
{
	struct aio_req *req = TAILQ_FIRST(&waiting), *next;

	for (; req; req = next) {
		next = TAILQ_NEXT(req, todo);
		if (aio_engine_fits(req) && !aio_engine_room())
			break;
		if (!must_wait(req))
			start(req);
	}
}

/* The engine is done with a request; what it cannot do, a plain call does. */
static void engine_ended(void *tag, ssize_t r)
{
	struct aio_req *req = tag;

	if (r != AIO_RING_AGAIN) {
		end(req, r);
		return;
	}
	req->phase = AIO_WAITS;
	aio_work_add(req);
}

/* Takes back a request that has not been started. */
static int take_back(struct aio_req *req, int in_waiting)
{
	if (!in_waiting)
		return aio_work_remove(req);
	TAILQ_REMOVE(&waiting, req, todo);
	return 1;
}

static int is_waiting(const struct aio_req *req)
{
	const struct aio_req *r;

	TAILQ_FOREACH(r, &waiting, todo)
		if (r == req)
			return 1;
	return 0;
}

static int cancel(const struct ask *ask)
{
	struct aio_req *req = TAILQ_FIRST(&live), *next;
	int answer = AIO_ALLDONE;

	for (; req; req = next) {
		next = TAILQ_NEXT(req, live);
		if (ask->cb ? req->cb != ask->cb : req->order || req->fd != (int)ask->first)
			continue;
		if (take_back(req, is_waiting(req))) {
			end(req, -ECANCELED);
			if (answer == AIO_ALLDONE)
				answer = AIO_CANCELED;
		} else {
			answer = AIO_NOTCANCELED;
		}
	}
	return answer;
}

static void reply(struct ask *ask, int answer)
{
	ask->answer = answer;
	atomic_store(&ask->answered, 1);
	aio_futex_wake(&ask->answered);
}

static int is_drained(const struct ask *ask)
{
	const struct aio_req *req;

	TAILQ_FOREACH(req, &live, live)
		if ((req->f || req->order) && (unsigned)req->fd >= ask->first && (unsigned)req->fd <= ask->last)
			return 0;
	return 1;
}

static void reply_drained(void)
{
	for (struct ask **at = &draining; *at; ) {
		struct ask *ask = *at;

		if (!is_drained(ask)) {
			at = &ask->next;
			continue;
		}
		*at = ask->next;
		reply(ask, 0);
	}
}

static void read_note(struct aio_note *note)
{
	struct aio_req *req = (struct aio_req *)note;
	struct ask *ask = (struct ask *)note;

	switch (note->kind) {
	case AIO_NOTE_NEW:
		TAILQ_INSERT_TAIL(&live, req, live);
		TAILQ_INSERT_TAIL(&waiting, req, todo);
		break;
	case AIO_NOTE_OVER:
		end(req, req->result);
		break;
	case AIO_NOTE_CANCEL:
		reply(ask, cancel(ask));
		break;
	case AIO_NOTE_DRAIN:
		ask->next = draining;
		draining = ask;
		break;
	}
}

/* All notes, the oldest first. */
static void read_notes(void)
{
	struct aio_note *last = atomic_exchange(&inbox, NULL), *first = NULL, *next;

	for (; last; last = next) {
		next = last->next;
		last->next = first;
		first = last;
	}
	for (; first; first = next) {
		next = first->next;
		read_note(first);
	}
}

/* Until a note comes or the engine has ended something. */
static void rest(uint32_t seen)
{
	atomic_store(&asleep, 1);
	if (atomic_load(&inbox)) {
		atomic_store(&asleep, 0);
		aio_engine_submit(engine_ended);
		return;
	}
	aio_engine_wait(&bell, seen, engine_ended);
	atomic_store(&asleep, 0);
}

static void *queue(void *unused)
{
	(void)unused;
	aio_engine_open();
	for (;;) {
		uint32_t seen = atomic_load(&bell);

		read_notes();
		start_all();
		if (ended)
			aio_wake();
		ended = 0;
		reply_drained();
		rest(seen);
	}
	return NULL;
}

/* Makes the thread: 0 or an errno. */
static int make_queue(void)
{
	struct quiet q;
	int r = 0;

	quiet_begin(&q);
	pthread_mutex_lock(&start_lock);
	if (!atomic_load(&started)) {
		r = aio_thread(queue);
		if (r == 0)
			atomic_store(&started, 1);
	}
	pthread_mutex_unlock(&start_lock);
	quiet_end(&q);
	return r;
}

int aio_queue_ready(void)
{
	return atomic_load(&started) || make_queue() == 0 ? 0 : EAGAIN;
}

void aio_req_post(struct aio_req *req)
{
	if (req->f && (req->op == AIO_OP_WRITE || req->op == AIO_OP_WRITEV)) {
		int flags = aio_flags(req->f, req->fd);

		req->appends = flags >= 0 && (flags & O_APPEND);
	}
	req->note.kind = AIO_NOTE_NEW;
	post(&req->note);
}

void aio_req_over(struct aio_req *req)
{
	req->note.kind = AIO_NOTE_OVER;
	post(&req->note);
}

/* Asks the queue and waits for its answer. */
static int ask_queue(struct ask *ask)
{
	if (!atomic_load(&started))
		return AIO_ALLDONE;
	post(&ask->note);
	while (!atomic_load(&ask->answered))
		aio_futex_wait(&ask->answered, 0, -1);
	return ask->answer;
}

int aio_queue_cancel(int fd, struct aiocb *cb)
{
	struct ask ask = { .note.kind = AIO_NOTE_CANCEL, .first = (unsigned)fd, .cb = cb };
	int running, answer;

	aio_direct_fetch();
	running = cb ? aio_is_direct(cb) && aio_state(cb) == EINPROGRESS : aio_direct_busy(ask.first, ask.first);
	answer = ask_queue(&ask);
	return running ? AIO_NOTCANCELED : answer;
}

void aio_queue_drain(unsigned first, unsigned last)
{
	struct ask ask = { .note.kind = AIO_NOTE_DRAIN, .first = first, .last = last };

	aio_direct_drain(first, last);   /* first: what is left of it goes to the queue */
	ask_queue(&ask);
}

void aio_fork_child(void)
{
	start_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	aio_engine_fork_child();
	atomic_store(&inbox, NULL);
	atomic_store(&started, 0);
	atomic_store(&asleep, 0);
	atomic_store(&aio_in_flight, 0);
	atomic_store(&aio_foreign, 0);
	TAILQ_INIT(&live);
	TAILQ_INIT(&waiting);
	draining = NULL;
	ended = 0;
	io_kernel_fork_child();
	aio_direct_fork_child();
	aio_req_fork_child();
	aio_notify_fork_child();
	aio_work_fork_child();
	io_context_fork_child();
}
