/* SPDX-License-Identifier: MIT */
/*
 * stat: what is kept, or a HEAD of the object and a LIST of the directory, both
 * at once; whichever of them is known is not asked for. Who asks for what is on
 * its way waits for it.
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

#define PAGES_MOST 100                  /* empty ones */
#define AHEAD 32                        /* HEADs for entries of a listing after the one that is asked for */
#define BUSY 16                         /* entries of a listing asked for, and one in a hundred of all */

struct waiter {
	struct waiter *next;
	names_got *got;
	void *arg;
};

struct flight {
	struct flight *next;
	struct s3_bucket *bucket;
	char *name;
	int old;
	struct place place;
	struct halves halves;
	char prefix[S3_NAME_MAX];       /* of the directory */
	struct s3_request head, list, marker;
	unsigned asked;
	int unlisted;                   /* LIST is denied */
	char *token;                    /* of the list's next page */
	unsigned pages;
	int err;
	struct waiter *waiters;
};

static struct flight *flights;

static struct flight *flight_to(struct s3_bucket *b, const char *name)
{
	struct flight *f;

	LL_FOREACH(flights, f)
		if (f->bucket == b && !strcmp(f->name, name))
			return f;
	return NULL;
}

void stat_flight_old(struct s3_bucket *b, const char *name)
{
	struct flight *f = flight_to(b, name);

	if (!f)
		return;
	f->old = 1;
	LL_DELETE(flights, f);
}

static void keep(struct flight *f)
{
	struct known *k = f->old ? NULL : known_get(f->bucket, f->name);

	if (!k)
		return;
	if (f->halves.file != UNKNOWN)
		known_file(k, f->halves.file == THERE ? &f->halves.file_attr : NULL);
	if (f->halves.dir != UNKNOWN)
		known_dir(k, f->halves.dir == THERE ? &f->halves.dir_attr : NULL);
	if (f->halves.file == THERE || f->halves.dir == THERE)
		names_above(f->bucket, f->name);
}

/* Who may read an object but list nothing sees objects, and a root to look for them in. */
static void do_without_list(struct flight *f)
{
	if (f->place.kind == PLACE_ROOT) {
		f->halves.dir = THERE;
		attr_dir(f->bucket, f->prefix, &f->halves.dir_attr);
	} else if (f->halves.file == THERE && f->place.kind == PLACE_NAME) {
		f->halves.dir = NONE;
	}
}

static void finish(struct flight *f)
{
	struct s3_attr attr;
	struct waiter *w, *next;
	int known, err;

	if (f->unlisted)
		do_without_list(f);
	known = halves_settle(&f->place, &f->halves, &attr);
	err = known > 0 ? 0 : known < 0 ? known : f->err ? f->err : -EIO;

	keep(f);
	if (!f->old)
		LL_DELETE(flights, f);
	LL_FOREACH_SAFE(f->waiters, w, next) {
		w->got(w->arg, err ? NULL : &attr, err);
		free(w);
	}
	free(f->token);
	free(f->name);
	free(f);
}

static void answered(struct flight *f, int err)
{
	if (err && !f->err)
		f->err = err;
	if (!--f->asked)
		finish(f);
}

/* The marker of a directory is not a file, though its key is one that a file with data may have. */
static int is_file(const struct s3_request *r)
{
	return r->size || r->key[strlen(r->key) - 1] != '/';
}

static void head_done(struct s3_request *r, int err)
{
	struct flight *f = r->arg;

	if (!err && is_file(r)) {
		f->halves.file = THERE;
		names_attr(r, r->key, &f->halves.file_attr);
	} else if (!err || err == -ENOENT) {
		f->halves.file = NONE;
		err = 0;
	}
	answered(f, err);
}

static void ask_page(struct flight *f);

/* Nothing in this page, but there are more. */
static int look_further(struct flight *f, struct page *page)
{
	if (page->n || !page->truncated || !page->token || ++f->pages > PAGES_MOST)
		return 0;
	free(f->token);
	f->token = page->token;
	ask_page(f);
	return 1;
}

/* Who asks for a directory is likely to read it: a page that has it all is kept. */
static void keep_page(struct flight *f, struct page *page)
{
	struct listed_dir d = { f->bucket, f->name, &f->place, f->prefix, page, NULL };
	struct listing *l;

	if (f->place.kind == PLACE_FILE || page->truncated || listing_learn(&d, f->old, &l))
		return;
	listing_put(l);
}

static void list_done(struct s3_request *r, int err)
{
	struct flight *f = r->arg;
	struct page page = { 0 };

	if (!err)
		err = page_parse(&page, f->prefix, r->text, r->text_len);
	if (!err && look_further(f, &page))
		return;
	if (!err) {
		f->halves.dir = page.n || f->place.kind == PLACE_ROOT ? THERE : NONE;
		if (!(f->halves.dir_attr.mode & S_IFMT))
			attr_dir(f->bucket, f->prefix, &f->halves.dir_attr);
		if (f->halves.dir == THERE)
			keep_page(f, &page);
	}
	page_free(&page);
	f->unlisted = !strcmp(r->code, "AccessDenied");
	answered(f, page_failed(r, err));
}

static void marker_done(struct s3_request *r, int err)
{
	struct flight *f = r->arg;

	if (!err && !is_file(r))
		names_attr(r, r->key, &f->halves.dir_attr);
	f->halves.unmarked = 0;
	answered(f, err == -ENOENT ? 0 : err);
}

