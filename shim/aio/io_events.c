/* SPDX-License-Identifier: MIT */
/* The ring of events; see io_events.h. */
#include "io_events.h"

#include <errno.h>
#include <sched.h>

#include "base/real.h"

int io_events_make(struct io_events *q, unsigned n)
{
	q->bytes = sizeof(*q->ring) + (n + 1) * sizeof(struct io_event);
	q->ring = REAL(mmap)(NULL, q->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q->ring == MAP_FAILED)
		return -ENOMEM;
	q->ring->nr = n + 1;
	q->ring->incompat_features = 1;
	q->ring->header_length = sizeof(*q->ring);
	atomic_store(&q->lock, 0);
	return 0;
}

void io_events_free(struct io_events *q)
{
	REAL(munmap)(q->ring, q->bytes);
}

/* Held for a few instructions: 1, or 0 if this thread has it already. */
static int lock(struct io_events *q)
{
	uintptr_t me = (uintptr_t)&errno, none = 0;   /* each thread has one */

	while (!atomic_compare_exchange_weak(&q->lock, &none, me)) {
		if (none == me)
			return 0;
		if (none)
			sched_yield();
		none = 0;
	}
	return 1;
}

static void unlock(struct io_events *q)
{
	atomic_store_explicit(&q->lock, 0, memory_order_release);
}

static unsigned after(const struct io_ring *r, unsigned i)
{
	return i + 1 < r->nr ? i + 1 : 0;
}

void io_events_put(struct io_events *q, const struct io_event *e)
{
	struct io_ring *r = q->ring;
	int locked = lock(q);
	unsigned tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	r->events[tail] = *e;
	atomic_store(&r->tail, after(r, tail));
	if (locked)
		unlock(q);
}

int io_events_get(struct io_events *q, struct io_event *e)
{
	struct io_ring *r = q->ring;
	unsigned head;
	int any;

	if (atomic_load(&r->head) == atomic_load(&r->tail) || !lock(q))
		return 0;
	head = atomic_load(&r->head);
	any = head != atomic_load(&r->tail);
	if (any) {
		*e = r->events[head];
		atomic_store(&r->head, after(r, head));
	}
	unlock(q);
	return any;
}
