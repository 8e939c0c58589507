/* SPDX-License-Identifier: MIT */
/*
 * The cache's memory: chunks do not overlap, the bound holds, a generation
 * changes before memory is used again, what goes is told and is the coldest,
 * guests cannot write, and what is not used is given back to the system.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "s3/proto.h"
#include "read/cache.h"
#include "read/index.h"

#define SIZE (32u << 20)

static int an_owner;
static unsigned told;

static void count_gone(struct chunk *c)
{
	assert_ptr_equal(c->owner, &an_owner);
	assert_int_equal(c->held, 0);
	told++;
}

static void fresh(void)
{
	told = 0;
	cache_gone = NULL;
	assert_int_equal(cache_init(SIZE), 0);
	cache_gone = count_gone;
	assert_int_equal(cache_size(), SIZE);
}

static struct chunk *take(size_t len, int held)
{
	struct chunk *c = cache_get(len);

	if (c) {
		c->owner = &an_owner;
		if (!held)
			cache_release(c);
	}
	return c;
}

static void guests_only_read(void **state)
{
	char path[64];
	struct chunk *c;
	char got[6];

	(void)state;
	fresh();
	c = take(4096, 0);
	memcpy(cache_bytes(c), "hello", 6);
	assert_int_equal(pread(cache_fd(), got, 6, (off_t)c->at), 6);
	assert_string_equal(got, "hello");
	assert_int_equal(pwrite(cache_fd(), "x", 1, (off_t)c->at), -1);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, cache_fd(), 0), MAP_FAILED);
	snprintf(path, sizeof path, "/proc/self/fd/%d", cache_fd());
	assert_int_equal(truncate(path, 0), -1);
	assert_true(fcntl(cache_fd(), F_GETFD) & FD_CLOEXEC);
}

/* Different sizes fit next to each other to the last page: what is behind a chunk's end is given back. */
static void no_page_is_lost(void **state)
{
	uint64_t sum = 0;
	struct chunk *c;

	(void)state;
	fresh();
	while ((c = take(5 * CACHE_PAGE - 100, 1))) {
		assert_int_equal(c->size, 5 * CACHE_PAGE);
		sum += c->size;
	}
	while ((c = take(1, 1)))
		sum += c->size;
	assert_int_equal(sum, SIZE);
	assert_int_equal(cache_taken(), SIZE);
	assert_int_equal(cache_held(), SIZE);
	assert_int_equal(told, 0);
}

static void a_generation_changes(void **state)
{
	struct chunk *c;
	const struct s3_chunk *table;
	uint32_t index, generation;

	(void)state;
	fresh();
	c = take(4096, 0);
	index = c->index;
	generation = cache_generation(c);
	table = mmap(NULL, cache_chunks() * sizeof *table, PROT_READ, MAP_SHARED, cache_fd(), 0);
	assert_ptr_not_equal(table, MAP_FAILED);
	assert_int_equal(atomic_load(&table[index].generation), generation);
	assert_int_equal(generation % 2, 1);
	cache_free(c);
	assert_int_equal(atomic_load(&table[index].generation), generation + 1);
	munmap((void *)(uintptr_t)table, cache_chunks() * sizeof *table);
}

static void the_coldest_goes(void **state)
{
	struct chunk *c[4], *first;

	(void)state;
	fresh();
	for (int i = 0; i < 4; i++)
		c[i] = take(CACHE_MOST, 0);
	cache_used(c[0]);
	cache_hold(c[1]);
	first = c[2];
	c[2]->off = 42;
	assert_non_null(take(CACHE_MOST, 1));          /* 2 goes: 1 is held, 0 was used */
	assert_int_equal(told, 1);
	(void)first;
	cache_spent(c[0]);
	assert_non_null(take(4096, 0));                /* then 0, used or not */
	assert_int_equal(told, 2);
	assert_int_equal(c[3]->off, 0);
	assert_int_equal(cache_taken(), 3 * CACHE_MOST + 4096);
}

static void all_held_is_refused(void **state)
{
	struct chunk *c[4];

	(void)state;
	fresh();
	for (int i = 0; i < 4; i++)
		c[i] = take(CACHE_MOST, 1);
	assert_null(cache_get(1));
	cache_release(c[3]);
	assert_non_null(take(1, 1));
	assert_int_equal(told, 1);
}

/* A large chunk among small ones costs its own size, not the cache. */
static void room_is_made_in_one_place(void **state)
{
	(void)state;
	fresh();
	for (unsigned i = 0; i < SIZE / CACHE_PAGE; i++)
		assert_non_null(take(1, 0));
	assert_non_null(take(1 << 20, 0));
	assert_int_equal(told, (1 << 20) / CACHE_PAGE);
	assert_non_null(take(CACHE_MOST, 0));
	assert_true(told <= ((1 << 20) + CACHE_MOST) / CACHE_PAGE);
}

static blkcnt_t blocks(void)
{
	struct stat st;

	assert_int_equal(fstat(cache_fd(), &st), 0);
	return st.st_blocks;
}

