/* SPDX-License-Identifier: MIT */
/* What commands are about, and waiting for answers; see cmd_target.h. */
#include "cmd_target.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "conf_text.h"
#include "count.h"

#define NO_TARGET "neither s3://BUCKET/KEY nor below the prefix of a rule for s3"

static struct conf conf;

int target_failed(const struct cmd_target *t, const struct s3_request *r, int err)
{
	const char *why = r ? r->message : "";

	for (unsigned i = 0; !r && i < S3_STATS_NOTES && count->note[i].times; i++)
		why = count->note[i].text;
	cmd_warn("%s: %s", t->word, *why ? why : strerror(-err));
	return CMD_FAILED;
}

int option_wrong(void)
{
	return cmd_usage("option -%c", optopt);
}

/* ---- targets */

static int bucket_of(struct cmd_target *t, const char *text)
{
	char why[S3_WHY] = "no memory";

	if (!s3_bucket_get(text, &t->bucket, why))
		return 0;
	cmd_warn("%s", why);
	return CMD_CONFIG;
}

static int no_target(const struct cmd_target *t, const char *why)
{
	cmd_warn("%s: %s", t->word, why);
	return CMD_FAILED;
}

/* The first rule for the bucket of n bytes knows how it is reached. */
static const char *options_for(const char *bucket, size_t n)
{
	for (unsigned i = 0; i < conf.nrules; i++) {
		const char *target = conf.rules[i].target;

		if (!strcmp(conf.rules[i].be->name, "s3") && strcspn(target, "/?") == n &&
		    !strncmp(target, bucket, n))
			return strchrnul(target, '?');
	}
	return "";
}

static int by_key(struct cmd_target *t, const char *rest)
{
	size_t n = strcspn(rest, "/");
	const char *key = rest[n] ? rest + n + 1 : "";
	char text[CONF_PATH_MAX];
	size_t len = strlen(key);
	int status;

	if (len > NAMES_KEY_MAX)
		return no_target(t, strerror(ENAMETOOLONG));
	if (!n ||
	    snprintf(text, sizeof(text), "%.*s%s", (int)n, rest, options_for(rest, n)) >= (int)sizeof(text))
		return no_target(t, NO_TARGET);
	status = bucket_of(t, text);
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

static const struct conf_rule *rule_of(const char *path)
{
	const struct conf_rule *best = NULL;

	for (unsigned i = 0; i < conf.nrules; i++) {
		const struct conf_rule *r = &conf.rules[i];
		size_t n = strlen(r->prefix);

		if (n == 1)
			n = 0;          /* the root */
		if (!strncmp(path, r->prefix, n) && (!path[n] || path[n] == '/') &&
		    (!best || n > strlen(best->prefix)))
			best = r;
	}
	return best;
}

/* The path as the shim sees it, by its words alone. */
static int clean_path(const char *word, char path[2 * PATH_MAX])
{
	char cwd[PATH_MAX] = "";

	if (strlen(word) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (*word != '/' && !getcwd(cwd, sizeof(cwd)))
		return -errno;
	sprintf(path, "%s/%s", cwd, word);
	text_clean_path(path);
	return 0;
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
	char path[2 * PATH_MAX];
	size_t n = strlen(t->word);
	const struct conf_rule *r;
	int err = clean_path(t->word, path), status;

	if (err)
		return no_target(t, strerror(-err));
	r = rule_of(path);
	if (!r || strcmp(r->be->name, "s3"))
		return no_target(t, NO_TARGET);
	status = bucket_of(t, r->target);
	if (status)
		return status;
	strcpy(t->name, path + (r->prefix[1] ? strlen(r->prefix) : 0));
	if (!strcmp(t->name, "/"))
		*t->name = '\0';
	t->directory = !*t->name || t->word[n - 1] == '/';
	return set_key(t);
}

int target_get(const char *word, struct cmd_target *t)
{
	char error[CONF_ERROR_MAX];
	static int loaded;

	memset(t, 0, sizeof(*t));
	t->word = word;
	if (!loaded && conf_load(&conf, environ, error)) {
		cmd_warn("%s", error);
		return CMD_CONFIG;
	}
	loaded = 1;
	return strncmp(word, "s3://", 5) ? by_path(t) : by_key(t, word + 5);
}

/* ---- waiting */

void target_request(struct s3_request *r, const struct cmd_target *t, const char *method, const char *key)
{
	memset(r, 0, sizeof(*r));
	r->bucket = t->bucket;
	r->method = method;
	r->key = key;
	r->first = -1;
	r->body_fd = -1;
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
