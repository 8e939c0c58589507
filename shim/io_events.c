/* SPDX-License-Identifier: MIT */
/* The ring of events; see io_events.h. Each cell knows the number of its next use. */
#include "io_events.h"

#include <errno.h>

#include "real.h"

int io_events_make(struct io_events *q, size_t n)
{
	size_t cells = 1;

	while (cells < n)
		cells *= 2;
	q->bytes = cells * sizeof(*q->cells);
	q->cells = REAL(mmap)(NULL, q->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q->cells == MAP_FAILED)
		return -ENOMEM;
	q->mask = cells - 1;
	atomic_store(&q->in, 0);
	atomic_store(&q->out, 0);
	return 0;
}

void io_events_free(struct io_events *q)
{
	REAL(munmap)(q->cells, q->bytes);
}

/*
 * Memory comes zeroed: `turn` counts from there, twice for each round of the
 * ring, even for a put and odd for a get.
 */
static uint64_t round_of(const struct io_events *q, uint64_t at)
{
	return at / (q->mask + 1) * 2;
}

void io_events_put(struct io_events *q, const struct io_event *e)
{
	uint64_t at = atomic_fetch_add(&q->in, 1);
	struct io_cell *c = &q->cells[at & q->mask];

	/* whoever fetched the event before is about to say so */
	while (atomic_load_explicit(&c->turn, memory_order_acquire) != round_of(q, at))
		;
	c->event = *e;
	atomic_store_explicit(&c->turn, round_of(q, at) + 1, memory_order_release);
}

int io_events_get(struct io_events *q, struct io_event *e)
{
	uint64_t at = atomic_load(&q->out);
	struct io_cell *c;

	do {
		c = &q->cells[at & q->mask];
		if (atomic_load_explicit(&c->turn, memory_order_acquire) != round_of(q, at) + 1) {
			uint64_t now = atomic_load(&q->out);

			if (now == at)
				return 0;
			at = now;
			continue;
		}
		if (atomic_compare_exchange_weak(&q->out, &at, at + 1))
			break;
	} while (1);
	*e = c->event;
	atomic_store_explicit(&c->turn, round_of(q, at) + 2, memory_order_release);
	return 1;
}
