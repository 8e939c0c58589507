/* SPDX-License-Identifier: MIT */
/* What guests have open; see guest.h. */
#include "guest.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>
#include <uthash.h>

struct handles {
	struct handle h;                /* first */
	UT_hash_handle hh;
};

/* No number comes twice, and none is known to another agent. */
static uint64_t next_id(void)
{
	static uint64_t id;

	if (!id && getrandom(&id, sizeof(id), 0) != sizeof(id))
		id = (uint64_t)getpid() << 32;
	return ++id ? id : ++id;
}

struct handle *handles_add(struct handles **all)
{
	struct handles *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->h.id = next_id();
	e->h.refs = 1;
	HASH_ADD(hh, *all, h.id, sizeof(e->h.id), e);
	return &e->h;
}

struct handle *handles_find(struct handles *all, uint64_t id)
{
	struct handles *e;

	HASH_FIND(hh, all, &id, sizeof(id), e);
	return e ? &e->h : NULL;
}

void handle_put(struct handle *h)
{
	if (--h->refs)
		return;
	if (h->object)
		object_put(h->object);
	if (h->stage)
		stage_put(h->stage);
	free(h->name);
	free(h);
}

void handles_drop(struct handles **all, struct handle *h)
{
	struct handles *e = (struct handles *)h;

	HASH_DEL(*all, e);
	handle_put(h);
}

void handles_drop_all(struct handles **all)
{
	while (*all)
		handles_drop(all, &(*all)->h);
}
