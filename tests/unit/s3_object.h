/* SPDX-License-Identifier: MIT */
/*
 * Reading objects, without a server: s3_start is ours and answers from a
 * generated object, in an order, with delays and faults of the test's
 * choosing, and time is what the test says. What readers are told is looked up
 * as a guest does it: pread of the cache, then the generation. What the units
 * of objects share.
 */
#ifndef S3_OBJECT_UNIT_H
#define S3_OBJECT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "options.h"
#include "s3/proto.h"
#include "read/cache.h"
#include "request/checksum.h"
#include "request/count.h"
#include "read/fetch.h"
#include "loop/loop.h"
#include "names/names.h"
#include "read/object.h"
#include "request/s3.h"
#include "s3_bytes.h"

/* Each unit uses some of it. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"

#define MOST 4096

/* The server: one object, and the requests that wait for its answers. */
static struct server {
	int64_t size;
	unsigned salt;                  /* of its bytes; a new version has another */
	char etag[S3_ETAG_MAX];
	int versions;                   /* what was replaced can still be had */
	int forbidden;                  /* ... but by nobody */
	int sums;                       /* it keeps checksums: 1; wrong ones: 2 */
	int fault;                      /* one in so many requests fails */
	int removed;
	unsigned requests, heads, cancelled;
	int64_t sent;
	struct s3_request *r[MOST];
	int64_t at[MOST];               /* how far each is; -1: no answer yet */
	unsigned n;
} server;

static struct { void (*fn)(void *); void *arg; } soon[MOST];
static unsigned soons;
static uint64_t now = 1;
static unsigned seed;

uint64_t loop_now(void)
{
	return now;
}

void loop_soon(void (*fn)(void *arg), void *arg)
{
	assert_true(soons < MOST);
	soon[soons].fn = fn;
	soon[soons++].arg = arg;
}

void loop_breathe(void)
{
}

void loop_before_sleep(int (*busy)(void))
{
	(void)busy;
}

void loop_timer_set(struct loop_timer *t, uint64_t at)
{
	t->at = at;
}

void loop_timer_clear(struct loop_timer *t)
{
	t->at = 0;
}

void loop_work(void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	work(arg);
	loop_soon(done, arg);
}

void s3_header(struct s3_request *r, const char *name, const char *value)
{
	r->header[r->headers++] = (struct http_header){ name, value };
}

void s3_param(struct s3_request *r, const char *name, const char *value)
{
	r->query[r->nquery++] = (struct sigv4_param){ name, value };
}

void s3_start(struct s3_request *r)
{
	assert_true(server.n < MOST);
	server.at[server.n] = -1;
	server.r[server.n++] = r;
	server.requests++;
	if (strcmp(r->method, "HEAD") == 0)
		server.heads++;
}

static void forget(unsigned i)
{
	server.n--;
	server.r[i] = server.r[server.n];
	server.at[i] = server.at[server.n];
}

void s3_cancel(struct s3_request *r)
{
	for (unsigned i = 0; i < server.n; i++)
		if (server.r[i] == r) {
			forget(i);
			server.cancelled++;
			return;
		}
	fail_msg("cancelled what is not under way");
}

static void finish(unsigned i, int status, int err)
{
	struct s3_request *r = server.r[i];

	r->status = status;
	forget(i);
	r->done(r, err);
}

/* The one version there ever is of a bucket with versions. */
static int is_pinned(const struct s3_request *r)
{
	return r->nquery && strcmp(r->query[0].name, "versionId") == 0 && strcmp(r->query[0].value, "v1") == 0;
}

/* Whether a condition is made, and the etag is the one it names: -1, 0, 1. */
static int matches(const struct s3_request *r, const char *condition)
{
	for (unsigned i = 0; i < r->headers; i++)
		if (strcmp(r->header[i].name, condition) == 0)
			return strcmp(r->header[i].value, server.etag) == 0;
	return -1;
}

