/* SPDX-License-Identifier: MIT */
/*
 * The configuration: what is read from SHIM_MAP and from files, what is
 * refused and in which words, and that a snapshot reads back as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"

static char dir[64], file[96], error[CONF_ERROR_MAX];

/* ---- helpers */

static void write_file(const char *text, size_t n)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

static void write_text(const char *text)
{
	write_file(text, strlen(text));
}

static int load_text(struct conf *c, const char *text)
{
	char env[128];

	write_text(text);
	snprintf(env, sizeof(env), "SHIM_CONFIG=%s", file);
	return conf_load(c, (char *[]){ env, NULL }, error);
}

static void map_fails(const char *map, const char *message)
{
	struct conf c = { 0 };

	assert_int_equal(conf_add_map(&c, map, "SHIM_MAP", error), -22);
	assert_string_equal(error, message);
	assert_int_equal(c.nrules, 0);
	conf_free(&c);
}

/* `message` stands after the file's name. */
static void file_fails(const char *text, const char *message)
{
	struct conf c;

	assert_int_equal(load_text(&c, text), -22);
	assert_memory_equal(error, file, strlen(file));
	assert_string_equal(error + strlen(file), message);
	assert_null(c.rules);
}

static void file_refused(const char *message)
{
	struct conf c = { 0 };

	assert_int_equal(conf_add_file(&c, file, error), -22);
	assert_non_null(strstr(error, message));
	conf_free(&c);
}

static void map_gives(const char *map, const char *prefix, const char *be, const char *target)
{
	struct conf c = { 0 };

	assert_int_equal(conf_add_map(&c, map, "SHIM_MAP", error), 0);
	assert_int_equal(c.nrules, 1);
	assert_string_equal(c.rules[0].prefix, prefix);
	assert_string_equal(c.rules[0].be->name, be);
	assert_string_equal(c.rules[0].target, target);
	assert_string_equal(c.rules[0].where, "SHIM_MAP");
	conf_free(&c);
}

/* ---- SHIM_MAP */

static void test_map(void **state)
{
	(void)state;
	map_gives("/tmp/mfs=mem:", "/tmp/mfs", "mem", "");
	map_gives("/tmp/mfs=mem:a.B_c-9", "/tmp/mfs", "mem", "a.B_c-9");
	map_gives(";/a=uring:/srv/data/;", "/a", "uring", "/srv/data");
	map_gives("//a/./b/../c//=posix:///x/../y", "/a/c", "posix", "/y");
	map_gives("/..=posix:", "/", "posix", "");
	map_gives("/a%3Bb%3d=uring:/c%3Fd", "/a;b=", "uring", "/c?d");
	map_gives("/a b=uring:/x:y", "/a b", "uring", "/x:y");
}

static void test_map_options(void **state)
{
	struct conf c = { 0 };

	(void)state;
	assert_int_equal(conf_add_map(&c, "/a=uring:?engine=ring&map=yes;/b=mem:?size=64M;/c=uring:?;"
				      "/d=uring:?map=%6Fff", "SHIM_MAP", error), 0);
	assert_int_equal(c.nrules, 4);
	assert_int_equal(c.rules[0].value[URING_ENGINE], URING_ENGINE_RING);
	assert_int_equal(c.rules[0].value[URING_MAP], 1);
	assert_int_equal(c.rules[1].value[MEM_SIZE], 64 << 20);
	assert_int_equal(c.rules[2].value[URING_ENGINE], URING_ENGINE_AUTO);
	assert_int_equal(c.rules[3].value[URING_MAP], 0);
	conf_free(&c);
}

static void test_map_prefix_errors(void **state)
{
	(void)state;
	map_fails("data=mem:", "SHIM_MAP: prefix \"data\" is not absolute (it must begin with /)");
	map_fails("=mem:", "SHIM_MAP: prefix \"\" is not absolute (it must begin with /)");
	map_fails("/a=mem:;/b=mem:;/a/=uring:",
		  "SHIM_MAP: prefix /a is given twice (first in SHIM_MAP)");
	map_fails("/a%zz=mem:", "SHIM_MAP: prefix \"/a%zz\": write % as %25 "
		  "(%XX is a byte in hexadecimal)");
	map_fails("/a%00b=mem:", "SHIM_MAP: prefix \"/a%00b\": write % as %25 "
		  "(%XX is a byte in hexadecimal)");
	map_fails("x\ny=mem:", "SHIM_MAP: prefix \"x?y\" is not absolute (it must begin with /)");
}

