/* SPDX-License-Identifier: MIT */
/*
 * libc's own functions, behind the ones we interpose. REAL(read)(fd, b, n)
 * is the next `read` after ours: libc's, or another preloaded library's.
 * real.c holds the only dlsym in the tree. No other file may name an
 * interposed function directly (make lint checks it with nm).
 *
 * The pointers are resolved all at once in the constructor, or each at its
 * first use by code that runs before it. A name this libc lacks stays NULL. Safe from any thread; after the constructor, also from a
 * signal handler.
 */
#ifndef SHIM_REAL_H
#define SHIM_REAL_H

#include <stddef.h>

#include "hidden.h"

struct real {
#define ROW(name) __typeof__(name) *name;
#define BARE_ROW(name)
#include "rows.h"
#undef ROW
#undef BARE_ROW
};

extern struct real real;

/* Resolves every name that is still NULL. Idempotent; before main. */
void real_init(void);

/*
 * Resolves the one at `offset`, for those who come before main. Only that:
 * they may hold the lock that malloc needs, and a name that is missing costs
 * the dynamic linker an allocation.
 */
void real_find(size_t offset);

/* Another thing libc exports, by name; NULL if it does not. Before main. */
void *real_symbol(const char *name);

/*
 * fstatat(2) and fstat(2) of what is our own business. Another preloaded library
 * may hold a lock in its stat while it calls us (libfaketime), or stat in ways
 * of its own (libfakeroot), so these pass it by.
 */
int own_stat(int dirfd, const char *path, struct stat *st, int flags);
int own_fstat(int fd, struct stat *st);

/*
 * openat(2) of a file of our own that is made if it is missing (O_CREAT is
 * understood) and is then for its owner to read and write, whatever the umask
 * of the program. The descriptor, or -1 with errno.
 */
int own_create(int dirfd, const char *name, int flags);

/*
 * What follows a directory of ours, "BASEuid" of whichever user, in a path, from
 * its slash on; NULL if the path is not below one.
 */
const char *own_below(const char *path, const char *base);

#define REAL_LOAD(name) __atomic_load_n(&real.name, __ATOMIC_RELAXED)
#define REAL(name) \
	(__builtin_expect(REAL_LOAD(name) != 0, 1) ? REAL_LOAD(name) : (real_find(offsetof(struct real, name)), REAL_LOAD(name)))

#endif
