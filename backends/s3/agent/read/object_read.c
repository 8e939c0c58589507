/* SPDX-License-Identifier: MIT */
/*
 * Reads of objects; see object.h. One is answered from the cache, or planned
 * with the others of this round of the loop; then it waits for the first fetch
 * that brings what it lacks, looks again when that has grown, and is answered
 * as soon as a good piece is there.
 */
#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "options.h"
#include "request/count.h"
#include "loop/loop.h"
#include "object_private.h"

#define ANSWER_MOST (1 << 20)           /* a longer read gets this much as soon as it is there: */
                                        /* its guest copies while the rest arrives */
#define VERIFY_FROM (1 << 20)           /* who is a stream before this may want it all */
#define BEHIND (2ll << 20)              /* kept behind a reader; s3clients.md 8.1 */

static struct object_read *starved;     /* they wait for memory */
static char retrying;

/*
 * What may be told of an object. While its checksum is asked for, that is all
 * but the last byte: who read the others is to know of it before the end.
 */
static int64_t tellable(const struct object *o)
{
	return o->attr.size - (o->verify == VERIFY_ASKED);
}

/* Where what is there of a chunk ends. */
static int64_t end_of(const struct object *o, const struct chunk *c)
{
	return smaller(c->off + c->filled, tellable(o));
}

static void add_piece(struct object_read *r, struct chunk *c, int64_t from)
{
	int64_t end = end_of(r->o, c);

	if (from <= r->o->reach)
		r->o->reach = larger(r->o->reach, end);
	count->used += c->filled - c->used;
	c->used = c->filled;
	r->piece[r->pieces++] = (struct s3_piece){
		.chunk = c->index, .generation = cache_generation(c),
		.at = c->at + (uint64_t)(from - c->off), .off = from,
		.len = (uint64_t)(end - from),
	};
}

int64_t object_read_end(const struct object_read *r)
{
	int64_t size = r->o->attr.size;

	return r->len < size - r->off ? r->off + r->len : size;
}

int64_t object_wanted(const struct object_read *r)
{
	return smaller(object_read_end(r), r->off + (int64_t)cache_size() / 4);
}

/* Collects what is there from r->off on; returns where it ends, and the chunk that is to grow there in *at. */
static int64_t collect(struct object_read *r, struct chunk **at)
{
	int64_t pos = r->off, upto = smaller(object_read_end(r) + r->leash, tellable(r->o));

	r->pieces = 0;
	*at = NULL;
	while (pos < upto && r->pieces < S3_PIECES) {
		struct chunk *c = index_floor(&r->o->index, pos);

		if (!c || pos >= c->off + c->len)
			break;
		if (pos < end_of(r->o, c)) {
			add_piece(r, c, pos);
			c->ahead = 0;
			cache_used(c);
			pos = end_of(r->o, c);
		}
		if (c->filled < c->len) {
			*at = c;
			break;
		}
	}
	return pos;
}

/* Whether this much is worth an answer. */
static int enough(const struct object_read *r, int64_t pos)
{
	return pos >= object_read_end(r) || pos - r->off >= ANSWER_MOST || r->pieces == S3_PIECES;
}

/*
 * Answers a read, or lets it wait for a chunk that grows. 0 if what it lacks
 * is not on its way.
 */
static int answer_or_wait(struct object_read *r)
{
	struct chunk *at;
	int64_t pos = collect(r, &at);
	struct fetch *f;

	if (enough(r, pos)) {
		r->done(r, 0);
		return 1;
	}
	if (!at && pos == tellable(r->o) && pos < r->o->attr.size) {
		r->listed = READ_UNSURE;
		DL_APPEND(r->o->unsure, r);
		return 1;
	}
	if (!at)
		return 0;
	f = at->fetch;
	r->on = f;
	r->need = smaller(smaller(object_read_end(r), r->off + ANSWER_MOST), at->off + at->len);
	DL_APPEND(f->waiting, r);
	fetch_urgent(f);
	return 1;
}

static void stop_waiting(struct object_read *r)
{
	if (r->on)
		DL_DELETE(r->on->waiting, r);
	else if (r->listed == READ_FRESH)
		DL_DELETE(r->o->fresh, r);
	else if (r->listed == READ_STARVED)
		DL_DELETE(starved, r);
	else if (r->listed == READ_UNSURE)
		DL_DELETE(r->o->unsure, r);
	r->on = NULL;
	r->listed = READ_UNLISTED;
}

/* Something is missing: planned with the others of this round. */
static void list_fresh(struct object_read *r)
{
	r->listed = READ_FRESH;
	DL_APPEND(r->o->fresh, r);
	object_plan_soon(r->o);
}

static void retry_starved(void *arg)
{
	struct object_read *all = starved, *r, *next;

	(void)arg;
	retrying = 0;
	starved = NULL;
	DL_FOREACH_SAFE(all, r, next) {
		DL_DELETE(all, r);
		r->listed = READ_UNLISTED;
		list_fresh(r);
	}
}

void object_reads_retry(void)
{
	if (starved && !retrying) {
		retrying = 1;
		loop_soon(retry_starved, NULL);
	}
}

