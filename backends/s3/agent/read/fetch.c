/* SPDX-License-Identifier: MIT */
/* Ranges on their way into the cache; see fetch.h. */
#include "fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "fetch_private.h"
#include "options.h"
#include "request/count.h"
#include "loop/loop.h"

#define BREATH (256u << 10)              /* bytes; a tenth of a millisecond */

static struct fetch *urgent, *ahead;     /* they wait */
static struct fetch *under_way;
static unsigned running, all;
static struct plan_link measured;

const struct plan_link *fetch_link(void)
{
	return &measured;
}

unsigned fetch_connections(const struct s3_bucket *b)
{
	long long n = b->option[S3_OPT_CONNECTIONS];

	return n < 1 ? 1 : n > FETCH_MOST ? FETCH_MOST : (unsigned)n;
}

unsigned fetch_running(void)
{
	return all;
}

static struct fetch **queue_of(const struct fetch *f)
{
	return f->urgent ? &urgent : &ahead;
}

/* What is fetched ahead may use half of the connections. */
static struct fetch *next_allowed(void)
{
	if (urgent && running < fetch_connections(urgent->req.bucket))
		return urgent;
	return ahead && running < (fetch_connections(ahead->req.bucket) + 1) / 2 ? ahead : NULL;
}

static void run_next(void)
{
	struct fetch *f;

	while ((f = next_allowed())) {
		DL_DELETE(*queue_of(f), f);
		f->running = 1;
		DL_APPEND(under_way, f);
		running++;
		s3_start(&f->req);
	}
}

static void end(struct fetch *f)
{
	running -= f->running;
	if (f->running)
		DL_DELETE(under_way, f);
	all--;
	if (f->c) {
		f->c->fetch = NULL;
		cache_release(f->c);
	}
	free(f);
}

/* An eighth of the new, seven of the old. */
static void blend(int64_t *average, int64_t now)
{
	*average = *average ? *average + (now - *average) / 8 : now;
}

/*
 * The least of the last ten to twenty seconds: what is above that is a queue,
 * and mostly our own.
 */
static void lower(int64_t now)
{
	static int64_t recent, before;
	static uint64_t since;

	if (loop_now() - since > 10 * LOOP_SECOND) {
		before = recent;
		recent = 0;
		since = loop_now();
	}
	recent = recent && recent < now ? recent : now;
	measured.first_byte = before && before < recent ? before : recent;
}

static void measure(const struct fetch *f)
{
	const struct http *h = f->req.http;

	if (!h || !h->first_byte || f->req.attempts > 1)
		return;
	lower((int64_t)(h->first_byte - h->started));
	/* a small answer comes in one piece and says nothing of the rate */
	if (h->received >= 256 << 10 && h->ended > h->first_byte)
		blend(&measured.rate, (int64_t)((double)h->received * 1e9 / (double)(h->ended - h->first_byte)));
}

/* The answer is of the version that was asked for, whatever the server thinks of If-Match. */
static int check(const struct fetch *f)
{
	if (f->size < 0)
		return 0;
	return strcmp(f->req.etag, f->match) != 0 || f->req.size != f->size ? -ESTALE : 0;
}

static int on_head(struct s3_request *r)
{
	struct fetch *f = r->arg;
	int err = check(f);

	return !err && f->head ? f->head(f) : err;
}

/* Guests copy what is there, and ask for more, while the rest comes. */
static void breathe(size_t n)
{
	static size_t since;

	since += n;
	if (since < BREATH)
		return;
	since = 0;
	loop_breathe();
}

static int on_data(struct s3_request *r, int64_t at, const void *p, size_t n)
{
	struct fetch *f = r->arg;
	struct chunk *c = f->c;

	if (!c)
		return 0;
	if (at != c->off + c->filled || n > c->len - c->filled)
		return -EIO;
	cache_write(c, c->filled, p, n);
	c->filled += (uint32_t)n;
	count->fetched += n;
	f->grew(f);
	breathe(n);
	return 0;
}

/* What became of the version we read: replaced, or removed. */
static int stale_if(const struct fetch *f, int err)
{
	int status = f->req.status;

	return f->size >= 0 && (status == 404 || status == 412 || status == 416) ? -ESTALE : err;
}

/*
 * A version that is asked for by its id stays readable when the object is
 * replaced or removed. "null" is the one of a bucket without versions; nothing
 * but that may be readable without the right s3:GetObjectVersion.
 */