/* The checksum of all, where the answer is all: in base64. */
static void tell_sum(struct s3_request *r)
{
	static unsigned char all[8 << 20], raw[CHECKSUM_MOST];
	static char text[16];
	static const struct http_header got = { "x-amz-checksum-crc64nvme", text };
	static const struct http with = { .got = &got, .ngot = 1 }, without;
	struct checksum sum = { 0 };

	r->http = &without;
	if (!server.sums || r->from || r->upto < r->size)
		return;
	assert_true(server.size <= (int64_t)sizeof all);
	bytes_at(all, 0, (size_t)server.size, server.salt);
	checksum_begin(&sum, CHECKSUM_CRC64NVME);
	checksum_add(&sum, all, (size_t)server.size);
	checksum_end(&sum, raw);
	raw[0] ^= server.sums == 2;
	EVP_EncodeBlock((unsigned char *)text, raw, 8);
	r->http = &with;
}

const char *http_got(const struct http *h, const char *name)
{
	return h->ngot && strcmp(h->got->name, name) == 0 ? h->got->value : NULL;
}

const char *creds_setting(const struct creds *c, const char *name)
{
	(void)c;
	(void)name;
	return NULL;
}

/* The status line and headers of one. */
static void answer(unsigned i)
{
	struct s3_request *r = server.r[i];
	int err;

	if (is_pinned(r) && server.forbidden)
		return finish(i, 403, -EACCES);
	if (server.removed && !is_pinned(r))
		return finish(i, 404, -ENOENT);
	if (!matches(r, "if-match") && !is_pinned(r))
		return finish(i, 412, -ESTALE);
	if (matches(r, "if-none-match") == 1)
		return finish(i, 304, -EALREADY);
	if (r->first >= 0 && r->first >= server.size)
		return finish(i, 416, -EINVAL);
	if (server.fault && rand_r(&seed) % (unsigned)server.fault == 0)
		return finish(i, 500, -EIO);
	r->status = r->first < 0 ? 200 : 206;
	r->size = server.size;
	r->from = r->first < 0 ? 0 : r->first;
	r->upto = r->last < 0 || r->last >= server.size ? server.size : r->last + 1;
	strcpy(r->etag, server.etag);
	strcpy(r->version, server.versions ? "v1" : "");
	server.at[i] = r->from;
	tell_sum(r);
	err = r->head ? r->head(r) : 0;
	if (strcmp(r->method, "HEAD") != 0)
		r->http = NULL;
	if (err)
		finish(i, r->status, err);
	else if (strcmp(r->method, "HEAD") == 0)
		finish(i, r->status, 0);
}

/* Some bytes of one, or its end. */
static void deliver(unsigned i, int64_t n)
{
	static unsigned char buf[64 << 10];
	struct s3_request *r = server.r[i];
	int64_t at = server.at[i];
	int err;

	if (at == r->upto)
		return finish(i, r->status, 0);
	n = n > (int64_t)sizeof buf ? (int64_t)sizeof buf : n;
	n = n > r->upto - at ? r->upto - at : n;
	bytes_at(buf, at, (size_t)n, server.salt);
	server.at[i] = at + n;
	server.sent += n;
	err = r->data(r, at, buf, (size_t)n);
	if (err)
		finish(i, r->status, err);
}

/* What was put off to the end of the round. */
static void round_end(void)
{
	for (unsigned i = 0; i < soons; i++)
		soon[i].fn(soon[i].arg);
	soons = 0;
}

/* One event at a server that answers in any order; 0 if none is due. */
static int turn(void)
{
	unsigned i, did = soons;

	round_end();
	if (!server.n)
		return did != 0;
	i = (unsigned)rand_r(&seed) % server.n;
	if (server.at[i] < 0)
		answer(i);
	else
		deliver(i, 1 + rand_r(&seed) % (64 << 10));
	round_end();
	now += 1000;
	return 1;
}

void names_attr(const struct s3_request *r, const char *key, struct s3_attr *attr)
{
	assert_string_equal(key, "key");
	*attr = (struct s3_attr){ .size = r->size };
	strcpy(attr->etag, r->etag);
	strcpy(attr->version, r->version);
}

static char bucket_name[] = "name";
/* The bucket is only looked at by s3.c. */
static const long long option[BE_OPTIONS_MAX] = { [S3_OPT_CONNECTIONS] = 32, [S3_OPT_READAHEAD] = 64 << 20,
						   [S3_OPT_DISK_SIZE] = 256 << 20 };
static struct s3_bucket bucket = { .option = option, .name = bucket_name, .endpoint = bucket_name };

