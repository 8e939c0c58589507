/* SPDX-License-Identifier: MIT */
/*
 * Reading objects, without a server: s3_start is ours and answers from a
 * generated object, in an order, with delays and faults of the test's
 * choosing, and time is what the test says. What readers are told is looked up
 * as a guest does it: pread of the cache, then the generation.
 */
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

static void small_objects_cost_one_request(void **state)
{
	struct object *o;

	(void)state;
	serve(5000, 32 << 20);
	o = open_it();
	assert_int_equal(open_err, 0);
	assert_int_equal(object_attr(o)->size, 5000);
	assert_string_equal(object_attr(o)->etag, "\"one\"");
	assert_int_equal(read_it(o, 0, 100000), 0);
	assert_int_equal(read_it(o, 4999, 10), 0);
	assert_int_equal(read_it(o, 5000, 10), 0);
	assert_int_equal(server.requests, 1);
	assert_int_equal(cache_taken(), 8192);
	close_it(o);
}

static void empty_objects(void **state)
{
	struct object *o;

	(void)state;
	serve(0, 32 << 20);
	o = open_it();
	assert_int_equal(open_err, 0);
	assert_int_equal(object_attr(o)->size, 0);
	assert_int_equal(server.heads, 1);
	assert_int_equal(read_it(o, 0, 10), 0);
	close_it(o);
}

static void what_is_not_there(void **state)
{
	(void)state;
	serve(100, 32 << 20);
	server.removed = 1;
	assert_null(open_it());
	assert_int_equal(open_err, -ENOENT);
	assert_int_equal(cache_taken(), 0);
	cache_init(CACHE_MOST);
}

/* A small read in the middle fetches its pages, not more. */
static void small_reads_are_exact(void **state)
{
	struct object *o;
	int64_t before;

	(void)state;
	serve(64 << 20, 32 << 20);
	o = open_it();
	drain();
	before = server.sent;
	assert_int_equal(read_it(o, (10 << 20) + 100, 4096), 1);
	assert_int_equal(server.sent - before, 8192);
	assert_int_equal(read_it(o, (10 << 20), 8192), 0);
	assert_int_equal(read_it(o, (40 << 20), 4096), 1);
	drain();
	assert_int_equal(server.sent - before, 8192 + 4096);
	close_it(o);
}

static void large_reads_fan_out(void **state)
{
	struct object *o;
	unsigned n;

	(void)state;
	serve(64 << 20, 64 << 20);
	o = open_it();
	n = read_it(o, 20 << 20, 16 << 20);
	assert_in_range(n, 4, 5);
	close_it(o);
}

static void sequential_readers_are_ahead(void **state)
{
	struct object *o;

	(void)state;
	serve(64 << 20, 32 << 20);
	o = open_it();
	for (int64_t off = 0; off < server.size; off += 128 << 10)
		read_it(o, off, 128 << 10);
	assert_in_range(server.requests, 8, 100);
	assert_int_equal(server.sent, server.size);
	close_it(o);
}

static void backward_readers_are_ahead(void **state)
{
	struct object *o;

	(void)state;
	serve(16 << 20, 32 << 20);
	o = open_it();
	for (int64_t off = server.size - (64 << 10); off >= 0; off -= 64 << 10)
		read_it(o, off, 64 << 10);
	assert_in_range(server.requests, 8, 100);
	close_it(o);
}

static void strides_are_ahead(void **state)
{
	struct object *o;

	(void)state;
	serve(64 << 20, 32 << 20);
	o = open_it();
	waits = 0;
	for (int64_t off = 1 << 20; off + 8192 < server.size; off += 1 << 20) {
		read_it(o, off, 8192);
		drain();
	}
	assert_in_range(waits, 1, 8);
	assert_true(server.sent < 2 << 20);
	close_it(o);
}

static void a_replaced_object_is_stale(void **state)
{
	static struct reader k;
	struct object *o;

	(void)state;
	serve(64 << 20, 32 << 20);
	o = open_it();
	drain();
	strcpy(server.etag, "\"two\"");
	server.salt = 2;
	start(&k, o, 8 << 20, 4096);
	drain();
	assert_int_equal(k.err, -ESTALE);
	start(&k, o, 0, 4096);
	assert_int_equal(k.err, 0);             /* what is here is still of its version */
	server.salt = 1;
	go_on(&k);
	is_right(&k);
	server.salt = 2;
	object_put(o);
	drain();
	o = open_it();                          /* the new one is another */
	assert_string_equal(object_attr(o)->etag, "\"two\"");
	read_it(o, 0, 1 << 20);
	close_it(o);
}

