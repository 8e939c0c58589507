/* SPDX-License-Identifier: MIT */
/*
 * The namespace made of keys, against a bucket in memory behind a fake
 * s3_start: escapes as a property over random keys, listings in pages, what is
 * kept and for how long, keys that are file and directory, single flights, and
 * servers that never end a listing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "loop/loop.h"
#include "names/names.h"
#include "options.h"

/* ---- time */

static uint64_t now = 5000000000u;

uint64_t loop_now(void)
{
	return now;
}

void loop_timer_set(struct loop_timer *t, uint64_t at)
{
	t->at = at;
}

/* ---- the bucket */

#define KEYS_MAX 12000

static struct { char *key; int64_t size; char etag[40]; } object[KEYS_MAX];
static unsigned objects, sorted, page_size, heads, lists, denied, endless;
static struct s3_request *asked[64];
static unsigned nasked;

static int by_key(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put(const char *key, int64_t size)
{
	assert_true(objects < KEYS_MAX);
	object[objects].key = strdup(key);
	object[objects].size = size;
	snprintf(object[objects].etag, sizeof(object[0].etag), "\"%x%lld\"", objects, (long long)size);
	objects++;
	sorted = 0;
}

static void sort(void)
{
	if (!sorted)
		qsort(object, objects, sizeof(*object), by_key);
	sorted = 1;
}

static int find(const char *key)
{
	for (unsigned i = 0; i < objects; i++)
		if (!strcmp(object[i].key, key))
			return (int)i;
	return -1;
}

static void gone(const char *key)
{
	int i = find(key);

	free(object[i].key);
	object[i] = object[--objects];
	sorted = 0;
}

void s3_param(struct s3_request *r, const char *name, const char *value)
{
	r->query[r->nquery++] = (struct sigv4_param){ name, value };
}

void s3_start(struct s3_request *r)
{
	assert_true(nasked < 64);
	asked[nasked++] = r;
}

static struct http_header headers[8];   /* of every object */
static struct http http = { .got = headers };

static void header(const char *name, const char *value)
{
	headers[http.ngot++] = (struct http_header){ name, value };
}

const char *http_got(const struct http *h, const char *name)
{
	for (unsigned i = 0; i < h->ngot; i++)
		if (!strcmp(h->got[i].name, name))
			return h->got[i].value;
	return NULL;
}

void s3_header(struct s3_request *r, const char *name, const char *value)
{
	r->header[r->headers++] = (struct http_header){ name, value };
}

static const char *sent(const struct s3_request *r, const char *name)
{
	for (unsigned i = 0; i < r->headers; i++)
		if (!strcmp(r->header[i].name, name))
			return r->header[i].value;
	return NULL;
}

static const char *param(const struct s3_request *r, const char *name)
{
	for (unsigned i = 0; i < r->nquery; i++)
		if (!strcmp(r->query[i].name, name))
			return r->query[i].value;
	return NULL;
}

static void url(FILE *f, const char *s, size_t n)
{
	for (; n; n--, s++)
		if (*s == ' ')
			fputc('+', f);
		else if (strchr("/-_.", *s) || (*s >= '0' && *s <= '9') || ((*s | 32) >= 'a' && (*s | 32) <= 'z'))
			fputc(*s, f);
		else
			fprintf(f, "%%%02X", (unsigned char)*s);
}

static void element(FILE *f, unsigned i, const char *key, size_t n)
{
	fprintf(f, "<%s>", object[i].key[n] ? "CommonPrefixes><Prefix" : "Contents><Key");
	url(f, key, n);
	if (object[i].key[n])
		fprintf(f, "</Prefix></CommonPrefixes>");
	else
		fprintf(f, "</Key><LastModified>2026-11-24T17:00:00.123Z</LastModified><ETag>&quot;%.*s&quot;</ETag>"
			"<Size>%lld</Size><StorageClass>STANDARD</StorageClass></Contents>",
			(int)strlen(object[i].etag) - 2, object[i].etag + 1, (long long)object[i].size);
}

/* The token is the number of the object to go on with. */
static char *page(const struct s3_request *r, size_t *len)
{
	const char *prefix = param(r, "prefix"), *token = param(r, "continuation-token"), *max = param(r, "max-keys");
	const char *delimiter = param(r, "delimiter"), *after = param(r, "start-after");
	unsigned most = max ? (unsigned)atoi(max) : page_size, n = 0, i = token ? (unsigned)atoi(token) : 0;
	size_t skip = strlen(prefix);
	char *text;
	FILE *f = open_memstream(&text, len);

	fprintf(f, "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (sort(); i < objects && n < most; n++) {
		const char *key = object[i].key, *slash;
		size_t to;

		if (strncmp(key, prefix, skip) || (after && !token && strcmp(key, after) <= 0)) {
			i++;
			n--;
			continue;
		}
		slash = delimiter ? strchr(key + skip, '/') : NULL;
		to = slash ? (size_t)(slash - key) + 1 : strlen(key);
		/* a key that ends in the delimiter is a common prefix, too */
		if (slash && !key[to]) {
			fprintf(f, "<CommonPrefixes><Prefix>");
			url(f, key, to);
			fprintf(f, "</Prefix></CommonPrefixes>");
		} else {
			element(f, i, key, to);
		}
		do
			i++;
		while (slash && i < objects && !strncmp(object[i].key, key, to));
	}
	if (endless)
		i = i % 7 + 1;
	fprintf(f, "<EncodingType>url</EncodingType><IsTruncated>%s</IsTruncated>", i < objects ? "true" : "false");
	if (i < objects)
		fprintf(f, "<NextContinuationToken>%u</NextContinuationToken>", i);
	fprintf(f, "</ListBucketResult>");
	fclose(f);
	return text;
}

static char body[] = "../else where";

static void answer(struct s3_request *r)
{
	int i;

	if (!r->key) {
		lists++;
		if (denied)
			strcpy(r->code, "AccessDenied");
		else
			r->text = page(r, &r->text_len);
		char *text = r->text;
		r->done(r, denied ? -EACCES : 0);
		free(text);
		return;
	}
	heads++;
	i = find(r->key);
	if (i >= 0 && sent(r, "if-match") && strcmp(sent(r, "if-match"), object[i].etag)) {
		r->done(r, -ESTALE);
		return;
	}
	if (i >= 0) {
		r->http = &http;
		if (!strcmp(r->method, "GET")) {
			r->text = body;
			r->text_len = strlen(body);
		}
		r->size = object[i].size;
		r->mtime = 1795539600;
		strcpy(r->etag, object[i].etag);
	}
	r->done(r, i >= 0 ? 0 : -ENOENT);
}

static void pump(void)
{
	while (nasked) {
		struct s3_request *r = asked[0];

		memmove(asked, asked + 1, --nasked * sizeof(*asked));
		answer(r);
	}
}

static char no_prefix[] = "", prefix_p[] = "p/", bucket_name[] = "b", endpoint[] = "http://localhost";
static long long option[BE_OPTIONS_MAX];
static struct s3_bucket bucket;

static int setup(void **state)
{
	(void)state;
	bucket = (struct s3_bucket){ .name = bucket_name, .prefix = no_prefix, .endpoint = endpoint, .option = option };
	option[S3_OPT_TTL] = 1000;
	option[S3_OPT_META] = S3_META_LIST;
	page_size = 1000;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(nasked, 0);
	while (objects)
		free(object[--objects].key);
	heads = lists = denied = endless = 0;
	http.ngot = 0;
	names_forget(&bucket, "");
	now += 100000000000u;
	return 0;
}

/* ---- asking it */

static struct s3_attr attr;
static int err, calls;
static struct names_list list;

static void got_attr(void *arg, const struct s3_attr *a, int e)
{
	(void)arg;
	calls++;
	err = e;
	if (a)
		attr = *a;
}

static int stat_of(const char *name)
{
	memset(&attr, 0, sizeof(attr));
	calls = 0;
	names_stat(&bucket, name, got_attr, NULL);
	pump();
	assert_int_equal(calls, 1);
	return err;
}

static void list_free(void)
{
	for (unsigned i = 0; i < list.n; i++)
		free((char *)list.entry[i].name);
	free(list.entry);
	memset(&list, 0, sizeof(list));
}

static void got_list(void *arg, const struct names_list *l, int e)
{
	(void)arg;
	calls++;
	err = e;
	list_free();
	if (!l)
		return;
	list.n = l->n;
	list.entry = calloc(l->n + 1, sizeof(*list.entry));
	for (unsigned i = 0; i < l->n; i++) {
		list.entry[i] = l->entry[i];
		list.entry[i].name = strdup(l->entry[i].name);
	}
}

static int list_of(const char *name)
{
	calls = 0;
	names_list(&bucket, name, got_list, NULL);
	pump();
	assert_int_equal(calls, 1);
	return err;
}

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

/* meta=object: as s3fs writes it, as rclone does, and what is nonsense. */
static void metadata(void **state)
{
	static const struct { const char *mode; unsigned is; } row[] = {
		{ "33188", S_IFREG | 0644 }, { "41471", S_IFLNK | 0777 }, { "100600", S_IFREG | 0600 },
		{ "0750", S_IFREG | 0750 }, { "99", S_IFREG | 0644 }, { "-1", S_IFREG | 0644 },
		{ "33188x", S_IFREG | 0644 }, { "", S_IFREG | 0644 }, { "16877", S_IFREG | 0755 },
		{ "99999999999999999999", S_IFREG | 0644 },
	};
	static const struct { const char *mtime; int64_t sec; uint32_t nsec; } when[] = {
		{ "1700000000", 1700000000, 0 }, { "1700000000.5", 1700000000, 500000000 },
		{ "1700000000.1234567891", 1700000000, 123456789 }, { "-1.25", -2, 750000000 },
		{ "x", 1795539600, 0 }, { "1700000000.5x", 1795539600, 0 },
	};

	(void)state;
	option[S3_OPT_META] = S3_META_OBJECT;
	put("a", 3);
	header("x-amz-meta-uid", "12");
	header("x-amz-meta-gid", "34");
	header("x-amz-meta-mtime", "1700000000");
	header("x-amz-meta-mode", "33188");
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++, now += 2000000000u) {
		headers[3].value = row[i].mode;
		assert_int_equal(stat_of("/a"), 0);
		assert_int_equal(attr.mode, row[i].is);
		assert_int_equal(attr.uid, 12);
		assert_int_equal(attr.gid, 34);
	}
	for (size_t i = 0; i < sizeof(when) / sizeof(*when); i++, now += 2000000000u) {
		headers[2].value = when[i].mtime;
		assert_int_equal(stat_of("/a"), 0);
		assert_int_equal(attr.mtime_sec, when[i].sec);
		assert_int_equal(attr.mtime_nsec, when[i].nsec);
	}
	put("d/", 0);
	put("d/x", 1);
	headers[3].value = "16832";
	assert_int_equal(stat_of("/d"), 0);
	assert_int_equal(attr.mode, S_IFDIR | 0700);
	assert_int_equal(list_of(""), 0);
	assert_int_equal(list.entry[0].type, DT_UNKNOWN);
	assert_int_equal(list.entry[1].type, DT_DIR);
	now += 1;
	assert_int_equal(stat_of("/d"), 0);
	assert_int_equal(attr.mode, S_IFDIR | 0700);
}

