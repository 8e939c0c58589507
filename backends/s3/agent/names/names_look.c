/* SPDX-License-Identifier: MIT */
/* A name is asked for: what is kept of it answers, or what is on its way, or a new request. */
#include "loop/loop.h"
#include "names_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AHEAD 32                        /* HEADs for entries of a listing after the one that is asked for */

int names_look(struct s3_bucket *b, const char *name, struct place *p, struct halves *h, struct s3_attr *attr)
{
	int err = place_of(b, name, p);

	if (err)
		return err;
	halves_of(b, name, p, h);
	return halves_settle(p, h, attr);
}

/*
 * With meta=object a listing does not tell enough: who asks for one of its
 * entries is likely to ask for the next ones.
 */
static void ahead(struct s3_bucket *b, const char *name)
{
	char next[S3_NAME_MAX];
	const char *component = names_parent(name, next);
	size_t dir = strlen(next);
	struct listing *l = known_listed(b, next);
	const struct names_entry *e = l ? listing_find(l, component) : NULL;

	for (unsigned i = 0; e && i < AHEAD && ++e < l->list.entry + l->list.n; i++) {
		struct s3_attr attr;
		struct halves h;
		struct place p;

		if (snprintf(next + dir, sizeof(next) - dir, "/%s", e->name) < (int)(sizeof(next) - dir) &&
		    !names_look(b, next, &p, &h, &attr) && !stat_flight(b, next))
			stat_launch(&(struct stat_of){ b, next, &p, &h, 0 }, NULL);
	}
}

static void ask_for(struct s3_bucket *b, const char *name, int as_dir, names_got *got, void *arg)
{
	struct waiter w = { .got.attr = got, .arg = arg };
	struct s3_attr attr;
	struct halves h;
	struct place p;
	struct flight *f;
	int err = names_look(b, name, &p, &h, &attr);

	if (err) {
		got(arg, err > 0 ? &attr : NULL, err > 0 ? 0 : err);
		return;
	}
	f = stat_flight(b, name);
	err = f ? flight_join(f, &w) : stat_launch(&(struct stat_of){ b, name, &p, &h, as_dir }, &w);
	if (err)
		got(arg, NULL, err);
	else if (names_meta_object(b) && *name)
		ahead(b, name);
}

void names_stat(struct s3_bucket *b, const char *name, names_got *got, void *arg)
{
	ask_for(b, name, 0, got, arg);
}

void names_stat_dir(struct s3_bucket *b, const char *name, names_got *got, void *arg)
{
	ask_for(b, name, 1, got, arg);
}

int names_was_dir(struct s3_bucket *b, const char *name)
{
	struct known *k = known_find(b, name);
	const struct names_entry *e;
	char parent[S3_NAME_MAX];
	const char *component = names_parent(name, parent);

	if (!component || (k && k->dir))
		return 1;
	k = known_find(b, parent);
	e = k && k->listing ? listing_find(k->listing, component) : NULL;
	return e && e->type == DT_DIR;
}

/*
 * The kept attributes go, by which the next open would find that version again,
 * and what listings have of it; unless they are of another version.
 */
void names_stale(struct s3_bucket *b, const char *name, const struct s3_attr *version)
{
	struct s3_attr attr;
	int kept = names_kept(b, name, &attr);

	if (kept > 0 && !strcmp(attr.etag, version->etag))
		names_forget(b, name);
}