static void a_version_outlives_its_object(void **state)
{
	struct s3_attr listed = { .size = 64 << 20, .etag = "\"one\"" };
	struct object *o;

	(void)state;
	serve(listed.size, 32 << 20);
	server.versions = 1;
	o = object_known(&bucket, "key", &listed);
	assert_int_equal(server.requests, 0);
	read_it(o, 1 << 20, 4096);
	server.removed = 1;
	read_it(o, 40 << 20, 4096);
	server.removed = 0;
	server.forbidden = 1;                   /* then by its etag */
	read_it(o, 20 << 20, 4096);
	assert_int_equal(bucket.versions, 0);
	close_it(o);
}

/* Reads it in pieces until the end or an error. */
static int read_all(int64_t size, int sums)
{
	static struct reader k;
	struct object *o;

	k.err = 0;
	serve(size, 32 << 20);
	server.sums = sums;
	o = open_it();
	for (int64_t off = 0; off < size && !k.err; off += 128 << 10) {
		start(&k, o, off, 128 << 10);
		while (k.busy || go_on(&k))
			if (k.busy)
				assert_true(turn());
		if (!k.err)
			is_right(&k);
	}
	close_it(o);
	return k.err;
}

static void a_wrong_checksum_is_an_error_at_the_end(void **state)
{
	uint64_t verified = count->verified, corrupt = count->corrupt;

	(void)state;
	assert_int_equal(read_all(5000, 1), 0);
	assert_int_equal(read_all(5 << 20, 1), 0);
	assert_int_equal(count->verified, verified + 2);
	assert_int_equal(count->corrupt, corrupt);
	assert_int_equal(read_all(5000, 2), -EIO);
	assert_int_equal(count->corrupt, corrupt + 1);
}

static void a_large_one_likewise(void **state)
{
	uint64_t corrupt = count->corrupt;

	(void)state;
	assert_int_equal(read_all(5 << 20, 2), -EIO);
	assert_int_equal(count->corrupt, corrupt + 1);
}

static char disk[40];

static int make_disk(void **state)
{
	(void)state;
	strcpy(disk, "/dev/shm/shim-object.XXXXXX");
	assert_non_null(mkdtemp(disk));
	bucket.disk = disk;
	bucket.store = NULL;
	return 0;
}

static int remove_disk(void **state)
{
	char command[100];

	(void)state;
	bucket.disk = NULL;
	bucket.store = NULL;
	snprintf(command, sizeof command, "rm -rf '%s'", disk);
	return system(command);
}

static void what_was_read_stays_on_disk(void **state)
{
	uint64_t hits = count->disk_hits;
	struct object *o;

	(void)state;
	serve(20 << 20, 32 << 20);
	o = open_it();
	read_it(o, 0, 20 << 20);
	close_it(o);
	assert_int_equal(server.sent, 20 << 20);
	/* another agent, the same bytes */
	serve(20 << 20, 32 << 20);
	o = open_it();
	read_it(o, 0, 20 << 20);
	close_it(o);
	assert_int_equal(server.sent, 0);
	assert_true(count->disk_hits > hits);
	/* a new version */
	serve(20 << 20, 32 << 20);
	server.salt = 2;
	strcpy(server.etag, "\"two\"");
	o = open_it();
	read_it(o, 0, 20 << 20);
	close_it(o);
	assert_int_equal(server.sent, 20 << 20);
	/* what of it is there, and the rest */
	serve(20 << 20, 32 << 20);
	server.salt = 3;
	strcpy(server.etag, "\"three\"");
	o = open_it();
	read_it(o, 0, 5 << 20);
	close_it(o);
	serve(20 << 20, 32 << 20);
	server.salt = 3;
	strcpy(server.etag, "\"three\"");
	o = open_it();
	read_it(o, 0, 20 << 20);
	close_it(o);
	assert_in_range(server.sent, 1, 16 << 20);
}

/* Its etag does not tell its bytes. */
static void a_weak_version_does_not(void **state)
{
	struct object *o;

	(void)state;
	for (int i = 0; i < 2; i++) {
		serve(1 << 20, 32 << 20);
		strcpy(server.etag, "W/\"one\"");
		o = open_it();
		read_it(o, 0, 1 << 20);
		close_it(o);
		assert_int_equal(server.sent, 1 << 20);
	}
}

static void nor_does_what_is_corrupt(void **state)
{
	(void)state;
	assert_int_equal(read_all(5 << 20, 2), -EIO);
	assert_int_equal(read_all(5 << 20, 1), 0);
	assert_int_equal(server.sent, 5 << 20);
}

