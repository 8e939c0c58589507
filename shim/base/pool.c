/* SPDX-License-Identifier: MIT */
/* The lock-free object pool; see pool.h. */
#include "pool.h"

#include "real.h"

/* Lies before each object; the tag in the head makes a reused link harmless. */
struct link {
	_Atomic uint32_t next;
	uint32_t number;
	uint64_t pad;
};

static size_t stride(const struct pool *p)
{
	return (sizeof(struct link) + p->size + 63) & ~(size_t)63;
}

static struct link *link_of(struct pool *p, uint32_t number)
{
	char *chunk = atomic_load_explicit(&p->chunk[number / p->per_chunk],
					   memory_order_acquire);

	return (struct link *)(chunk + number % p->per_chunk * stride(p));
}

static void push(struct pool *p, struct link *l)
{
	uint64_t head = atomic_load(&p->head), next;

	do {
		atomic_store_explicit(&l->next, (uint32_t)head, memory_order_relaxed);
		next = ((head >> 32) + 1) << 32 | (l->number + 1);
	} while (!atomic_compare_exchange_weak(&p->head, &head, next));
}

static struct link *pop(struct pool *p)
{
	uint64_t head = atomic_load(&p->head), next;
	struct link *l;

	do {
		if (!(uint32_t)head)
			return NULL;
		l = link_of(p, (uint32_t)head - 1);
		next = ((head >> 32) + 1) << 32 |
			atomic_load_explicit(&l->next, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak(&p->head, &head, next));
	return l;
}

/* Maps one more chunk and returns its first object, the rest are free. */
static struct link *grow(struct pool *p)
{
	unsigned c = atomic_fetch_add(&p->chunks, 1);
	char *m;

	if (c >= POOL_CHUNKS) {
		atomic_store(&p->chunks, POOL_CHUNKS);
		return NULL;
	}
	m = REAL(mmap)(NULL, stride(p) * p->per_chunk, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return NULL;
	atomic_store_explicit(&p->chunk[c], m, memory_order_release);
	for (unsigned i = p->per_chunk; i-- > 0;) {
		link_of(p, c * p->per_chunk + i)->number = c * p->per_chunk + i;
		if (i)
			push(p, link_of(p, c * p->per_chunk + i));
	}
	return link_of(p, c * p->per_chunk);
}

void *pool_get(struct pool *p)
{
	struct link *l = pop(p);

	if (!l)
		l = grow(p);
	return l ? l + 1 : NULL;
}

int pool_has(const struct pool *p, const void *obj)
{
	unsigned n = atomic_load_explicit(&p->chunks, memory_order_relaxed);

	for (unsigned c = 0; c < n && c < POOL_CHUNKS; c++) {
		uintptr_t at = (uintptr_t)atomic_load_explicit(&p->chunk[c], memory_order_acquire);

		if ((uintptr_t)obj - at < stride(p) * p->per_chunk)
			return at != 0;
	}
	return 0;
}

void pool_put(struct pool *p, void *obj)
{
	push(p, (struct link *)obj - 1);
}
