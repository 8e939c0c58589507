/* SPDX-License-Identifier: MIT */
/* A treap of chunks; see index.h. */
#include "index.h"

/* xorshift; only its spread matters */
static unsigned priority(void)
{
	static unsigned x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

/* Parts a tree into what lies before `off` and what does not. */
static void split(struct chunk *t, int64_t off, struct chunk **less, struct chunk **more)
{
	while (t) {
		if (t->off < off) {
			*less = t;
			less = &t->right;
			t = t->right;
		} else {
			*more = t;
			more = &t->left;
			t = t->left;
		}
	}
	*less = *more = NULL;
}

void index_insert(struct index *x, struct chunk *c)
{
	struct chunk **at = &x->root;

	c->priority = priority();
	while (*at && (*at)->priority >= c->priority)
		at = (*at)->off < c->off ? &(*at)->right : &(*at)->left;
	split(*at, c->off, &c->left, &c->right);
	*at = c;
	x->n++;
}

void index_remove(struct index *x, struct chunk *c)
{
	struct chunk **at = &x->root, *l = c->left, *r = c->right;

	while (*at != c)
		at = (*at)->off < c->off ? &(*at)->right : &(*at)->left;
	while (l && r) {
		if (l->priority > r->priority) {
			*at = l;
			at = &l->right;
			l = l->right;
		} else {
			*at = r;
			at = &r->left;
			r = r->left;
		}
	}
	*at = l ? l : r;
	x->n--;
}

struct chunk *index_floor(const struct index *x, int64_t off)
{
	struct chunk *best = NULL;

	for (struct chunk *c = x->root; c; c = c->off <= off ? c->right : c->left)
		if (c->off <= off)
			best = c;
	return best;
}

struct chunk *index_above(const struct index *x, int64_t off)
{
	struct chunk *best = NULL;

	for (struct chunk *c = x->root; c; c = c->off > off ? c->left : c->right)
		if (c->off > off)
			best = c;
	return best;
}