/* Fetches end while they are looked for. */
static void reads_that_end_while_the_disk_is_asked(void **state)
{
	static struct reader k;
	struct object *o;

	(void)state;
	serve(64 << 20, 64 << 20);
	o = open_it();
	read_it(o, 0, 16 << 20);
	for (int i = 0; i < 20; i++) {
		start(&k, o, (i % 4) * (15 << 20), 4 << 20);
		if (i % 2)
			for (unsigned n = 0; n < soons; n++)    /* planned, but nothing is done */
				if (n < soons / 2) {
					soon[n].fn(soon[n].arg);
					soon[n].fn = (void (*)(void *))(uintptr_t)free;
					soon[n].arg = NULL;
				}
		if (k.busy)
			object_read_cancel(&k.r);
		object_put(o);
		drain();
		o = open_it();
	}
	read_it(o, 0, 64 << 20);
	close_it(o);
}

static void errors_end_a_read_and_no_more(void **state)
{
	static struct reader k;
	struct object *o;

	(void)state;
	serve(64 << 20, 32 << 20);
	o = open_it();
	drain();
	server.fault = 1;
	start(&k, o, 8 << 20, 4096);
	drain();
	assert_int_equal(k.err, -EIO);
	server.fault = 0;
	read_it(o, 8 << 20, 4096);
	close_it(o);
}

static void a_cancelled_read_is_forgotten(void **state)
{
	static struct reader k;
	struct object *o;

	(void)state;
	serve(64 << 20, 64 << 20);
	o = open_it();
	start(&k, o, 8 << 20, 4 << 20);
	object_read_cancel(&k.r);               /* before it was planned */
	drain();
	start(&k, o, 18 << 20, 4 << 20);
	round_end();
	object_read_cancel(&k.r);               /* while it waits */
	drain();
	assert_int_equal(k.busy, 1);
	start(&k, o, 28 << 20, 16 << 20);
	round_end();
	object_read_cancel(&k.r);
	close_it(o);                            /* and closed with its requests under way */
	assert_true(server.cancelled > 0);
}

static void it_opens_again_without_bytes(void **state)
{
	struct object *o;
	struct s3_attr attr;

	(void)state;
	serve(4 << 20, 32 << 20);
	o = open_it();
	attr = *object_attr(o);
	read_it(o, 0, 4 << 20);
	object_put(o);
	drain();
	o = object_known(&bucket, "key", &attr);
	assert_int_equal(read_it(o, 0, 4 << 20), 0);
	close_it(o);
}

/* Bytes that an open of the object, which was replaced meanwhile, asks for; then `len` of them are read. */
static int64_t asked_by_open(int64_t len)
{
	struct object *o;
	int64_t asked;

	snprintf(server.etag, sizeof server.etag, "\"%u\"", ++server.salt);
	open_err = 1;
	object_open(&bucket, "key", on_opened, NULL);
	asked = server.r[0]->last + 1;
	while (open_err == 1)
		assert_true(turn());
	o = opened;
	assert_int_equal(open_err, 0);
	if (len)
		read_it(o, 0, len);
	object_put(o);
	drain();
	return asked;
}

/* After objects that were read as a whole more of the next one comes with its open; not after one that was not. */
static void opens_ask_for_what_is_read(void **state)
{
	(void)state;
	serve(4 << 20, 64 << 20);
	assert_int_equal(asked_by_open(4 << 20), 128 << 10);
	assert_int_equal(asked_by_open(4 << 20), 4 << 20);
	assert_int_equal(asked_by_open(0), 4 << 20);
	assert_int_equal(asked_by_open(100), 512 << 10);
	assert_int_equal(asked_by_open(0), 128 << 10);
	server.size = 100000;
	assert_int_equal(asked_by_open(100000), 128 << 10);
	assert_int_equal(asked_by_open(100000), 128 << 10);
	assert_int_equal(cache_held(), 0);
	assert_int_equal(cache_init(CACHE_MOST), 0);
}

/* Requests of an open, and of all its reading. */
static void opens_with(int64_t size, unsigned at_once, unsigned all)
{
	server.size = size;
	server.requests = server.heads = 0;
	snprintf(server.etag, sizeof server.etag, "\"%u\"", ++server.salt);
	open_err = 1;
	object_open(&bucket, "key", on_opened, NULL);
	assert_int_equal(server.requests, at_once);
	while (open_err == 1)
		assert_true(turn());
	assert_int_equal(open_err, 0);
	read_it(opened, 0, size);
	object_put(opened);
	drain();
	assert_int_equal(server.requests - server.heads, all);
	assert_int_equal(cache_held(), 0);
	assert_int_equal(fetch_running(), 0);
}

