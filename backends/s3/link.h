/* SPDX-License-Identifier: MIT */
/*
 * The connection of this process with its agent (proto.h), and calls over it.
 * Made at the first call, made anew in a fork child and after the agent is
 * gone. A vfork child, whose descriptors are not this process's, gets one of its
 * own for each call.
 *
 *      struct link *l = link_get(&err)      a reference
 *      slot = link_slot(l)                  filled in by the caller
 *      link_ask(l, slot)                    waits
 *      link_free(l, slot)                   once the answer is read
 *      link_put(l)
 *
 * Any thread, any signal handler. A handler that interrupts a call may make
 * another.
 */
#ifndef BACKENDS_S3_LINK_H
#define BACKENDS_S3_LINK_H

#include <sys/uio.h>

#include "conf/conf.h"
#include "proto.h"

#define LINK_LOST (-5002)       /* the agent is gone, or never came to answer */

struct link {
	_Atomic unsigned refs;          /* 0: free */
	_Atomic int dead;               /* no call will be answered */
	unsigned serial;                /* no other of this process has it */
	int temporary;                  /* a vfork child's */
	pid_t pid;
	_Atomic int sock, bell, cache;  /* hidden */
	struct s3_channel *channel;
	const struct s3_chunk *chunks;  /* of the cache */
	uint64_t nchunks;
	char spool[PATH_MAX];
	_Atomic uint32_t mount[CONF_RULES_MAX + 1];  /* the agent's number of each rule; 0: not asked */
};

/* NULL and -errno. */
struct link *link_get(int *err);
void link_put(struct link *l);

/* Whether there is one already. */
int link_has(void);

/* A slot to be filled in; NULL if the agent went. */
struct s3_slot *link_slot(struct link *l);

/* Asks and waits: the result, or LINK_LOST. */
int64_t link_ask(struct link *l, struct s3_slot *slot);
/* After LINK_LOST: whether the agent may have seen the question, and done what it asks. */
int link_saw(struct link *l, struct s3_slot *slot);

/* Asks what has no answer (S3_DROP); the slot is no longer the caller's. */
void link_tell(struct link *l, struct s3_slot *slot);

void link_free(struct link *l, struct s3_slot *slot);

/*
 * Bytes of a piece, from `skip` on, into the vector: how many, 0 if the piece is
 * no longer what it was (what is in the vector then is nobody's), or -EFAULT.
 */
ssize_t link_read(struct link *l, const struct s3_piece *p, uint64_t skip, const struct iovec *iov, int cnt);

/* In a fork child, before anything else. */
void link_fork_child(void);

#endif
