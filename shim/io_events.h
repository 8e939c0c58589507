/* SPDX-License-Identifier: MIT */
/*
 * Events of io_getevents(2) that wait to be fetched: a ring without locks, the
 * oldest first. Any thread, any signal handler.
 */
#ifndef SHIM_IO_EVENTS_H
#define SHIM_IO_EVENTS_H

#include <linux/aio_abi.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct io_cell {
	_Atomic uint64_t turn;   /* whose it is: the put's or the get's of that number */
	struct io_event event;
};

struct io_events {
	struct io_cell *cells;
	size_t bytes;
	uint64_t mask;
	_Atomic uint64_t in;
	char apart[64];          /* put and get are on different processors */
	_Atomic uint64_t out;
};

/* Room for n events at least: 0 or -ENOMEM. */
int io_events_make(struct io_events *q, size_t n);

void io_events_free(struct io_events *q);

/* The caller has counted: there is room. */
void io_events_put(struct io_events *q, const struct io_event *e);

/* The oldest: 1, or 0 if there is none. */
int io_events_get(struct io_events *q, struct io_event *e);

/* How many there are, or were a moment ago. */
static inline uint64_t io_events_count(const struct io_events *q)
{
	uint64_t out = atomic_load(&q->out), in = atomic_load(&q->in);

	return in > out ? in - out : 0;
}

#endif
