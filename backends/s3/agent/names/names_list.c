/* SPDX-License-Identifier: MIT */
/*
 * Listings: pages of ListObjectsV2 one after the other, made into the entries
 * of a directory. Who asks for one that is on its way waits for it.
 */
#include "loop/loop.h"
#include "names_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utlist.h>

struct lister {
	struct flight flight;           /* first */
	struct place place;
	char prefix[S3_NAME_MAX];
	struct page page;
	struct listing_note *notes;
	struct s3_request request;
};

static struct flight *flights;          /* few: one a directory that is being listed */

struct listing *listing_hold(struct listing *l)
{
	l->refs++;
	return l;
}

void listing_put(struct listing *l)
{
	if (!l || --l->refs)
		return;
	while (l->more) {
		struct listing_text *t = l->more;

		l->more = t->next;
		free(t);
	}
	free(l->numbered);
	free(l->list.entry);
	free(l->text);
	free(l);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct names_entry *)a)->name, ((const struct names_entry *)b)->name);
}

const struct names_entry *listing_find(const struct listing *l, const char *name)
{
	struct names_entry key = { .name = name };

	return bsearch(&key, l->list.entry, l->list.n, sizeof(key), by_name);
}

/* ---- entries of what was listed */

/* A directory before the object of that name. */
static int by_key(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int c = strcmp(x->key, y->key);

	return c ? c : y->dir - x->dir;
}

struct making {
	const struct listed_dir *dir;
	struct listing *l;
	const char *done;               /* of a part: components of its segment, and a slash */
	FILE *text;
	size_t at;                      /* in text */
};

/* Where the run of @s3long= at the end of a part's name begins. */
static const char *done_of(const struct listed_dir *d)
{
	const char *s = d->name + strlen(d->name);

	if (d->place->kind != PLACE_PART)
		return s;
	for (size_t left = d->place->len - d->place->segment; left;) {
		const char *slash = memrchr(d->name, '/', (size_t)(s - d->name));

		left -= (size_t)(s - slash) - (sizeof("/@s3long=") - 1);
		s = slash;
	}
	return s + 1;
}

/* Strings get their addresses when all are there: until then they are places in the text. */
static const char *keep(struct making *m, const char *s)
{
	size_t at = m->at, n = strlen(s) + 1;

	fwrite(s, 1, n, m->text);
	m->at += n;
	return (const char *)at;
}

/*
 * The component of an item in this directory: 0 if it is not seen here (beside
 * a part there are short segments that begin like it), 1, 2 if more follow.
 */
static int component(const struct making *m, const struct listed *item, int file, char out[S3_NAME_MAX])
{
	const struct place *p = m->dir->place;
	char segment[2 * S3_NAME_MAX];
	size_t part = p->kind == PLACE_PART ? p->len - p->segment : 0, done = strlen(m->done), n;

	memcpy(segment, p->key + p->segment, part);
	strcpy(segment + part, item->key);
	if (segment_encode(segment, strlen(segment), file, out, S3_NAME_MAX) < 0)
		return 0;
	if (part && (strncmp(out, m->done, done) || out[done] != '/'))
		return 0;
	done += !!part;
	memmove(out, out + done, strlen(out + done) + 1);
	n = strcspn(out, "/");
	if (!out[n])
		return 1;
	out[n] = '\0';
	return 2;
}

static void entry(struct making *m, const struct listed *item, int file)
{
	const struct listed_dir *d = m->dir;
	struct names_entry *e = &m->l->list.entry[m->l->list.n];
	char name[S3_NAME_MAX], key[2 * S3_NAME_MAX];
	int kind = component(m, item, file, name);
	int dir = item->dir || kind == 2;
	size_t n = strlen(d->prefix);

	if (!kind)
		return;
	memcpy(key, d->prefix, n);
	strcpy(key + n, item->key);
	if (kind == 2)
		key[n + strlen(name) - (sizeof("@s3long=") - 1)] = '\0';
	else if (dir)
		strcat(key, "/");
	memset(e, 0, sizeof(*e));
	e->type = dir ? DT_DIR : names_meta_object(d->bucket) ? DT_UNKNOWN : DT_REG;
	e->ino = names_ino(d->bucket, key, dir || !item->etag ? "" : item->etag);
	e->size = dir ? 0 : item->size;
	e->mtime = dir ? 0 : item->mtime;
	e->name = keep(m, name);
	e->etag = keep(m, dir || !item->etag ? "" : item->etag);
	e->storage_class = keep(m, dir || !item->storage_class ? "" : item->storage_class);
	m->l->list.n++;
}

/* Gives strings their addresses, sorts, and has one entry for all that a head stands for. */
static void fix(struct listing *l)
{
	struct names_list *list = &l->list;
	unsigned n = 0;

	for (struct names_entry *e = list->entry; e < list->entry + list->n; e++) {
		e->name = l->text + (size_t)e->name;
		e->etag = l->text + (size_t)e->etag;
		e->storage_class = l->text + (size_t)e->storage_class;
	}
	qsort(list->entry, list->n, sizeof(*list->entry), by_name);
	for (unsigned i = 0; i < list->n; i++)
		if (!n || strcmp(list->entry[i].name, list->entry[n - 1].name))
			list->entry[n++] = list->entry[i];
	list->n = n;
}

/* The marker, "name/" without a byte, is the directory itself. */
static int is_marker(const struct listed_dir *d, const struct listed *item)
{
	return !*item->key && !item->dir && !item->size && d->place->kind != PLACE_PART;
}

