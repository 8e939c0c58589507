/* SPDX-License-Identifier: MIT */
/* Sets of bytes against a bitmap; plans of uploads up to 5 TiB; checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "read/extents.h"
#include "options.h"
#include "write/multi.h"
#include "write/parts.h"
#include "request/sum.h"

#define MODEL 300

static void same_as_model(const struct extents *s, const char *model)
{
	char got[MODEL] = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		assert_true(s->e[i].from < s->e[i].upto);
		if (i)
			assert_true(s->e[i - 1].upto < s->e[i].from);
		memset(got + s->e[i].from, 1, (size_t)(s->e[i].upto - s->e[i].from));
	}
	assert_memory_equal(got, model, MODEL);
}

static void extents_are_sets(void **state)
{
	struct extents s = { 0 };
	char model[MODEL] = { 0 };

	(void)state;
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		int from = (int)(random() % MODEL), upto = from + (int)(random() % (MODEL - from + 1)) / (1 + i % 9), all = 1, any = 0;

		if (i % 2)
			extents_add(&s, from, upto);
		else
			extents_remove(&s, from, upto);
		memset(model + from, i % 2, (size_t)(upto - from));
		same_as_model(&s, model);
		from = (int)(random() % MODEL);
		upto = from + (int)(random() % (MODEL - from + 1));
		for (int k = from; k < upto; k++)
			model[k] ? (any = 1) : (all = 0);
		assert_int_equal(extents_cover(&s, from, upto), all);
		assert_int_equal(extents_meet(&s, from, upto), any);
	}
	extents_free(&s);
}

/* What S3 asks of parts, and that nothing is copied that changed. */
static void is_plan(const struct part *p, int n, int64_t size, const struct extents *dirty, int64_t copy_end)
{
	int64_t off = 0;

	assert_true(n > 0 && n <= PARTS_MOST);
	for (int i = 0; i < n; i++) {
		assert_true(p[i].off == off && p[i].len > 0 && p[i].len <= PART_MOST);
		assert_true(i == n - 1 || p[i].len >= PART_LEAST);
		if (p[i].copied) {
			assert_true(off + p[i].len <= copy_end);
			assert_false(extents_meet(dirty, off, off + p[i].len));
		}
		off += p[i].len;
	}
	assert_true(off == size);
}

static int64_t random_size(void)
{
	return 1 + (int64_t)(((uint64_t)random() << 31 ^ (uint64_t)random()) % (1ull << (3 + random() % 40)));
}

static void plans_are_valid(void **state)
{
	(void)state;
	srandom(2);
	for (int i = 0; i < 3000; i++) {
		int64_t size = random_size(), copy_end = random() % 3 ? size : random_size() % size;
		struct extents dirty = { 0 };
		struct part *p;
		int n;

		if (size > 5ll << 40)
			size = 5ll << 40;
		for (int k = (int)(random() % 60); k--; ) {
			int64_t from = random_size() % size;

			extents_add(&dirty, from, from + 1 + random_size() % (size - from));
		}
		p = parts_plan(size, &dirty, copy_end, 0, &n);
		is_plan(p, n, size, &dirty, copy_end);
		free(p);
		extents_free(&dirty);
	}
}

static void every_other_block_changed(void **state)
{
	struct extents dirty = { 0 };
	int64_t size = 400ll << 30;
	struct part *p;
	int n;

	(void)state;
	for (int64_t at = 0; at < size; at += 16 << 20)
		extents_add(&dirty, at, at + 4096);
	p = parts_plan(size, &dirty, size, 0, &n);
	is_plan(p, n, size, &dirty, size);
	free(p);
	extents_free(&dirty);
}

static void a_change_in_the_middle_moves_little(void **state)
{
	struct extents dirty = { 0 };
	int64_t size = 1 << 30, sent = 0;
	struct part *p;
	int n;

	(void)state;
	extents_add(&dirty, 500 << 20, (500 << 20) + 4096);
	p = parts_plan(size, &dirty, size, 0, &n);
	is_plan(p, n, size, &dirty, size);
	for (int i = 0; i < n; i++)
		sent += p[i].copied ? 0 : p[i].len;
	assert_true(sent <= 16 << 20);
	free(p);
	extents_free(&dirty);
}

/* The server copies one part no faster than it can read and write it. */
static void long_copies_are_made_in_parallel(void **state)
{
	static const struct { int64_t size; int least, most; } files[] = {
		{ 64 << 20, 4, 5 }, { 1ll << 30, 8, 10 }, { 100ll << 30, 100, 250 }, { 5ll << 40, 3000, 6000 },
	};
	struct extents dirty = { 0 };
	int n;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct part *p = parts_plan(files[i].size + 4096, &dirty, files[i].size, 0, &n);

		is_plan(p, n, files[i].size + 4096, &dirty, files[i].size);
		assert_in_range(n - 1, files[i].least, files[i].most);
		free(p);
	}
}

static void new_files_reach_5_tib(void **state)
{
	struct part p, last = { 0 };

	(void)state;
	for (int n = 1; n <= PARTS_MOST; n++, last = p) {
		p = parts_fixed(n, 0);
		assert_true(p.off == last.off + last.len && p.len >= last.len && p.len <= PART_MOST);
	}
	assert_true(last.off + last.len >= 5ll << 40);
	p = parts_fixed(7, 6 << 20);
	assert_true(p.off == 36 << 20 && p.len == 6 << 20);
}

