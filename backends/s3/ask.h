/* SPDX-License-Identifier: MIT */
/*
 * One call of the agent, with what goes wrong between: an agent that is gone is
 * started again and asked once more, and one that does not know a file that is
 * open is told of it.
 */
#ifndef BACKENDS_S3_ASK_H
#define BACKENDS_S3_ASK_H

#include "backend.h"
#include "journal.h"
#include "link.h"

/* What every process knows of an open description: ofd->priv. */
struct described {
	struct s3_attr attr;            /* of the version it reads; not of a staged file, but for ino */
	char spool[S3_ID];              /* the staged file; "" */
	unsigned char reads;            /* was opened to read: its end publishes nothing of a writer's */
};
_Static_assert(sizeof(struct described) <= OFD_PRIVATE, "it is in ofd->priv");

static inline struct described *described(const struct ofd *o)
{
	return (struct described *)(uintptr_t)o->priv;
}

struct ask {
	/* given; pointers may be NULL */
	struct mount *m;
	enum s3_ask ask;
	const char *name, *text;
	size_t text_len;                /* 0: text has a NUL */
	unsigned flags;
	mode_t mode;
	int64_t off, len;
	const struct s3_attr *attr;
	const struct ofd *ofd;          /* the description that is asked about, */
	_Atomic uint64_t *handle;       /* and its handle, 0 if there is none yet */
	int once;                       /* not to be repeated when its answer was lost, */
	int seen;                       /* and it may have been seen: -EIO */

	/* the answer, until ask_end */
	struct link *link;
	struct s3_slot *slot;
};

/* The result: >= 0 or -errno. ask_end follows in any case. */
int64_t ask_do(struct ask *a);
void ask_end(struct ask *a);

/* Both, where nothing of the answer is wanted but the result. */
int64_t ask_once(struct ask *a);

/* The agent need not keep the handle. No waiting. */
void ask_drop(_Atomic uint64_t *handle);

#endif
