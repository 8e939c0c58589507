/* SPDX-License-Identifier: MIT */
/* Directories of the namespace that are gone through: trees at once, names in turn, and what is written meanwhile. */
#include "s3_names.h"

/* A tree that fits a page costs one request, and is as if each directory had been listed. */
static void trees(void **state)
{
	static const char *const keys[] = {
		"t", "t/", "t/a", "t/a!x", "t/a/b", "t/a/c/d", "t/e//f", "t/g/", "t/h/i/j/k", "t!", "t0/x", "t/@s3=l/m",
	};
	static const struct { const char *dir, *entry; } has[] = {
		{ "/t", "@s3file=a" }, { "/t", "a" }, { "/t", "a!x" }, { "/t", "e" }, { "/t", "g" }, { "/t", "h" },
		{ "/t", "@s3=@s3=l" }, { "/t/a", "b" }, { "/t/a", "c" }, { "/t/a/c", "d" }, { "/t/h/i/j", "k" }, { "/t/e", "@s3=" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		put(keys[i], keys[i][strlen(keys[i]) - 1] == '/' ? 0 : (int64_t)i + 1);
	assert_int_equal(stat_of("/t"), 0);
	assert_true(S_ISDIR(attr.mode));
	for (size_t i = 0; i < sizeof(has) / sizeof(*has); i++) {
		unsigned n = 0;

		assert_int_equal(list_of(has[i].dir), 0);
		for (unsigned e = 0; e < list.n; e++)
			n += !strcmp(list.entry[e].name, has[i].entry);
		assert_int_equal(n, 1);
	}
	assert_int_equal(list_of("/t"), 0);
	assert_int_equal(list.n, 7);
	assert_int_equal(list_of("/t/g"), 0);
	assert_int_equal(list.n, 0);
	assert_int_equal(stat_of("/t/a/c/d"), 0);
	assert_int_equal(attr.size, 6);
	assert_int_equal(stat_of("/t/a/x"), -ENOENT);
	assert_int_equal(heads + lists, 1);
	assert_int_equal(list_of("/t/e/@s3="), 0);      /* an escape in its name: by itself */
	assert_int_equal(heads + lists, 2);
	assert_int_equal(stat_of("/@s3file=t"), 0);
	assert_int_equal(attr.size, 1);
	assert_int_equal(heads + lists, 3);
}

/* More keys begin like a name than a page has: the directory is asked for. */
static void many_alike(void **state)
{
	char name[40];

	(void)state;
	put("a", 7);
	put("a/b", 8);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "a!%d", i);
		put(name, i);
	}
	assert_int_equal(stat_of("/a"), 0);
	assert_true(S_ISDIR(attr.mode));
	assert_int_equal(lists, 2);
	assert_int_equal(heads, 0);
	gone("a/b");
	now += 2000000000u;
	assert_int_equal(stat_of("/a"), 0);
	assert_int_equal(attr.size, 7);
	assert_int_equal(lists, 4);
	page_size = 0;                          /* an empty page, and more */
	now += 2000000000u;
	names_stat(&bucket, "/a", got_attr, NULL);
	answer(asked[--nasked]);
	page_size = 1000;
	pump();
	assert_int_equal(err, 0);
	assert_int_equal(attr.size, 7);
	assert_int_equal(heads, 1);
}

/* A tree that was on its way does not have what was written meanwhile, however deep. */
static void written_in_tree(void **state)
{
	struct s3_attr new;

	(void)state;
	put("d/e/f", 5);
	assert_int_equal(stat_of("/d/e/f"), 0);
	new = attr;
	new.size = 6;
	now += 2000000000u;
	names_stat(&bucket, "/d", got_attr, NULL);
	struct s3_request *early = asked[--nasked];
	names_wrote(&bucket, "/d/e/g", &new);
	answer(early);                  /* as the server was before */
	put("d/e/g", 6);
	assert_int_equal(list_of("/d/e"), 0);
	assert_int_equal(list.n, 2);
}

