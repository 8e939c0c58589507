/* SPDX-License-Identifier: MIT */
/*
 * Objects of one size from anonymous mappings, by a lock-free free list: for
 * what a door needs inside malloc, a signal handler or a thread with a tiny
 * stack. Memory is never unmapped, so an object that another thread has just
 * freed may still be read (its content is then anybody's). Any thread, any
 * signal handler.
 */
#ifndef SHIM_POOL_H
#define SHIM_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_CHUNKS 4096

struct pool {
	size_t size;            /* of an object, in bytes */
	unsigned per_chunk;     /* objects in one mapping */
	_Atomic uint64_t head;  /* free list: tag << 32 | number + 1 */
	_Atomic unsigned chunks;
	char *_Atomic chunk[POOL_CHUNKS];
};

#define POOL_INIT(type, n) { .size = sizeof(type), .per_chunk = (n) }

/* An object with undefined content, aligned to 16; NULL without memory. */
void *pool_get(struct pool *p);

/* Whether p is, or once was, an object of the pool; any pointer may be asked about. */
int pool_has(const struct pool *p, const void *obj);

/* Gives it back. */
void pool_put(struct pool *p, void *obj);

#endif
