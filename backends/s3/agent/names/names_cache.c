/* SPDX-License-Identifier: MIT */
/*
 * What is known of names: at most KNOWN_MOST of them, those in listings
 * counted; the longest unused go first, and what is too old goes by itself.
 */
#include "loop/loop.h"
#include "names_private.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define KNOWN_MOST 100000
#define SWEEP_NS 10000000000u           /* an idle agent keeps nothing */

static struct known *all;               /* by bucket and name */
static struct known *by_use;            /* the longest unused first */
static size_t count;
static struct loop_timer sweeper;

static size_t weight(const struct known *k)
{
	return 1 + (k->listing ? k->listing->list.n : 0);
}

/* In `id`; its length. */
static size_t id_of(const struct s3_bucket *b, const char *name, unsigned char *id)
{
	size_t n = strnlen(name, S3_NAME_MAX);

	memcpy(id, &b, sizeof(b));
	memcpy(id + sizeof(b), name, n);
	return sizeof(b) + n;
}

void known_drop(struct known *k)
{
	count -= weight(k);
	HASH_DEL(all, k);
	DL_DELETE(by_use, k);
	listing_put(k->listing);
	xattrs_free(k->xattrs);
	free(k->file);
	free(k->dir);
	free(k);
}

static int is_old(const struct known *k, uint64_t now)
{
	return k->file_until <= now && k->dir_until <= now && k->xattrs_until <= now && !(k->listing && k->listing->until > now);
}

static void sweep(void *arg)
{
	struct known *k, *next;
	uint64_t now = loop_now();

	(void)arg;
	DL_FOREACH_SAFE(by_use, k, next)
		if (is_old(k, now))
			known_drop(k);
	if (all)
		loop_timer_set(&sweeper, now + SWEEP_NS);
}

/* All but k, which is the last used. */
static void make_room(const struct known *k)
{
	while (count > KNOWN_MOST && by_use != k)
		known_drop(by_use);
}

struct known *known_find(struct s3_bucket *b, const char *name)
{
	unsigned char id[sizeof(b) + S3_NAME_MAX];
	size_t n = id_of(b, name, id);
	struct known *k;

	HASH_FIND(hh, all, id, n, k);
	if (k) {
		DL_DELETE(by_use, k);
		DL_APPEND(by_use, k);
	}
	return k;
}

struct known *known_get(struct s3_bucket *b, const char *name)
{
	struct known *k = known_find(b, name);
	size_t n = sizeof(b) + strnlen(name, S3_NAME_MAX);

	if (k)
		return k;
	k = calloc(1, sizeof(*k) + n + 1);
	if (!k)
		return NULL;
	id_of(b, name, k->id);
	k->bucket = b;
	HASH_ADD_KEYPTR(hh, all, k->id, n, k);
	DL_APPEND(by_use, k);
	count++;
	make_room(k);
	if (!sweeper.at) {
		sweeper.fired = sweep;
		loop_timer_set(&sweeper, loop_now() + SWEEP_NS);
	}
	return k;
}

static void keep(struct s3_attr **kept, uint64_t *until, const struct known *k, const struct s3_attr *attr)
{
	if (attr && !*kept)
		*kept = malloc(sizeof(**kept));
	*until = !attr || *kept ? loop_now() + names_ttl(k->bucket) : 0;
	if (attr && *kept)
		**kept = *attr;
	if (attr)
		return;
	free(*kept);
	*kept = NULL;
}

void known_file(struct known *k, const struct s3_attr *attr)
{
	keep(&k->file, &k->file_until, k, attr);
}

void known_dir(struct known *k, const struct s3_attr *attr)
{
	keep(&k->dir, &k->dir_until, k, attr);
}

void known_xattrs(struct known *k, struct names_xattrs *x)
{
	xattrs_free(k->xattrs);
	k->xattrs = x;
	k->xattrs_until = loop_now() + names_ttl(k->bucket);
}

void known_listing(struct known *k, struct listing *l)
{
	count -= weight(k);
	if (k->listing && l)
		turn_over(k->listing, l);
	listing_put(k->listing);
	k->listing = l;
	count += weight(k);
	make_room(k);
}

void known_weigh(long more)
{
	count += (size_t)more;
}

struct listing *known_listed(struct s3_bucket *b, const char *name)
{
	struct known *k = known_find(b, name);

	return k && k->listing && k->listing->until > loop_now() ? k->listing : NULL;
}

void known_below(struct s3_bucket *b, const char *name)
{
	unsigned char id[sizeof(b) + S3_NAME_MAX];
	size_t n = id_of(b, name, id);
	struct known *k, *next;

	stat_flight_below(b, name);
	listing_flight_below(b, name);
	DL_FOREACH_SAFE(by_use, k, next)
		if (k->hh.keylen > n && !memcmp(k->id, id, n) && k->id[n] == '/')
			known_drop(k);
}
