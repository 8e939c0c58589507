/* SPDX-License-Identifier: MIT */
/* What is kept of a name, put together: its own, and what its directory's listing says of it. */
#include "loop/loop.h"
#include "names_private.h"
#include "options.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

uint64_t names_ttl(const struct s3_bucket *b)
{
	return (uint64_t)b->option[S3_OPT_TTL] * 1000000;
}

int names_meta_object(const struct s3_bucket *b)
{
	return b->option[S3_OPT_META] == S3_META_OBJECT;
}

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

static void halves_listed(struct s3_bucket *b, const struct place *p, struct listing *l,
			  const char *last, struct halves *h)
{
	const struct names_entry *e = listing_find(l, last);

	l->asked++;
	if (!e && !l->partial)
		h->file = h->dir = NONE;
	else if (e && !e->old)
		halves_entry(b, p, e, h);
}

void halves_of(struct s3_bucket *b, const char *name, const struct place *p, struct halves *h)
{
	struct known *k = known_find(b, name);
	char parent[S3_NAME_MAX];
	const char *component = names_parent(name, parent);
	struct listing *l = component ? known_listed(b, parent) : NULL;
	struct halves own;

	memset(h, 0, sizeof(*h));
	if (l)
		halves_listed(b, p, l, component, h);
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

int halves_settle(const struct place *p, const struct halves *h, struct s3_attr *attr)
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

	return names_look(b, name, &p, &h, attr);
}