static void test_buckets(void **state)
{
	struct conf c = { 0 };
	const struct conf_rule *r;
	struct conf_rule again = { 0 };

	(void)state;
	map_gives("/s=s3://bucket", "/s", "s3", "bucket");
	map_gives("/s=s3://My_bucket.x/a%3Bb//c/", "/s", "s3", "My_bucket.x/a%3Bb//c/");
	map_gives("/s=s3://bucket/user@host:x", "/s", "s3", "bucket/user@host:x");
	assert_int_equal(conf_add_map(&c, "/s=s3://bucket/a?endpoint=http://h:9000&ttl=250ms&region=eu-1&"
				      "timeout=2m&retries=3&proxy=none&cache=1g&ca=/x%26y", "SHIM_MAP", error), 0);
	r = c.rules;
	assert_string_equal(r->text + r->value[S3_OPT_ENDPOINT], "http://h:9000");
	assert_string_equal(r->text + r->value[S3_OPT_REGION], "eu-1");
	assert_string_equal(r->text + r->value[S3_OPT_CA], "/x&y");
	assert_string_equal(r->text + r->value[S3_OPT_PROXY], "none");
	assert_string_equal(r->text + r->value[S3_OPT_PROFILE], "");
	assert_int_equal(r->value[S3_OPT_TTL], 250);
	assert_int_equal(r->value[S3_OPT_TIMEOUT], 120000);
	assert_int_equal(r->value[S3_OPT_RETRIES], 3);
	assert_int_equal(r->value[S3_OPT_VERIFY], 1);
	assert_int_equal(conf_read_target(&again, "s3://bucket/a?ca=/x%26y", "s3", error), 0);
	assert_string_equal(again.target, "bucket/a?ca=/x%26y");
	assert_string_equal(again.text + again.value[S3_OPT_CA], "/x&y");
	conf_free(&c);
}

static void test_bucket_errors(void **state)
{
	(void)state;
	map_fails("/s=s3:bucket", "SHIM_MAP: target of s3 without a bucket (s3://BUCKET/PREFIX)");
	map_fails("/s=s3:///b", "SHIM_MAP: target of s3 without a bucket (s3://BUCKET/PREFIX)");
	map_fails("/s=s3://b%20b/x", "SHIM_MAP: \"b b\" is not the name of a bucket (a-z 0-9 . -)");
	map_fails("/s=s3://AKIA:se/cret@bucket", "SHIM_MAP: credentials do not belong into a target (s3 takes them "
		  "from AWS_PROFILE, AWS_ACCESS_KEY_ID and the like)");
	map_fails("/s=s3://id%40b", "SHIM_MAP: credentials do not belong into a target (s3 takes them "
		  "from AWS_PROFILE, AWS_ACCESS_KEY_ID and the like)");
	map_fails("/s=s3://bucket?secret_key=x", "SHIM_MAP: \"secret_key\": credentials have no place here "
		  "(AWS_PROFILE, profile=, or the variables of the AWS tools)");
	map_fails("/s=s3://bucket?endpoint=http://u:p@h", "SHIM_MAP: endpoint: a user or password has no place here "
		  "(nor in the environment of every program)");
	map_fails("/s=s3://bucket?proxy=http://u:p@h", "SHIM_MAP: proxy: a user or password has no place here "
		  "(nor in the environment of every program)");
	map_fails("/s=s3://bucket?endpoint=h:9000", "SHIM_MAP: \"h:9000\" of endpoint lacks its scheme "
		  "(http://h:9000)");
	map_fails("/s=s3://bucket?endpoint=ftp://h", "SHIM_MAP: \"ftp://h\" of endpoint is neither http:// nor "
		  "https://");
	map_fails("/s=s3://bucket?endpoint=http:///x", "SHIM_MAP: \"http:///x\" of endpoint is no address "
		  "(http://host:port)");
	map_fails("/s=s3://bucket?endpoint=http://[::1]:99999/x", "SHIM_MAP: \"http://[::1]:99999/x\" of endpoint is "
		  "no address (http://host:port)");
	map_fails("/s=s3://bucket?proxy=http://h:p", "SHIM_MAP: \"http://h:p\" of proxy is no address "
		  "(http://host:port)");
	map_fails("/s=s3://bucket?cache=2t", "SHIM_MAP: \"2t\" is not between 1 and 512g, as cache has to be, nor 0");
	map_fails("/s=s3://bucket?region=", "SHIM_MAP: region is empty (left out, it is the default)");
	map_fails("/s=s3://bucket?ca=x.pem", "SHIM_MAP: \"x.pem\" of ca is not an absolute path");
	map_fails("/s=s3://bucket?ttl=fast", "SHIM_MAP: \"fast\" is not a time for ttl (seconds, or with ms, s, m "
		  "or h)");
	map_fails("/s=s3://bucket?retries=1k", "SHIM_MAP: \"1k\" is not a number for retries");
	map_fails("/s=s3://bucket?regoin=x", "SHIM_MAP: unknown key \"regoin\" of s3 (region?)");
}

