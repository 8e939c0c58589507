/* SPDX-License-Identifier: MIT */
/*
 * Fetches and the disk cache: what is on disk of a range comes from there, a
 * block at a time, and the rest of it from the server.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "disk.h"
#include "fetch_private.h"
#include "loop/loop.h"
#include "request/count.h"

#define LOOKS_MOST 8                    /* at a time: the threads are for others too */

/* A thread reads into memory of its own, so that a fetch may be cancelled meanwhile. */
struct look {
	struct fetch *f;                /* NULL: cancelled */
	struct disk_store *store;
	struct disk_id id;
	int64_t off;
	size_t len, got;
	unsigned bad;
	struct look *prev, *next;
	char *buf;
};
static struct look *waiting;
static unsigned looking;

static void begin_next(void);

static void look(void *arg)
{
	struct look *k = arg;

	k->buf = malloc(k->len + DISK_PAGE);
	if (k->buf)
		k->got = disk_read(k->store, &k->id, k->off, k->len, k->buf, &k->bad);
}

static void look_at(struct look *k, const struct chunk *c)
{
	int64_t left = c->len - c->filled;

	k->off = c->off + c->filled;
	k->len = (size_t)(left < DISK_BLOCK ? left : DISK_BLOCK - k->off % DISK_BLOCK);
	k->got = 0;
	k->bad = 0;
	DL_APPEND(waiting, k);
}

static void look_end(struct look *k)
{
	if (k->f)
		k->f->look = NULL;
	free(k);
}

/* What was found is the chunk's. Whether there may be more. */
static int take(struct look *k)
{
	struct fetch *f = k->f;
	struct chunk *c = f->c;

	if (!k->got)
		return 0;
	cache_write(c, c->filled, k->buf, k->got);
	c->filled += (uint32_t)k->got;
	f->from_disk += (uint32_t)k->got;
	count->disk_read += k->got;
	f->grew(f);
	return k->got == k->len && c->filled < c->len;
}

static void go_on(struct look *k)
{
	struct fetch *f = k->f;

	if (take(k)) {
		look_at(k, f->c);
		return;
	}
	look_end(k);
	if (f->c->filled == f->c->len) {
		count->disk_hits++;
		fetch_settle(f, 0);
		return;
	}
	count->disk_misses++;
	f->req.first = f->c->off + f->c->filled;
	fetch_queue(f);
}

static void looked(void *arg)
{
	struct look *k = arg;
	char *buf = k->buf;

	looking--;
	count->disk_bad += k->bad;
	if (k->f)
		go_on(k);
	else
		look_end(k);
	free(buf);
	begin_next();
}

static void begin_next(void)
{
	struct look *k;

	while (looking < LOOKS_MOST && (k = waiting)) {
		DL_DELETE(waiting, k);
		k->prev = NULL;
		looking++;
		loop_work(look, looked, k);
	}
}

int fetch_look(struct fetch *f)
{
	struct disk_store *s = disk_of(f->req.bucket);
	struct look *k = s ? calloc(1, sizeof(*k)) : NULL;

	if (!k || f->size < 0 || !disk_version(f->req.bucket, f->key, f->match, f->size, &k->id)) {
		free(k);
		return 0;
	}
	k->f = f;
	k->store = s;
	f->look = k;
	look_at(k, f->c);
	begin_next();
	return 1;
}

void fetch_look_no_more(struct fetch *f)
{
	struct look *k = f->look;

	f->look = NULL;
	k->f = NULL;
	if (!k->prev)
		return;                 /* a thread has it */
	DL_DELETE(waiting, k);
	free(k);
}

void fetch_keep(struct fetch *f)
{
	struct disk_id id;

	if (f->c && f->from_disk < f->c->len && f->req.bucket->disk &&
	    disk_version(f->req.bucket, f->key, f->match, f->size, &id))
		disk_keep(f->req.bucket, &id, f->c);
}