static void equal_parts(void **state)
{
	struct extents dirty = { 0 };
	int64_t size = (100 << 20) + 1;
	struct part *p;
	int n;

	(void)state;
	extents_add(&dirty, 17 << 20, 18 << 20);
	p = parts_plan(size, &dirty, size, 8 << 20, &n);
	is_plan(p, n, size, &dirty, size);
	assert_int_equal(n, 13);
	for (int i = 0; i < n; i++) {
		assert_int_equal(p[i].copied, i != 2);
		assert_true(i == n - 1 || p[i].len == 8 << 20);
	}
	free(p);
	free(parts_plan(100ll << 30, &dirty, 0, 5 << 20, &n));
	assert_int_equal(n, 0);
	extents_free(&dirty);
}

static void checksums(void **state)
{
	static const struct { uint64_t sum; const char *text; } checks[SUM_CRCS] = {
		[SUM_CRC64NVME] = { 0xae8b14860a799888u, "rosUhgp5mIg=" },      /* NVM Express, and Williams' check */
		[SUM_CRC32C] = { 0xe3069283u, "4waSgw==" },                     /* RFC 3720 B.4 */
		[SUM_CRC32] = { 0xcbf43926u, "y/Q5Jg==" },
	};
	char text[SUM_CRC_TEXT], zeros[32] = { 0 };

	(void)state;
	for (enum sum_crc k = 0; k < SUM_CRCS; k++) {
		uint64_t first = sum_crc(k, 0, "1234", 4);

		assert_int_equal(sum_crc(k, 0, "123456789", 9), checks[k].sum);
		assert_int_equal(sum_crc(k, first, "56789", 5), checks[k].sum);
		assert_int_equal(sum_join(k, first, sum_crc(k, 0, "56789", 5), 5), checks[k].sum);
		assert_int_equal(sum_join(k, checks[k].sum, 0, 0), checks[k].sum);
		sum_crc_text(k, checks[k].sum, text);
		assert_string_equal(text, checks[k].text);
	}
	assert_int_equal(sum_crc32c(0, zeros, 32), 0x8a9136aa);
}

/* Bit by bit. */
static uint64_t slowly(uint64_t poly, uint64_t all, uint64_t crc, const unsigned char *p, size_t n)
{
	for (crc ^= all; n--; p++) {
		crc ^= *p;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? poly : 0);
	}
	return crc ^ all;
}

/* Texts of any length at any place, from any sum on, and in two pieces. */
static void checksums_of_any(void **state)
{
	static const struct { uint64_t poly, all; } kinds[SUM_CRCS] = {
		[SUM_CRC64NVME] = { 0x9a6c9329ac4bc9b5u, ~0ull }, [SUM_CRC32C] = { 0x82f63b78u, ~0u }, [SUM_CRC32] = { 0xedb88320u, ~0u },
	};
	static unsigned char p[3000];

	(void)state;
	srandom(7);
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (unsigned char)random();
	for (int i = 0; i < 3000; i++) {
		enum sum_crc k = (enum sum_crc)(i % SUM_CRCS);
		size_t at = (size_t)random() % 100, n = (size_t)random() % (i % 9 ? 300 : 2900), half = (size_t)random() % (n + 1);
		uint64_t from = (uint64_t)random() * (uint64_t)random() & kinds[k].all;
		uint64_t is = sum_crc(k, from, p + at, n), first = sum_crc(k, from, p + at, half);

		assert_int_equal(is, slowly(kinds[k].poly, kinds[k].all, from, p + at, n));
		assert_int_equal(sum_crc(k, first, p + at + half, n - half), is);
		assert_int_equal(sum_join(k, first, sum_crc(k, 0, p + at + half, n - half), n - half), is);
	}
	/* zeros do not count in the second one, however many */
	assert_int_equal(sum_join(SUM_CRC32C, 0, 7, 1ull << 50), 7);
}

/* part= counts; else the service's name. */
static void equal_where_it_must_be(void **state)
{
	static const struct { const char *host; int64_t fixed; } table[] = {
		{ "s3.eu-west-1.amazonaws.com", 0 }, { "127.0.0.1:9000", 0 }, { "r2.cloudflarestorage.com", 0 },
		{ "abc.r2.cloudflarestorage.com", 32 << 20 }, { "b.abc.eu.r2.cloudflarestorage.com:443", 32 << 20 },
		{ "r2.cloudflarestorage.com.example.org", 0 },
	};
	long long options[BE_OPTIONS_MAX] = { 0 };
	struct s3_bucket b = { .option = options };

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		strcpy(b.aim.host, table[i].host);
		options[S3_OPT_PART] = 0;
		assert_int_equal(multi_fixed(&b), table[i].fixed);
		options[S3_OPT_PART] = 5 << 20;
		assert_int_equal(multi_fixed(&b), 5 << 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_where_it_must_be),
		cmocka_unit_test(extents_are_sets),
		cmocka_unit_test(plans_are_valid),
		cmocka_unit_test(every_other_block_changed),
		cmocka_unit_test(a_change_in_the_middle_moves_little),
		cmocka_unit_test(long_copies_are_made_in_parallel),
		cmocka_unit_test(new_files_reach_5_tib),
		cmocka_unit_test(equal_parts),
		cmocka_unit_test(checksums),
		cmocka_unit_test(checksums_of_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