/* Where objects are read far, an open asks for several parts, in whatever order they are answered; until one is shorter. */
static void sure_opens_ask_for_parts(void **state)
{
	(void)state;
	serve(16 << 20, 256 << 20);
	asked_by_open(16 << 20);
	asked_by_open(16 << 20);
	for (int i = 0; i < 8; i++)
		opens_with(16 << 20, 4, 4);
	opens_with((9 << 20) + 5, 4, 4);
	opens_with(5000, 1, 1);
	server.size = 16 << 20;
	asked_by_open(16 << 20);
	asked_by_open(16 << 20);
	opens_with(5000, 4, 4);
	opens_with(5000, 1, 1);
	server.size = 16 << 20;
	asked_by_open(16 << 20);
	asked_by_open(16 << 20);
	server.removed = 1;
	assert_null(open_it());
	assert_int_equal(open_err, -ENOENT);
	drain();
	assert_int_equal(cache_held(), 0);
	server.removed = 0;
	assert_int_equal(cache_init(CACHE_MOST), 0);
}

/* A part that was answered before the object was replaced is not one of the new version. */
static void parts_of_two_versions(void **state)
{
	struct object *o;

	(void)state;
	serve(16 << 20, 256 << 20);
	asked_by_open(16 << 20);
	asked_by_open(16 << 20);
	for (unsigned first = 0; first < 4; first++) {
		snprintf(server.etag, sizeof server.etag, "\"%u\"", ++server.salt);
		open_err = 1;
		object_open(&bucket, "key", on_opened, NULL);
		answer(first);
		deliver(first, 5000);
		snprintf(server.etag, sizeof server.etag, "\"%u\"", ++server.salt);
		while (open_err == 1)
			assert_true(turn());
		o = opened;
		assert_int_equal(open_err, 0);
		if (first)
			read_it(o, 0, 16 << 20);
		object_put(o);
		drain();
		assert_int_equal(cache_held(), 0);
		asked_by_open(16 << 20);
		asked_by_open(16 << 20);
	}
	assert_int_equal(cache_init(CACHE_MOST), 0);
}

/* 64 readers, random places and sizes, faults now and then, a cache that is too small. */
static void many_readers_of_little_memory(void **state)
{
	enum { READERS = 64 };
	static struct reader k[READERS];
	struct object *o;
	const unsigned reads = often(3000, 500);
	unsigned left = reads, late = 0, answered = 0;

	(void)state;
	serve(200 << 20, 32 << 20);
	o = open_it();
	server.fault = 50;
	for (int i = 0; i < READERS; i++) {
		k[i].dally = i % 2;
		start(&k[i], o, 0, 1);
	}
	while (left) {
		int busy = turn();

		assert_true(cache_taken() <= cache_size());
		for (int i = 0; i < READERS && left; i++) {
			int64_t len;

			if (k[i].busy || go_on(&k[i])) {
				busy = 1;
				continue;
			}
			if (!k[i].err) {
				is_right(&k[i]);
				answered++;
			} else {
				assert_int_equal(k[i].err, -EIO);
			}
			late += k[i].late;
			k[i].late = 0;
			len = 1 + rand_r(&seed) % (1 << rand_r(&seed) % 23);
			start(&k[i], o, rand_r(&seed) % server.size, len);
			left--;
			busy = 1;
		}
		assert_true(busy);              /* nobody waits for nothing */
	}
	assert_true(answered > reads / 3 * 2);
	assert_true(late > 0 || reads < 3000);   /* memory was used again under their eyes */
	for (int i = 0; i < READERS; i++)
		if (k[i].busy)
			object_read_cancel(&k[i].r);
	close_it(o);
	for (int i = 0; i < READERS; i++)
		free(k[i].buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_objects_cost_one_request),
		cmocka_unit_test(empty_objects),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(small_reads_are_exact),
		cmocka_unit_test(large_reads_fan_out),
		cmocka_unit_test(sequential_readers_are_ahead),
		cmocka_unit_test(backward_readers_are_ahead),
		cmocka_unit_test(strides_are_ahead),
		cmocka_unit_test(a_replaced_object_is_stale),
		cmocka_unit_test(a_version_outlives_its_object),
		cmocka_unit_test(a_wrong_checksum_is_an_error_at_the_end),
		cmocka_unit_test(a_large_one_likewise),
		cmocka_unit_test_setup_teardown(what_was_read_stays_on_disk, make_disk, remove_disk),
		cmocka_unit_test_setup_teardown(a_weak_version_does_not, make_disk, remove_disk),
		cmocka_unit_test_setup_teardown(nor_does_what_is_corrupt, make_disk, remove_disk),
		cmocka_unit_test_setup_teardown(reads_that_end_while_the_disk_is_asked, make_disk, remove_disk),
		cmocka_unit_test(errors_end_a_read_and_no_more),
		cmocka_unit_test(a_cancelled_read_is_forgotten),
		cmocka_unit_test(it_opens_again_without_bytes),
		cmocka_unit_test(opens_ask_for_what_is_read),
		cmocka_unit_test(sure_opens_ask_for_parts),
		cmocka_unit_test(parts_of_two_versions),
		cmocka_unit_test(many_readers_of_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