static void serve(int64_t size, uint64_t cache)
{
	server = (struct server){ .size = size, .salt = 1, .etag = "\"one\"" };
	seed = 11;
	soons = 0;
	bucket.versions = -1;
	bucket.no_sums = 0;
	bucket.habit = 0;
	bucket.habits = 0;
	assert_int_equal(cache_init(cache), 0);
	object_init();
}

static struct object *opened;
static int open_err = 1;

static void on_opened(void *arg, struct object *o, int err)
{
	(void)arg;
	opened = o;
	open_err = err;
}

static struct object *open_it(void)
{
	open_err = 1;
	object_open(&bucket, "key", on_opened, NULL);
	while (open_err == 1)
		assert_true(turn());
	return opened;
}

static void drain(void)
{
	while (turn())
		;
}

static void close_it(struct object *o)
{
	object_put(o);
	drain();
	assert_int_equal(cache_held(), 0);
	assert_int_equal(fetch_running(), 0);
	assert_int_equal(cache_init(CACHE_MOST), 0);
}

/* A guest's read: asks again for the rest, and when a generation changed. */
struct reader {
	struct object_read r;
	struct object *o;
	int64_t off, len, got;
	int busy, err;
	unsigned asks, late;
	int dally;                      /* looks at its pieces a while later */
	unsigned char *buf;
};

static int copy(struct reader *k)
{
	const struct s3_chunk *table = mmap(NULL, cache_chunks() * sizeof *table, PROT_READ, MAP_SHARED, cache_fd(), 0);
	int whole = 1;

	assert_ptr_not_equal(table, MAP_FAILED);
	for (unsigned i = 0; i < k->r.pieces && whole; i++) {
		const struct s3_piece *p = &k->r.piece[i];
		int64_t n = (int64_t)p->len < k->len - k->got ? (int64_t)p->len : k->len - k->got;

		assert_int_equal(p->off, k->off + k->got);
		assert_int_equal(pread(cache_fd(), k->buf + k->got, (size_t)n, (off_t)p->at), n);
		whole = atomic_load(&table[p->chunk].generation) == p->generation;
		k->got += whole ? n : 0;
		k->late += !whole;
		if (k->got == k->len)
			break;
	}
	munmap((void *)(uintptr_t)table, cache_chunks() * sizeof *table);
	return whole;
}

static void on_read(struct object_read *r, int err)
{
	struct reader *k = (struct reader *)((char *)r - offsetof(struct reader, r));

	k->busy = 0;
	k->err = err;
}

static void ask(struct reader *k)
{
	k->r = (struct object_read){ .o = k->o, .off = k->off + k->got, .len = k->len - k->got, .done = on_read };
	k->busy = 1;
	k->asks++;
	object_read(&k->r);
}

/* Goes on with a reader that is not busy; 0: it has all there is. */
static int go_on(struct reader *k)
{
	int64_t before = k->got;

	if (k->dally && rand_r(&seed) % 4)
		return 1;
	if (k->err)
		return 0;
	if (copy(k) && k->got == before)
		return 0;
	if (k->got == k->len)
		return 0;
	ask(k);
	return 1;
}

static void start(struct reader *k, struct object *o, int64_t off, int64_t len)
{
	unsigned char *buf = realloc(k->buf, (size_t)len);

	assert_non_null(buf);
	*k = (struct reader){ .o = o, .off = off, .len = len, .buf = buf, .dally = k->dally, .late = k->late };
	ask(k);
}

static void is_right(const struct reader *k)
{
	int64_t there = k->off >= server.size ? 0 : server.size - k->off;

	assert_int_equal(k->got, k->len < there ? k->len : there);
	if (!are_bytes_at(k->buf, k->off, (size_t)k->got, server.salt))
		fail_msg("a wrong byte in %lld+%lld", (long long)k->off, (long long)k->got);
}

static unsigned waits;

/* Reads, waits, checks; the number of requests it cost. */
static unsigned read_it(struct object *o, int64_t off, int64_t len)
{
	static struct reader k;
	unsigned before = server.requests;

	k.dally = 0;
	start(&k, o, off, len);
	waits += k.busy;
	while (k.busy || go_on(&k))
		if (k.busy)
			assert_true(turn());
	assert_int_equal(k.err, 0);
	is_right(&k);
	return server.requests - before;
}

#endif
