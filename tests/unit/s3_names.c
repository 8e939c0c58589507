/* SPDX-License-Identifier: MIT */
/*
 * The namespace made of keys: escapes as a property over random keys, listings in
 * pages, what is kept and for how long, keys that are file and directory, single
 * flights, and servers that never end a listing.
 */
#include "s3_names.h"

/* ---- tests */

static void names_and_keys(void **state)
{
	static const struct { const char *name, *key; int err; } row[] = {
		{ "/a", "a", 0 }, { "/a/b c", "a/b c", 0 }, { "/@s3=", "", -ENOENT },
		{ "/@s3=/a", "/a", 0 }, { "/a/@s3=", "a/", 0 }, { "/a/@s3=/b", "a//b", 0 },
		{ "/@s3=./a", "./a", 0 }, { "/a/@s3=..", "a/..", 0 }, { "/@s3=...", "", -ENOENT },
		{ "/@s3=@s3=x", "@s3=x", 0 }, { "/@s3=@s3file=x", "@s3file=x", 0 }, { "/@s3x=", "@s3x=", 0 },
		{ "/@s3file=a", "a", 0 }, { "/@s3file=", "", 0 }, { "/@s3file=a/b", "", -ENOTDIR },
		{ "/.", "", -ENOENT }, { "/a/..", "", -ENOENT }, { "//a", "", -ENOENT }, { "/a/", "", -ENOENT },
		{ "/@s3=a", "", -ENOENT }, { "/@s3long=short", "", -ENOENT }, { "", "", -EISDIR },
		{ "/new\nline", "new\nline", 0 }, { "/a/@s3file=@s3=", "a/@s3=", 0 },
	};
	char key[S3_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		int n = names_key(&bucket, row[i].name, key);

		if (row[i].err || !*row[i].key)
			continue;
		assert_int_equal(n, strlen(row[i].key));
		assert_string_equal(key, row[i].key);
	}
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++)
		if (row[i].err && strcmp(row[i].name, "/@s3="))
			assert_int_equal(names_key(&bucket, row[i].name, key), row[i].err);
}

static unsigned next_random(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return (unsigned)(s >> 32);
}

static void random_key(char *key, size_t room)
{
	static const char *const piece[] = {
		"/", "/", "/", "a", "b", ".", "..", "@s3=", "@s3file=", "@s3long=", "%2F", " ", "\n", "+", "\303\244",
		"\342\202\254", "\360\237\230\200", "=", "x", "y",
	};
	unsigned n = next_random() % 12 + 1;

	for (*key = '\0'; n || !*key; n -= !!n) {
		const char *p = piece[next_random() % (sizeof(piece) / sizeof(*piece))];
		unsigned times = next_random() % 9 ? 1 : next_random() % 350;

		if (*p == '/' && times > 3)
			times = 3;
		for (; times && strlen(key) + strlen(p) < room; times--)
			strcat(key, p);
	}
}

/* Every key has a name, of components that a path may have, and the name has that key. */
static void round_trip(void **state)
{
	char key[NAMES_KEY_MAX], name[S3_NAME_MAX], again[S3_NAME_MAX];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		random_key(key, sizeof(key));
		assert_true(names_of_key(&bucket, key, name) > 0);
		for (const char *s = name; *s; s += strcspn(s, "/")) {
			size_t n = strcspn(++s, "/");

			assert_true(n && n <= 255);
			assert_false((n == 1 && *s == '.') || (n == 2 && !memcmp(s, "..", 2)));
		}
		assert_int_equal(names_key(&bucket, name, again), strlen(key));
		assert_string_equal(again, key);
	}
}

static unsigned found, wrong;

