/* SPDX-License-Identifier: MIT */
/*
 * The cache: a memory file of cache= bytes, cut by a buddy allocator into
 * chunks that hold what was fetched of one version of an object. Guests read
 * it themselves and look at generations (s3/proto.h), so a chunk may be used
 * again at any time but while it is being filled or is held.
 *
 *      get (an odd generation, held) -> filled -> release -> used ... used
 *                                              -> free (an even one)
 */
#ifndef S3_AGENT_CACHE_H
#define S3_AGENT_CACHE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CACHE_PAGE 4096u
#define CACHE_MOST (8u << 20)

struct chunk {
	uint32_t index;                 /* in the table guests see: its first page */
	uint32_t size;                  /* of the memory: whole pages */
	uint64_t at;                    /* in the cache's file */
	int64_t off;                    /* in the object */
	uint32_t len;                   /* asked for */
	uint32_t filled;                /* there; grows while it is fetched */
	unsigned held;                  /* not to be reused */
	void *owner;                    /* who is told that it goes; NULL: nobody */
	void *fetch;                    /* what fills it; the owner's */
	uint32_t used;                  /* of filled, what readers were told of; the owner's */
	unsigned char ahead;            /* nobody has asked for it yet; the owner's */
	unsigned char often;            /* its memory is likely to be used for others soon, again and again */
	unsigned priority;              /* index.h's, as these */
	struct chunk *left, *right;
	struct chunk *prev, *next;      /* by last use; cache.c's */
};

/* Makes it; bytes are rounded up to CACHE_MOST, 0 too. Again: everything goes, held or not. 0 or -errno. */
int cache_init(uint64_t bytes);
int cache_fd(void);                     /* read-only, to be sent to guests; ours */
uint64_t cache_chunks(void);            /* entries of the table */
uint64_t cache_size(void);              /* bytes of chunks there may be */
uint64_t cache_taken(void);             /* ... and there are */
uint64_t cache_held(void);              /* ... that are held */

/*
 * A chunk for len bytes (1 to CACHE_MOST), held once, its off, len, owner 0;
 * NULL if all that would have to go is held. Those who go are told by
 * cache_gone.
 */
struct chunk *cache_get(size_t len);
void cache_free(struct chunk *c);       /* its generation changes at once; cache_gone is not called */
void cache_hold(struct chunk *c);
void cache_release(struct chunk *c);
void cache_used(struct chunk *c);       /* most recently */
void cache_spent(struct chunk *c);      /* the next to be reused: nobody is likely to ask again */
void *cache_bytes(const struct chunk *c);   /* where the agent has it mapped, all of it to be written */
void *cache_room(const struct chunk *c, size_t from, size_t len);   /* likewise len bytes from `from` on */
void cache_write(const struct chunk *c, size_t from, const void *p, size_t n);   /* n bytes there */
int cache_prepare(const struct chunk *c);           /* takes some of the memory that it lacks; 0 if it lacks none */
const void *cache_read(const struct chunk *c);      /* likewise, what is there already */
uint32_t cache_generation(const struct chunk *c);

/* Frees what was not used lately until at most `keep` bytes are taken, and gives free memory back to the system. */
void cache_trim(uint64_t keep);

/* Whose chunk is about to be reused; set once by the owner of chunks. It must not free it. */
extern void (*cache_gone)(struct chunk *c);

#endif
