/* SPDX-License-Identifier: MIT */
/*
 * Who opens the files of a directory one after the other opens the next ones,
 * too: in the order of their names, as shells, find and grep do, or of their
 * inode numbers, as cp and tar do.
 */
#include "loop/loop.h"
#include "names_private.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP 4                          /* entries that may be passed over: directories, others */
#define NAMES_RUN 2                     /* so many in turn by name */
#define INOS_RUN 5                      /* by number: that happens by chance more easily */
#define AHEAD 32                        /* most that are told, twice the run at first */

static int by_ino(const void *a, const void *b)
{
	uint64_t x = ((const struct numbered *)a)->ino, y = ((const struct numbered *)b)->ino;

	return x < y ? -1 : x > y;
}

static void number(struct listing *l)
{
	free(l->numbered);
	l->numbered = calloc(l->list.n, sizeof(*l->numbered));
	l->numbers = l->numbered ? l->list.n : 0;
	for (unsigned i = 0; i < l->numbers; i++)
		l->numbered[i] = (struct numbered){ l->list.entry[i].ino, i };
	if (l->numbers)
		qsort(l->numbered, l->numbers, sizeof(*l->numbered), by_ino);
}

/* A place in one of the orders was opened: how many in turn were. */
static void step(struct turn *t, unsigned at)
{
	t->run = at > t->last && at - t->last <= STEP ? t->run + 1 : 0;
	if (!t->run)
		t->told = at + 1;
	t->last = at;
}

struct telling {
	struct s3_bucket *bucket;
	const char *dir;
	size_t most;
	void (*next)(struct s3_bucket *b, const char *name, const struct s3_attr *attr);
};

static void tell(const struct telling *w, const struct names_entry *e)
{
	char name[S3_NAME_MAX];
	struct s3_attr attr;
	struct place p;

	if (e->type != DT_REG || e->old || !e->size || (size_t)e->size > w->most ||
	    snprintf(name, sizeof(name), "%s/%s", w->dir, e->name) >= (int)sizeof(name) || place_of(w->bucket, name, &p))
		return;
	attr_file(w->bucket, p.key, e->size, e->mtime, e->etag, &attr);
	w->next(w->bucket, name, &attr);
}

static void tell_next(const struct telling *w, const struct listing *l, struct turn *t, const struct numbered *order)
{
	unsigned end, first = t->last + 1;

	end = first + (t->run * 2 < AHEAD ? t->run * 2 : AHEAD);
	if (t->told < first)
		t->told = first;
	for (; t->told < end && t->told < l->list.n; t->told++)
		tell(w, &l->list.entry[order ? order[t->told].entry : t->told]);
}

int names_in_turn(struct s3_bucket *b, const char *name)
{
	char dir[S3_NAME_MAX];
	struct known *k = names_parent(name, dir) ? known_find(b, dir) : NULL;

	return k && k->listing && (k->listing->by_name.run >= NAMES_RUN || k->listing->by_ino.run >= INOS_RUN);
}

/* A listing of the same directory goes on where the old one was. */
void turn_over(const struct listing *from, struct listing *to)
{
	if (from->list.n != to->list.n)
		return;
	to->by_name = from->by_name;
	to->by_ino = from->by_ino;
	to->opens = from->opens;
	to->by_name.told = to->by_ino.told = 0;
}

void names_opened(struct s3_bucket *b, const char *name, size_t most,
		  void (*next)(struct s3_bucket *b, const char *name, const struct s3_attr *attr))
{
	char dir[S3_NAME_MAX];
	struct telling w = { b, dir, most, next };
	const struct names_entry *e;
	struct numbered *n, key;
	struct listing *l;
	const char *component = names_parent(name, dir);
	struct known *k = component ? known_find(b, dir) : NULL;
	int fresh;

	l = k ? k->listing : NULL;
	e = l ? listing_find(l, component) : NULL;
	if (!e)
		return;
	fresh = l->until > loop_now();
	step(&l->by_name, (unsigned)(e - l->list.entry));
	if (l->by_name.run >= NAMES_RUN) {
		if (fresh)
			tell_next(&w, l, &l->by_name, NULL);
		return;
	}
	if (l->opens++ < INOS_RUN)
		return;
	if (l->numbers != l->list.n)
		number(l);
	key.ino = e->ino;
	n = l->numbers ? bsearch(&key, l->numbered, l->numbers, sizeof(key), by_ino) : NULL;
	if (n)
		step(&l->by_ino, (unsigned)(n - l->numbered));
	if (n && fresh && l->by_ino.run >= INOS_RUN)
		tell_next(&w, l, &l->by_ino, l->numbered);
}