/* ls -l with meta=object: a HEAD for each and not one more, many at once. */
static void heads_ahead(void **state)
{
	char name[40];
	unsigned at_once = 0;

	(void)state;
	option[S3_OPT_META] = S3_META_OBJECT;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%05d", i);
		put(name, i);
	}
	assert_int_equal(list_of(""), 0);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "/%05d", i);
		names_stat(&bucket, name, got_attr, NULL);
		at_once = nasked > at_once ? nasked : at_once;
		pump();
		assert_int_equal(attr.size, i);
	}
	assert_int_equal(heads, 100);
	assert_int_equal(lists, 1);
	assert_in_range(at_once, 16, 40);
}

static const char *target;

static void got_link(void *arg, const char *text, int e)
{
	(void)arg;
	calls++;
	err = e;
	target = text;                  /* the body is never freed */
}

static void links(void **state)
{
	(void)state;
	put("l", 13);
	calls = 0;
	names_readlink(&bucket, "/l", got_link, NULL);
	pump();
	assert_int_equal(err, -EINVAL);
	now += 2000000000u;
	option[S3_OPT_META] = S3_META_OBJECT;
	header("x-amz-meta-mode", "41471");
	names_readlink(&bucket, "/l", got_link, NULL);
	pump();
	assert_int_equal(err, 0);
	assert_string_equal(target, "../else where");
	names_readlink(&bucket, "/none", got_link, NULL);
	pump();
	assert_int_equal(err, -ENOENT);
	assert_int_equal(calls, 3);
}

