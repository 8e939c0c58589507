/* SPDX-License-Identifier: MIT */
/*
 * What we wrote ourselves: we know it as well as a listing would, so what is
 * kept is changed along with it. Listings on their way have it noted, since
 * their pages may have been made before.
 */
#include "loop/loop.h"
#include "names_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- an entry of a listing */

static char *keep(struct listing *l, const char *s)
{
	struct listing_text *t = malloc(sizeof(*t) + strlen(s) + 1);

	if (!t)
		abort();
	t->next = l->more;
	l->more = t;
	return strcpy(t->text, s);
}

/* An etag is as long as the one before, mostly. */
static void set_etag(struct listing *l, struct names_entry *e, const char *etag)
{
	if (e->etag && *etag && strlen(e->etag) == strlen(etag))
		strcpy((char *)(uintptr_t)e->etag, etag);
	else
		e->etag = *etag ? keep(l, etag) : "";
}

static struct names_entry *insert(struct listing *l, const char *name)
{
	struct names_list *list = &l->list;
	unsigned low = 0, high = list->n;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (strcmp(list->entry[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (list->n + 1 > l->room) {
		l->room = list->n + list->n / 4 + 16;
		list->entry = realloc(list->entry, l->room * sizeof(*list->entry));
		if (!list->entry)
			abort();
	}
	memmove(list->entry + low + 1, list->entry + low, (list->n - low) * sizeof(*list->entry));
	list->n++;
	list->entry[low] = (struct names_entry){ .name = keep(l, name), .etag = "", .storage_class = "" };
	return &list->entry[low];
}

static void cut(struct listing *l, struct names_entry *e)
{
	memmove(e, e + 1, (size_t)(l->list.entry + --l->list.n - e) * sizeof(*e));
}

int listing_wrote(struct s3_bucket *b, struct listing *l, const char *component, const struct s3_attr *attr, int dir)
{
	struct names_entry *e = (struct names_entry *)listing_find(l, component);

	if (e && (e->type == DT_DIR) != dir)
		return -EEXIST;         /* a file and a directory of one name */
	if (!attr) {
		if (e)
			cut(l, e);
		return 0;
	}
	if (!e)
		e = insert(l, component);
	e->type = dir ? DT_DIR : names_meta_object(b) ? DT_UNKNOWN : DT_REG;
	e->ino = attr->ino;
	e->size = dir ? 0 : attr->size;
	e->mtime = dir ? 0 : attr->mtime_sec;
	e->old = 0;
	set_etag(l, e, dir ? "" : attr->etag);
	return 0;
}

/* ---- all that knows of a name */

/* In the listing of its directory. 0, or it has to be doubted. */
static int wrote_in(struct s3_bucket *b, const char *dir, const char *component, const struct s3_attr *attr, int is_dir)
{
	struct listing *l = known_listed(b, dir);
	unsigned n = l ? l->list.n : 0;
	int err;

	listing_flight_wrote(b, dir, component, attr, is_dir);
	if (!l)
		return 0;
	if (l->refs > 1)                /* somebody goes through it */
		return -EBUSY;
	err = listing_wrote(b, l, component, attr, is_dir);
	known_weigh((long)l->list.n - (long)n);
	return err;
}

/* The directories a new name is in are in theirs. */
static int wrote_above(struct s3_bucket *b, char *dir)
{
	char prefix[S3_NAME_MAX];
	struct s3_attr attr;
	char *slash;
	int err = 0;

	while (!err && (slash = strrchr(dir, '/'))) {
		const struct names_entry *e;
		struct listing *l;

		if (names_prefix(b, dir, prefix) < 0)
			return -EINVAL;
		*slash = '\0';
		l = known_listed(b, dir);
		e = l ? listing_find(l, slash + 1) : NULL;
		if (e && !e->old)
			return 0;
		attr_dir(b, prefix, &attr);
		err = wrote_in(b, dir, slash + 1, &attr, 1);
	}
	return err;
}

/* Escapes stand for more, or less, than an entry. */
static int is_plain(const char *name)
{
	return !strstr(name, "/@s3");
}

static int wrote(struct s3_bucket *b, const char *name, const struct s3_attr *attr, int is_dir)
{
	char dir[S3_NAME_MAX];
	const char *component = names_parent(name, dir);
	int err = is_plain(name) ? wrote_in(b, dir, component, attr, is_dir) : -EINVAL;

	return err || !attr ? err : wrote_above(b, dir);
}

void names_wrote(struct s3_bucket *b, const char *name, const struct s3_attr *attr)
{
	int dir = S_ISDIR(attr->mode);
	struct known *k;

	if (!*name)
		return;
	stat_flight_old(b, name);
	if (wrote(b, name, attr, dir))
		names_doubt_above(b, name);
	k = known_get(b, name);
	if (k) {
		k->xattrs_until = 0;
		(dir ? known_dir : known_file)(k, attr);
	}
	names_above(b, name);
}

void names_removed(struct s3_bucket *b, const char *name, int dir)
{
	struct known *k = known_find(b, name);

	stat_flight_old(b, name);
	listing_flight_old(b, name);
	if (k && dir)
		known_drop(k);
	if (dir)
		known_below(b, name);
	if (wrote(b, name, NULL, dir))
		names_doubt_above(b, name);
	k = known_get(b, name);
	if (k) {
		k->xattrs_until = 0;
		(dir ? known_dir : known_file)(k, NULL);
	}
}

/* Until when it is known that nothing has the name, 0 if it is not. */
static uint64_t absent_until(struct s3_bucket *b, const char *name)
{
	struct known *k = known_find(b, name);
	char dir[S3_NAME_MAX];
	const char *component = names_parent(name, dir);
	struct listing *l = known_listed(b, dir);

	if (l && !l->partial && !listing_find(l, component))
		return l->until;
	return k && !k->dir && k->dir_until > loop_now() ? k->dir_until : 0;
}

void names_made(struct s3_bucket *b, const char *name, const struct s3_attr *attr)
{
	struct page none = { 0 };
	struct place p;
	char prefix[S3_NAME_MAX];
	struct listed_dir d = { b, name, &p, prefix, &none, NULL };
	struct listing *l = NULL;
	struct known *k;
	uint64_t until = absent_until(b, name);

	if (until && is_plain(name) && !place_of(b, name, &p) && p.kind == PLACE_NAME && names_prefix(b, name, prefix) >= 0)
		l = listing_of(&d);
	names_wrote(b, name, attr);
	k = l ? known_get(b, name) : NULL;
	if (k) {
		l->until = until;
		known_listing(k, listing_hold(l));
	}
	listing_put(l);
}