/* All files below a directory; each must be an object, and open by its name. */
static void walk(const char *dir)
{
	struct names_list l;

	assert_int_equal(list_of(dir), 0);
	l = list;
	memset(&list, 0, sizeof(list));
	for (unsigned i = 0; i < l.n; i++) {
		char name[S3_NAME_MAX], key[S3_NAME_MAX];

		if (i)
			assert_true(strcmp(l.entry[i - 1].name, l.entry[i].name) < 0);
		snprintf(name, sizeof(name), "%s/%s", dir, l.entry[i].name);
		now += 2000000000u;
		assert_int_equal(stat_of(name), 0);
		assert_int_equal(S_ISDIR(attr.mode), l.entry[i].type == DT_DIR);
		assert_int_equal(attr.ino, l.entry[i].ino);
		if (l.entry[i].type == DT_DIR) {
			walk(name);
		} else {
			assert_true(names_key(&bucket, name, key) > 0);
			assert_true(find(key) >= 0);
			wrong += attr.size != object[find(key)].size || attr.size != l.entry[i].size;
			found++;
		}
	}
	for (unsigned i = 0; i < l.n; i++)
		free((char *)l.entry[i].name);
	free(l.entry);
}

/* Any set of keys: a walk finds each of them once. Markers are their directory. */
static void walks(void **state)
{
	char key[NAMES_KEY_MAX - 100];
	unsigned expected;

	(void)state;
	for (int round = 0; round < 60; round++) {
		bucket.prefix = round % 2 ? prefix_p : no_prefix;
		page_size = 1 + next_random() % 30;
		expected = 0;
		for (int i = 0; i < 40; i++) {
			char whole[NAMES_KEY_MAX];
			int64_t size = next_random() % 3;

			random_key(key, next_random() % 2 ? 6 : sizeof(key));
			if (snprintf(whole, sizeof(whole), "%s%s", bucket.prefix, key) && find(whole) < 0) {
				put(whole, size);
				expected += size || key[strlen(key) - 1] != '/';
			}
		}
		found = wrong = 0;
		walk("");
		assert_int_equal(found, expected);
		assert_int_equal(wrong, 0);
		while (objects)
			free(object[--objects].key);
	}
	bucket.prefix = no_prefix;
}

static void pages(void **state)
{
	char key[40];

	(void)state;
	for (int i = 0; i < 10500; i++) {
		snprintf(key, sizeof(key), "d/%05d", i);
		put(key, i);
	}
	assert_int_equal(list_of("/d"), 0);
	assert_int_equal(list.n, 10500);
	assert_int_equal(lists, 11);
	for (int i = 0; i < 10500; i++) {
		snprintf(key, sizeof(key), "%05d", i);
		assert_string_equal(list.entry[i].name, key);
		assert_int_equal(list.entry[i].size, i);
		assert_int_equal(list.entry[i].type, DT_REG);
	}
	for (int i = 0; i < 10500; i += 7) {
		snprintf(key, sizeof(key), "/d/%05d", i);
		assert_int_equal(stat_of(key), 0);
		assert_int_equal(attr.size, i);
	}
	assert_int_equal(stat_of("/d/99999"), -ENOENT);
	assert_int_equal(lists, 11);
	assert_int_equal(heads, 0);
}

/* A server in a circle of tokens, and one that says there is more but not where. */
static void circles(void **state)
{
	char key[40];

	(void)state;
	page_size = 1;
	endless = 1;
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "%05d", i);
		put(key, i);
	}
	assert_int_equal(list_of(""), -EPROTO);
	assert_in_range(lists, 3, 40);
}

static void time_to_live(void **state)
{
	(void)state;
	put("a", 1);
	assert_int_equal(stat_of("/a"), 0);
	assert_int_equal(attr.size, 1);
	assert_int_equal(attr.mode, S_IFREG | 0644);
	assert_int_equal(attr.mtime_sec, 1795539600);
	assert_int_equal(heads + lists, 1);
	assert_int_equal(stat_of("/none"), -ENOENT);
	assert_int_equal(heads + lists, 2);
	put("none", 3);
	now += 900000000;
	assert_int_equal(stat_of("/a"), 0);
	assert_int_equal(stat_of("/none"), -ENOENT);
	assert_int_equal(heads + lists, 2);
	now += 200000000;
	assert_int_equal(names_kept(&bucket, "/none", &attr), 0);
	assert_int_equal(stat_of("/none"), 0);
	assert_int_equal(attr.size, 3);
	assert_int_equal(heads + lists, 3);
}