static char xattrs[1000];

static void got_xattrs(void *arg, const struct names_xattrs *x, int e)
{
	(void)arg;
	calls++;
	err = e;
	*xattrs = '\0';
	for (unsigned i = 0; x && i < x->n; i++)
		sprintf(xattrs + strlen(xattrs), "%s=%s;", x->x[i].key, x->x[i].value);
}

static void extended_attributes(void **state)
{
	struct s3_attr version;

	(void)state;
	put("a", 3);
	put("d/", 0);
	header("etag", "\"abc\"");
	header("x-amz-meta-colour", "blue");
	header("x-amz-checksum-crc32c", "yZRlqg==");
	header("server", "x");
	calls = 0;
	for (int i = 0; i < 3; i++) {
		names_xattrs(&bucket, "/a", NULL, got_xattrs, NULL);
		pump();
		assert_int_equal(err, 0);
		assert_string_equal(xattrs, "user.s3.etag=abc;user.s3.meta.colour=blue;"
				    "user.s3.checksum-crc32c=yZRlqg==;user.s3.storage-class=STANDARD;");
	}
	assert_int_equal(calls, 3);
	assert_int_equal(heads, 1);
	assert_int_equal(stat_of("/a"), 0);
	version = attr;
	gone("a");
	put("a", 4);
	names_xattrs(&bucket, "/a", &version, got_xattrs, NULL);
	pump();
	assert_int_equal(err, -ESTALE);
	names_xattrs(&bucket, "/d", NULL, got_xattrs, NULL);
	pump();
	assert_int_equal(err, 0);
	assert_string_equal(xattrs, "");
	names_xattrs(&bucket, "/none", NULL, got_xattrs, NULL);
	pump();
	assert_int_equal(err, -ENOENT);
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
		cmocka_unit_test_setup_teardown(trees, setup, teardown),
		cmocka_unit_test_setup_teardown(many_alike, setup, teardown),
		cmocka_unit_test_setup_teardown(stale, setup, teardown),
		cmocka_unit_test_setup_teardown(written_in_tree, setup, teardown),
		cmocka_unit_test_setup_teardown(walked, setup, teardown),
		cmocka_unit_test_setup_teardown(written_in_walk, setup, teardown),
		cmocka_unit_test_setup_teardown(in_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(forgotten_below, setup, teardown),
		cmocka_unit_test_setup_teardown(slowly, setup, teardown),
		cmocka_unit_test_setup_teardown(single_flight, setup, teardown),
		cmocka_unit_test_setup_teardown(written, setup, teardown),
		cmocka_unit_test_setup_teardown(opened, setup, teardown),
		cmocka_unit_test_setup_teardown(metadata, setup, teardown),
		cmocka_unit_test_setup_teardown(heads_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(links, setup, teardown),
		cmocka_unit_test_setup_teardown(extended_attributes, setup, teardown),
		cmocka_unit_test_setup_teardown(no_listing, setup, teardown),
	};

	return cmocka_run_group_tests_name("s3_names", tests, NULL, NULL);
}
