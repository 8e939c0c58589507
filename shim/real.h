/* SPDX-License-Identifier: MIT */
/*
 * libc's own functions, behind the ones we interpose. REAL(read)(fd, b, n)
 * is the next `read` after ours: libc's, or another preloaded library's.
 * real.c holds the only dlsym in the tree. No other file may name an
 * interposed function directly (make lint checks it with nm).
 *
 * The pointers are resolved all at once in the constructor, or at the first
 * use when another library's constructor runs before ours. A name this libc
 * lacks stays NULL. Safe from any thread; after the constructor, also from a
 * signal handler.
 */
#ifndef SHIM_REAL_H
#define SHIM_REAL_H

#include "hidden.h"

struct real {
#define ROW(name) __typeof__(name) *name;
#include "rows.h"
#undef ROW
};

extern struct real real;

/* Resolves every name that is still NULL. Idempotent. */
void real_init(void);

#define REAL_LOAD(name) __atomic_load_n(&real.name, __ATOMIC_RELAXED)
#define REAL(name) \
	(__builtin_expect(REAL_LOAD(name) != 0, 1) ? REAL_LOAD(name) : (real_init(), REAL_LOAD(name)))

#endif
