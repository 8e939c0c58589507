/* SPDX-License-Identifier: MIT */
/* The list of mappings; see map_list.h. */
#include "map_list.h"

#include <errno.h>
#include <pthread.h>

#include "files/fdtab.h"
#include "object_map.h"
#include "base/pool.h"
#include "base/real.h"

_Atomic uintptr_t map_low = UINTPTR_MAX, map_high;

struct piece *list_pieces;
struct holder *list_holders;

static struct pool pieces = POOL_INIT(struct piece, 64);
static struct pool holders = POOL_INIT(struct holder, 64);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sigset_t saved;                 /* of whoever has the lock */

void list_lock(void)
{
	sigset_t all, was;

	sigfillset(&all);
	REAL(pthread_sigmask)(SIG_BLOCK, &all, &was);
	pthread_mutex_lock(&lock);
	saved = was;
}

void list_unlock(void)
{
	sigset_t was = saved;

	pthread_mutex_unlock(&lock);
	REAL(pthread_sigmask)(SIG_SETMASK, &was, NULL);
}

static struct holder *new_holder(struct file *f, int fd)
{
	struct holder *h = pool_get(&holders);

	if (!h)
		return NULL;
	if (hide_copy(fd, &h->fd) == 0) {
		if (fdtab_ref(f, fd)) {
			h->f = f;
			h->pieces = 1;
			h->shared = 0;
			return h;
		}
		hide_close(&h->fd);
	}
	pool_put(&holders, h);
	return NULL;
}

/* Locked. */
static struct holder *find_holder(const struct file *f)
{
	struct holder *h = list_holders;

	while (h && h->f != f)
		h = h->next;
	if (h)
		h->pieces++;
	return h;
}

static struct holder *holder_of(struct file *f, int fd)
{
	struct holder *h, *made = NULL;

	list_lock();
	h = find_holder(f);
	list_unlock();
	if (h || !(made = new_holder(f, fd)))
		return h;
	list_lock();
	h = find_holder(f);
	if (!h) {
		made->next = list_holders;
		list_holders = made;
	}
	list_unlock();
	if (!h)
		return made;
	hide_close(&made->fd);
	fdtab_put(f);
	pool_put(&holders, made);
	return h;
}

/* Takes over the caller's part in the holder. */
static struct piece *add(struct holder *h, off_t off, size_t len, int writes)
{
	struct piece *p = pool_get(&pieces);

	if (!p)
		return NULL;
	*p = (struct piece){ .len = len, .off = off, .writes = writes, .h = h };
	list_lock();
	p->next = list_pieces;
	list_pieces = p;
	list_unlock();
	return p;
}

struct piece *list_new(struct file *f, int fd, off_t off, size_t len, int writes)
{
	struct holder *h = holder_of(f, fd);
	struct piece *p = h ? add(h, off, len, writes) : NULL;

	if (h && !p && list_put_holder(h)) {
		hide_close(&h->fd);
		fdtab_put(f);
		list_free_holder(h);
	}
	return p;
}

struct piece *list_again(struct holder *h, off_t off, size_t len, int writes)
{
	struct piece *p = add(h, off, len, writes);

	if (p) {
		list_lock();
		h->pieces++;
		list_unlock();
	}
	return p;
}

void list_activate(struct piece *p, uintptr_t from)
{
	p->from = from;
	if (from < atomic_load(&map_low))
		atomic_store(&map_low, from);
	if (from + p->len > atomic_load(&map_high))
		atomic_store(&map_high, from + p->len);
}

void list_remove(struct piece *p)
{
	for (struct piece **at = &list_pieces; *at; at = &(*at)->next)
		if (*at == p) {
			*at = p->next;
			return;
		}
}

/* Locked: what of *p lies at or above `at` becomes a piece of its own, behind it. */
static int split(struct piece *p, uintptr_t at)
{
	struct piece *q;

	if (at <= p->from || at >= p->from + p->len)
		return 1;
	q = pool_get(&pieces);
	if (!q)
		return 0;
	*q = *p;
	q->from = at;
	q->off += (off_t)(at - p->from);
	q->len = p->from + p->len - at;
	p->len = at - p->from;
	p->next = q;
	p->h->pieces++;
	return 1;
}

/* Without memory to split it, a mapping counts as longer than it is: that loses nothing. */
struct piece *list_take(uintptr_t from, size_t len)
{
	struct piece **at = &list_pieces, *taken = NULL, *p;
	uintptr_t to = from + len < from ? UINTPTR_MAX : from + len;

	while ((p = *at)) {
		if (!p->from || p->from >= to || p->from + p->len <= from ||
		    !split(p, from) || !split(p, to) || p->from < from) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->next = taken;
		taken = p;
	}
	return taken;
}

int list_next(uintptr_t from, uintptr_t to, struct piece *out)
{
	struct piece *best = NULL;

	list_lock();
	for (struct piece *p = list_pieces; p; p = p->next)
		if (p->from && from < to && p->from < to && p->from + p->len > from && (!best || p->from < best->from))
			best = p;
	if (best) {
		*out = *best;
		if (out->from < from) {
			out->off += (off_t)(from - out->from);
			out->len -= from - out->from;
			out->from = from;
		}
		if (out->from + out->len > to)
			out->len = to - out->from;
		best->h->pieces++;
	}
	list_unlock();
	return best != NULL;
}

void list_based(uintptr_t from, size_t len)
{
	list_lock();
	for (struct piece *p = list_pieces; p; p = p->next)
		if (p->from && p->from >= from && p->from + p->len <= from + len)
			p->based = 1;
	list_unlock();
}

int list_put_holder(struct holder *h)
{
	int last;

	list_lock();
	last = --h->pieces == 0;
	for (struct holder **at = &list_holders; last && *at; at = &(*at)->next)
		if (*at == h) {
			*at = h->next;
			break;
		}
	list_unlock();
	return last;
}

void list_free_holder(struct holder *h)
{
	pool_put(&holders, h);
}

void list_free_piece(struct piece *p)
{
	pool_put(&pieces, p);
}
