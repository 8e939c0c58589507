/* SPDX-License-Identifier: MIT */
/*
 * stat: what is kept, or a HEAD of the object and a LIST of one key of the
 * directory, both at once; whichever of them is known is not asked for. Who
 * asks for what is on its way waits for it.
 */
#include "loop.h"
#include "names_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utlist.h>

/* Until somebody tells otherwise. */
uint64_t names_ttl(const struct s3_bucket *b)
{
	(void)b;
	return 1000000000u;
}

int names_meta_object(const struct s3_bucket *b)
{
	(void)b;
	return 0;
}

/* ---- what is kept */

/* Half an answer: what is known of the file or of the directory of a name. */
enum half { UNKNOWN, NONE, THERE };

struct halves {
	enum half file, dir;
	int unmarked;                   /* the directory is there, its marker was not asked for */
	struct s3_attr file_attr, dir_attr;
};

static enum half half_of(const struct s3_attr *kept, uint64_t until, struct s3_attr *attr)
{
	if (until <= loop_now())
		return UNKNOWN;
	if (!kept)
		return NONE;
	*attr = *kept;
	return THERE;
}

/* By an entry of the listing of the directory it is in. */
static void halves_entry(struct s3_bucket *b, const struct place *p, const struct names_entry *e,
			 struct halves *h)
{
	if (e->type == DT_DIR) {
		h->dir = THERE;
		h->file = NONE;         /* has a name of its own */
		h->unmarked = names_meta_object(b);
		attr_dir(b, "", &h->dir_attr);
		h->dir_attr.ino = e->ino;
		return;
	}
	h->dir = p->kind == PLACE_FILE ? THERE : NONE;
	if (e->type != DT_REG)
		return;
	h->file = THERE;
	attr_file(b, p->key, e->size, e->mtime, e->etag, &h->file_attr);
}

static void halves_listed(struct s3_bucket *b, const struct place *p, const struct listing *l,
			  const char *last, struct halves *h)
{
	const struct names_entry *e = listing_find(l, last);

	if (!e && !l->partial)
		h->file = h->dir = NONE;
	else if (e && !e->old)
		halves_entry(b, p, e, h);
}

static void parent_of(const char *name, char parent[S3_NAME_MAX])
{
	size_t n = (size_t)(strrchr(name, '/') - name);

	memcpy(parent, name, n);
	parent[n] = '\0';
}

/* The newer of what is known of the name itself and of what its directory's listing says. */
static void halves_of(struct s3_bucket *b, const char *name, const struct place *p, struct halves *h)
{
	struct known *k = known_find(b, name);
	char parent[S3_NAME_MAX];
	struct listing *l = NULL;
	struct halves own;

	memset(h, 0, sizeof(*h));
	if (p->kind != PLACE_ROOT) {
		parent_of(name, parent);
		l = known_listed(b, parent);
	}
	if (l)
		halves_listed(b, p, l, strrchr(name, '/') + 1, h);
	if (!k)
		return;
	own.file = half_of(k->file, k->file_until, &own.file_attr);
	own.dir = half_of(k->dir, k->dir_until, &own.dir_attr);
	if (own.file != UNKNOWN && (h->file == UNKNOWN || k->file_until > l->until)) {
		h->file = own.file;
		h->file_attr = own.file_attr;
	}
	if (own.dir != UNKNOWN && (h->dir == UNKNOWN || h->unmarked || k->dir_until > l->until)) {
		h->dir = own.dir;
		h->dir_attr = own.dir_attr;
		h->unmarked = 0;
	}
}

/* 1 and *attr, 0: more must be known, -ENOENT. The escape of a file is there if both are. */
static int settle(const struct place *p, const struct halves *h, struct s3_attr *attr)
{
	int escaped = p->kind == PLACE_FILE;

	if (escaped ? h->file == NONE || h->dir == NONE : h->file == NONE && h->dir == NONE)
		return -ENOENT;
	if (h->unmarked && !escaped)
		return 0;
	if (h->dir == THERE && !escaped) {
		*attr = h->dir_attr;
		return 1;
	}
	if (h->file != THERE || h->dir == UNKNOWN)
		return 0;
	*attr = h->file_attr;
	return 1;
}

int names_kept(struct s3_bucket *b, const char *name, struct s3_attr *attr)
{
	struct place p;
	struct halves h;
	int err = place_of(b, name, &p);

	if (err)
		return err;
	halves_of(b, name, &p, &h);
	return settle(&p, &h, attr);
}

/* ---- asking */

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
	known = settle(&f->place, &f->halves, &attr);
	err = known > 0 ? 0 : known < 0 ? known : f->err ? f->err : -EIO;

	keep(f);
	if (!f->old)
		LL_DELETE(flights, f);
	LL_FOREACH_SAFE(f->waiters, w, next) {
		w->got(w->arg, err ? NULL : &attr, err);
		free(w);
	}
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

static void list_done(struct s3_request *r, int err)
{
	struct flight *f = r->arg;
	struct page page = { 0 };

	if (!err)
		err = page_parse(&page, f->prefix, r->text, r->text_len);
	if (!err) {
		f->halves.dir = page.n || f->place.kind == PLACE_ROOT ? THERE : NONE;
		if (!(f->halves.dir_attr.mode & S_IFMT))
			attr_dir(f->bucket, f->prefix, &f->halves.dir_attr);
	}
	page_free(&page);
	f->unlisted = !strcmp(r->code, "AccessDenied");
	answered(f, err == -EBADMSG ? -EIO : err);
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

static void ask_list(struct flight *f)
{
	page_request(&f->list, f->bucket, f->prefix, "1", NULL);
	f->list.done = list_done;
	f->list.arg = f;
	f->asked++;
	s3_start(&f->list);
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

void names_stat(struct s3_bucket *b, const char *name, names_got *got, void *arg)
{
	struct flight *f = flight_to(b, name), *made = NULL;
	struct s3_attr attr;
	struct halves h;
	struct place p;
	struct waiter *w = NULL;
	int err = place_of(b, name, &p);

	if (!err) {
		halves_of(b, name, &p, &h);
		err = settle(&p, &h, &attr);
	}
	if (!err && !f)
		f = made = flight_new(b, name, &p, &h);
	if (!err && f)
		w = malloc(sizeof(*w));
	if (!w) {
		if (made)
			free(made->name);
		free(made);
		got(arg, err > 0 ? &attr : NULL, err > 0 ? 0 : err ? err : -ENOMEM);
		return;
	}
	*w = (struct waiter){ .got = got, .arg = arg };
	LL_APPEND(f->waiters, w);
	if (!made)
		return;
	LL_PREPEND(flights, made);
	ask(made);
}
