/* SPDX-License-Identifier: MIT */
/* Writing to the disk cache; see disk.h. */
#include "disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "loop/log.h"
#include "loop/loop.h"
#include "options.h"
#include "request/count.h"

#define QUEUED_MOST (64u << 20)         /* bytes that wait to be written; more are not kept */
#define PAUSE (60 * LOOP_SECOND)        /* after the disk was full */

/* ---- directories */

struct place {
	char *path;
	struct disk_store *store;       /* NULL: cannot be used */
	uint64_t full_until;
	struct place *next;
};
static struct place *places;

static void trim(struct place *p);

static struct place *place_of(struct s3_bucket *b)
{
	int64_t most = b->option[S3_OPT_DISK_SIZE];
	struct place *p;

	for (p = places; p && strcmp(p->path, b->disk); p = p->next)
		;
	if (p || !(p = calloc(1, sizeof(*p))))
		return p;
	p->path = strdup(b->disk);
	if (!p->path) {
		free(p);
		return NULL;
	}
	p->store = disk_store_open(p->path, most);
	if (!p->store)
		log_say(LOG_ERROR, "disk=%s is not used: %s", p->path,
			errno == EPERM ? "it is not this user's own with mode 0700" : strerror(errno));
	LL_PREPEND(places, p);
	return p;
}

struct disk_store *disk_of(struct s3_bucket *b)
{
	struct place *p;

	if (!b->disk || b->store)
		return b->store;
	p = place_of(b);
	if (!p || !p->store)
		return NULL;
	disk_store_most(p->store, b->option[S3_OPT_DISK_SIZE]);
	b->store = p->store;
	trim(p);
	return b->store;
}

int disk_version(const struct s3_bucket *b, const char *key, const char *etag, int64_t size, struct disk_id *id)
{
	const char *const text[] = { b->endpoint, b->name, key, etag };

	if (*etag != '"' || size < 0)
		return 0;
	*id = disk_id_of(text, 4, size);
	return 1;
}

static struct disk_id key_id(const struct s3_bucket *b, const char *key)
{
	const char *const text[] = { b->endpoint, b->name, key };

	return disk_id_of(text, 3, 0);
}

/* ---- writing */

/* What is to be done, in this order. */
struct job {
	enum { KEEP, NOTE, FORGET, TRIM } what;
	struct place *place;
	struct disk_id id;
	struct chunk *c;                /* KEEP: held */
	const void *bytes;
	int64_t off;
	uint32_t len;
	int err;
	struct job *prev, *next;
	struct s3_attr attr;
};
static struct job *jobs;
static uint64_t queued;
static int busy;

static void begin_next(void);

static void work(void *arg)
{
	struct job *j = arg;
	struct disk_store *s = j->place->store;

	switch (j->what) {
	case KEEP:
		j->err = disk_write(s, &j->id, j->off, j->len, j->bytes);
		break;
	case NOTE:
		j->err = disk_note(s, &j->id, &j->attr, sizeof(j->attr));
		break;
	case FORGET:
		disk_forget(s, &j->id);
		break;
	case TRIM:
		j->err = disk_trim(s);
	}
}

/* The first line of a while; a lock that others hold too long, or what no bound allows, is no news. */
static void failed(struct place *p, int err)
{
	if (err == -EBUSY || err == -E2BIG || loop_now() < p->full_until)
		return;
	p->full_until = loop_now() + PAUSE;
	log_say(LOG_WARN, "disk=%s: %s; nothing is kept there for a minute", p->path, strerror(-err));
	count_note(p->path, "disk=: what was read could not be kept on disk", 0);
}

static void worked(void *arg)
{
	struct job *j = arg;

	if (j->err)
		failed(j->place, j->err);
	else
		count->disk_written += j->len;
	queued -= j->len;
	if (j->c)
		cache_release(j->c);
	free(j);
	busy = 0;
	begin_next();
}

static void begin_next(void)
{
	struct job *j = jobs;

	if (busy || !j)
		return;
	busy = 1;
	DL_DELETE(jobs, j);
	loop_work(work, worked, j);
}

static void queue(struct job *j)
{
	queued += j->len;
	DL_APPEND(jobs, j);
	begin_next();
}

static void trim(struct place *p)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return;
	j->what = TRIM;
	j->place = p;
	queue(j);
}

/* NULL: there is no directory, or it is not the time. */
static struct job *job_new(struct s3_bucket *b, const struct disk_id *id, uint32_t len)
{
	uint64_t most = cache_size() / 8 < QUEUED_MOST ? cache_size() / 8 : QUEUED_MOST;
	struct place *p = disk_of(b) ? place_of(b) : NULL;
	struct job *j;

	if (!p || loop_now() < p->full_until || (queued && queued + len > most) || !(j = calloc(1, sizeof(*j))))
		return NULL;
	j->place = p;
	j->id = *id;
	j->len = len;
	return j;
}

void disk_keep(struct s3_bucket *b, const struct disk_id *id, struct chunk *c)
{
	struct job *j = job_new(b, id, c->len);

	if (!j)
		return;
	j->c = c;
	j->bytes = cache_read(c);
	j->off = c->off;
	cache_hold(c);
	queue(j);
}

void disk_drop(struct s3_bucket *b, const char *key, const struct s3_attr *attr)
{
	struct disk_id id;
	struct job *j;

	if (!disk_of(b) || !disk_version(b, key, attr->etag, attr->size, &id) || !(j = calloc(1, sizeof(*j))))
		return;
	j->place = place_of(b);
	j->id = id;
	j->what = FORGET;
	queue(j);
}

/* ---- what keys were */

void disk_remember(struct s3_bucket *b, const char *key, const struct s3_attr *attr)
{
	struct disk_id id = key_id(b, key);
	struct job *j = job_new(b, &id, 0);

	if (!j)
		return;
	j->what = NOTE;
	j->attr = *attr;
	queue(j);
}

struct recall {
	struct disk_store *store;
	struct disk_id id;
	struct s3_attr attr;
	int n;
	void (*told)(void *arg, const struct s3_attr *attr);
	void *arg;
};

static void recall(void *arg)
{
	struct recall *r = arg;

	r->n = disk_recall(r->store, &r->id, &r->attr, sizeof(r->attr));
}

static void recalled(void *arg)
{
	struct recall *r = arg;
	int known = r->n == sizeof(r->attr) && *r->attr.etag == '"' && memchr(r->attr.etag, 0, sizeof(r->attr.etag)) &&
		    memchr(r->attr.version, 0, sizeof(r->attr.version)) && r->attr.size > 0;

	r->told(r->arg, known ? &r->attr : NULL);
	free(r);
}

void disk_last(struct s3_bucket *b, const char *key, void (*told)(void *arg, const struct s3_attr *attr), void *arg)
{
	struct recall *r = disk_of(b) ? calloc(1, sizeof(*r)) : NULL;

	if (!r) {
		told(arg, NULL);
		return;
	}
	r->store = disk_of(b);
	r->id = key_id(b, key);
	r->told = told;
	r->arg = arg;
	loop_work(recall, recalled, r);
}
