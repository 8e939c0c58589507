/* SPDX-License-Identifier: MIT */
/* shim s3 rm, mb and rb: objects and buckets removed, buckets made. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd_delete.h"
#include "cmd_target.h"
#include "names/names_page.h"

static struct {
	int all, force, dry, verbose;
} opt;

static struct delete_batch batch;
static int status;

/* ---- rm */

static void print_removed(const char *key)
{
	progress_clear();
	printf("rm s3://%s/%s\n", batch.b->name, key);
}

static void removed(void *arg, const char *key, int err, const char *why)
{
	(void)arg;
	progress_add(1);
	if (!err && opt.verbose)
		print_removed(key);
	if (!err)
		return;
	cmd_warn("s3://%s/%s: %s", batch.b->name, key, *why ? why : strerror(-err));
	status = CMD_FAILED;
}

static void add(struct s3_bucket *b, const char *prefix, const char *rest)
{
	char *key;

	if (asprintf(&key, "%s%s", prefix, rest) < 0)
		abort();
	if (opt.dry) {
		batch.b = b;
		print_removed(key);
		free(key);
		return;
	}
	delete_add(&batch, b, key);
}

struct listing {
	const char *prefix;
	struct page page;
	int err;
};

static void listed(struct s3_request *r, int err)
{
	struct listing *l = r->arg;

	l->err = err ? err : page_parse(&l->page, l->prefix, r->text, r->text_len);
}

/* All below it; how many there were, or -1 after a message. */
static long remove_below(const struct cmd_target *t, const char *prefix)
{
	struct listing l = { .prefix = prefix, .page.flat = 1 };
	struct s3_request r;
	long n = 0;
	int err;

	do {
		page_request(&r, t->bucket, prefix, NULL, l.page.token);
		r.done = listed;
		r.arg = &l;
		cmd_request(&r);
		err = l.err;
		for (size_t i = 0; !err && i < l.page.n; i++, n++)
			add(t->bucket, prefix, l.page.item[i].key);
		if (!err)
			err = page_more(&l.page);
		page_drop(&l.page);
	} while (err > 0);
	page_free(&l.page);
	if (err < 0)
		target_failed(t, &r, err);
	return err < 0 ? -1 : n;
}

/* The object itself: 1 there is one, 0 none, -1 after a message. */
static int remove_object(const struct cmd_target *t)
{
	struct s3_request r;
	int err = 0;

	if (!opt.force || opt.all) {    /* DELETE does not say that there was none */
		target_request(&r, t, "HEAD", t->key);
		err = cmd_request(&r);
	}
	if (err && err != -ENOENT)
		return target_failed(t, &r, err), -1;
	if (!err)
		add(t->bucket, t->key, "");
	return !err;
}

static int no_such(const struct cmd_target *t)
{
	struct s3_attr attr;

	if (!opt.all && !target_attr(t, &attr) && S_ISDIR(attr.mode))
		return cmd_warn("%s: is a directory; -r removes all that is in it", t->word), CMD_FAILED;
	return opt.force ? 0 : target_failed(t, NULL, -ENOENT);
}

static int remove_target(const struct cmd_target *t)
{
	int whole = t->by_key ? !*t->key : !*t->name, object = 0;
	char prefix[S3_NAME_MAX];
	long below = 0;

	if (whole && !(opt.all && opt.force)) {
		cmd_warn("%s: is all of %s; -r and -f remove that", t->word, t->by_key ? "the bucket" : "the rule's prefix");
		return CMD_FAILED;
	}
	if (!t->directory || (t->by_key && !whole && !opt.all))
		object = remove_object(t);
	if (opt.all && object >= 0 && !target_prefix(t, prefix))
		below = remove_below(t, prefix);
	if (object < 0 || below < 0)
		return CMD_FAILED;
	return object || below || whole ? 0 : no_such(t);
}

int cmd_rm(int argc, char **argv)
{
	struct cmd_target t;
	int c;

	while ((c = getopt(argc, argv, ":rfnv")) != -1)
		switch (c) {
		case 'r': opt.all = 1; break;
		case 'f': opt.force = 1; break;
		case 'n': opt.dry = 1; break;
		case 'v': opt.verbose = 1; break;
		default: return option_wrong();
		}
	if (optind == argc)
		return cmd_usage("no TARGET");
	batch.told = removed;
	progress_begin("objects removed", -1, PROGRESS_COUNT);
	for (int i = optind; i < argc; i++)
		status |= target_get(argv[i], &t) || target_is_fixed(&t) ? CMD_FAILED : remove_target(&t);
	delete_now(&batch);
	progress_end();
	return status;
}

/* ---- buckets */

/* The one word that names a bucket alone. */
static int bucket_target(int argc, char **argv, struct cmd_target *t)
{
	int err;

	if (getopt(argc, argv, ":") != -1)
		return option_wrong();
	if (optind != argc - 1 || strncmp(argv[optind], "s3://", 5))
		return cmd_usage("one s3://BUCKET is needed");
	err = target_get(argv[optind], t);
	if (!err && *t->key)
		return cmd_usage("%s: is more than a bucket", t->word);
	return err || target_is_fixed(t) ? CMD_FAILED : 0;
}

static int change_bucket(const struct cmd_target *t, const char *method, const char *body)
{
	struct s3_request r;
	int err;

	target_request(&r, t, method, NULL);
	r.body = body;
	r.body_len = strlen(body);
	r.no_status = 1;
	err = cmd_request(&r);
	return err ? target_failed(t, &r, err) : 0;
}

/* AWS wants to be told the region again, but for its first one; others have places of their own. */
int cmd_mb(int argc, char **argv)
{
	struct cmd_target t;
	char body[300] = "";
	int err = bucket_target(argc, argv, &t);

	if (err)
		return err;
	if (t.bucket->default_endpoint && strcmp(t.bucket->region, "us-east-1"))
		snprintf(body, sizeof(body), "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
			 "<LocationConstraint>%.100s</LocationConstraint></CreateBucketConfiguration>", t.bucket->region);
	return change_bucket(&t, "PUT", body);
}

int cmd_rb(int argc, char **argv)
{
	struct cmd_target t;
	int err = bucket_target(argc, argv, &t);

	return err ? err : change_bucket(&t, "DELETE", "");
}