/* The same attributes by LIST, by HEAD and by GET. */
static void one_file_one_stat(void **state)
{
	struct s3_attr first;

	(void)state;
	put("a", 7);
	assert_int_equal(list_of(""), 0);
	assert_int_equal(stat_of("/a"), 0);
	assert_int_equal(heads, 0);
	first = attr;
	now += 2000000000;
	assert_int_equal(stat_of("/a"), 0);     /* by the keys that begin so */
	assert_int_equal(heads, 0);
	assert_memory_equal(&first, &attr, sizeof(attr));
	now += 2000000000;
	denied = 1;
	assert_int_equal(stat_of("/a"), 0);
	assert_int_equal(heads, 1);
	assert_memory_equal(&first, &attr, sizeof(attr));
}

static void both(void **state)
{
	(void)state;
	put("a", 5);
	put("a/b", 6);
	put("c/", 0);
	put("d/", 9);
	assert_int_equal(list_of(""), 0);
	assert_int_equal(list.n, 4);
	assert_string_equal(list.entry[0].name, "@s3file=a");
	assert_int_equal(list.entry[0].type, DT_REG);
	assert_string_equal(list.entry[1].name, "a");
	assert_int_equal(list.entry[1].type, DT_DIR);
	for (int fresh = 1; fresh >= 0; fresh--) {
		assert_int_equal(stat_of("/a"), 0);
		assert_true(S_ISDIR(attr.mode));
		assert_int_equal(stat_of("/@s3file=a"), 0);
		assert_int_equal(attr.size, 5);
		assert_int_equal(stat_of("/c"), 0);
		assert_true(S_ISDIR(attr.mode));
		assert_int_equal(lists, fresh ? 1 : 4);
		assert_int_equal(heads, 0);
		now += 2000000000;
	}
	assert_int_equal(list_of("/c"), 0);
	assert_int_equal(list.n, 0);
	assert_int_equal(list_of("/d"), 0);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.entry[0].name, "@s3=");
	assert_int_equal(stat_of("/d/@s3="), 0);
	assert_int_equal(attr.size, 9);
	assert_int_equal(stat_of("/c/@s3="), -ENOENT);
	assert_int_equal(list_of("/e"), -ENOENT);
}

