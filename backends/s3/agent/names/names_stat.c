/* SPDX-License-Identifier: MIT */
/*
 * stat: what is kept, or one LIST of the keys that begin with the name's. The
 * object is the first of them; where those below the name are not all on that
 * page, or half of it is known, a HEAD of the object and a LIST of the
 * directory tell, both at once, whichever is not known. Who asks for what is on
 * its way waits for it.
 */
#include "loop/loop.h"
#include "names_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PAGES_MOST 100                  /* empty ones */
#define BUSY 16                         /* entries of a listing asked for, and one in a hundred of all */

struct asker {
	struct flight flight;           /* first */
	struct place place;
	struct halves halves;
	char prefix[S3_NAME_MAX];       /* of the directory */
	struct s3_request head, list, marker;
	unsigned asked;
	int as_dir;                     /* it is likely to be one */
	int unlisted;                   /* LIST is denied */
	char *token;                    /* of the list's next page */
	unsigned pages;
	int err;
};

static struct flight *flights;

struct flight *stat_flight(const struct s3_bucket *b, const char *name)
{
	return flight_to(flights, b, name);
}

void stat_flight_old(struct s3_bucket *b, const char *name)
{
	flight_old_above(flights, b, name);
	names_walk_old(b, name);
}

void stat_flight_below(struct s3_bucket *b, const char *name)
{
	flight_old_below(flights, b, name);
}

static void keep(struct asker *f)
{
	struct known *k = f->flight.old ? NULL : known_get(f->flight.bucket, f->flight.name);

	if (!k)
		return;
	if (f->halves.file != UNKNOWN)
		known_file(k, f->halves.file == THERE ? &f->halves.file_attr : NULL);
	if (f->halves.dir != UNKNOWN)
		known_dir(k, f->halves.dir == THERE ? &f->halves.dir_attr : NULL);
	if (f->halves.file == THERE || f->halves.dir == THERE)
		names_above(f->flight.bucket, f->flight.name);
}

/* Who may read an object but list nothing sees objects, and a root to look for them in. */
static void do_without_list(struct asker *f)
{
	if (f->place.kind == PLACE_ROOT) {
		f->halves.dir = THERE;
		attr_dir(f->flight.bucket, f->prefix, &f->halves.dir_attr);
	} else if (f->halves.file == THERE && f->place.kind == PLACE_NAME) {
		f->halves.dir = NONE;
	}
}

static void tell(const struct waiter *w, const void *what, int err)
{
	w->got.attr(w->arg, what, err);
}

static void finish(struct asker *f)
{
	struct s3_attr attr;
	int known, err;

	if (f->unlisted)
		do_without_list(f);
	known = halves_settle(&f->place, &f->halves, &attr);
	err = known > 0 ? 0 : known < 0 ? known : f->err ? f->err : -EIO;

	keep(f);
	flight_land(&f->flight, tell, &attr, err);
	free(f->token);
	free(f);
}

static void answered(struct asker *f, int err)
{
	if (err && !f->err)
		f->err = err;
	if (!--f->asked)
		finish(f);
}

static void ask_head(struct asker *f, struct s3_request *r, const char *key,
		     void (*done)(struct s3_request *r, int err))
{
	s3_prepare(r, f->flight.bucket, "HEAD", key, done, f);
	f->asked++;
	s3_start(r);
}

/* The marker of a directory is not a file, though its key is one that a file with data may have. */
static int is_file(const struct s3_request *r)
{
	return r->size || r->key[strlen(r->key) - 1] != '/';
}

static void head_done(struct s3_request *r, int err)
{
	struct asker *f = r->arg;

	if (!err && is_file(r)) {
		f->halves.file = THERE;
		names_attr(r, r->key, &f->halves.file_attr);
	} else if (!err || err == -ENOENT) {
		f->halves.file = NONE;
		err = 0;
	}
	answered(f, err);
}

static void ask_page(struct asker *f);

/* Nothing in this page, but there are more. */
static int look_further(struct asker *f, struct page *page)
{
	if (page->n || !page->truncated || !page->token || ++f->pages > PAGES_MOST)
		return 0;
	free(f->token);
	f->token = page->token;
	ask_page(f);
	return 1;
}

/* Who asks for a directory is likely to read it: a page that has it all is kept. */
static void keep_page(struct asker *f, struct page *page)
{
	struct listed_dir d = { f->flight.bucket, f->flight.name, &f->place, f->prefix, page, NULL };
	struct listing *l;

	if (f->place.kind == PLACE_FILE || page->truncated || listing_learn(&d, f->flight.old, &l))
		return;
	listing_put(l);
}

static void list_done(struct s3_request *r, int err)
{
	struct asker *f = r->arg;
	struct page page = { 0 };

	if (!err)
		err = page_parse(&page, f->prefix, r->text, r->text_len);
	if (!err && look_further(f, &page))
		return;
	if (!err) {
		f->halves.dir = page.n || f->place.kind == PLACE_ROOT ? THERE : NONE;
		if (!(f->halves.dir_attr.mode & S_IFMT))
			attr_dir(f->flight.bucket, f->prefix, &f->halves.dir_attr);
		if (f->halves.dir == THERE)
			keep_page(f, &page);
		else if (f->as_dir && f->halves.file == UNKNOWN)
			ask_head(f, &f->head, f->place.key, head_done);
	}
	page_free(&page);
	f->unlisted = !strcmp(r->code, "AccessDenied");
	answered(f, page_failed(r, err));
}

