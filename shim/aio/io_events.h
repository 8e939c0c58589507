/* SPDX-License-Identifier: MIT */
/*
 * Events of io_getevents(2) that wait to be fetched, the oldest first, in the shape
 * the kernel has them in: a program may fetch them itself, by moving `head`, as
 * QEMU does once an eventfd told it. Any thread.
 */
#ifndef SHIM_IO_EVENTS_H
#define SHIM_IO_EVENTS_H

#include <linux/aio_abi.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * struct aio_ring in the kernel's fs/aio.c, but for its magic number, 0xa10a10a1: not
 * all events come here (io_context.h), and whoever asks for the number calls then.
 */
struct io_ring {
	unsigned id, nr;
	_Atomic unsigned head, tail;
	unsigned magic, compat_features, incompat_features, header_length;
	struct io_event events[];
};

struct io_events {
	struct io_ring *ring;
	size_t bytes;
	_Atomic uintptr_t lock;  /* the thread that has it */
};

/* Room for n events: 0 or -ENOMEM. */
int io_events_make(struct io_events *q, unsigned n);

void io_events_free(struct io_events *q);

/* The caller has counted: there is room. */
void io_events_put(struct io_events *q, const struct io_event *e);

/* The oldest: 1, or 0 if there is none, or in a signal handler that interrupted one of these functions. */
int io_events_get(struct io_events *q, struct io_event *e);

/* How many there are, or were a moment ago. */
static inline unsigned io_events_count(const struct io_events *q)
{
	unsigned head = atomic_load(&q->ring->head), tail = atomic_load(&q->ring->tail);

	return tail >= head ? tail - head : tail + q->ring->nr - head;
}

#endif
