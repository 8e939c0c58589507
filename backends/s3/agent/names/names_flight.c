/* SPDX-License-Identifier: MIT */
/* Requests that several may wait for: stats and listings, one each of a name. */
#include "names_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

int flight_start(struct flight *f, struct flight **all, struct s3_bucket *b, const char *name)
{
	f->name = strdup(name);
	if (!f->name)
		return -ENOMEM;
	f->bucket = b;
	f->all = all;
	LL_PREPEND(*all, f);
	return 0;
}

struct flight *flight_to(struct flight *all, const struct s3_bucket *b, const char *name)
{
	struct flight *f;

	LL_FOREACH(all, f)
		if (f->bucket == b && !strcmp(f->name, name))
			return f;
	return NULL;
}

static void make_old(struct flight *f)
{
	f->old = 1;
	LL_DELETE(*f->all, f);
}

void flight_old(struct flight *all, const struct s3_bucket *b, const char *name)
{
	struct flight *f = flight_to(all, b, name);

	if (f)
		make_old(f);
}

/* Whether a is a directory that b is in, at whatever depth. */
static int is_above(const char *a, const char *b)
{
	size_t n = strlen(a);

	return !strncmp(a, b, n) && b[n] == '/';
}

void flight_old_above(struct flight *all, const struct s3_bucket *b, const char *name)
{
	struct flight *f, *next;

	LL_FOREACH_SAFE(all, f, next)
		if (f->bucket == b && (is_above(f->name, name) || !strcmp(f->name, name)))
			make_old(f);
}

void flight_old_below(struct flight *all, const struct s3_bucket *b, const char *name)
{
	struct flight *f, *next;

	LL_FOREACH_SAFE(all, f, next)
		if (f->bucket == b && is_above(name, f->name))
			make_old(f);
}

int flight_join(struct flight *f, const struct waiter *w)
{
	struct waiter *own = malloc(sizeof(*own));

	if (!own)
		return -ENOMEM;
	*own = *w;
	LL_APPEND(f->waiters, own);
	return 0;
}

void flight_land(struct flight *f, void (*tell)(const struct waiter *w, const void *what, int err),
		 const void *what, int err)
{
	struct waiter *w, *next;

	if (!f->old)
		LL_DELETE(*f->all, f);
	LL_FOREACH_SAFE(f->waiters, w, next) {
		tell(w, err ? NULL : what, err);
		free(w);
	}
	free(f->name);
}
