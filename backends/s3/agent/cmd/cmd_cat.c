/* SPDX-License-Identifier: MIT */
/* shim s3 cat, head, stat: an object's bytes, its first ones, and what is said of it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd_target.h"

/* ---- bytes */

static struct {
	int64_t lines;                  /* still wanted; -1: all */
	int out_err;                    /* of standard output */
} copy;

static int write_all(const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(1, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return copy.out_err = -errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Ends with -ECANCELED when it has its lines. */
static int got_bytes(struct s3_request *r, int64_t at, const void *p, size_t n)
{
	const char *s = p, *end = s + n;
	int err;

	(void)r;
	(void)at;
	progress_add((int64_t)n);
	if (copy.lines < 0)
		return write_all(p, n);
	while (copy.lines && s < end) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));

		copy.lines -= !!nl;
		s = nl ? nl + 1 : end;
	}
	err = write_all(p, (size_t)(s - (const char *)p));
	return err ? err : copy.lines ? 0 : -ECANCELED;
}

static int got_head(struct s3_request *r)
{
	progress_begin(r->key, r->upto - r->from, PROGRESS_OUTPUT);
	return 0;
}

/* Who does not read on knows it. */
static int out_failed(void)
{
	if (copy.out_err != -EPIPE)
		cmd_warn("standard output: %s", strerror(-copy.out_err));
	return CMD_FAILED;
}

/* From first to last, -1: to the end. What a range from 0 cannot have is an empty object. */
static int print_bytes(const struct cmd_target *t, int64_t first, int64_t last)
{
	struct s3_request r;
	int err;

	target_request(&r, t, "GET", t->key);
	r.first = first;
	r.last = last;
	r.head = got_head;
	r.data = got_bytes;
	err = cmd_request(&r);
	progress_end();
	if (copy.out_err)
		return out_failed();
	if (!err || (err == -ERANGE && !first) || (err == -ECANCELED && !copy.lines))
		return 0;
	return target_failed(t, &r, err);
}

/* The target of a file; -EISDIR is told of. */
static int file_target(const char *word, struct cmd_target *t)
{
	int err = target_get(word, t);

	/* s3://b/k/ may be the key of an object */
	if (!err && t->directory && !(t->by_key && *t->key))
		err = target_failed(t, NULL, -EISDIR);
	return err;
}

/* ---- cat */

/* "FIRST-LAST", "FIRST-" or "-COUNT", bytes as in HTTP: last -1, and first -1 with last the count. */
static int parse_range(const char *s, int64_t *first, int64_t *last)
{
	char *end = (char *)s;

	*first = *last = -1;
	if (*s != '-')
		*first = strtoll(s, &end, 10);
	if (*end++ != '-')
		return -EINVAL;
	s = end;
	if (*s)
		*last = strtoll(s, &end, 10);
	return *end || (*first < 0 && *last <= 0) || (*last >= 0 && *last < *first) ? -EINVAL : 0;
}

/* The end of an object: its size is asked for first. */
static int print_end(const struct cmd_target *t, int64_t n)
{
	struct s3_request r;
	int err;

	target_request(&r, t, "HEAD", t->key);
	err = cmd_request(&r);
	if (err)
		return target_failed(t, &r, err);
	return r.size ? print_bytes(t, r.size > n ? r.size - n : 0, -1) : 0;
}

int cmd_cat(int argc, char **argv)
{
	int64_t first = -1, last = -1;
	struct cmd_target t;
	int c, status = 0, range = 0;

	while ((c = getopt(argc, argv, ":r:")) != -1) {
		if (c != 'r')
			return option_wrong();
		if (parse_range(optarg, &first, &last))
			return cmd_usage("\"%s\" is no range (FIRST-LAST, FIRST- or -COUNT)", optarg);
		range = 1;
	}
	if (optind == argc)
		return cmd_usage("no TARGET");
	copy.lines = -1;
	for (int i = optind; i < argc && !copy.out_err; i++)
		status |= file_target(argv[i], &t) ? CMD_FAILED :
			  range && first < 0 ? print_end(&t, last) : print_bytes(&t, first, last);
	return status;
}

/* ---- head */

static int parse_count(const char *s, int64_t *n)
{
	char *end;

	*n = strtoll(s, &end, 10);
	return end != s && !*end && *n >= 0 ? 0 : cmd_usage("\"%s\" is no number", s);
}

static int print_first(const struct cmd_target *t, int64_t bytes, int64_t lines)
{
	copy.lines = bytes < 0 ? lines : -1;
	if (!bytes || !copy.lines)
		return 0;
	return bytes < 0 ? print_bytes(t, -1, -1) : print_bytes(t, 0, bytes - 1);
}

int cmd_head(int argc, char **argv)
{
	int64_t bytes = -1, lines = 10;
	struct cmd_target t;
	int c, status = 0;

	while ((c = getopt(argc, argv, ":c:n:")) != -1)
		if (c != 'c' && c != 'n')
			return option_wrong();
		else if (parse_count(optarg, c == 'c' ? &bytes : &lines))
			return CMD_USAGE;
	if (optind == argc)
		return cmd_usage("no TARGET");
	for (int i = optind; i < argc && !copy.out_err; i++) {
		if (argc - optind > 1)
			dprintf(1, "%s==> %s <==\n", i > optind ? "\n" : "", argv[i]);
		status |= file_target(argv[i], &t) ? CMD_FAILED : print_first(&t, bytes, lines);
	}
	return status;
}

/* ---- stat */

static void print_headers(struct s3_request *r, int err)
{
	if (err)
		return;
	printf("url: s3://%s/%s\n", r->bucket->name, r->key);
	for (unsigned i = 0; i < r->http->ngot; i++)
		printf("%s: %s\n", r->http->got[i].name, r->http->got[i].value);
}

/* 0, or -ENOTDIR or why it is not known. */
static int print_dir(const struct cmd_target *t)
{
	struct s3_attr attr;
	int err = target_attr(t, &attr);

	if (err || !S_ISDIR(attr.mode))
		return err ? err : -ENOTDIR;
	printf("url: s3://%s/%s%s\ntype: directory\n", t->bucket->name, t->key, t->directory ? "" : "/");
	return 0;
}

/* Of a path that is both the directory, as stat; of a key first of all the object. */
static int print_stat(const struct cmd_target *t)
{
	int by_key = t->by_key && *t->key, err = by_key ? -ENOTDIR : print_dir(t);
	struct s3_request r;

	if (err != -ENOTDIR)
		return err ? target_failed(t, NULL, err) : 0;
	target_request(&r, t, "HEAD", t->key);
	s3_header(&r, "x-amz-checksum-mode", "ENABLED");
	r.done = print_headers;
	err = cmd_request(&r);
	if (!err || (err == -ENOENT && by_key && !print_dir(t)))
		return 0;
	return target_failed(t, &r, err);
}

int cmd_stat(int argc, char **argv)
{
	struct cmd_target t;
	int status = 0;

	if (getopt(argc, argv, ":") != -1)
		return option_wrong();
	if (optind == argc)
		return cmd_usage("no TARGET");
	for (int i = optind; i < argc; i++) {
		if (i > optind)
			putchar('\n');
		status |= target_get(argv[i], &t) ? CMD_FAILED : print_stat(&t);
	}
	return status;
}
