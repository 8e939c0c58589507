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

/*
 * The pages [from, upto) are about to be written, and again and again if
 * `often`. Best effort: what is not there by then comes with the write.
 */
void memory_give(uint32_t from, uint32_t upto, int often);
/* Gives [from, upto) back, as far as they are there. */
void memory_take(uint32_t from, uint32_t upto);

#endif