static void trimming_gives_memory_back(void **state)
{
	struct chunk *kept;

	(void)state;
	fresh();
	kept = take(4096, 1);
	memset(cache_bytes(kept), 'k', 4096);
	for (int i = 0; i < 3; i++) {
		struct chunk *c = take(CACHE_MOST, 0);

		memset(cache_bytes(c), 'x', c->size);
	}
	assert_true(blocks() >= 3 * (CACHE_MOST / 512));
	cache_trim(CACHE_MOST + 4096);
	assert_int_equal(told, 2);
	assert_true(blocks() < 2 * (CACHE_MOST / 512));
	cache_trim(0);
	assert_int_equal(told, 3);
	assert_int_equal(cache_taken(), 4096);
	assert_true(blocks() < 1024);
	assert_int_equal(*(char *)cache_bytes(kept), 'k');
}

/* What is new is written to the file, what is there to the mapping; both are the same bytes. */
static void pieces_follow_each_other(void **state)
{
	static const size_t piece[] = { 1, 4095, 5000, 16384, 100, 300000 };
	static unsigned char want[3 << 20], got[3 << 20];

	(void)state;
	fresh();
	for (int again = 0; again < 4; again++) {
		struct chunk *c = take(again & 1 ? sizeof want : 200000, 1);
		size_t at = 0, n;

		for (unsigned i = 0; at < c->size; at += n, i++) {
			n = piece[i % (sizeof piece / sizeof *piece)];
			n = n < c->size - at ? n : c->size - at;
			memset(want + at, (int)(i + again * 7), n);
			cache_write(c, at, want + at, n);
			if (i % 3 == 0)
				cache_prepare(c);
		}
		assert_int_equal(pread(cache_fd(), got, c->size, (off_t)c->at), c->size);
		assert_memory_equal(got, want, c->size);
		assert_memory_equal(cache_read(c), want, c->size);
		cache_free(c);
	}
}

/* Random work against a map of pages. */
static void it_is_a_memory(void **state)
{
	static struct chunk *of[SIZE / CACHE_PAGE];
	unsigned seed = 7, count = 0;
	struct chunk *mine[64] = { NULL };

	(void)state;
	memset(of, 0, sizeof of);
	fresh();
	cache_gone = NULL;
	for (int i = 0; i < 20000; i++) {
		struct chunk **m = &mine[rand_r(&seed) % 64];

		if (*m) {
			for (uint32_t p = 0; p < (*m)->size / CACHE_PAGE; p++)
				of[(*m)->index + p] = NULL;
			cache_free(*m);
			*m = NULL;
			continue;
		}
		*m = cache_get(1 + (size_t)rand_r(&seed) % (1u << rand_r(&seed) % 24));
		if (!*m)
			continue;
		count++;
		for (uint32_t p = 0; p < (*m)->size / CACHE_PAGE; p++) {
			assert_null(of[(*m)->index + p]);
			of[(*m)->index + p] = *m;
		}
	}
	assert_true(count > 5000);
	for (int i = 0; i < 64; i++)
		if (mine[i])
			cache_free(mine[i]);
	for (int i = 0; i < 4; i++)                    /* all joined again */
		assert_non_null(cache_get(CACHE_MOST));
}

static void there_is_always_some(void **state)
{
	(void)state;
	for (uint64_t bytes = 0; bytes < 2; bytes++) {
		assert_int_equal(cache_init(bytes), 0);
		assert_int_equal(cache_size(), CACHE_MOST);
	}
}

static void the_index_finds(void **state)
{
	enum { N = 512 };
	static struct chunk all[N];
	static char in[N];
	struct index x = { NULL, 0 };
	unsigned seed = 3;

	(void)state;
	for (int i = 0; i < N; i++)
		all[i].off = 10 * i;
	for (int step = 0; step < 20000; step++) {
		int i = rand_r(&seed) % N, off = rand_r(&seed) % (10 * N), low = off / 10, high = low + 1;

		if (in[i])
			index_remove(&x, &all[i]);
		else
			index_insert(&x, &all[i]);
		in[i] = !in[i];
		while (low >= 0 && !in[low])
			low--;
		while (high < N && !in[high])
			high++;
		assert_ptr_equal(index_floor(&x, off), low < 0 ? NULL : &all[low]);
		assert_ptr_equal(index_above(&x, off), high == N ? NULL : &all[high]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_only_read),
		cmocka_unit_test(no_page_is_lost),
		cmocka_unit_test(a_generation_changes),
		cmocka_unit_test(the_coldest_goes),
		cmocka_unit_test(all_held_is_refused),
		cmocka_unit_test(room_is_made_in_one_place),
		cmocka_unit_test(trimming_gives_memory_back),
		cmocka_unit_test(pieces_follow_each_other),
		cmocka_unit_test(it_is_a_memory),
		cmocka_unit_test(there_is_always_some),
		cmocka_unit_test(the_index_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
