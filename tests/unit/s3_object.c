/* SPDX-License-Identifier: MIT */
/* Reading objects: what is asked for, ahead and at once, versions, errors, and many readers of little memory. */
#include "s3_object.h"

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
		cmocka_unit_test(errors_end_a_read_and_no_more),
		cmocka_unit_test(a_cancelled_read_is_forgotten),
		cmocka_unit_test(many_readers_of_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