/* Who goes through directories one by one gets them by pages, whatever is in them; each as it is. */
static void walked(void **state)
{
	char name[60], last[60] = "";
	unsigned files = 0, before;

	(void)state;
	put("w/00!", 1);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), i % 10 ? "w/%02d/%d" : "w/%02d/x/%d", i / 30, i);
		put(name, i + 1);
	}
	put("w/05/", 0);
	put("w/50.", 2);
	put("w/98", 3);
	assert_int_equal(list_of("/w"), 0);
	assert_int_equal(list.n, 100 + 3);
	before = lists;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "/w/%02d", i);
		assert_int_equal(list_of(name), 0);
		assert_int_equal(list.n, 28);
		files += list.n - 1;
		strcat(name, "/x");
		assert_int_equal(list_of(name), 0);
		assert_int_equal(list.n, 3);
		files += list.n;
	}
	assert_int_equal(files, 3000);
	assert_in_range(lists - before, 4, 7);
	assert_int_equal(heads, 0);
	/* one with more than a page is listed by itself */
	now += 2000000000u;
	for (int i = 0; i < 1200; i++) {
		snprintf(last, sizeof(last), "w/97/y%d", i);
		put(last, 1);
	}
	assert_int_equal(list_of("/w"), 0);
	assert_int_equal(list_of("/w/96"), 0);
	assert_int_equal(list_of("/w/97"), 0);
	assert_int_equal(list.n, 1228);
}

/* What was written while a page of a walk was on its way is there. */
static void written_in_walk(void **state)
{
	struct s3_attr new;

	(void)state;
	put("w/a/1", 1);
	put("w/b/1", 1);
	put("w/c/1", 1);
	assert_int_equal(list_of("/w"), 0);
	assert_int_equal(list_of("/w/a"), 0);
	assert_int_equal(stat_of("/w/a/1"), 0);
	new = attr;
	names_list(&bucket, "/w/b", got_list, NULL);
	assert_int_equal(nasked, 1);
	struct s3_request *early = asked[--nasked];
	names_wrote(&bucket, "/w/b/2", &new);
	names_wrote(&bucket, "/w/c/2", &new);
	answer(early);                  /* as the server was before */
	put("w/b/2", 1);
	put("w/c/2", 1);
	pump();
	assert_int_equal(list.n, 2);
	assert_int_equal(list_of("/w/c"), 0);
	assert_int_equal(list.n, 2);
}

static char told[200][40];
static unsigned ntold;

static void next_one(struct s3_bucket *b, const char *name, const struct s3_attr *a)
{
	assert_ptr_equal(b, &bucket);
	assert_true(a->size && *a->etag);
	assert_true(ntold < 200);
	strcpy(told[ntold++], name);
}

static int times_told(const char *name)
{
	int n = 0;

	for (unsigned i = 0; i < ntold; i++)
		n += !strcmp(told[i], name);
	return n;
}

static int entry_by_ino(const void *a, const void *b)
{
	const struct names_entry *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* Files that are opened in the order of their names, or numbers: the next ones are told before. */
static void in_turn(void **state)
{
	char name[40];

	(void)state;
	for (int by_number = 0; by_number < 2; by_number++) {
		unsigned late = 0;

		ntold = 0;
		for (int i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "%d/%02d", by_number, i);
			put(name, i == 50 ? 0 : i == 60 ? 100000 : i + 1);
		}
		snprintf(name, sizeof(name), "/%d", by_number);
		assert_int_equal(list_of(name), 0);
		if (by_number)
			qsort(list.entry, list.n, sizeof(*list.entry), entry_by_ino);
		for (unsigned i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "/%d/%s", by_number, list.entry[i].name);
			late += !times_told(name);
			names_opened(&bucket, name, 65536, next_one);
		}
		assert_in_range(late, 3, 16);   /* the first ones, the empty and the large one */
		for (unsigned i = 0; i < ntold; i++)
			assert_in_range(times_told(told[i]), 1, 1 + by_number);
	}
	ntold = 0;                              /* by a listing that is old: it is worth another one */
	now += 2000000000u;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "/0/%02d", i);
		if (i)
			assert_int_equal(names_in_turn(&bucket, name), i >= 3);
		names_opened(&bucket, name, 65536, next_one);
	}
	assert_int_equal(ntold, 0);
	lists = 0;
	assert_int_equal(stat_of("/0/10"), 0);
	names_opened(&bucket, "/0/10", 65536, next_one);
	assert_int_equal(lists, 1);
	assert_true(ntold > 10);
	assert_string_equal(told[0], "/0/11");
	ntold = 0;                              /* here and there */
	now += 2000000000u;
	assert_int_equal(list_of("/0"), 0);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "/0/%02d", i * 37 % 100);
		names_opened(&bucket, name, 65536, next_one);
	}
	assert_in_range(ntold, 0, 30);
}

