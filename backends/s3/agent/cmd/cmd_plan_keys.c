/* SPDX-License-Identifier: MIT */
/* Objects that are to be copied; see cmd_plan.h. */
#include "cmd_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "names/names_page.h"

struct keys {
	struct page page;
	const char *prefix;
	int err;
};

static void listed(struct s3_request *r, int err)
{
	struct keys *k = r->arg;

	k->err = err ? err : page_parse(&k->page, k->prefix, r->text, r->text_len);
}

/* All below a prefix, at once: how much it is, and which names are both a file's and a directory's. */
static int list_all(const struct cmd_target *t, struct keys *k)
{
	struct s3_request r;
	int err;

	do {
		page_request(&r, t->bucket, k->prefix, NULL, k->page.token);
		r.done = listed;
		r.arg = k;
		cmd_request(&r);
		err = k->err ? k->err : page_more(&k->page);
	} while (err > 0);
	return err ? target_failed(t, &r, err) : 0;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct listed *)a)->key, ((const struct listed *)b)->key);
}

/* Whether keys go on with it and a slash. */
static int is_directory_too(const struct page *p, const char *key)
{
	char *dir = plan_joined(key, "/", "");
	size_t low = 0, high = p->n, n = strlen(dir);

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (strcmp(p->item[mid].key, dir) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	low = low < p->n && !strncmp(p->item[low].key, dir, n);
	free(dir);
	return (int)low;
}

/* The path of a key below the source, as a listing would show it: what cannot be a path's has another name. */
static int name_of(const struct cmd_target *t, const struct keys *k, const char *key, int file, char name[S3_NAME_MAX])
{
	char whole[S3_NAME_MAX];
	size_t n = strlen(t->name);
	char *last;
	int err;

	if (strlen(k->prefix) + strlen(key) > NAMES_KEY_MAX)
		return -ENAMETOOLONG;
	snprintf(whole, sizeof(whole), "%s%s", k->prefix, key);
	err = names_of_key(t->bucket, whole, name);
	if (err < 0)
		return err;
	if (strncmp(name, t->name, n) || name[n] != '/')
		return -EINVAL;
	memmove(name, name + n + 1, strlen(name + n + 1) + 1);
	if (!file || !is_directory_too(&k->page, key))
		return 0;
	snprintf(whole, sizeof(whole), "%s", name);
	last = strrchr(whole, '/');
	last = last ? last + 1 : whole;
	return snprintf(name, S3_NAME_MAX, "%.*s@s3file=%s", (int)(last - whole), whole, last) < S3_NAME_MAX ? 0 :
		-ENAMETOOLONG;
}

static void add_object(struct plan *p, const struct cmd_target *t, const struct keys *k, const struct listed *l,
		       const char *below)
{
	char name[S3_NAME_MAX] = "", whole[S3_NAME_MAX], key[2 * S3_NAME_MAX];
	size_t n = strlen(l->key);
	int marker = p->to.local && !l->size && (!n || l->key[n - 1] == '/');
	char *cut = marker && n ? strndup(l->key, n - 1) : NULL;
	int err = !n ? 0 : name_of(t, k, cut ? cut : l->key, !cut, name);
	struct task *task;

	free(cut);
	if (!err && snprintf(whole, sizeof(whole), "%s%s%s", below, *below && *name ? "/" : "", name) >= (int)sizeof(whole))
		err = -ENAMETOOLONG;
	if (err) {
		plan_wrong(p, l->key, strerror(-err));
		return;
	}
	if (!*whole && (p->to.local || !*p->to.t.key))
		return;                 /* the destination itself */
	snprintf(key, sizeof(key), "%s%s%s", below, *below ? "/" : "", l->key);
	task = plan_add(p, plan_there(t->bucket, k->prefix, l->key), whole, key, l->size);
	if (!task)
		return;
	task->kind = marker ? TASK_DIR : TASK_FILE;
	snprintf(task->etag, sizeof(task->etag), "%s", l->etag ? l->etag : "");
}

static int add_objects(struct plan *p, const struct cmd_target *t, const char *below)
{
	char prefix[S3_NAME_MAX];
	struct keys k = { .page.flat = 1, .prefix = prefix };
	int status;

	if (target_prefix(t, prefix))
		return target_failed(t, NULL, -ENOTDIR);
	p->new_dir |= p->to.local && !p->to.into;
	status = list_all(t, &k);
	if (!status) {
		qsort(k.page.item, k.page.n, sizeof(*k.page.item), by_key);
		for (size_t i = 0; i < k.page.n; i++)
			add_object(p, t, &k, &k.page.item[i], below);
	}
	page_free(&k.page);
	return p->status |= status;
}

int plan_objects(struct plan *p, const char *word)
{
	struct cmd_target t;
	struct s3_attr attr = { .mode = S_IFDIR };
	char name[S3_NAME_MAX];
	const char *last;
	int err = target_get(word, &t), dir;

	if (!err && task_options.move && target_is_fixed(&t))
		err = CMD_FAILED;
	if (err)
		return p->status = err;
	plan_name(word, name);
	dir = t.directory;
	if (!dir && p->all)
		dir = !target_attr(&t, &attr) && S_ISDIR(attr.mode);
	if (dir && !p->all)
		return plan_wrong(p, word, "is a directory; -r copies what is in it");
	if (dir && p->to.stream)
		return plan_wrong(p, word, "is a directory; standard output takes one object");
	if (dir)
		return add_objects(p, &t, p->to.into ? name : "");
	if (p->to.into && t.by_key && names_of_key(t.bucket, t.key, name) > 0)
		memmove(name, strrchr(name, '/') + 1, strlen(strrchr(name, '/')));
	last = strrchr(t.key, '/');
	plan_add(p, plan_there(t.bucket, t.key, ""), p->to.into ? name : "", !p->to.into ? NULL : last ? last + 1 : t.key, -1);
	return p->status;
}
