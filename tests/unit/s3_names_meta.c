/* SPDX-License-Identifier: MIT */
/* What objects say of themselves: meta=object, symbolic links, extended attributes. */
#include "s3_names.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(metadata, setup, teardown),
		cmocka_unit_test_setup_teardown(heads_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(links, setup, teardown),
		cmocka_unit_test_setup_teardown(extended_attributes, setup, teardown),
	};

	return cmocka_run_group_tests_name("s3_names_meta", tests, NULL, NULL);
}
