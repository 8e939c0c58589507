/* SPDX-License-Identifier: MIT */
/* What was read: compared with the checksum of the whole, and kept on disk. */
#include "s3_object.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_checksum_is_an_error_at_the_end),
		cmocka_unit_test(a_large_one_likewise),
		cmocka_unit_test_setup_teardown(what_was_read_stays_on_disk, make_disk, remove_disk),
		cmocka_unit_test_setup_teardown(a_weak_version_does_not, make_disk, remove_disk),
		cmocka_unit_test_setup_teardown(nor_does_what_is_corrupt, make_disk, remove_disk),
		cmocka_unit_test_setup_teardown(reads_that_end_while_the_disk_is_asked, make_disk, remove_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
