/* SPDX-License-Identifier: MIT */
/* What is to be copied, and where to; see cmd_plan.h. */
#include "cmd_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int plan_wrong(struct plan *p, const char *word, const char *why)
{
	cmd_warn("%s: %s", word, why);
	return p->status = CMD_FAILED;
}

void plan_free(struct plan *p)
{
	task_list_free(&p->tasks);
	for (size_t i = 0; i < p->dirs; i++)
		free(p->dir[i]);
	free(p->dir);
}

/* ---- names */

void plan_name(const char *word, char name[S3_NAME_MAX])
{
	const char *rest = strncmp(word, "s3://", 5) ? word : word + 5 + strcspn(word + 5, "/?");
	const char *slash = strrchr(rest, '/');

	snprintf(name, S3_NAME_MAX, "%s", *rest == '?' ? "" : slash ? slash + 1 : rest);
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		*name = 0;
}

char *plan_joined(const char *a, const char *b, const char *c)
{
	char *s;

	if (asprintf(&s, "%s%s%s", a, b, c) < 0)
		abort();
	return s;
}

struct task_end plan_here(const char *path, size_t trusted)
{
	return (struct task_end){ NULL, plan_joined(path, "", ""), trusted };
}

struct task_end plan_there(struct s3_bucket *b, const char *prefix, const char *key)
{
	return (struct task_end){ b, plan_joined(prefix, key, ""), 0 };
}

/* ---- the destination */

int plan_to(struct plan *p, const char *word)
{
	struct plan_to *to = &p->to;
	struct s3_attr attr;
	struct stat st;
	int status;

	to->word = word;
	to->stream = !strcmp(word, "-");
	to->local = to->stream || target_is_local(word);
	if (to->local) {
		to->into = !to->stream && stat(word, &st) == 0 && S_ISDIR(st.st_mode);
		return 0;
	}
	status = target_get(word, &to->t);
	if (!status && target_is_fixed(&to->t))
		status = CMD_FAILED;
	if (status)
		return status;
	to->into = to->t.directory || (!to->t.by_key && !target_attr(&to->t, &attr) && S_ISDIR(attr.mode));
	return 0;
}

/* Whether a path of the destination is one that may be written whatever it is: below this nothing is trusted. */
static size_t directory_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash + 1 - path) : 0;
}

/*
 * The end of what is called `name` (a path: "a/b") below the destination, or of
 * the destination itself (""). key: what it is in a bucket if it was in one; else NULL.
 */
static int end_for(struct plan *p, const char *name, const char *key, struct task_end *e)
{
	struct plan_to *to = &p->to;
	char whole[S3_NAME_MAX], at[S3_NAME_MAX];
	size_t n = strlen(to->word);
	int err;

	if (to->local) {
		const char *slash = *name && n && to->word[n - 1] != '/' ? "/" : "";

		*e = (struct task_end){ NULL, plan_joined(to->word, slash, name), *name ? n + strlen(slash) :
			directory_part(to->word) };
		return 0;
	}
	if (key) {
		err = target_prefix(&to->t, at);
		if (!err && strlen(at) + strlen(key) > NAMES_KEY_MAX)
			err = -ENAMETOOLONG;
		if (!err)
			*e = plan_there(to->t.bucket, at, key);
		return err;
	}
	if (!*name) {
		*e = plan_there(to->t.bucket, to->t.key, "");
		return 0;
	}
	if (snprintf(whole, sizeof(whole), "%s/%s", to->t.name, name) >= (int)sizeof(whole))
		return -ENAMETOOLONG;
	err = names_key(to->t.bucket, whole, at);
	if (err < 0)
		return err;
	*e = plan_there(to->t.bucket, at, "");
	return 0;
}

static int is_same(const struct task_end *a, const struct task_end *b)
{
	if (a->b && b->b)
		return !strcmp(a->b->name, b->b->name) && !strcmp(a->b->endpoint, b->b->endpoint) && !strcmp(a->name, b->name);
	return 0;
}

struct task *plan_add(struct plan *p, struct task_end from, const char *name, const char *key, int64_t size)
{
	struct task_end to;
	int err = end_for(p, name, key, &to);

	if (err) {
		plan_wrong(p, from.name, strerror(-err));
		free(from.name);
		return NULL;
	}
	if (is_same(&from, &to)) {
		plan_wrong(p, from.name, "source and destination are the same object");
		free(from.name);
		free(to.name);
		return NULL;
	}
	return task_add(&p->tasks, from, to, size);
}

int plan_from(struct plan *p, const char *word)
{
	return !strcmp(word, "-") || target_is_local(word) ? plan_files(p, word) : plan_objects(p, word);
}
