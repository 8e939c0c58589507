/* SPDX-License-Identifier: MIT */
/*
 * The file behind the cache: a head, and pages that the system gives when they
 * are asked for, in large pieces where it can: a page of 4 KiB costs more to
 * get than to fill. cache.c's.
 */
#ifndef S3_AGENT_CACHE_MEMORY_H
#define S3_AGENT_CACHE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "cache.h"

/* A file of `head` bytes and so many pages, mapped; none is there. 0 or -errno, then memory_drop is called for. */
int memory_make(size_t head, uint32_t pages);
void memory_drop(void);

int memory_fd(void);                    /* a description that cannot write; -1 */
void *memory_head(void);                /* NULL: none was made */
uint64_t memory_at(uint32_t page);      /* in the file */
void *memory_page(uint32_t page);       /* in the mapping */

/* Whether new memory is to be taken in large pieces. */
enum memory_large {
	MEMORY_SMALL,                   /* not for so little */
	MEMORY_CHEAP,                   /* where they cost no more */
	MEMORY_LARGE,                   /* it will be written again and again */
};

/* The pages [from, upto) are about to be written. Best effort: what is not there by then comes with the write. */
void memory_give(uint32_t from, uint32_t upto, enum memory_large large);
/* Likewise a part of what is not there yet; 0 if all is. */
int memory_prepare(uint32_t from, uint32_t upto, enum memory_large large);

/*
 * Puts n bytes `skip` behind the beginning of a page. What is new comes by a write
 * of the file: that neither clears it before nor maps it, and takes half the time.
 */
void memory_write(uint32_t page, size_t skip, const void *p, size_t n, enum memory_large large);
/* Gives [from, upto) back, as far as they are there. */
void memory_take(uint32_t from, uint32_t upto);

#endif