/* A part is there if its listing is not empty: what begins like it need not be long. */
static void part_done(void *arg, const struct names_list *l, int err)
{
	struct flight *f = arg;

	(void)l;
	if (!err || err == -ENOENT) {
		f->halves.dir = err ? NONE : THERE;
		attr_dir(f->bucket, f->prefix, &f->halves.dir_attr);
	}
	answered(f, err == -ENOENT ? 0 : err);
}

static void ask_head(struct flight *f, struct s3_request *r, const char *key,
		     void (*done)(struct s3_request *r, int err))
{
	r->bucket = f->bucket;
	r->method = "HEAD";
	r->key = key;
	r->first = -1;
	r->body_fd = -1;
	r->done = done;
	r->arg = f;
	f->asked++;
	s3_start(r);
}

static void ask_page(struct flight *f)
{
	page_request(&f->list, f->bucket, f->prefix, "/", f->token);
	f->list.done = list_done;
	f->list.arg = f;
	s3_start(&f->list);
}

static void ask_list(struct flight *f)
{
	f->asked++;
	ask_page(f);
}

static void ask(struct flight *f)
{
	f->asked = 1;                   /* until all are asked: a listing that is kept answers at once */
	if (f->place.kind == PLACE_ROOT || f->place.kind == PLACE_PART)
		f->halves.file = NONE;
	if (f->halves.file == UNKNOWN)
		ask_head(f, &f->head, f->place.key, head_done);
	if (f->place.kind == PLACE_PART) {
		f->asked++;
		names_list(f->bucket, f->name, part_done, f);
	} else if (f->halves.dir == UNKNOWN) {
		ask_list(f);
		f->halves.unmarked = names_meta_object(f->bucket) && *f->prefix;
	}
	if (f->halves.unmarked)
		ask_head(f, &f->marker, f->prefix, marker_done);
	answered(f, 0);
}

static struct flight *flight_new(struct s3_bucket *b, const char *name, const struct place *p,
				 const struct halves *h)
{
	struct flight *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->name = strdup(name);
	if (!f->name) {
		free(f);
		return NULL;
	}
	f->bucket = b;
	f->place = *p;
	f->halves = *h;
	memcpy(f->prefix, p->key, p->len + 1);
	if (p->kind == PLACE_NAME || p->kind == PLACE_FILE)
		strcat(f->prefix, "/");
	return f;
}

/* As names_kept, and what is there of it. */
static int look(struct s3_bucket *b, const char *name, struct place *p, struct halves *h, struct s3_attr *attr)
{
	int err = place_of(b, name, p);

	if (err)
		return err;
	halves_of(b, name, p, h);
	return halves_settle(p, h, attr);
}

static void relisted(void *arg, const struct names_list *l, int err)
{
	struct flight *f = arg;
	struct s3_attr attr;

	(void)l;
	(void)err;                      /* then the request for the name tells */
	if (!look(f->bucket, f->name, &f->place, &f->halves, &attr)) {
		ask(f);
		return;
	}
	finish(f);
}

/*
 * The listing has become old while somebody goes through its entries: another
 * one costs less than asking for each. 1: it is on its way.
 */
static int relist(struct flight *f)
{
	char parent[S3_NAME_MAX];
	struct known *k;

	if (f->place.kind == PLACE_ROOT || names_meta_object(f->bucket))
		return 0;
	strcpy(parent, f->name);
	*strrchr(parent, '/') = '\0';
	k = known_find(f->bucket, parent);
	if (!k || !k->listing || k->listing->until > loop_now() ||
	    k->listing->asked < BUSY + k->listing->list.n / 100)
		return 0;
	names_list(f->bucket, parent, relisted, f);
	return 1;
}

static struct flight *launch(struct s3_bucket *b, const char *name, const struct place *p,
			     const struct halves *h, struct waiter *w)
{
	struct flight *f = flight_new(b, name, p, h);

	if (!f)
		return NULL;
	f->waiters = w;
	LL_PREPEND(flights, f);
	if (!relist(f))
		ask(f);
	return f;
}

/*
 * With meta=object a listing does not tell enough: who asks for one of its
 * entries is likely to ask for the next ones.
 */
static void ahead(struct s3_bucket *b, const char *name)
{
	char next[S3_NAME_MAX];
	size_t dir = (size_t)(strrchr(name, '/') - name);
	const struct names_entry *e;
	struct listing *l;

	memcpy(next, name, dir);
	next[dir] = '\0';
	l = known_listed(b, next);
	e = l ? listing_find(l, name + dir + 1) : NULL;
	for (unsigned i = 0; e && i < AHEAD && ++e < l->list.entry + l->list.n; i++) {
		struct s3_attr attr;
		struct halves h;
		struct place p;

		if (snprintf(next + dir, sizeof(next) - dir, "/%s", e->name) < (int)(sizeof(next) - dir) &&
		    !look(b, next, &p, &h, &attr) && !flight_to(b, next))
			launch(b, next, &p, &h, NULL);
	}
}

void names_stat(struct s3_bucket *b, const char *name, names_got *got, void *arg)
{
	struct s3_attr attr;
	struct halves h;
	struct place p;
	struct waiter *w;
	struct flight *f;
	int err = look(b, name, &p, &h, &attr);

	if (err) {
		got(arg, err > 0 ? &attr : NULL, err > 0 ? 0 : err);
		return;
	}
	f = flight_to(b, name);
	w = malloc(sizeof(*w));
	if (w)
		*w = (struct waiter){ .got = got, .arg = arg };
	if (w && f) {
		LL_APPEND(f->waiters, w);
	} else if (!w || !launch(b, name, &p, &h, w)) {
		free(w);
		got(arg, NULL, -ENOMEM);
		return;
	}
	if (names_meta_object(b) && *name)
		ahead(b, name);
}
