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
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "s3/proto.h"

#define ORDERS 12                       /* CACHE_PAGE << 11 is CACHE_MOST */
#define NONE UINT32_MAX
#define PAGES(bytes) ((uint32_t)(((bytes) + CACHE_PAGE - 1) / CACHE_PAGE))

_Static_assert((CACHE_PAGE << (ORDERS - 1)) == CACHE_MOST, "orders");

void (*cache_gone)(struct chunk *c);

/* A page: of a chunk, or the first of a free block, or within one. */
struct page {
	struct chunk *chunk;
	uint32_t prev, next;            /* free blocks of one order */
	signed char order;              /* of the free block that begins here, or -1 */
	unsigned char dirty;            /* was used since it was given back to the system */
};

static struct cache {
	int fd, read_only;
	uint32_t pages;
	uint64_t first;                 /* of page 0 in the file, behind the table */
	size_t mapped;
	struct s3_chunk *table;         /* the mapping's start */
	struct page *page;
	uint32_t free[ORDERS];
	struct chunk lru;               /* next: least recently used; prev: most */
	uint64_t taken, held;
} cache = { .fd = -1, .read_only = -1 };

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
	return cache.read_only;
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

void *cache_bytes(const struct chunk *c)
{
	return (char *)cache.table + c->at;
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
	c->at = cache.first + (uint64_t)at * CACHE_PAGE;
	c->held = 1;
	for (uint32_t i = 0; i < n; i++) {
		cache.page[at + i].chunk = c;
		cache.page[at + i].dirty = 1;
	}
	cache.taken += c->size;
	cache.held += c->size;
	list_insert(c, cache.lru.prev);
	generation_next(at);
	return c;
none:
	free(c);
	return NULL;
}

void cache_shrink(struct chunk *c, size_t len)
{
	uint32_t n = PAGES(len), had = c->size / CACHE_PAGE;

	for (uint32_t i = n; i < had; i++)
		cache.page[c->index + i].chunk = NULL;
	pages_put(c->index + n, had - n);
	c->size = n * CACHE_PAGE;
	cache.taken -= (uint64_t)(had - n) * CACHE_PAGE;
	cache.held -= c->held ? (uint64_t)(had - n) * CACHE_PAGE : 0;
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

/* Gives the dirty pages from `at` on to the system; returns the page behind them. */
static uint32_t punch(uint32_t at, uint32_t end)
{
	uint32_t to = at;

	while (to < end && !cache.page[to].chunk && cache.page[to].dirty)
		cache.page[to++].dirty = 0;
	fallocate(cache.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  (off_t)(cache.first + (uint64_t)at * CACHE_PAGE), (off_t)(to - at) * CACHE_PAGE);
	return to;
}

void cache_trim(uint64_t keep)
{
	for (struct chunk *c = cache.lru.next, *next; c != &cache.lru && cache.taken > keep; c = next) {
		next = c->next;
		if (!c->held)
			evict(c);
	}
	for (uint32_t i = 0; i < cache.pages; i++)
		if (!cache.page[i].chunk && cache.page[i].dirty)
			i = punch(i, cache.pages) - 1;
}

static void forget(void)
{
	while (cache.lru.next && cache.lru.next != &cache.lru)
		evict(cache.lru.next);
	if (cache.table)
		munmap(cache.table, cache.mapped);
	free(cache.page);
	if (cache.fd >= 0)
		close(cache.fd);
	if (cache.read_only >= 0)
		close(cache.read_only);
	cache = (struct cache){ .fd = -1, .read_only = -1 };
}

/* The memory file, and a description of it that cannot write. */
static int make_file(off_t size)
{
	char path[40];

	cache.fd = memfd_create("shim-cache", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (cache.fd < 0 || ftruncate(cache.fd, size) < 0 ||
	    fcntl(cache.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	snprintf(path, sizeof path, "/proc/self/fd/%d", cache.fd);
	cache.read_only = open(path, O_RDONLY | O_CLOEXEC);
	return cache.read_only < 0 ? -errno : 0;
}

int cache_init(uint64_t bytes)
{
	int err;
	void *p;

	forget();
	bytes = (bytes + CACHE_MOST - 1) / CACHE_MOST * CACHE_MOST;
	if (!bytes || bytes / CACHE_PAGE > NONE / 2)
		return -EINVAL;
	cache.pages = PAGES(bytes);
	cache.first = (uint64_t)PAGES(cache.pages * sizeof *cache.table) * CACHE_PAGE;
	cache.mapped = cache.first + bytes;
	cache.page = calloc(cache.pages, sizeof *cache.page);
	err = cache.page ? make_file((off_t)cache.mapped) : -ENOMEM;
	if (!err) {
		p = mmap(NULL, cache.mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, cache.fd, 0);
		err = p == MAP_FAILED ? -errno : 0;
	}
	if (err) {
		forget();
		return err;
	}
	cache.table = p;
	cache.lru.next = cache.lru.prev = &cache.lru;
	memset(cache.free, 0xff, sizeof cache.free);
	for (uint32_t i = 0; i < cache.pages; i++)
		cache.page[i].order = -1;
	for (uint32_t i = 0; i < cache.pages; i += CACHE_MOST / CACHE_PAGE)
		block_link(i, ORDERS - 1);
	return 0;
}
