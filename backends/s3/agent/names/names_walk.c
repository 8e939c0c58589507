/* SPDX-License-Identifier: MIT */
/*
 * Somebody goes through a tree: the directory before this one was listed, too.
 * One page of the keys from here on, without a delimiter, has what is in this
 * directory and in those that come next; a listing of each would cost a request.
 */
#include "names_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Behind a name and before the name with a slash, in the order of keys. */
#define BEFORE_SLASH ".\364\217\277\277"

struct walk {
	struct flight flight;           /* first; to the directory that this one is in */
	struct place place;             /* likewise */
	char prefix[S3_NAME_MAX], after[S3_NAME_MAX];
	void (*walked)(void *arg);
	void *arg;
	struct s3_request request;
};

static struct flight *flights;

void names_walk_old(struct s3_bucket *b, const char *name)
{
	flight_old_above(flights, b, name);
}

/* The directory before this one in the listing of theirs was listed itself, a while ago perhaps. */
static int is_walked(struct s3_bucket *b, const char *parent, const char *component)
{
	struct known *k = known_find(b, parent);
	const struct names_entry *e = k && k->listing ? listing_find(k->listing, component) : NULL;
	char before[S3_NAME_MAX];

	if (!e)
		return 0;
	do
		if (e-- == k->listing->list.entry)
			return 0;
	while (e->type != DT_DIR);
	if (snprintf(before, sizeof(before), "%s/%s", parent, e->name) >= (int)sizeof(before))
		return 0;
	k = known_find(b, before);
	return k && k->listing;
}

static void page_done(struct s3_request *r, int err)
{
	struct walk *w = r->arg;
	struct page page = { .flat = 1 };

	if (!err)
		err = page_parse(&page, w->place.key, r->text, r->text_len);
	if (!err && !w->flight.old)
		tree_learn_part(w->flight.bucket, w->flight.name, &w->place, &page);
	page_free(&page);
	flight_land(&w->flight, NULL, NULL, err);
	w->walked(w->arg);
	free(w);
}

static struct walk *walk_new(struct s3_bucket *b, const char *name, const struct place *p)
{
	char parent[S3_NAME_MAX];
	const char *component = names_parent(name, parent);
	struct walk *w = is_walked(b, parent, component) ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return NULL;
	if (place_of(b, parent, &w->place) || names_prefix(b, parent, w->prefix) < 0 ||
	    snprintf(w->after, sizeof(w->after), "%s%s", p->key, BEFORE_SLASH) > NAMES_KEY_MAX ||
	    flight_start(&w->flight, &flights, b, parent)) {
		free(w);
		return NULL;
	}
	return w;
}

int names_walk(struct s3_bucket *b, const char *name, void (*walked)(void *arg), void *arg)
{
	struct place p;
	struct walk *w = !*name || place_of(b, name, &p) || p.kind != PLACE_NAME ? NULL : walk_new(b, name, &p);

	if (!w)
		return 0;
	w->walked = walked;
	w->arg = arg;
	page_request(&w->request, b, w->prefix, NULL, NULL);
	s3_param(&w->request, "start-after", w->after);
	w->request.done = page_done;
	w->request.arg = w;
	s3_start(&w->request);
	return 1;
}
