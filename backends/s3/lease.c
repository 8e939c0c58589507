/* SPDX-License-Identifier: MIT */
/* What the agent told of a file's bytes; see lease.h. */
#include "lease.h"

/* Acquire: what is read after it, the sequence at last, is not older. */
#define GET(field) atomic_load_explicit(&e->field, memory_order_acquire)
#define SET(field, value) atomic_store_explicit(&e->field, value, memory_order_relaxed)

/* 1 if the entry is the caller's to change now. */
static int begin(struct lease *e, uint32_t *sequence)
{
	*sequence = GET(sequence);
	return !(*sequence & 1) && atomic_compare_exchange_strong(&e->sequence, sequence, *sequence + 1);
}

static void end(struct lease *e, uint32_t sequence)
{
	atomic_store_explicit(&e->sequence, sequence + 2, memory_order_release);
}

static int load(struct lease *e, unsigned serial, struct s3_piece *p)
{
	uint32_t sequence = GET(sequence);
	int same = GET(serial) == serial;

	*p = (struct s3_piece){ GET(chunk), GET(generation), GET(at), GET(off), GET(len) };
	return same && !(sequence & 1) && GET(sequence) == sequence;
}

void lease_add(struct leases *all, unsigned serial, const struct s3_piece *p)
{
	struct lease *e = &all->lease[atomic_fetch_add_explicit(&all->next, 1, memory_order_relaxed) % LEASES];
	uint32_t sequence;

	if (!begin(e, &sequence))
		return;
	SET(serial, serial);
	SET(chunk, p->chunk);
	SET(generation, p->generation);
	SET(at, p->at);
	SET(off, p->off);
	SET(len, p->len);
	end(e, sequence);
}

int lease_find(struct leases *all, unsigned serial, int64_t off, struct s3_piece *p)
{
	for (unsigned i = 0; i < LEASES; i++)
		if (load(&all->lease[i], serial, p) && off >= p->off && (uint64_t)(off - p->off) < p->len)
			return 1;
	return 0;
}

void lease_remove(struct leases *all, const struct s3_piece *p)
{
	uint32_t sequence;

	for (unsigned i = 0; i < LEASES; i++) {
		struct lease *e = &all->lease[i];

		if (GET(chunk) != p->chunk || GET(generation) != p->generation || GET(off) != p->off || !begin(e, &sequence))
			continue;
		SET(len, 0);
		end(e, sequence);
	}
}
