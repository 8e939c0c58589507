/* SPDX-License-Identifier: MIT */
/*
 * The requests of aio_read(3) and its kin on files of ours. One thread, the
 * queue, made at the first request, owns all that is in flight, but for what goes
 * past it (aio_direct.h): it starts
 * requests in the order they must have, on an engine (aio_engine.h) or on threads
 * (aio_work.h), and tells the program of each that is over. Everybody else
 * puts notes into its inbox, without locks.
 *
 * A request's state is in the program's aiocb, where libc has it too: anyone
 * may look at it by aio_state, in a signal handler also.
 *
 * A fork child has no requests; what it finds in aiocbs stays as it is.
 */
#ifndef SHIM_AIO_QUEUE_H
#define SHIM_AIO_QUEUE_H

#include <sys/queue.h>

#include "aio_notify.h"
#include "aio_ring.h"
#include "backend.h"
#include "base/hidden.h"

#define AIO_MAX 65536            /* requests in flight; more: EAGAIN */

enum aio_note_kind { AIO_NOTE_NEW, AIO_NOTE_OVER, AIO_NOTE_CANCEL, AIO_NOTE_DRAIN };

/* What is put into the inbox. */
struct aio_note {
	struct aio_note *next;
	enum aio_note_kind kind;
};

enum aio_phase { AIO_WAITS, AIO_RUNS };

struct aio_req {
	struct aio_note note;            /* first: a note is the request */
	TAILQ_ENTRY(aio_req) live;       /* the queue's, in the order of calls */
	TAILQ_ENTRY(aio_req) todo;       /* what waits to be started, by whoever is to */
	enum aio_phase phase;
	enum aio_op op;
	int plain;                       /* not for the ring */
	int appends;                     /* writes, where its descriptor has O_APPEND */
	int fd;
	void *buf;
	size_t n;                        /* bytes; or of vectors, in buf, that many */
	off_t off;
	int rwf;                         /* RWF_ flags, of vectors */
	ssize_t result;                  /* or -errno */
	struct file *f;                  /* NULL: libc's calls, in a list with ours */
	struct aiocb *cb;
	struct aio_group *group;         /* NULL: alone */
	struct aio_event event;
	struct io_order *order;          /* io_request.c's; there is no cb then */
	int call;                        /* enum call */
	_Atomic int slot;                /* aio_direct.c's */
	uint32_t after;                  /* of a sync: aio_direct_number, or 0 */
	uint64_t t0;
};

TAILQ_HEAD(aio_list, aio_req);

/* The file behind fd if it is one of ours whose back end does requests; a vfork child's are the kernel's. */
struct file *aio_served(int fd);

/* The O_ flags of fd, which is f's, or -EBADF if another thread closed it. */
int aio_flags(struct file *f, int fd);

/* Whether its requests are done here and now; f may be NULL. */
int aio_is_now(const struct file *f);

/*
 * Whether it is not for the program's own thread, where a write past its limit on
 * files (RLIMIT_FSIZE) would be a signal: of aio_write(3) it is EFBIG alone.
 */
int aio_is_limited(enum aio_op op);

/* One to fill in; NULL if there are too many. */
struct aio_req *aio_req_get(void);

/*
 * A request for cb, filled in from it but for op and call; 0 or an errno
 * (EAGAIN), which is in cb then too. cb is in progress from here on.
 */
int aio_req_new(struct aio_req **req, struct aiocb *cb, struct file *f);

/*
 * A read of a kernel's file from the page cache: its result, or -EAGAIN if all of
 * it is not there. The kernel has begun to fetch it then: by the time the queue
 * asks again part of the way is gone, on another processor.
 */
ssize_t aio_read_cached(const struct file *f, int fd, void *buf, size_t n, off_t off);

/* Performs it now, in this thread, and ends it: for back ends that never wait. */
void aio_req_now(struct aio_req *req);

/* It is over, in the thread that asked for it. */
void aio_req_finish(struct aio_req *req, ssize_t r);

/* Makes the queue unless there is one: 0, or EAGAIN. */
int aio_queue_ready(void);

/* Gives it to the queue, which is ready. Order is that of the calls. */
void aio_req_post(struct aio_req *req);

/* The same for a thread of aio_work.c that has performed it. */
void aio_req_over(struct aio_req *req);

/* Performs the call: its result or -errno. Any thread. */
ssize_t aio_req_perform(const struct aio_req *req);

/* A request of `call` on f, for `size` bytes, is over with r: to the statistics. */
void aio_record(int call, const struct file *f, uint64_t t0, size_t size, ssize_t r);

/*
 * A request of `call` was asked for at t0 (0: nothing happens) and is on its way, and
 * with it `depth` are in flight, `n` of them asked for since then: to the statistics.
 */
void aio_record_submit(int call, unsigned rule, uint64_t t0, int depth, long n);

/* Whether cb was started by us, in this process. */
int aio_ours(const struct aiocb *cb);

/* Whether it is one of aio_direct.h's. */
int aio_is_direct(const struct aiocb *cb);
void aio_mark_direct(struct aiocb *cb, int direct);

/* Makes it not ours: it will be libc's. */
void aio_disown(struct aiocb *cb);

static inline int aio_state(const struct aiocb *cb)
{
	return __atomic_load_n(&cb->__error_code, __ATOMIC_ACQUIRE);
}

/* The state of a request that was never accepted. */
void aio_refuse(struct aiocb *cb, int error);

/* aio_cancel(3): of cb, or of all on fd if that is NULL. */
int aio_queue_cancel(int fd, struct aiocb *cb);

/* Waits until no request is left on the descriptors from first to last. */
void aio_queue_drain(unsigned first, unsigned last);

/* The same, for those who close descriptors: cheap while there are none. */
extern _Atomic int aio_in_flight;

/* Requests of io_submit on descriptors that are not in the table. */
extern _Atomic int aio_foreign;

static inline int aio_any_foreign(void)
{
	return __builtin_expect(atomic_load_explicit(&aio_foreign, memory_order_relaxed) != 0, 0);
}

static inline void aio_drain(unsigned first, unsigned last)
{
	if (__builtin_expect(atomic_load_explicit(&aio_in_flight, memory_order_relaxed) != 0, 0))
		aio_queue_drain(first, last);
}

void aio_fork_child(void);

#endif
