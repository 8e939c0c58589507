/* SPDX-License-Identifier: MIT */
/*
 * How readers are recognised and how far ahead is fetched for them; and which
 * ranges a plan makes of what is wanted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "read/plan.h"
#include "read/stream.h"

#define KIB 1024ll
#define MIB (1ll << 20)
#define SIZE (1ll << 30)
#define MOST (64 * MIB)

static struct streams all;
static struct range out[STREAM_STRIDES];

/* One ask, and how much is fetched ahead for it. */
static int64_t ahead_of(int64_t off, int64_t len)
{
	unsigned n = stream_ahead(stream_ask(&all, off, off + len), SIZE, MOST, out);
	int64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += out[i].end - out[i].off;
	return sum;
}

static int start(void **state)
{
	(void)state;
	memset(&all, 0, sizeof all);
	return 0;
}

static void random_reads_fetch_nothing_ahead(void **state)
{
	unsigned seed = 5;
	int64_t sum = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		sum += ahead_of((int64_t)(rand_r(&seed) % (SIZE / 4096)) * 4096, 4096);
	assert_in_range(sum, 0, 2 * MIB);       /* a neighbour by chance */
}

static void the_second_read_in_a_row_begins_a_window(void **state)
{
	(void)state;
	assert_int_equal(ahead_of(10 * MIB, 4096), 0);
	assert_int_equal(ahead_of(10 * MIB + 4096, 4096), STREAM_FIRST);
	assert_int_equal(out[0].off, 10 * MIB + 8192);
	/* half of it has to be used up before there is more */
	assert_int_equal(ahead_of(10 * MIB + 8192, 4096), 0);
	assert_true(ahead_of(10 * MIB + 100 * KIB, 4096) > 0);
	assert_int_equal(out[0].off, 10 * MIB + 8192 + STREAM_FIRST);
}

static void a_large_first_read_is_the_first_of_many(void **state)
{
	(void)state;
	assert_true(ahead_of(0, 128 * KIB) > 0);
	start(NULL);
	assert_int_equal(ahead_of(0, 4 * KIB), 0);
}

static void windows_grow_with_stalls_and_are_bounded(void **state)
{
	struct stream *s = NULL;

	(void)state;
	for (int64_t off = 0; off < SIZE; off += MIB) {
		s = stream_ask(&all, off, off + MIB);
		stream_stalled(s, MOST);
	}
	assert_int_equal(s->window, MOST);
	stream_halve(&all);
	assert_int_equal(s->window, MOST / 2);
	for (int i = 0; i < 20; i++)
		stream_halve(&all);
	assert_int_equal(s->window, STREAM_FIRST);
}

/* Not by batches: whenever a part is used up, the next one is asked for. */
static void large_windows_are_kept_full_by_whole_parts(void **state)
{
	struct stream *s = stream_ask(&all, 0, 128 * KIB);
	unsigned asked = 0;

	(void)state;
	s->window = 16 * MIB;
	assert_int_equal(stream_ahead(s, SIZE, MOST, out), 1);
	assert_int_equal(out[0].end, 16 * MIB);
	for (int64_t off = 128 * KIB; off < 32 * MIB; off += 128 * KIB) {
		if (!ahead_of(off, 128 * KIB))
			continue;
		asked++;
		assert_int_equal(out[0].part, 4 * MIB);
		assert_int_equal(out[0].off % (4 * MIB), 0);
		assert_int_equal(out[0].end - out[0].off, 4 * MIB);
	}
	assert_int_equal(asked, 8);
}

static void who_begins_at_the_start_goes_as_far_as_others_did(void **state)
{
	(void)state;
	all.expected = 16 * MIB;
	assert_true(ahead_of(0, 128 * KIB) >= 12 * MIB);
	start(NULL);
	all.expected = 16 * MIB;
	ahead_of(100 * MIB, 4096);
	assert_int_equal(ahead_of(100 * MIB + 4096, 4096), STREAM_FIRST);
}

static void four_readers_at_a_time(void **state)
{
	int64_t sum[4] = { 0 };

	(void)state;
	for (int round = 0; round < 50; round++)
		for (int i = 0; i < 4; i++)
			sum[i] += ahead_of(i * i * 50 * MIB + round * 64 * KIB, 64 * KIB);
	for (int i = 0; i < 4; i++)
		assert_in_range(sum[i], 48 * 64 * KIB, 52 * 64 * KIB);
}

static void backward(void **state)
{
	int64_t got, low = SIZE;

	(void)state;
	for (int64_t off = SIZE - 64 * KIB; off > SIZE - 8 * MIB; off -= 64 * KIB) {
		got = ahead_of(off, 64 * KIB);
		if (!got)
			continue;
		assert_true(out[0].end <= off);
		assert_true(out[0].end <= low);         /* nothing twice */
		low = out[0].off;
	}
	assert_true(low < SIZE - 8 * MIB);
}