/* What is written is seen at once, by its name and in its directory, also when a request was on its way. */
static void written(void **state)
{
	struct s3_attr new;

	(void)state;
	put("d/a", 5);
	assert_int_equal(list_of("/d"), 0);
	assert_int_equal(stat_of("/e"), -ENOENT);
	assert_int_equal(stat_of("/e/x"), -ENOENT);
	names_list(&bucket, "/e", got_list, NULL);
	names_stat(&bucket, "/e", got_attr, NULL);
	struct s3_request *early[3] = { asked[0], asked[1], asked[2] };
	unsigned n = nasked;
	nasked = 0;
	put("e/x", 8);
	assert_int_equal(stat_of("/d/a"), 0);
	new = attr;
	new.size = 8;
	new.ino++;
	names_learn(&bucket, "/e/x", &new);
	unsigned left = objects;
	objects = 1;
	for (unsigned i = 0; i < n; i++)        /* as the server was before */
		answer(early[i]);
	objects = left;
	assert_int_equal(stat_of("/e/x"), 0);
	assert_int_equal(attr.size, 8);
	assert_int_equal(stat_of("/e"), 0);
	assert_int_equal(list_of("/e"), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list_of(""), 0);
	assert_int_equal(list.n, 2);
	gone("e/x");
	names_learn(&bucket, "/e/x", NULL);
	assert_int_equal(stat_of("/e/x"), -ENOENT);
	assert_int_equal(stat_of("/e"), -ENOENT);
	assert_int_equal(list_of(""), 0);
	assert_int_equal(list.n, 1);
	gone("d/a");
	put("d/b", 3);
	names_forget(&bucket, "/d");
	assert_int_equal(stat_of("/d/a"), -ENOENT);
	assert_int_equal(list_of("/d"), 0);
	assert_string_equal(list.entry[0].name, "b");
}

/* An open that found what the listing has leaves the listing. */
static void opened(void **state)
{
	(void)state;
	put("a", 5);
	put("b", 5);
	assert_int_equal(list_of(""), 0);
	assert_int_equal(stat_of("/a"), 0);
	names_learn(&bucket, "/a", &attr);
	now += 10;
	assert_int_equal(stat_of("/a"), 0);
	assert_int_equal(stat_of("/b"), 0);
	assert_int_equal(list_of(""), 0);
	assert_int_equal(heads, 0);
	assert_int_equal(lists, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(trees, setup, teardown),
		cmocka_unit_test_setup_teardown(many_alike, setup, teardown),
		cmocka_unit_test_setup_teardown(written_in_tree, setup, teardown),
		cmocka_unit_test_setup_teardown(walked, setup, teardown),
		cmocka_unit_test_setup_teardown(written_in_walk, setup, teardown),
		cmocka_unit_test_setup_teardown(in_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(written, setup, teardown),
		cmocka_unit_test_setup_teardown(opened, setup, teardown),
	};

	return cmocka_run_group_tests_name("s3_names_tree", tests, NULL, NULL);
}