static void test_map_target_errors(void **state)
{
	(void)state;
	map_fails("/a", "SHIM_MAP: missing target for /a (/a=uring:)");
	map_fails("/a=", "SHIM_MAP: missing target for /a (such as uring:)");
	map_fails("/a=memm:", "SHIM_MAP: unknown back end \"memm\" (mem?)");
	map_fails("/a=ruing:/x", "SHIM_MAP: unknown back end \"ruing\" (uring?)");
	map_fails("/a=zfs:", "SHIM_MAP: unknown back end \"zfs\" (posix, uring, mem, s3)");
	map_fails("/a=uring", "SHIM_MAP: target \"uring\" lacks its colon (uring:)");
	map_fails("/a=uring?map=on", "SHIM_MAP: target \"uring\" lacks its colon (uring:)");
	map_fails("/a=uring:data", "SHIM_MAP: directory \"data\" of uring is not absolute "
		  "(it must begin with /)");
	map_fails("/a=mem:x/y", "SHIM_MAP: \"x/y\" is not a name for a mem store (1 to 64 of "
		  "A-Z a-z 0-9 . _ -, not beginning with .)");
	map_fails("/a=mem:..", "SHIM_MAP: \"..\" is not a name for a mem store (1 to 64 of "
		  "A-Z a-z 0-9 . _ -, not beginning with .)");
}

static void test_map_option_errors(void **state)
{
	(void)state;
	map_fails("/a=uring:?engin=ring", "SHIM_MAP: unknown key \"engin\" of uring (engine?)");
	map_fails("/a=uring:?bucket=x", "SHIM_MAP: unknown key \"bucket\" of uring (engine, map, order, readahead)");
	map_fails("/a=posix:?map=on", "SHIM_MAP: unknown key \"map\" of posix (it has none)");
	map_fails("/a=uring:?map", "SHIM_MAP: key \"map\" of uring has no value (map=...)");
	map_fails("/a=uring:?readahead=4k",
		  "SHIM_MAP: \"4k\" is not between 128k and 8m, as readahead has to be, nor 0");
	map_fails("/a=uring:?map=on&map=on", "SHIM_MAP: key \"map\" of uring is given twice");
	map_fails("/a=uring:?engine=rign", "SHIM_MAP: \"rign\" is not a value of engine (ring?)");
	map_fails("/a=uring:?engine=x", "SHIM_MAP: \"x\" is not a value of engine (auto, ring)");
	map_fails("/a=uring:?map=maybe", "SHIM_MAP: \"maybe\" is not a value of map "
		  "(off, on, no, yes, false, true, 0, 1)");
}

static void test_sizes(void **state)
{
	static const char *const bad[] = { "", "k", "12x", "1kb", "-1", "1.5g", " 1",
					   "9223372036854775808", "8388608t" };
	char map[128], message[256];
	struct conf c = { 0 };

	(void)state;
	assert_int_equal(conf_add_map(&c, "/a=mem:?size=0;/b=mem:?size=8388607T;"
				      "/c=mem:?size=9223372036854775807", "-m", error), 0);
	assert_true(c.rules[1].value[MEM_SIZE] == 8388607LL << 40);
	assert_true(c.rules[2].value[MEM_SIZE] == INT64_MAX);
	conf_free(&c);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(map, sizeof(map), "/a=mem:?size=%s", bad[i]);
		snprintf(message, sizeof(message), "SHIM_MAP: \"%s\" is not a size for size "
			 "(bytes, or with k, m, g or t)", bad[i]);
		map_fails(map, message);
	}
}

