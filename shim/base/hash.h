/* SPDX-License-Identifier: MIT */
/* FNV-1a of 64 bits (http://www.isthe.com/chongo/tech/comp/fnv): short texts, no adversary. */
#ifndef SHIM_HASH_H
#define SHIM_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START 0xcbf29ce484222325u

/* The hash of what h is the hash of (HASH_START: nothing) and n bytes more. */
static inline uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
	const unsigned char *b = p;

	while (n--)
		h = (h ^ *b++) * 0x100000001b3u;
	return h;
}

#endif