static void strides(void **state)
{
	(void)state;
	ahead_of(0, 4096);
	ahead_of(3 * MIB, 4096);
	assert_true(ahead_of(6 * MIB, 4096) > 0);
	assert_int_equal(ahead_of(9 * MIB, 4096), STREAM_STRIDES * 4096);
	assert_int_equal(out[0].off, 12 * MIB);
	assert_int_equal(out[1].off, 15 * MIB);
}

static void the_rest_of_an_ask_is_no_new_one(void **state)
{
	struct stream *s = stream_ask(&all, 50 * MIB, 60 * MIB);

	(void)state;
	assert_ptr_equal(stream_ask(&all, 51 * MIB, 60 * MIB), s);
	assert_int_equal(s->off, 50 * MIB);
	assert_int_equal(s->window, 0);
}

static void nothing_is_beyond_the_end(void **state)
{
	(void)state;
	ahead_of(SIZE - 8192, 4096);
	assert_int_equal(ahead_of(SIZE - 4096, 4096), 0);
}

static void ranges_join_across_cheap_holes(void **state)
{
	struct range r[] = { { 0, 10, 10, 0 }, { 5, 20, 0, MIB }, { 120, 130, 130, 0 }, { 300, 310, 0, 0 },
			     { 302, 305, 305, 0 } };

	(void)state;
	assert_int_equal(plan_join(r, 5, 100), 2);
	assert_int_equal(r[0].off, 0);
	assert_int_equal(r[0].end, 130);
	assert_int_equal(r[0].wanted, 130);
	assert_int_equal(r[0].part, MIB);
	assert_int_equal(r[1].end, 310);
	assert_int_equal(r[1].wanted, 305);
	assert_int_equal(plan_join(r, 0, 100), 0);
}

static void holes_are_as_dear_as_the_link_says(void **state)
{
	struct plan_link none = { 0, 0 }, near = { 200000, 1000 * MIB }, far = { 50000000, 90 * MIB },
			 slow = { 200000, 20 * MIB };

	(void)state;
	assert_int_equal(plan_merge(&none), 0);
	assert_in_range(plan_merge(&near), 32 * KIB, 128 * KIB);
	assert_int_equal(plan_merge(&far), PLAN_MERGE_MOST);
	assert_int_equal(plan_least(&none), PLAN_PART_LEAST);
	assert_int_equal(plan_least(&near), PLAN_PART_MOST);
	assert_int_equal(plan_least(&slow), PLAN_PART_SLOW);
	assert_int_equal(plan_least(&far), PLAN_PART_MOST);
}

static void pages_are_whole_within_neighbours(void **state)
{
	struct range r = plan_round((struct range){ 5000, 9000, 0, 0 }, 0, 1 << 20);

	(void)state;
	assert_int_equal(r.off, 4096);
	assert_int_equal(r.end, 12288);
	r = plan_round((struct range){ 5000, 9000, 0, 0 }, 4500, 9100);
	assert_int_equal(r.off, 4500);
	assert_int_equal(r.end, 9100);
}

/* Parts cover the range; none is too small or too large; the last is no longer than the first. */
static void parts(void **state)
{
	static const int64_t lengths[] = { 1, 4096, MIB, 5 * MIB + 1, 16 * MIB, 100 * MIB };

	(void)state;
	for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		struct range r = { 12345, 12345 + lengths[i], 0, 0 };
		int64_t first = plan_part(r, 8, MIB), last = first;

		for (unsigned n = 0; r.off < r.end; n++) {
			assert_true(n < 64);
			last = plan_part(r, 8, MIB);
			assert_in_range(last, 1, PLAN_PART_MOST);
			assert_true(last >= MIB / 2 || r.off + last == r.end);
			assert_true((r.off + last) % MIB == 0 || r.off + last == r.end);
			r.off += last;
		}
		assert_int_equal(r.off, r.end);
		assert_true(last <= first + MIB / 2);
	}
	assert_int_equal(plan_part((struct range){ 0, 16 * MIB, 0, 0 }, 8, MIB), 2 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(random_reads_fetch_nothing_ahead, start),
		cmocka_unit_test_setup(the_second_read_in_a_row_begins_a_window, start),
		cmocka_unit_test_setup(a_large_first_read_is_the_first_of_many, start),
		cmocka_unit_test_setup(windows_grow_with_stalls_and_are_bounded, start),
		cmocka_unit_test_setup(large_windows_are_kept_full_by_whole_parts, start),
		cmocka_unit_test_setup(who_begins_at_the_start_goes_as_far_as_others_did, start),
		cmocka_unit_test_setup(four_readers_at_a_time, start),
		cmocka_unit_test_setup(backward, start),
		cmocka_unit_test_setup(strides, start),
		cmocka_unit_test_setup(the_rest_of_an_ask_is_no_new_one, start),
		cmocka_unit_test_setup(nothing_is_beyond_the_end, start),
		cmocka_unit_test(ranges_join_across_cheap_holes),
		cmocka_unit_test(holes_are_as_dear_as_the_link_says),
		cmocka_unit_test(pages_are_whole_within_neighbours),
		cmocka_unit_test(parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
