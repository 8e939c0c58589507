/* SPDX-License-Identifier: MIT */
/*
 * The agent's side of the conversation (s3/proto.h): guests, and their calls.
 *
 *      guest.c    connections, channels, who asks and who sleeps
 *      calls.c    the table of calls, and those that are about names and reading
 *      lists.c    those that list
 *      ahead.c    small files that come next
 *      changes.c  those that write
 *      handles.c  what guests have open
 */
#ifndef S3_AGENT_GUEST_H
#define S3_AGENT_GUEST_H

#include "s3/proto.h"
#include "read/object.h"
#include "request/s3.h"
#include "write/write.h"

struct guest;

/* An open object of one guest: a version to read, or a staged file. */
struct handle {
	uint64_t id;
	unsigned refs;                  /* the guest's, and calls' */
	struct s3_bucket *bucket;
	char *name;                     /* of an object: as it was opened; or NULL */
	struct object *object;          /* counted; or */
	struct stage *stage;            /* counted */
};

/* A call on its way. Ends with call_answer. */
struct call {
	struct guest *guest;
	struct s3_slot *slot;           /* valid until the answer, also if the guest is gone */
	struct s3_bucket *bucket;       /* of slot->mount, where the call needs one */
	struct handle *handle;          /* of slot->handle, where the call needs one; counted */
	struct object_read read;        /* S3_READ and S3_OPEN */
	struct object *base;            /* what it reads of a staged file, which may get another meanwhile; held */
	uint64_t version;               /* of a staged file, when that began */
	int reading;                    /* `read` is on its way, to be cancelled if the guest goes */
	struct call *prev, *next;       /* of the guest */
};

/* result >= 0 or -errno or S3_NO_HANDLE; frees the call. */
void call_answer(struct call *c, int64_t result);

/* write_done, for calls that have nothing to tell but how it went. */
void call_done(void *arg, int err);

/* Answers with n bytes as one piece of the cache, and n as the result. */
void call_answer_bytes(struct call *c, const void *p, size_t n);

/* A handle of the call's guest in the slot, for an object or stage that is counted for it: 0 or -ENOMEM, and then put. */
int call_handle(struct call *c, struct object *o, struct stage *st);

/* The guest is done with the call's handle. */
void call_ends_handle(struct call *c);

/* Begins what the slot asks for. calls.c */
void call_begin(struct call *c);

/* ---- changes.c; the table's */
void ask_attach_stage(struct call *c);
void ask_wrote(struct call *c);
void ask_publish(struct call *c);
void ask_abandon(struct call *c);
void ask_remove(struct call *c);
void ask_rename(struct call *c);
void ask_mkdir(struct call *c);
void ask_symlink(struct call *c);
void ask_setattr(struct call *c);
void ask_setxattr(struct call *c);
void ask_open_stage(struct call *c);

/* ---- lists.c; the table's */
void ask_list(struct call *c);
void ask_readlink(struct call *c);
void ask_getxattr(struct call *c);
void ask_listxattr(struct call *c);

/* ---- ahead.c */
/* The file at a name is opened, by what is known of it: those that seem to come next are fetched, 2 MiB at most. */
void ahead_of(struct s3_bucket *b, const char *name);

/* ---- guest.c */

struct handles;

/* Takes guests from the listening socket, which becomes the loop's. 0 or -errno. */
int guest_init(int listener);

/* Guests there are, and calls of any. */
unsigned guest_count(void), guest_calls(void);

struct handles **guest_handles(struct guest *g);

/* ---- handles.c */

struct handles;                         /* NULL: empty */
/* A new one, with one reference, the guest's; NULL without memory. */
struct handle *handles_add(struct handles **all);
struct handle *handles_find(struct handles *all, uint64_t id);      /* borrowed */
/* The guest is done with it, or with all. */
void handles_drop(struct handles **all, struct handle *h);
void handles_drop_all(struct handles **all);
void handle_put(struct handle *h);

#endif
