/* SPDX-License-Identifier: MIT */
/*
 * The memory of the cache; see cache.h. Pages are the unit; a block is 2^order
 * pages, aligned. A chunk takes a block and gives back the pages behind its
 * end, so a chunk of 5 MiB costs 5. What has to go for a new chunk is all that
 * lies in one aligned region, chosen by the least recently used chunk in it:
 * that frees what was asked for and no more, however mixed the sizes are.
 */
#include "cache.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cache_memory.h"
#include "s3/proto.h"

#define ORDERS 12                       /* CACHE_PAGE << 11 is CACHE_MOST */
#define NONE UINT32_MAX
#define LARGE_FROM (1u << 20)           /* a small object need not wait for the memory of many */
#define PAGES(bytes) ((uint32_t)(((bytes) + CACHE_PAGE - 1) / CACHE_PAGE))

_Static_assert((CACHE_PAGE << (ORDERS - 1)) == CACHE_MOST, "orders");

void (*cache_gone)(struct chunk *c);

/* A page: of a chunk, or the first of a free block, or within one. */
struct page {
	struct chunk *chunk;
	uint32_t prev, next;            /* free blocks of one order */
	signed char order;              /* of the free block that begins here, or -1 */
};

static struct cache {
	uint32_t pages;
	struct s3_chunk *table;         /* the head of the file */
	struct page *page;
	uint32_t free[ORDERS];
	struct chunk lru;               /* next: least recently used; prev: most */
	uint64_t taken, held;
} cache;

static void list_remove(struct chunk *c)
{
	c->prev->next = c->next;
	c->next->prev = c->prev;
}

static void list_insert(struct chunk *c, struct chunk *after)
{
	c->prev = after;
	c->next = after->next;
	c->next->prev = after->next = c;
}

static void block_unlink(uint32_t at)
{
	struct page *p = &cache.page[at];

	if (p->prev == NONE)
		cache.free[p->order] = p->next;
	else
		cache.page[p->prev].next = p->next;
	if (p->next != NONE)
		cache.page[p->next].prev = p->prev;
	p->order = -1;
}

static void block_link(uint32_t at, int order)
{
	struct page *p = &cache.page[at];

	p->order = (signed char)order;
	p->prev = NONE;
	p->next = cache.free[order];
	if (p->next != NONE)
		cache.page[p->next].prev = at;
	cache.free[order] = at;
}

/* Gives a block back, joined with its buddies. */
static void block_put(uint32_t at, int order)
{
	for (; order < ORDERS - 1; order++) {
		uint32_t buddy = at ^ (1u << order);

		if (cache.page[buddy].order != order)
			break;
		block_unlink(buddy);
		at &= ~(1u << order);
	}
	block_link(at, order);
}

/* Gives pages back as the largest blocks they make. */
static void pages_put(uint32_t at, uint32_t n)
{
	while (n) {
		int order = at ? __builtin_ctz(at) : ORDERS - 1;

		if (order > ORDERS - 1)
			order = ORDERS - 1;
		while (1u << order > n)
			order--;
		block_put(at, order);
		at += 1u << order;
		n -= 1u << order;
	}
}

/* A free block of that order, cut from a larger one if need be; NONE. */
static uint32_t block_get(int order)
{
	int o = order;
	uint32_t at;

	while (o < ORDERS && cache.free[o] == NONE)
		o++;
	if (o == ORDERS)
		return NONE;
	at = cache.free[o];
	block_unlink(at);
	while (o-- > order)
		block_link(at + (1u << o), o);
	return at;
}

int cache_fd(void)
{
	return memory_fd();
}

uint64_t cache_chunks(void)
{
	return cache.pages;
}

uint64_t cache_size(void)
{
	return (uint64_t)cache.pages * CACHE_PAGE;
}

uint64_t cache_taken(void)
{
	return cache.taken;
}

uint64_t cache_held(void)
{
	return cache.held;
}

static enum memory_large large(const struct chunk *c)
{
	return c->often ? MEMORY_LARGE : c->size >= LARGE_FROM ? MEMORY_CHEAP : MEMORY_SMALL;
}

void *cache_bytes(const struct chunk *c)
{
	return cache_room(c, 0, c->size);
}

void *cache_room(const struct chunk *c, size_t from, size_t len)
{
	memory_give(c->index + (uint32_t)(from / CACHE_PAGE), c->index + PAGES(from + len), large(c));
	return (char *)memory_page(c->index) + from;
}

void cache_write(const struct chunk *c, size_t from, const void *p, size_t n)
{
	memory_write(c->index, from, p, n, large(c));
}

int cache_prepare(const struct chunk *c)
{
	return memory_prepare(c->index, c->index + PAGES(c->len), large(c));
}

const void *cache_read(const struct chunk *c)
{
	return memory_page(c->index);
}

