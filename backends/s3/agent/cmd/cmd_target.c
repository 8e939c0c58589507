/* SPDX-License-Identifier: MIT */
/* What commands are about, and waiting for answers; see cmd_target.h. */
#include "cmd_target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "request/count.h"

#define NO_TARGET "neither s3://BUCKET/KEY nor below the prefix of a rule for s3"

int target_failed(const struct cmd_target *t, const struct s3_request *r, int err)
{
	const char *why = r ? r->message : count_last();

	cmd_warn("%s: %s", t->word, *why ? why : strerror(-err));
	return CMD_FAILED;
}

int option_wrong(void)
{
	return cmd_usage("option -%c", optopt);
}

/* ---- targets */

static int no_target(const struct cmd_target *t, const char *why)
{
	cmd_warn("%s: %s", t->word, why);
	return CMD_FAILED;
}

/* The first rule for the bucket of n bytes knows how it is reached. */
static const char *options_for(const struct conf *conf, const char *bucket, size_t n)
{
	for (unsigned i = 0; i < conf->nrules; i++) {
		const char *target = conf->rules[i].target;

		if (!strcmp(conf->rules[i].be->name, "s3") && strcspn(target, "/?") == n &&
		    !strncmp(target, bucket, n))
			return strchrnul(target, '?');
	}
	return "";
}

static int by_key(struct cmd_target *t, const char *rest)
{
	size_t n = strcspn(rest, "/?");
	const char *key = rest[n] == '/' ? rest + n + 1 : "";
	const struct conf *conf = cmd_conf();
	const char *options = rest[n] == '?' || !conf ? rest + n : options_for(conf, rest, n);
	char text[CONF_PATH_MAX];
	size_t len = strlen(key);
	int status;

	if (!conf)
		return CMD_CONFIG;
	if (len > NAMES_KEY_MAX)
		return no_target(t, strerror(ENAMETOOLONG));
	if (!n ||
	    snprintf(text, sizeof(text), "%.*s%s", (int)n, rest, options) >= (int)sizeof(text))
		return no_target(t, NO_TARGET);
	status = cmd_bucket(text, &t->bucket);
	if (status)
		return status;
	t->by_key = 1;
	t->directory = !len || key[len - 1] == '/';
	memcpy(t->key, key, len + 1);
	if (!len)
		return 0;
	if (t->directory)
		t->key[len - 1] = '\0';
	len = (size_t)names_of_key(t->bucket, t->key, t->name);
	strcpy(t->key, key);
	return (int)len < 0 ? no_target(t, strerror(-(int)len)) : 0;
}

static int set_key(struct cmd_target *t)
{
	int n = t->directory ? -EISDIR : names_key(t->bucket, t->name, t->key);

	if (n == -EISDIR) {
		t->directory = 1;
		n = names_prefix(t->bucket, t->name, t->key);
	}
	return n < 0 ? no_target(t, strerror(-n)) : 0;
}

static int by_path(struct cmd_target *t)
{
	const struct conf_rule *r;
	int status = cmd_path(t->word, &r, t->name);

	if (status < 0)
		return no_target(t, status == -ENOENT ? NO_TARGET : strerror(-status));
	if (!status)
		status = cmd_bucket(r->target, &t->bucket);
	if (status)
		return status;
	t->directory = !*t->name || t->word[strlen(t->word) - 1] == '/';
	return set_key(t);
}

int target_get(const char *word, struct cmd_target *t)
{
	memset(t, 0, sizeof(*t));
	t->word = word;
	return strncmp(word, "s3://", 5) ? by_path(t) : by_key(t, word + 5);
}

int target_is_fixed(const struct cmd_target *t)
{
	return t->bucket->option[S3_OPT_WRITE] ? 0 : no_target(t, "write=off of its rule");
}

int target_is_local(const char *word)
{
	const struct conf_rule *r;
	char name[S3_NAME_MAX];

	return strncmp(word, "s3://", 5) && cmd_path(word, &r, name) == -ENOENT;
}

int target_prefix(const struct cmd_target *t, char prefix[S3_NAME_MAX])
{
	size_t n = strlen(t->key);
	int err;

	if (t->directory || t->by_key) {
		strcpy(prefix, t->key);
		if (n && prefix[n - 1] != '/' && n < NAMES_KEY_MAX)
			strcpy(prefix + n, "/");
		return 0;
	}
	err = names_prefix(t->bucket, t->name, prefix);
	return err < 0 ? err : 0;
}

/* ---- waiting */

void target_request(struct s3_request *r, const struct cmd_target *t, const char *method, const char *key)
{
	s3_prepare(r, t->bucket, method, key, NULL, NULL);
}

struct names_wait {
	struct s3_attr *attr;
	int (*each)(void *arg, const struct names_entry *e);
	void *arg;
	int err;
};

static void answered(struct names_wait *w, int err)
{
	w->err = err;
	cmd_ready();
}

static int wait_for(struct names_wait *w)
{
	cmd_wait();
	return w->err;
}

static void got_attr(void *arg, const struct s3_attr *attr, int err)
{
	struct names_wait *w = arg;

	if (!err)
		*w->attr = *attr;
	answered(w, err);
}

int target_attr(const struct cmd_target *t, struct s3_attr *attr)
{
	struct names_wait w = { .attr = attr };

	names_stat(t->bucket, t->name, got_attr, &w);
	return wait_for(&w);
}

static void got_list(void *arg, const struct names_list *l, int err)
{
	struct names_wait *w = arg;

	for (unsigned i = 0; !err && i < l->n; i++)
		if (w->each(w->arg, &l->entry[i]))
			break;
	answered(w, err);
}

int target_list(const struct cmd_target *t, const char *name,
		int (*each)(void *arg, const struct names_entry *e), void *arg)
{
	struct names_wait w = { .each = each, .arg = arg };

	names_list(t->bucket, name, got_list, &w);
	return wait_for(&w);
}