/* Who asks for a directory may read it, and ask for what is in it, without another request. */
static void asked_for_first(void **state)
{
	(void)state;
	put("d/a", 5);
	put("d/b", 6);
	assert_int_equal(stat_of("/d"), 0);
	assert_int_equal(heads + lists, 1);
	assert_int_equal(list_of("/d"), 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(stat_of("/d/a"), 0);
	assert_int_equal(stat_of("/d/c"), -ENOENT);
	assert_int_equal(stat_of(""), 0);       /* is above it */
	assert_int_equal(heads + lists, 1);
	now += 2000000000u;
	page_size = 1;                  /* more than a page is listed when it is read */
	assert_int_equal(stat_of("/d"), 0);
	assert_int_equal(lists, 2);
	assert_int_equal(list_of("/d"), 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(lists, 4);
}

static int stat_dir_of(const char *name)
{
	memset(&attr, 0, sizeof(attr));
	calls = 0;
	names_stat_dir(&bucket, name, got_attr, NULL);
	pump();
	assert_int_equal(calls, 1);
	return err;
}

/* What is opened as a directory is listed: one request, whatever is below it. */
static void opened_as_directory(void **state)
{
	char name[40];

	(void)state;
	put("f", 3);
	for (int i = 0; i < 1500; i++) {
		snprintf(name, sizeof(name), "d/%d/%d", i % 3, i);
		put(name, i);
	}
	assert_int_equal(stat_dir_of("/d"), 0);
	assert_true(S_ISDIR(attr.mode));
	assert_int_equal(list_of("/d"), 0);
	assert_int_equal(list.n, 3);
	assert_int_equal(heads + lists, 1);
	assert_int_equal(stat_dir_of("/f"), 0);
	assert_true(S_ISREG(attr.mode));
	assert_int_equal(stat_dir_of("/g"), -ENOENT);
	now += 2000000000u;
	assert_true(names_was_dir(&bucket, "/d"));
	assert_true(names_was_dir(&bucket, "/d/1"));
	assert_false(names_was_dir(&bucket, "/f"));
	assert_false(names_was_dir(&bucket, "/never"));
}

/* A version that was found gone is not found by what is kept of it again; one that came after it is. */
static void stale(void **state)
{
	struct s3_attr first;

	(void)state;
	put("d/a", 5);
	assert_int_equal(list_of("/d"), 0);
	assert_int_equal(stat_of("/d/a"), 0);
	first = attr;
	gone("d/a");
	put("d/a", 6);
	names_stale(&bucket, "/d/a", &first);
	assert_int_equal(stat_of("/d/a"), 0);
	assert_int_equal(attr.size, 6);
	names_stale(&bucket, "/d/a", &first);
	assert_int_equal(names_kept(&bucket, "/d/a", &attr), 1);
	assert_int_equal(attr.size, 6);
	gone("d/a");
	names_stale(&bucket, "/d/a", &attr);
	assert_int_equal(stat_of("/d/a"), -ENOENT);
}

/* What is on its way when a directory is forgotten is kept of nothing below it. */
static void forgotten_below(void **state)
{
	(void)state;
	put("d/e/f", 5);
	names_stat(&bucket, "/d/e/f", got_attr, NULL);
	names_forget(&bucket, "/d");
	pump();
	assert_int_equal(names_kept(&bucket, "/d/e/f", &attr), 0);
}

/* Who goes through a listing more slowly than it becomes old does not ask for each of its names. */
static void slowly(void **state)
{
	char name[40];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "d/%05d", i);
		put(name, i);
	}
	assert_int_equal(list_of("/d"), 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "/d/%05d", i);
		assert_int_equal(stat_of(name), 0);
		assert_int_equal(attr.size, i);
		now += 5000000;
	}
	assert_int_equal(heads, 0);
	assert_in_range(lists, 20, 24);         /* two pages, and each of ten seconds */
}

/* Ten at once cost what one does. */
static void single_flight(void **state)
{
	(void)state;
	put("a", 5);
	calls = 0;
	for (int i = 0; i < 10; i++) {
		names_stat(&bucket, "/a", got_attr, NULL);
		names_list(&bucket, "", got_list, NULL);
	}
	assert_int_equal(nasked, 2);
	pump();
	assert_int_equal(calls, 20);
	assert_int_equal(heads, 0);
	assert_int_equal(lists, 2);
}

static void no_listing(void **state)
{
	(void)state;
	put("a", 5);
	denied = 1;
	assert_int_equal(stat_of(""), 0);
	assert_true(S_ISDIR(attr.mode));
	assert_int_equal(stat_of("/a"), 0);
	assert_int_equal(attr.size, 5);
	assert_int_equal(stat_of("/b"), -EACCES);
	assert_int_equal(list_of(""), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_and_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(walks, setup, teardown),
		cmocka_unit_test_setup_teardown(pages, setup, teardown),
		cmocka_unit_test_setup_teardown(circles, setup, teardown),
		cmocka_unit_test_setup_teardown(time_to_live, setup, teardown),
		cmocka_unit_test_setup_teardown(one_file_one_stat, setup, teardown),
		cmocka_unit_test_setup_teardown(both, setup, teardown),
		cmocka_unit_test_setup_teardown(asked_for_first, setup, teardown),
		cmocka_unit_test_setup_teardown(opened_as_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(stale, setup, teardown),
		cmocka_unit_test_setup_teardown(forgotten_below, setup, teardown),
		cmocka_unit_test_setup_teardown(slowly, setup, teardown),
		cmocka_unit_test_setup_teardown(single_flight, setup, teardown),
		cmocka_unit_test_setup_teardown(no_listing, setup, teardown),
	};

	return cmocka_run_group_tests_name("s3_names", tests, NULL, NULL);
}