uint32_t cache_generation(const struct chunk *c)
{
	return atomic_load_explicit(&cache.table[c->index].generation, memory_order_relaxed);
}

/* Told to guests before a byte of the memory changes. */
static void generation_next(uint32_t index)
{
	atomic_fetch_add_explicit(&cache.table[index].generation, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

void cache_free(struct chunk *c)
{
	uint32_t n = c->size / CACHE_PAGE;

	generation_next(c->index);
	for (uint32_t i = 0; i < n; i++)
		cache.page[c->index + i].chunk = NULL;
	pages_put(c->index, n);
	cache.taken -= c->size;
	cache.held -= c->held ? c->size : 0;
	list_remove(c);
	free(c);
}

static void evict(struct chunk *c)
{
	if (c->owner && cache_gone)
		cache_gone(c);
	cache_free(c);
}

/* Whether nothing in these pages is held. */
static int loose(uint32_t at, uint32_t n)
{
	for (uint32_t i = at; i < at + n;) {
		const struct chunk *c = cache.page[i].chunk;

		if (c && c->held)
			return 0;
		i = c ? c->index + c->size / CACHE_PAGE : i + 1;
	}
	return 1;
}

/* Frees a region of that order; 0 if all have something held. */
static int make_room(int order)
{
	uint32_t n = 1u << order;

	for (struct chunk *c = cache.lru.next; c != &cache.lru; c = c->next) {
		uint32_t at = c->index & ~(n - 1);

		if (c->held || !loose(at, n))
			continue;
		for (uint32_t i = at; i < at + n; i++)
			if (cache.page[i].chunk)
				evict(cache.page[i].chunk);
		return 1;
	}
	return 0;
}

static int order_of(uint32_t pages)
{
	return pages <= 1 ? 0 : 32 - __builtin_clz(pages - 1);
}

struct chunk *cache_get(size_t len)
{
	uint32_t n = PAGES(len), at;
	int order = order_of(n);
	struct chunk *c = calloc(1, sizeof *c);

	if (!c || !n || order >= ORDERS)
		goto none;
	at = block_get(order);
	if (at == NONE && make_room(order))
		at = block_get(order);
	if (at == NONE)
		goto none;
	pages_put(at + n, (1u << order) - n);
	c->index = at;
	c->size = n * CACHE_PAGE;
	c->at = memory_at(at);
	c->held = 1;
	for (uint32_t i = 0; i < n; i++)
		cache.page[at + i].chunk = c;
	cache.taken += c->size;
	cache.held += c->size;
	list_insert(c, cache.lru.prev);
	generation_next(at);
	return c;
none:
	free(c);
	return NULL;
}

void cache_hold(struct chunk *c)
{
	if (!c->held++)
		cache.held += c->size;
}

void cache_release(struct chunk *c)
{
	if (!--c->held)
		cache.held -= c->size;
}

void cache_used(struct chunk *c)
{
	list_remove(c);
	list_insert(c, cache.lru.prev);
}

void cache_spent(struct chunk *c)
{
	list_remove(c);
	list_insert(c, &cache.lru);
}

void cache_trim(uint64_t keep)
{
	for (struct chunk *c = cache.lru.next, *next; c != &cache.lru && cache.taken > keep; c = next) {
		next = c->next;
		if (!c->held)
			evict(c);
	}
	for (uint32_t i = 0, end; i < cache.pages; i = end + 1) {
		for (end = i; end < cache.pages && !cache.page[end].chunk;)
			end++;
		memory_take(i, end);
	}
}

static void forget(void)
{
	while (cache.lru.next && cache.lru.next != &cache.lru)
		evict(cache.lru.next);
	memory_drop();
	free(cache.page);
	cache = (struct cache){ 0 };
}

int cache_init(uint64_t bytes)
{
	int err;

	forget();
	bytes = bytes ? (bytes + CACHE_MOST - 1) / CACHE_MOST * CACHE_MOST : CACHE_MOST;
	if (bytes / CACHE_PAGE > NONE / 2)
		return -EINVAL;
	cache.pages = PAGES(bytes);
	cache.page = calloc(cache.pages, sizeof *cache.page);
	err = cache.page ? memory_make(cache.pages * sizeof *cache.table, cache.pages) : -ENOMEM;
	if (err) {
		forget();
		return err;
	}
	cache.table = memory_head();
	cache.lru.next = cache.lru.prev = &cache.lru;
	memset(cache.free, 0xff, sizeof cache.free);
	for (uint32_t i = 0; i < cache.pages; i++)
		cache.page[i].order = -1;
	for (uint32_t i = 0; i < cache.pages; i += CACHE_MOST / CACHE_PAGE)
		block_link(i, ORDERS - 1);
	return 0;
}
