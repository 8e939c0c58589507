/* SPDX-License-Identifier: MIT */
/*
 * The cache: a memory file of cache= bytes in chunks of 4 KiB to 8 MiB, each a
 * power of two, that hold what was fetched of one version of an object. Guests
 * read it themselves and look at generations (../proto.h), so a chunk may be
 * used again at any time but while it is being filled or is held.
 */
#ifndef S3_AGENT_CACHE_H
#define S3_AGENT_CACHE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CACHE_LEAST 4096
#define CACHE_MOST (8u << 20)

struct chunk {
	uint32_t index;                 /* in the table guests see */
	uint32_t size;                  /* of the memory */
	uint64_t at;                    /* in the cache's file */
	int64_t off;                    /* in the object */
	uint32_t len;                   /* asked for */
	uint32_t filled;                /* there; grows while it is fetched */
	unsigned held;                  /* not to be reused */
	void *owner;                    /* who is told that it goes: object.h; NULL: nobody */
	struct chunk *prev, *next;      /* by last use; cache.c's */
};

int cache_init(uint64_t bytes);         /* 0 or -errno */
int cache_fd(void);                     /* read-only, to be sent to guests */
uint64_t cache_chunks(void);            /* entries of the table */

/* A chunk for len bytes, held once; NULL if all that would have to go is held. Others' owners are told by gone(). */
struct chunk *cache_get(size_t len);
void cache_free(struct chunk *c);       /* its generation changes at once */
void cache_hold(struct chunk *c);
void cache_release(struct chunk *c);
void cache_used(struct chunk *c);       /* most recently */
void *cache_bytes(const struct chunk *c);   /* where the agent has it mapped */
uint32_t cache_generation(const struct chunk *c);
/* Whose chunk is about to be reused; set once by the owner of chunks. */
extern void (*cache_gone)(struct chunk *c);

#endif