static void marker_done(struct s3_request *r, int err)
{
	struct asker *f = r->arg;

	if (!err && !is_file(r))
		names_attr(r, r->key, &f->halves.dir_attr);
	f->halves.unmarked = 0;
	answered(f, err == -ENOENT ? 0 : err);
}

/* A part is there if its listing is not empty: what begins like it need not be long. */
static void part_done(void *arg, const struct names_list *l, int err)
{
	struct asker *f = arg;

	(void)l;
	if (!err || err == -ENOENT) {
		f->halves.dir = err ? NONE : THERE;
		attr_dir(f->flight.bucket, f->prefix, &f->halves.dir_attr);
	}
	answered(f, err == -ENOENT ? 0 : err);
}

static void ask_page(struct asker *f)
{
	page_request(&f->list, f->flight.bucket, f->prefix, "/", f->token);
	f->list.done = list_done;
	f->list.arg = f;
	s3_start(&f->list);
}

static void ask_list(struct asker *f)
{
	f->asked++;
	ask_page(f);
}

/* What is not known: the object, the directory, its marker. */
static void ask_halves(struct asker *f)
{
	if (f->halves.file == UNKNOWN)
		ask_head(f, &f->head, f->place.key, head_done);
	if (f->place.kind == PLACE_PART) {
		f->asked++;
		names_list(f->flight.bucket, f->flight.name, part_done, f);
	} else if (f->halves.dir == UNKNOWN) {
		ask_list(f);
		f->halves.unmarked = names_meta_object(f->flight.bucket) && *f->prefix;
	}
	if (f->halves.unmarked)
		ask_head(f, &f->marker, f->prefix, marker_done);
}

/* Who may list a directory need not be allowed to list what begins like it. */
static void keys_done(struct s3_request *r, int err)
{
	struct asker *f = r->arg;
	struct page page = { .flat = 1 };

	if (!err)
		err = page_parse(&page, f->place.key, r->text, r->text_len);
	if (!err)
		tree_halves(f->flight.bucket, &f->place, &page, &f->halves);
	if (f->halves.dir == THERE && !page.truncated && !f->flight.old)
		tree_learn(f->flight.bucket, f->flight.name, &f->place, &page);
	page_free(&page);
	err = strcmp(r->code, "AccessDenied") ? page_failed(r, err) : 0;
	if (!err)
		ask_halves(f);
	answered(f, err);
}

static void ask_keys(struct asker *f)
{
	f->asked++;
	page_request(&f->list, f->flight.bucket, f->place.key, NULL, NULL);
	f->list.done = keys_done;
	f->list.arg = f;
	s3_start(&f->list);
}

static void ask(struct asker *f)
{
	f->asked = 1;                   /* until all are asked: a listing that is kept answers at once */
	if (f->place.kind == PLACE_ROOT || f->place.kind == PLACE_PART)
		f->halves.file = NONE;
	if (f->halves.file != UNKNOWN || f->halves.dir != UNKNOWN || names_meta_object(f->flight.bucket) ||
	    f->flight.bucket->express)             /* lists below a slash only */
		ask_halves(f);
	else if (f->as_dir)
		ask_list(f);
	else
		ask_keys(f);
	answered(f, 0);
}

static struct asker *asker_new(const struct stat_of *what)
{
	struct asker *f = calloc(1, sizeof(*f));
	const struct place *p = what->place;

	if (!f)
		return NULL;
	if (flight_start(&f->flight, &flights, what->bucket, what->name)) {
		free(f);
		return NULL;
	}
	f->place = *p;
	f->halves = *what->halves;
	f->as_dir = what->as_dir && p->kind == PLACE_NAME;
	memcpy(f->prefix, p->key, p->len + 1);
	if (p->kind == PLACE_NAME || p->kind == PLACE_FILE)
		strcat(f->prefix, "/");
	return f;
}

static void relisted(void *arg, const struct names_list *l, int err)
{
	struct asker *f = arg;
	struct s3_attr attr;

	(void)l;
	(void)err;                      /* then the request for the name tells */
	if (!names_look(f->flight.bucket, f->flight.name, &f->place, &f->halves, &attr)) {
		ask(f);
		return;
	}
	finish(f);
}

/*
 * The listing has become old while somebody goes through its entries: another
 * one costs less than asking for each. 1: it is on its way.
 */
static int relist(struct asker *f)
{
	char parent[S3_NAME_MAX];
	struct known *k;

	if (f->place.kind == PLACE_ROOT || names_meta_object(f->flight.bucket))
		return 0;
	names_parent(f->flight.name, parent);
	k = known_find(f->flight.bucket, parent);
	if (!k || !k->listing || k->listing->until > loop_now() ||
	    (k->listing->asked < BUSY + k->listing->list.n / 100 && !names_in_turn(f->flight.bucket, f->flight.name)))
		return 0;
	names_list(f->flight.bucket, parent, relisted, f);
	return 1;
}

int stat_launch(const struct stat_of *what, const struct waiter *w)
{
	struct asker *f = asker_new(what);
	int err = !f ? -ENOMEM : w ? flight_join(&f->flight, w) : 0;

	if (f && err) {
		flight_land(&f->flight, tell, NULL, err);
		free(f);
	} else if (f && !relist(f)) {
		ask(f);
	}
	return err;
}
