/* SPDX-License-Identifier: MIT */
/*
 * A whole tree from one page: keys that were listed without a delimiter, made
 * into what a listing of each directory would have said.
 */
#include "names_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRS_MOST 2000                  /* kept of one tree; there may be as many as slashes in its keys */

static int is_object(const struct place *p, const struct listed *l)
{
	return !*l->key && (l->size || p->key[p->len - 1] != '/');
}

void tree_halves(const struct s3_bucket *b, const struct place *p, const struct page *page, struct halves *h)
{
	char prefix[S3_NAME_MAX];

	for (size_t i = 0; i < page->n; i++) {
		const struct listed *l = &page->item[i];

		if (is_object(p, l)) {
			h->file = THERE;
			attr_file(b, p->key, l->size, l->mtime, l->etag ? l->etag : "", &h->file_attr);
		}
		if (*l->key == '/')
			h->dir = THERE;
	}
	/* it would be the first; what goes on with a slash may be on another page */
	if (h->file == UNKNOWN && (page->n || !page->truncated))
		h->file = NONE;
	if (h->dir == UNKNOWN && !page->truncated)
		h->dir = NONE;
	if (snprintf(prefix, sizeof(prefix), "%s/", p->key) < (int)sizeof(prefix))
		attr_dir(b, prefix, &h->dir_attr);
}

/* A directory: the items first..end-1, whose keys go on behind `skip` bytes of theirs. */
struct branch {
	size_t first, end, skip;
};

struct tree {
	struct s3_bucket *bucket;
	const char *name;
	const struct place *place;
	const struct page *page;
	struct branch *branch;
	size_t n;
	int part;                       /* the first directory, and who ends with a truncated page, are not whole */
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct listed *)a)->key, ((const struct listed *)b)->key);
}

/* The name of a directory below; 0: it has an escape in it, and is listed by itself when asked for. */
static int name_of(const struct tree *t, const struct branch *b, char name[S3_NAME_MAX])
{
	const char *key = t->page->item[b->first].key;
	size_t n = strlen(t->name), skip = b->skip - 1;
	struct place p;

	if (n + skip + 1 >= S3_NAME_MAX)
		return 0;
	memcpy(name, t->name, n);
	if (t->place->kind == PLACE_ROOT)
		name[n++] = '/';
	memcpy(name + n, key, skip);
	name[n + skip] = '\0';
	return place_of(t->bucket, name, &p) == 0 && p.kind == PLACE_NAME && p.len == t->place->len + skip;
}

/* How many items, from `first` on, are below the same directory as that one. */
static size_t run(const struct tree *t, const struct branch *b, size_t first, size_t segment)
{
	const char *key = t->page->item[first].key + b->skip;
	size_t i = first + 1;

	while (i < b->end && !strncmp(t->page->item[i].key + b->skip, key, segment + 1))
		i++;
	return i - first;
}

/* The page that a listing of this directory would be; strings are the tree's, but for those of directories. */
static int fill(struct tree *t, const struct branch *b, struct page *page)
{
	page->item = calloc(b->end - b->first, sizeof(*page->item));
	if (!page->item)
		return 0;
	for (size_t i = b->first; i < b->end;) {
		struct listed *l = &page->item[page->n];
		char *key = t->page->item[i].key + b->skip;
		size_t segment = strcspn(key, "/"), n = 1;

		*l = t->page->item[i];
		l->key = key;
		l->dir = key[segment] == '/';
		if (l->dir) {
			n = run(t, b, i, segment);
			l->key = strndup(key, segment);
			if (!l->key)
				return 0;
			if (t->n < DIRS_MOST)
				t->branch[t->n++] = (struct branch){ i, i + n, b->skip + segment + 1 };
		}
		page->n++;
		i += n;
	}
	return 1;
}

static int is_whole(const struct tree *t, const struct branch *b)
{
	return !t->part || (b != t->branch && (b->end < t->page->n || !t->page->truncated));
}

static void learn(struct tree *t, const struct branch *b)
{
	char name[S3_NAME_MAX], prefix[S3_NAME_MAX];
	struct page page = { 0 };
	struct listed_dir d = { t->bucket, name, t->place, prefix, &page, NULL };
	struct listing *l;

	memcpy(prefix, t->place->key, t->place->len);
	memcpy(prefix + t->place->len, t->page->item[b->first].key, b->skip);
	prefix[t->place->len + b->skip] = '\0';
	if (fill(t, b, &page) && is_whole(t, b) && name_of(t, b, name) && !listing_learn(&d, 0, &l))
		listing_put(l);
	for (size_t i = 0; i < page.n; i++)
		if (page.item[i].dir)
			free(page.item[i].key);
	free(page.item);
}

static void learn_all(struct tree *t, struct branch root)
{
	t->branch = root.first < root.end ? calloc(DIRS_MOST, sizeof(*t->branch)) : NULL;
	if (!t->branch)
		return;
	t->branch[t->n++] = root;
	for (size_t i = 0; i < t->n; i++)
		learn(t, &t->branch[i]);
	free(t->branch);
}

void tree_learn(struct s3_bucket *b, const char *name, const struct place *p, struct page *page)
{
	struct tree t = { .bucket = b, .name = name, .place = p, .page = page };
	size_t first = 0, end;

	qsort(page->item, page->n, sizeof(*page->item), by_key);
	while (first < page->n && *page->item[first].key != '/')
		first++;
	for (end = first; end < page->n && *page->item[end].key == '/';)
		end++;
	learn_all(&t, (struct branch){ first, end, 1 });
}

void tree_learn_part(struct s3_bucket *b, const char *name, const struct place *p, struct page *page)
{
	struct tree t = { .bucket = b, .name = name, .place = p, .page = page, .part = 1 };

	for (size_t i = 1; i < page->n; i++)
		if (by_key(&page->item[i - 1], &page->item[i]) >= 0)
			return;         /* then nobody knows what is between them */
	learn_all(&t, (struct branch){ 0, page->n, p->kind == PLACE_ROOT ? 0 : 1 });
}
