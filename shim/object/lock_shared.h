/* SPDX-License-Identifier: MIT */
/* What the processes that lock share, and who owns a lock; for lock_table.c. */
#ifndef SHIM_LOCK_SHARED_H
#define SHIM_LOCK_SHARED_H

#include <pthread.h>

#include "lock_table.h"

#define LOCKS 4096
#define WAITERS 256

struct lock_table {
	uint64_t magic;
	pthread_mutex_t lock;            /* robust */
	_Atomic uint32_t generation;     /* a futex: counts what was unlocked */
	uint32_t top;                    /* no lock is at or above it */
	struct lock locks[LOCKS];
	struct lock waiting[WAITERS];    /* what LOCK_POSIX waiters want */
};

/* The table, made if it must be; else NULL if there was none when we first looked. */
struct lock_table *lock_table(int must);

/* Around what reads or changes it, signals held back: 0, or -ENOLCK. */
int lock_enter(struct lock_table *t, sigset_t *saved);
void lock_leave(struct lock_table *t, const sigset_t *saved);

/* What tells o's file from others of its device: its number, or its name's where each version has another. */
uint64_t lock_number(const struct ofd *o);

int lock_same_owner(const struct lock *a, const struct lock *b);

/* Whether the owner is gone for good. */
int lock_dead(const struct lock *l);

#endif