static void test_limits(void **state)
{
	char map[CONF_PATH_MAX + 64], *p = map;

	(void)state;
	for (int i = 0; i <= CONF_RULES_MAX; i++)
		p += sprintf(p, "/p%d=mem:;", i);
	map_fails(map, "SHIM_MAP: more than 64 rules");
	memset(map, 'a', CONF_PATH_MAX);
	map[0] = '/';
	strcpy(map + CONF_PATH_MAX, "=mem:");
	map_fails(map, "SHIM_MAP: prefix is longer than 4095 bytes");
	map_fails("/a=mem:?size=00000000000000000000000000000000000000000000000000000000000000001",
		  "SHIM_MAP: size is longer than 63 bytes");
}

/* ---- files */

static void test_file(void **state)
{
	struct conf c;

	(void)state;
	assert_int_equal(load_text(&c,
		"\xEF\xBB\xBF; a comment\n"
		"# another\n"
		"[shim]\n"
		"stats = /dev/shm/x/\n"
		"\n"
		"[/data]\r\n"
		"  map = on ; said before its target\r\n"
		"\ttarget = uring:/srv/%64ata?engine=ring\r\n"
		"[ /no ]\n"), -22);
	assert_non_null(strstr(error, ":9: unknown section [ /no ] (an absolute prefix, or shim)"));
	assert_int_equal(load_text(&c,
		"[shim]\n"
		"stats = /dev/shm/x/\n"
		"[/data]\r\n"
		"  map = on ; said before its target\r\n"
		"\ttarget = uring:/srv/%64ata?engine=ring\r\n"
		"[/a/prefix/that/is/quite/a/bit/longer/than/fifty/bytes/altogether]\n"
		"target: mem:m"), 0);
	assert_int_equal(c.stats, CONF_STATS_DIR);
	assert_string_equal(c.stats_dir, "/dev/shm/x");
	assert_int_equal(c.nrules, 2);
	assert_string_equal(c.rules[0].target, "/srv/data");
	assert_int_equal(c.rules[0].value[URING_ENGINE], URING_ENGINE_RING);
	assert_int_equal(c.rules[0].value[URING_MAP], 1);
	assert_non_null(strstr(c.rules[0].where, "shim.conf:3"));
	assert_string_equal(c.rules[1].prefix,
		"/a/prefix/that/is/quite/a/bit/longer/than/fifty/bytes/altogether");
	assert_string_equal(c.rules[1].target, "m");
	conf_free(&c);
}

static void test_file_errors(void **state)
{
	(void)state;
	file_fails("target = mem:\n", ":1: key \"target\" before the first [section]");
	file_fails("\n[data]\ntarget=mem:\n",
		   ":2: unknown section [data] (an absolute prefix, or shim)");
	file_fails("[/a]\n\n[/b]\ntarget=mem:\n", ":1: missing target in [/a] (target = uring:)");
	file_fails("[/b]\ntarget=mem:\n[/a]\n", ":3: missing target in [/a] (target = uring:)");
	file_fails("[/a]\ntarget=mem:\ntarget=mem:\n", ":3: key \"target\" is given twice");
	file_fails("[/a]\ntargt=mem:\n", ":2: unknown key \"targt\" (target?)");
	file_fails("[/a]\ntarget=mem:\nsise=4k\n", ":3: unknown key \"sise\" of mem (size?)");
	file_fails("[/a]\nsize=4k\ntarget=mem:?size=1\n", ":2: key \"size\" of mem is given twice");
	file_fails("[/a]\ntarget=mem:\nnonsense\n",
		   ":3: neither [section], key = value nor # comment");
	file_fails("[/a\n", ":1: section without its closing ]");
	file_fails("[/a] target=mem:\n", ":1: unexpected \"target=mem:\" after the section's ]");
	file_fails("[/a] # the data\n", ":1: missing target in [/a] (target = uring:)");
	file_fails("[shim]\nstat=off\n", ":2: unknown key \"stat\" of [shim] (stats?)");
	file_fails("[shim]\nstats=on\n", ":2: \"on\" is not a value of stats (off, or an absolute directory)");
	file_fails("[shim]\nstats=off\nstats=off\n",
		   ":3: key \"stats\" is given twice (first in line 2)");
}

