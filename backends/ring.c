/* SPDX-License-Identifier: MIT */
/* A ring per thread, without a descriptor; see ring.h. */
#include "ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/quiet.h"
#include "base/real.h"
#include "stats/stats.h"
#include "base/thread.h"

#define RING_ENTRIES 64

/* In a page of its own that a fork child finds zeroed. */
struct thread_ring {
	int live;
	int taken;
	struct io_uring ring;
};

static __thread struct thread_ring *mine;
static _Atomic int denied;       /* errno of a refusal that will not change */

void ring_unmake(struct io_uring *ring)
{
	/* io_uring_queue_exit would close a descriptor that is long the program's */
	REAL(munmap)(ring->sq.sqes, *ring->sq.kring_entries * sizeof(struct io_uring_sqe));
	REAL(munmap)(ring->sq.ring_ptr, ring->sq.ring_sz);
	if (ring->cq.ring_ptr != ring->sq.ring_ptr)
		REAL(munmap)(ring->cq.ring_ptr, ring->cq.ring_sz);
}

static void drop(void)
{
	struct thread_ring *t = mine;

	mine = NULL;
	if (!t)
		return;
	if (t->live)
		ring_unmake(&t->ring);
	REAL(munmap)(t, sizeof(*t));
}

/* The flags a single-threaded, synchronous user wants, by falling age of kernel. */
static int init_ring(struct io_uring *ring, unsigned entries)
{
	static const unsigned flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_SUBMIT_ALL,                       /* 6.1 */
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,   /* 5.19 */
		0,
	};
	int r = -EINVAL;

	for (size_t i = 0; r == -EINVAL && i < sizeof(flags) / sizeof(*flags); i++)
		r = io_uring_queue_init(entries, ring, flags[i]);
	return r;
}

/* Makes the ring reachable by its thread alone, and frees its descriptor. */
static int hide_ring(struct io_uring *ring)
{
	int r = io_uring_register_ring_fd(ring);

	if (r != 1) {
		io_uring_queue_exit(ring);
		return r < 0 ? r : -ENOSYS;
	}
	io_uring_ring_dontfork(ring);
	REAL(close)(ring->ring_fd);
	ring->ring_fd = -1;
	return 0;
}

int ring_make(struct io_uring *ring, unsigned entries)
{
	struct quiet q;
	int r;

	quiet_begin(&q);
	r = init_ring(ring, entries);
	if (r >= 0)
		r = hide_ring(ring);
	quiet_end(&q);
	return r;
}

static void explain(int error)
{
	if (error == EPERM || error == ENOSYS || error == EINVAL || error == EACCES)
		atomic_store(&denied, error);
	stats_note("io_uring is not used (%s%s): plain calls instead", strerrorname_np(error),
		   error == EPERM ? ", kernel.io_uring_disabled or seccomp" :
		   error == EINVAL ? ", the kernel is older than 5.18" : "");
}

static struct thread_ring *make(void)
{
	struct thread_ring *t = mine;
	int r;

	if (!t) {
		t = REAL(mmap)(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (t == MAP_FAILED)
			return NULL;
		if (madvise(t, sizeof(*t), MADV_WIPEONFORK) < 0 || thread_at_exit(drop) < 0) {
			REAL(munmap)(t, sizeof(*t));
			return NULL;
		}
		mine = t;
	}
	r = ring_make(&t->ring, RING_ENTRIES);
	if (r < 0) {
		explain(-r);
		return NULL;
	}
	t->live = 1;
	return t;
}

struct io_uring *ring_acquire(void)
{
	struct thread_ring *t = mine;

	if (__builtin_expect(!t || !t->live, 0)) {
		if (atomic_load_explicit(&denied, memory_order_relaxed))
			return NULL;
		t = make();
		if (!t)
			return NULL;
	}
	if (t->taken)
		return NULL;
	t->taken = 1;
	atomic_signal_fence(memory_order_seq_cst);
	return &t->ring;
}

void ring_release(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	mine->taken = 0;
}

int ring_wait_one(struct io_uring *ring)
{
	struct io_uring_cqe *cqe = NULL;
	int r = io_uring_submit_and_wait(ring, 1);

	/* an interrupted wait has submitted; one that has not leaves the entry queued */
	while (r == -EINTR && io_uring_sq_ready(ring))
		r = io_uring_submit_and_wait(ring, 1);
	if (r < 0 && r != -EINTR) {
		ring->sq.sqe_tail = ring->sq.sqe_head = *ring->sq.ktail;
		return -EAGAIN;
	}
	do {
		r = io_uring_wait_cqe(ring, &cqe);
	} while (r == -EINTR);
	if (r < 0)
		return -EIO;
	r = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return r;
}
