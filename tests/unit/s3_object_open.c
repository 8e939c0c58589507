/* SPDX-License-Identifier: MIT */
/* Opening objects: how much the first requests ask for, and which versions their answers are of. */
#include "s3_object.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_opens_again_without_bytes),
		cmocka_unit_test(opens_ask_for_what_is_read),
		cmocka_unit_test(sure_opens_ask_for_parts),
		cmocka_unit_test(parts_of_two_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