static void test_file_twice(void **state)
{
	char message[256];

	(void)state;
	snprintf(message, sizeof(message), ":3: prefix /a is given twice (first in %s:1)", file);
	file_fails("[/a]\ntarget=mem:\n[/a/]\ntarget=mem:\n", message);
}

static void test_file_long_line(void **state)
{
	static char text[10000];
	struct conf c;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "[/a]\ntarget=uring:/", 19);
	file_fails(text, ":2: line longer than 8190 bytes");
	text[4000] = '\0';
	assert_int_equal(load_text(&c, text), 0);
	assert_int_equal(strlen(c.rules[0].target), 4000 - 18);
	conf_free(&c);
	write_file("[/a]\ntarget=mem:\0x\n", 19);
	file_refused("shim.conf:2: not text: the line has a NUL byte");
	write_file("[/a]\ntarget=mem:\n\0[/b]\n", 22);
	file_refused("shim.conf:3: not text: the line has a NUL byte");
}

static void test_file_refusals(void **state)
{
	struct conf c = { 0 };
	char parent[200];

	(void)state;
	write_text("[/a]\ntarget=mem:\n");
	chmod(file, 0620);
	file_refused("refused: others may write to it (chmod go-w ");
	chmod(file, 0602);
	file_refused("refused: others may write to it");
	chmod(file, 0600);
	chmod(dir, 0777);
	snprintf(parent, sizeof(parent), "refused: anyone may write to its directory (chmod o-w %s",
		 dir);
	file_refused(parent);
	chmod(dir, 01777);
	assert_int_equal(conf_add_file(&c, file, error), 0);
	conf_free(&c);
	chmod(dir, 0700);
	unlink(file);
	file_refused("cannot open: No such file or directory");
	mkfifo(file, 0600);
	file_refused("refused: not a regular file");
	unlink(file);
	assert_int_equal(conf_add_file(&c, dir, error), -22);
	assert_non_null(strstr(error, "refused: not a regular file"));
	assert_int_equal(conf_add_file(&c, "shim.conf", error), -22);
	assert_string_equal(error, "shim.conf: not an absolute path");
}

static void test_file_owner(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	write_text("[/a]\ntarget=mem:\n");
	assert_int_equal(chown(file, 65534, 65534), 0);
	file_refused("refused: it belongs to user 65534, neither root nor you (0)");
	unlink(file);
}

static void test_file_bucket(void **state)
{
	struct conf c;

	(void)state;
	assert_int_equal(load_text(&c, "[/s]\ntarget=s3://b/p?region=x\nendpoint=http://h\nca=/a&b\nttl=7\n"), 0);
	assert_string_equal(c.rules[0].target, "b/p?region=x&endpoint=http://h&ca=/a%26b&ttl=7");
	assert_int_equal(c.rules[0].value[S3_OPT_TTL], 7000);
	assert_int_equal(c.rules[0].value[S3_OPT_CACHE], 256 << 20);
	conf_free(&c);
}

/* ---- the environment */

static void test_env_map_over_file(void **state)
{
	struct conf c;
	char env[128];

	(void)state;
	write_text("[/a]\ntarget=posix:\n[/b]\ntarget=posix:\n");
	snprintf(env, sizeof(env), "SHIM_CONFIG=%s", file);
	assert_int_equal(conf_load(&c, (char *[]){ env, (char *)"SHIM_MAP=/c=mem:;/a/=uring:",
		(char *)"SHIM_STATS=off", NULL }, error), 0);
	assert_int_equal(c.stats, CONF_STATS_OFF);
	assert_int_equal(c.nrules, 3);
	assert_string_equal(c.rules[0].prefix, "/b");
	assert_string_equal(c.rules[1].prefix, "/c");
	assert_string_equal(c.rules[2].be->name, "uring");
	conf_free(&c);
}