void object_reads_grew(struct fetch *f)
{
	const struct object *o = f->owner;
	struct object_read *r, *next;
	int64_t have = f->c->off + f->c->filled;

	DL_FOREACH_SAFE(f->waiting, r, next) {
		if (have < r->need)
			continue;
		stop_waiting(r);
		if (o->gone == -EIO)
			r->done(r, -EIO);
		else if (!answer_or_wait(r))
			list_fresh(r);
	}
}

void object_reads_failed(struct fetch *f, int err)
{
	struct object_read *r;

	while ((r = f->waiting)) {
		stop_waiting(r);
		r->done(r, err);
	}
}

void object_reads_sure(struct object *o)
{
	struct object_read *all = o->unsure, *r, *next;

	o->unsure = NULL;
	DL_FOREACH_SAFE(all, r, next) {
		DL_DELETE(all, r);
		r->listed = READ_UNLISTED;
		if (o->gone == -EIO)
			r->done(r, -EIO);
		else if (!answer_or_wait(r))
			list_fresh(r);
	}
}

/* No memory now: when a fetch ends, it is tried again. */
static void starve(struct object_read *r)
{
	if (!fetch_running()) {
		r->done(r, -ENOMEM);
		return;
	}
	r->listed = READ_STARVED;
	DL_APPEND(starved, r);
}

void object_reads_settle(struct object *o, int refused)
{
	struct object_read *r;
	unsigned n;

	DL_COUNT(o->fresh, r, n);
	while (n-- && (r = o->fresh)) {
		stop_waiting(r);
		if (o->gone)
			r->done(r, o->gone);
		else if (answer_or_wait(r))
			continue;
		else if (refused)
			starve(r);
		else
			list_fresh(r);
	}
}

/* What is behind the bytes that are there or on their way does not wait for these. */
static void want_rest(const struct object_read *r)
{
	struct object *o = r->o;
	struct range rest = { object_covered(o, r->off), object_wanted(r), object_wanted(r), 0 };

	if (rest.off > r->off && rest.off < rest.end)
		object_plan(o, &rest, 1);
}

/* Fetches ahead of the stream this read belongs to. */
static void go_ahead(struct object *o, struct stream *s, int64_t most)
{
	struct range want[STREAM_STRIDES];
	unsigned n = stream_ahead(s, o->attr.size, most, want);

	object_plan(o, want, n);
}

/* Another stream is on its way to this place. */
static int is_awaited(const struct object *o, const struct stream *but, int64_t off)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		const struct stream *s = &o->streams.s[i];

		if (s != but && s->window && s->way > 0 && s->off <= off)
			return 1;
	}
	return 0;
}

/*
 * What a reader left behind in an object that the cache cannot hold anyway is
 * dropped: the memory is used again while the processor still has it, and
 * others' chunks stay.
 */
static void drop_behind(struct object *o, struct stream *s)
{
	int64_t upto = s->off - BEHIND;
	struct chunk *c;

	if (s->way <= 0 || !s->window || o->verify == VERIFY_ASKED || !object_is_large(o))
		return;
	while ((c = index_above(&o->index, s->passed - 1)) && c->off + c->len <= upto) {
		s->passed = c->off + c->len;
		if (c->held || is_awaited(o, s, c->off))
			continue;
		object_drop(o, c);
	}
}

/* The largest window there may be; where bandwidth is bounded, what is further ahead takes it from what is next. */
static int64_t most_ahead(const struct object *o, struct stream *s)
{
	int64_t option = smaller(o->bucket->option[S3_OPT_READAHEAD], (int64_t)cache_size() / 4);
	int64_t second = o->bucket->option[S3_OPT_READ_BANDWIDTH];

	if (second)
		option = smaller(option, larger(second, STREAM_FIRST));
	return smaller(stream_most(s, fetch_link(), loop_now()), option);
}

void object_read(struct object_read *r)
{
	struct object *o = r->o;
	struct stream *s;
	struct chunk *at;
	int64_t pos, most;

	r->on = NULL;
	r->listed = READ_UNLISTED;
	r->pieces = 0;
	r->leash = 0;
	count->reads++;
	if (o->gone == -EIO || r->off >= o->attr.size || r->len <= 0) {
		r->done(r, o->gone == -EIO ? -EIO : 0);
		return;
	}
	o->streams.expected = o->bucket->habit;
	s = stream_ask(&o->streams, r->off, object_read_end(r));
	most = most_ahead(o, s);
	r->leash = stream_leash(s);
	pos = collect(r, &at);
	count->asked += (uint64_t)(object_read_end(r) - r->off);
	if (!enough(r, pos)) {
		count->waited++;
		stream_stalled(s, most);
	}
	drop_behind(o, s);
	want_rest(r);
	go_ahead(o, s, most);
	if (s->way > 0 && s->window && r->off <= VERIFY_FROM)
		object_verify_ask(o);
	if (enough(r, pos))
		r->done(r, 0);
	else if (o->gone)
		r->done(r, o->gone);
	else if (!answer_or_wait(r))
		list_fresh(r);
}

void object_read_cancel(struct object_read *r)
{
	stop_waiting(r);
}