static void pin(struct fetch *f, const struct s3_attr *attr)
{
	if (attr->version[0] && strcmp(attr->version, "null") != 0 && f->req.bucket->versions) {
		strcpy(f->version, attr->version);
		s3_param(&f->req, "versionId", f->version);
	}
	if (attr->etag[0]) {
		strcpy(f->match, attr->etag);
		s3_header(&f->req, "if-match", f->match);
	}
}

static int unpinned(struct fetch *f, int err)
{
	if (err != -EACCES || !f->req.nquery)
		return 0;
	f->req.bucket->versions = 0;
	f->req.nquery = 0;
	s3_start(&f->req);
	return 1;
}

void fetch_settle(struct fetch *f, int err)
{
	f->done(f, err);
	end(f);
	run_next();
}

static void on_done(struct s3_request *r, int err)
{
	struct fetch *f = r->arg;

	if (unpinned(f, err))
		return;
	if (!err && f->c && f->c->filled < f->c->len)
		err = -EIO;
	if (err)
		err = stale_if(f, err);
	else
		measure(f);
	fetch_settle(f, err);
}

static int take(struct fetch *f, int64_t off, int64_t len)
{
	if (!f->c)
		f->c = cache_get((size_t)len);
	if (!f->c)
		return -ENOMEM;
	f->c->off = off;
	f->c->len = (uint32_t)len;
	f->c->fetch = f;
	return 0;
}

/* Of the version that attr says. */
static int take_of(struct fetch *f, const struct s3_attr *attr, int64_t off, int64_t upto)
{
	int err = take(f, off, upto - off);

	if (err)
		return err;
	f->size = attr->size;
	strcpy(f->match, attr->etag);
	return 0;
}

int fetch_take(struct fetch *f, const struct s3_attr *attr)
{
	return take_of(f, attr, f->req.from, f->req.upto);
}

void fetch_expect(struct fetch *f)
{
	take(f, f->req.first, f->req.last + 1 - f->req.first);
}

void fetch_unwanted(struct fetch *f)
{
	if (f->c)
		cache_free(f->c);
	f->c = NULL;
}

static int prepare(void)
{
	const struct fetch *f;

	DL_FOREACH(under_way, f)
		if (f->c && !f->c->filled && cache_prepare(f->c))
			return 1;
	return 0;
}

void fetch_init(void)
{
	loop_before_sleep(prepare);
}

int fetch_pin(struct fetch *f, const struct s3_attr *attr)
{
	return take_of(f, attr, f->req.first, f->req.last + 1 < attr->size ? f->req.last + 1 : attr->size);
}

struct fetch *fetch_new(struct s3_bucket *b, const char *key, const struct s3_attr *attr,
			int64_t off, int64_t len)
{
	struct fetch *f = calloc(1, sizeof *f + strlen(key) + 1);

	if (!f || (attr && take(f, off, len))) {
		free(f);
		return NULL;
	}
	strcpy(f->key, key);
	f->size = attr ? attr->size : -1;
	f->req = (struct s3_request){ .bucket = b, .method = "GET", .key = f->key, .body_fd = -1,
		.first = off, .last = off + len - 1,
		.head = on_head, .data = on_data, .done = on_done, .arg = f };
	if (attr)
		pin(f, attr);
	if (!attr || len == attr->size)
		s3_header(&f->req, "x-amz-checksum-mode", "ENABLED");
	all++;
	return f;
}

void fetch_queue(struct fetch *f)
{
	DL_APPEND(*queue_of(f), f);
	run_next();
}

void fetch_start(struct fetch *f, int is_urgent)
{
	f->urgent = (unsigned char)is_urgent;
	if (!fetch_look(f))
		fetch_queue(f);
}

static int is_queued(const struct fetch *f)
{
	return !f->running && !f->look;
}

void fetch_urgent(struct fetch *f)
{
	if (f->urgent)
		return;
	if (is_queued(f))
		DL_DELETE(*queue_of(f), f);
	f->urgent = 1;
	if (is_queued(f))
		fetch_queue(f);
}

void fetch_cancel(struct fetch *f)
{
	if (f->running)
		s3_cancel(&f->req);
	else if (is_queued(f))
		DL_DELETE(*queue_of(f), f);
	else
		fetch_look_no_more(f);
	end(f);
	run_next();
}