static void test_env_home(void **state)
{
	char home[128], config[128];
	struct conf c;

	(void)state;
	write_text("[/x]\ntarget=mem:\n");
	snprintf(config, sizeof(config), "XDG_CONFIG_HOME=%s", dir);
	snprintf(home, sizeof(home), "HOME=%s", dir);
	assert_int_equal(conf_load(&c, (char *[]){ config, NULL }, error), 0);
	assert_int_equal(c.nrules, 1);
	conf_free(&c);
	assert_int_equal(conf_load(&c, (char *[]){ config, (char *)"SHIM_MAP=", NULL }, error), 0);
	assert_int_equal(c.nrules, 0);
	assert_int_equal(conf_load(&c, (char *[]){ config, (char *)"SHIM_CONFIG=", NULL }, error), 0);
	assert_int_equal(c.nrules, 0);
	snprintf(config, sizeof(config), "%s/.config", dir);
	assert_int_equal(mkdir(config, 0700), 0);
	snprintf(config, sizeof(config), "%s/.config/shim.conf", dir);
	assert_int_equal(rename(file, config), 0);
	assert_int_equal(conf_load(&c, (char *[]){ home, (char *)"XDG_CONFIG_HOME=rel", NULL }, error), 0);
	assert_int_equal(c.nrules, 1);
	conf_free(&c);
	assert_int_equal(rename(config, file), 0);
	snprintf(config, sizeof(config), "%s/.config", dir);
	rmdir(config);
}

static void env_fails(const char *variable, const char *message)
{
	struct conf c;

	assert_int_equal(conf_load(&c, (char *[]){ (char *)variable, NULL }, error), -22);
	assert_string_equal(error, message);
}

static void test_env_errors(void **state)
{
	(void)state;
	env_fails("SHIM_CONFIG=shim.conf", "SHIM_CONFIG: \"shim.conf\" is not an absolute path");
	env_fails("SHIM_CONFIG=/nonexistent/shim.conf",
		  "/nonexistent/shim.conf: cannot open: No such file or directory");
	env_fails("SHIM_STATS=of", "SHIM_STATS: \"of\" is not a value of stats (off, or an absolute directory)");
	env_fails("SHIM_MAP=/a=x:", "SHIM_MAP: unknown back end \"x\" (posix, uring, mem, s3)");
}

/* ---- a snapshot */

static void test_round_trip(void **state)
{
	static const char map[] = "/a%3B%3D%25%3F%26=uring:/b%3Fc%0A?engine=ring&map=on;"
				  "/m=mem:x?size=4096;/=posix:;"
				  "/s3=s3://b/p%3F?endpoint=http://h:1&cache=8m&ca=/a%26b";
	struct conf c = { 0 }, again = { 0 };
	char buf[512], cut[8];

	(void)state;
	assert_int_equal(conf_add_map(&c, map, "SHIM_MAP", error), 0);
	assert_int_equal(conf_format_map(&c, NULL, 0), strlen(map));
	assert_int_equal(conf_format_map(&c, buf, sizeof(buf)), strlen(map));
	assert_string_equal(buf, map);
	assert_int_equal(conf_format_map(&c, cut, sizeof(cut)), strlen(map));
	assert_string_equal(cut, "/a%3B%3");
	assert_int_equal(conf_add_map(&again, buf, "SHIM_MAP", error), 0);
	assert_memory_equal(again.rules, c.rules, c.nrules * sizeof(*c.rules));
	conf_free(&c);
	conf_free(&again);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/shim-conf-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/shim.conf", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_map_options),
		cmocka_unit_test(test_map_prefix_errors),
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_bucket_errors),
		cmocka_unit_test(test_map_target_errors),
		cmocka_unit_test(test_map_option_errors),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_file_errors),
		cmocka_unit_test(test_file_twice),
		cmocka_unit_test(test_file_long_line),
		cmocka_unit_test(test_file_refusals),
		cmocka_unit_test(test_file_owner),
		cmocka_unit_test(test_file_bucket),
		cmocka_unit_test(test_env_map_over_file),
		cmocka_unit_test(test_env_home),
		cmocka_unit_test(test_env_errors),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests_name("conf", tests, setup, teardown);
}
