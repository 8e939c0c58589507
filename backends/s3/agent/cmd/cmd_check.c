/* SPDX-License-Identifier: MIT */
/* shim s3 check: whether a bucket can be used, what it can do, and how fast. */
#include "cmd_check.h"
#include "cmd_target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop/loop.h"
#include "names/names_page.h"
#include "http/xml.h"

#define SAMPLES 11                      /* of the latency */
#define SAMPLE_BYTES (64 << 20)
#define SAMPLE_TIME (2 * LOOP_SECOND)

void check_request(struct s3_request *r, struct check *c, const char *method, const char *key)
{
	memset(r, 0, sizeof(*r));
	r->bucket = c->b;
	r->method = method;
	r->key = key;
	r->first = r->last = -1;
	r->body_fd = -1;
}

/* ---- who */

static void have_key(void *arg, const struct sigv4_key *key, int err)
{
	(void)key;
	*(int *)arg = err;
	cmd_ready();
}

static int check_credentials(struct check *c)
{
	struct creds *k = c->b->creds;
	time_t expires;
	char until[64] = "";
	int err;

	creds_get(k, have_key, &err);
	cmd_wait();
	expires = creds_expire(k);
	if (err) {
		check_fail(c, "credentials", "aws configure, a profile= of the rule, or anonymous=on for a public bucket",
			   "%s", creds_source(k));
		return err;
	}
	if (expires)
		strftime(until, sizeof(until), ", until %F %T UTC", gmtime(&expires));
	check_ok("credentials", "%s%s", creds_source(k), until);
	return 0;
}

/* ---- the listing */

/* The largest object that is not archived is what is tried. */
static void look_at(struct check *c, const struct listed *l)
{
	const char *storage = l->storage_class ? l->storage_class : "";

	c->listed++;
	if (l->size <= c->size || strstr(storage, "GLACIER") || strstr(storage, "ARCHIVE"))
		return;
	snprintf(c->key, sizeof(c->key), "%s%s", c->prefix, l->key);
	snprintf(c->etag, sizeof(c->etag), "%s", l->etag ? l->etag : "");
	c->size = l->size;
}

struct listing {
	struct check *c;
	int64_t date;
};

static void has_list(struct s3_request *r, int err)
{
	struct listing *l = r->arg;
	struct page page = { .flat = 1 };

	l->date = r->http ? s3_date(http_got(r->http, "date")) : -1;
	if (!err && !page_parse(&page, l->c->prefix, r->text, r->text_len))
		for (size_t i = 0; i < page.n; i++)
			look_at(l->c, &page.item[i]);
	l->c->more = page.truncated;
	page_free(&page);
}

static int check_list(struct check *c)
{
	struct listing l = { .c = c, .date = -1 };
	struct s3_request r;
	int err;

	page_request(&r, c->b, c->prefix, NULL, NULL);
	s3_param(&r, "max-keys", "1000");
	r.arg = &l;
	r.done = has_list;
	err = cmd_request(&r);
	if (err) {
		check_refused(c, "list", &r, err, "s3:ListBucket");
		/* single objects may be allowed all the same */
		return strcmp(r.code, "AccessDenied") ? err : 0;
	}
	check_ok("list", "%u object%s%s", c->listed, c->listed == 1 ? "" : "s", c->more ? ", and more" : "");
	if (l.date > 0 && llabs(l.date - (int64_t)time(NULL)) > 240)
		check_no("clock", "the server's is %+" PRId64 " s from ours; requests are dated by the server's",
			 l.date - (int64_t)time(NULL));
	return 0;
}

/* ---- reading */

static int drop(struct s3_request *r, int64_t at, const void *p, size_t n)
{
	(void)r;
	(void)at;
	(void)p;
	(void)n;
	return 0;
}

static int check_get(struct check *c)
{
	struct s3_request r;
	int err;

	check_request(&r, c, "GET", c->key);
	r.first = 0;
	r.last = c->size > 4096 ? 4095 : c->size - 1;
	r.data = drop;
	err = cmd_request(&r);
	if (err)
		check_refused(c, "get", &r, err, "s3:GetObject");
	else
		check_ok("get", "%s, %" PRId64 " bytes; a range of it", c->key, c->size);
	return err;
}

static void check_if_match(struct check *c)
{
	struct s3_request r;
	int err;

	check_request(&r, c, "GET", c->key);
	r.first = r.last = 0;
	r.no_status = 1;
	r.data = drop;
	s3_header(&r, "if-match", "\"0\"");
	err = cmd_request(&r);
	if (err == -ESTALE)
		check_ok("If-Match", "of reads: an object replaced meanwhile is noticed at once");
	else
		check_no("If-Match", "of reads is not looked at: an object replaced meanwhile is noticed by its ETag");
}

struct found {
	char checksum[32];
	int version;
};

static void has_head(struct s3_request *r, int err)
{
	struct found *f = r->arg;

	for (unsigned i = 0; !err && i < r->http->ngot; i++)
		if (!strncmp(r->http->got[i].name, "x-amz-checksum-", 15) && strcmp(r->http->got[i].name + 15, "type"))
			snprintf(f->checksum, sizeof(f->checksum), "%s", r->http->got[i].name + 15);
	f->version = *r->version && strcmp(r->version, "null");
}

