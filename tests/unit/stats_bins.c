/* SPDX-License-Identifier: MIT */
/* Bins, size classes and the clock of the statistics. */
#include "stats_case.h"

/* ---- bins and classes */

/* fio 3.33, stat.c: plat_val_to_idx, with 32 groups. */
static unsigned fio_bin(unsigned long long val)
{
	unsigned msb, error_bits, base, offset, idx;

	msb = val == 0 ? 0 : 63 - (unsigned)__builtin_clzll(val);
	if (msb <= 6)
		return (unsigned)val;
	error_bits = msb - 6;
	base = (error_bits + 1) << 6;
	offset = (64 - 1) & (unsigned)(val >> error_bits);
	idx = base + offset;
	return idx < 2047 ? idx : 2047;
}

static void test_bins(void **state)
{
	uint64_t x = 88172645463325252ull;

	(void)state;
	for (unsigned i = 0; i < SEG_BINS; i++) {
		unsigned shift = i < 64 ? 0 : i / 64 - 1;
		uint64_t low = i < 64 ? i : (uint64_t)(i % 64 + 64) << shift;
		uint64_t high = low + (1ull << shift) - 1;

		assert_int_equal(seg_bin(low), i);
		assert_int_equal(seg_bin(high), i);
		assert_in_range(seg_bin_value(i), low, high);
		assert_int_equal(seg_bin_value(i), low + (shift ? 1ull << (shift - 1) : 0));
	}
	assert_int_equal(seg_bin(1ull << 37), SEG_BINS - 1);
	assert_int_equal(seg_bin(UINT64_MAX), SEG_BINS - 1);
	for (int i = 0; i < 1000000; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		assert_int_equal(seg_bin(x >> (i & 63)), fio_bin(x >> (i & 63)));
	}
}

static void test_size_classes(void **state)
{
	static const uint64_t limit[] = { 0, 512, 4096, 16384, 65536, 262144, 1048576 };

	(void)state;
	assert_int_equal(seg_size_class(1), 1);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(seg_size_class(limit[i]), i);
		assert_int_equal(seg_size_class(limit[i] + 1), i + 1);
	}
	assert_int_equal(seg_size_class(SIZE_MAX), 7);
}

/* ---- the clock */

static void straddle(void)
{
	uint64_t t0 = stats_begin(), t1, ns;

	for (int i = 0; i < 100 && !stats_tsc; i++) {
		t1 = stats_begin();
		usleep(1000);
		stats_end(CALL_fsync, 0, 0, t1, 0, 0, 0);
	}
	ns = clock_since(t0);
	CHECK(ns >= 10000000 || !stats_tsc);
	CHECK(ns < 60000000000ull);
	stats_end(CALL_open, 0, 0, t0, 0, 0, 0);
	t1 = stats_begin();
	usleep(50000);
	stats_end(CALL_close, 0, 0, t1, 0, 0, 0);
	CHECK(!clock_since(clock_now() + 2000000000));
}

static void test_clock(void **state)
{
	struct stats_set set;

	(void)state;
	run(straddle);
	assert_int_equal(load(&set, TREE), 1);
	for (unsigned i = 0; i < set.ncells; i++) {
		if (!strcmp(set.cell[i].call, "close"))
			assert_in_range(set.cell[i].min, 50000000, 20000000000);
		if (!strcmp(set.cell[i].call, "fsync"))
			assert_in_range(set.cell[i].min, 1000000, 1000000000);
	}
	stats_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(bins), CASE(size_classes), CASE(clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