static int fill(struct listing *l, const struct listed_dir *d)
{
	struct making m = { .dir = d, .l = l, .done = done_of(d) };
	size_t size;

	m.text = open_memstream(&l->text, &size);
	l->room = (unsigned)d->page->n + 1;
	l->list.entry = calloc(l->room, sizeof(*l->list.entry));
	if (!m.text || !l->list.entry)
		return -ENOMEM;
	if (d->page->n)
		qsort(d->page->item, d->page->n, sizeof(*d->page->item), by_key);
	for (size_t i = 0; i < d->page->n; i++) {
		const struct listed *item = &d->page->item[i];

		if (!is_marker(d, item))
			entry(&m, item, !item->dir && i && !strcmp(item[-1].key, item->key));
	}
	if (fclose(m.text))
		return -ENOMEM;
	fix(l);
	for (const struct listing_note *n = d->notes; n; n = n->next)
		if (listing_wrote(d->bucket, l, n->component, n->gone ? NULL : &n->attr, n->dir))
			l->partial = 1;
	return 0;
}

struct listing *listing_of(const struct listed_dir *d)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->refs = 1;
	l->until = loop_now() + names_ttl(d->bucket);
	attr_dir(d->bucket, d->prefix, &l->marker);
	if (!fill(l, d))
		return l;
	listing_put(l);
	return NULL;
}

int listing_learn(const struct listed_dir *d, int old, struct listing **out)
{
	struct listing *l = listing_of(d);
	struct known *k = old ? NULL : known_get(d->bucket, d->name);
	int err = l ? 0 : -ENOMEM;

	/* only a root is there without a key; a part, and a marker, are looked at in what came of them */
	if (l && !l->list.n && d->place->kind != PLACE_ROOT && (d->place->kind == PLACE_PART || !d->page->n)) {
		listing_put(l);
		l = NULL;
		err = -ENOENT;
	}
	if (k && err != -ENOMEM) {
		if (!l || !names_meta_object(d->bucket))        /* then only the marker itself tells its attributes */
			known_dir(k, l ? &l->marker : NULL);
		known_listing(k, l ? listing_hold(l) : NULL);
	}
	if (k && l)
		names_above(d->bucket, d->name);
	*out = l;
	return err;
}

/* ---- the request */

static void lister_free(struct lister *l)
{
	while (l->notes) {
		struct listing_note *n = l->notes;

		l->notes = n->next;
		free(n);
	}
	page_free(&l->page);
	free(l);
}

static void tell(const struct waiter *w, const void *what, int err)
{
	w->got.list(w->arg, what, err);
}

static void finish(struct lister *f, int err)
{
	struct listed_dir d = { f->flight.bucket, f->flight.name, &f->place, f->prefix, &f->page, f->notes };
	struct listing *l = NULL;

	if (!err)
		err = listing_learn(&d, f->flight.old, &l);
	flight_land(&f->flight, tell, l ? &l->list : NULL, err);
	listing_put(l);
	lister_free(f);
}

static void page_done(struct s3_request *r, int err);

static void ask(struct lister *f)
{
	page_request(&f->request, f->flight.bucket, f->prefix, "/", f->page.token);
	f->request.done = page_done;
	f->request.arg = f;
	s3_start(&f->request);
}

static void page_done(struct s3_request *r, int err)
{
	struct lister *f = r->arg;

	if (!err)
		err = page_parse(&f->page, f->prefix, r->text, r->text_len);
	if (!err)
		err = page_more(&f->page);
	if (err > 0)
		ask(f);
	else
		finish(f, page_failed(r, err));
}

void listing_flight_old(struct s3_bucket *b, const char *name)
{
	flight_old(flights, b, name);
}

void listing_flight_wrote(struct s3_bucket *b, const char *name, const char *component,
			  const struct s3_attr *attr, int dir)
{
	struct lister *f = (struct lister *)flight_to(flights, b, name);
	struct listing_note *n = f ? calloc(1, sizeof(*n) + strlen(component) + 1) : NULL;

	if (f && !n)
		abort();
	if (!f)
		return;
	if (attr)
		n->attr = *attr;
	n->gone = !attr;
	n->dir = dir;
	strcpy(n->component, component);
	LL_APPEND(f->notes, n);
}

void listing_flight_below(struct s3_bucket *b, const char *name)
{
	flight_old_below(flights, b, name);
}

/* What came of a walk, unless somebody wrote there meanwhile. */
static void walked(void *arg)
{
	struct lister *f = arg;
	struct listing *l = f->flight.old || f->notes ? NULL : known_listed(f->flight.bucket, f->flight.name);

	if (!l || l->partial) {
		ask(f);
		return;
	}
	listing_hold(l);
	flight_land(&f->flight, tell, &l->list, 0);
	listing_put(l);
	lister_free(f);
}

/* For the first who waits; it is asked after that, for an answer may come at once. */
static int launch(struct s3_bucket *b, const char *name, const struct waiter *w)
{
	struct lister *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	err = place_of(b, name, &f->place);
	if (!err)
		err = names_prefix(b, name, f->prefix);
	if (err >= 0)
		err = flight_start(&f->flight, &flights, b, name);
	if (err) {
		lister_free(f);
		return err;
	}
	err = flight_join(&f->flight, w);
	if (err) {
		flight_land(&f->flight, tell, NULL, err);
		lister_free(f);
		return err;
	}
	if (!names_walk(b, name, walked, f))
		ask(f);
	return 0;
}

void names_list(struct s3_bucket *b, const char *name, names_listed *got, void *arg)
{
	struct listing *l = known_listed(b, name);
	struct flight *f = flight_to(flights, b, name);
	struct waiter w = { .got.list = got, .arg = arg };
	int err;

	if (l && !l->partial) {
		listing_hold(l);
		got(arg, &l->list, 0);
		listing_put(l);
		return;
	}
	err = f ? flight_join(f, &w) : launch(b, name, &w);
	if (err)
		got(arg, NULL, err);
}
