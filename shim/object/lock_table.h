/* SPDX-License-Identifier: MIT */
/*
 * Locks on files without a kernel file: one table for every process of the
 * user, in the registry's directory (ofd.h), with the kernel's rules. Whole
 * files locked by flock(2) and byte ranges locked by fcntl(2) know nothing of
 * each other. A lock whose owner is gone is void, and found out when it is in
 * the way.
 *
 * Functions return >= 0 or -errno and may change errno. Any thread, any signal
 * handler: signals wait while the table is held. In a fork child all owners
 * stay who they are; a process killed while it holds the table frees it.
 */
#ifndef SHIM_LOCK_TABLE_H
#define SHIM_LOCK_TABLE_H

#include <signal.h>
#include <stdint.h>

#include "backend.h"

enum lock_kind {
	LOCK_NONE,
	LOCK_FLOCK,              /* flock(2): of a description */
	LOCK_POSIX,              /* F_SETLK: of a process */
	LOCK_OFD,                /* F_OFD_SETLK: of a description */
};

/* Zeroed before it is filled: compared as bytes. */
struct lock_owner {
	uint64_t process, pidns; /* SEG_OWNER of a LOCK_POSIX */
	char id[OFD_ID];         /* struct ofd's, of the others */
};

struct lock {
	uint64_t dev, ino;       /* the file's */
	int64_t start, end;      /* bytes, both included */
	int kind;                /* enum lock_kind */
	int type;                /* F_RDLCK, F_WRLCK, F_UNLCK */
	struct lock_owner owner;
};

/* Whether there is any lock on o's file, or was: 0 is sure of the caller's own. Cheap. */
int lock_any(const struct ofd *o);

/* Fills the owner of a lock of `kind` through o: the calling process, or o itself. */
void lock_owned(struct lock *l, int kind, const struct ofd *o);

/*
 * Somebody who waits for a lock. Between begin and end the calling thread's
 * signals are held back but for moments in lock_wait, so that none is missed.
 */
struct lock_wait {
	int slot;                /* in the table's list of waiters, -1 */
	uint32_t generation;     /* of the table, when it was looked at */
	sigset_t mask;           /* the program's */
};

void lock_wait_begin(struct lock_wait *w);
void lock_wait_end(struct lock_wait *w);

/*
 * Locks, unlocks or converts. If somebody else is in the way -EAGAIN; with w,
 * the caller may then lock_wait and try again. -EDEADLK if he waits for us,
 * through others maybe (LOCK_POSIX only). -ENOLCK if the table is full or
 * cannot be had.
 */
int lock_set(const struct lock *want, struct lock_wait *w);

/*
 * Until something was unlocked, 10 ms at most. -EINTR after a signal handler
 * without SA_RESTART.
 */
int lock_wait(struct lock_wait *w);

/*
 * Whether somebody is in the way of *l: 1, and *l is then his lock with the
 * lowest start. An F_UNLCK asks for the owner's own locks.
 */
int lock_test(struct lock *l);

#endif