static void check_object(struct check *c)
{
	struct found f = { 0 };
	struct s3_request r;
	int err;

	check_request(&r, c, "HEAD", c->key);
	s3_header(&r, "x-amz-checksum-mode", "ENABLED");
	r.arg = &f;
	r.done = has_head;
	err = cmd_request(&r);
	if (err) {
		check_refused(c, "head", &r, err, "s3:GetObject");
		return;
	}
	if (*f.checksum)
		check_ok("checksum", "%s is stored with %s", f.checksum, c->key);
	else
		check_no("checksum", "none is stored with %s", c->key);
	if (f.version)
		c->b->versions = 1;
}

static int versioning_leaf(void *arg, const char *path, const char *value)
{
	if (!strcmp(path, "VersioningConfiguration/Status"))
		snprintf(arg, 16, "%s", value);
	return 0;
}

static void has_versioning(struct s3_request *r, int err)
{
	if (!err)
		xml_parse(r->text, r->text_len, versioning_leaf, NULL, r->arg);
}

static void check_versions(struct check *c)
{
	char status[16] = "";
	struct s3_request r;
	int err;

	check_request(&r, c, "GET", NULL);
	s3_param(&r, "versioning", NULL);
	r.no_status = 1;
	r.arg = status;
	r.done = has_versioning;
	err = cmd_request(&r);
	if (!err)
		c->b->versions = !strcmp(status, "Enabled");
	if (c->b->versions == 1)
		check_ok("versions", "an open file stays readable when its object is replaced or removed");
	else if (err == -EACCES)
		check_no("versions", "not known: s3:GetBucketVersioning is not allowed");
	else
		check_no("versions", "%s: reads of a file whose object was replaced meanwhile fail with ESTALE",
			 *status ? status : "not kept");
}

/* ---- speed */

struct sample {
	uint64_t first, all, end;
	int64_t bytes;
};

static int sampled(struct s3_request *r, int64_t at, const void *p, size_t n)
{
	struct sample *s = r->arg;

	(void)at;
	(void)p;
	s->bytes += (int64_t)n;
	return loop_now() > s->end ? -ECANCELED : 0;
}

static void has_sample(struct s3_request *r, int err)
{
	struct sample *s = r->arg;

	(void)err;
	if (r->http && r->http->first_byte) {
		s->first = r->http->first_byte - r->http->started;
		s->all = r->http->ended - r->http->started;
	}
}

static int sample(struct check *c, const char *key, int64_t bytes, struct sample *s)
{
	struct s3_request r;
	int err;

	*s = (struct sample){ .end = loop_now() + SAMPLE_TIME };
	check_request(&r, c, "GET", key);
	r.first = 0;
	r.last = bytes - 1;
	r.data = sampled;
	r.done = has_sample;
	r.arg = s;
	err = cmd_request(&r);
	return err == -ECANCELED ? 0 : err;
}

static int by_time(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void check_speed(struct check *c, const char *key, int64_t size)
{
	uint64_t first[SAMPLES];
	struct sample s = { 0 };

	for (unsigned i = 0; i < SAMPLES; i++) {
		if (sample(c, key, 1, &s))
			return;
		first[i] = s.first;
	}
	qsort(first, SAMPLES, sizeof(*first), by_time);
	check_note("first byte", "after %.1f to %.1f ms, median %.1f ms, of %d requests", (double)first[0] / 1e6,
	     (double)first[SAMPLES - 1] / 1e6, (double)first[SAMPLES / 2] / 1e6, SAMPLES);
	if (sample(c, key, size < SAMPLE_BYTES ? size : SAMPLE_BYTES, &s) || !s.all)
		return;
	check_note("one stream", "%.1f MiB/s, of %.2f MiB", (double)s.bytes / 1048576 / ((double)s.all / 1e9),
	     (double)s.bytes / 1048576);
}

/* ---- the command */

static void check_reading(struct check *c)
{
	if (!*c->key) {
		check_no("get", "no object to try it with%s", c->listed ? ": all are empty or archived" : "");
		return;
	}
	if (check_get(c))
		return;
	check_if_match(c);
	check_object(c);
}

static int run(struct check *c, int writes)
{
	check_describe(c);
	if (check_credentials(c) || check_list(c))
		return CMD_FAILED;
	check_reading(c);
	check_versions(c);
	if (writes)
		check_writing(c);
	if (*c->key)
		check_speed(c, c->key, c->size);
	return c->failed ? CMD_FAILED : 0;
}

int cmd_check(int argc, char **argv)
{
	int writes = argc > 1 && !strcmp(argv[1], "--write"), status;
	struct cmd_target t;
	static struct check c;

	if (argc != 2 + writes || argv[1 + writes][0] == '-')
		return cmd_usage("s3 check: one PREFIX or s3://BUCKET is needed");
	status = target_get(argv[1 + writes], &t);
	if (status)
		return status;
	status = target_prefix(&t, c.prefix);
	if (status)
		return target_failed(&t, NULL, status);
	c.b = t.bucket;
	return run(&c, writes);
}
